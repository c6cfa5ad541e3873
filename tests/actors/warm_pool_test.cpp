// The warm pool's actor under CAF's deterministic scheduler, with a host and a keeper that the test plays.
#define CAF_SUITE warm_pool
#include "caf/test/dsl.hpp"

#include "actors/warm_pool/warm_pool.hpp"

using namespace troupe;

namespace {

struct system_config : actor_config {
  system_config() { set("scheduler.policy", caf::atom("testing")); }
};

worker_host_actor::behavior_type fake_host(worker_host_actor::pointer, int* launched) {
  return {
      [=](launch_worker& x) {
        ++*launched;
        return worker_address{x.worker, {"boot", static_cast<std::int32_t>(*launched), 1}, "/socket"};
      },
      [](assign_worker&) { return receipt{}; },
      [](start_worker&) {},
      [](deliver_reply&) { return reply_taken{}; },
      [](give_answer&) { return answer_taken{}; },
      [](end_worker&) { return ending_worker{}; },
      [](freeze_worker& x) { return worker_frozen{x.worker}; },
      [](thaw_worker&) {},
      [](renew_worker& x) { return worker_renewed{x.worker}; },
      [](note_work& x) { return work_declared{x.work}; },
      [](steer_worker& x) { return steered{x.value}; },
      [](kill_worker&) {},
      [](clear_session& x) { return session_cleared{x.session}; },
      [](adopt_worker&) { return worker_adopted{}; },
      [](say_goodbye& x) { return x; },
  };
}

journal_keeper_actor::behavior_type fake_keeper(journal_keeper_actor::pointer, std::vector<ledger_entry>* lines) {
  return {
      [=](append& a) {
        a.entry.n = lines->size() + 100;
        lines->push_back(std::move(a.entry));
        return appended{lines->back().n};
      },
      [](load_journal&) { return journal{}; },
      [](drop_session&) {},
      [](cache_row&) {},
      [](archive_asked&) { return archive{}; },
      [](revive_session&) { return session_history{}; },
      [](chain_asked&) { return reasons{}; },
      [](flush_journal& f) { return f; },
      [](timer_due&) {},
  };
}

struct fixture : test_coordinator_fixture<system_config> {
  int launched = 0;
  std::vector<ledger_entry> lines;
  warm_pool_actor pool;
  fixture() {
    warm_pool_setup setup;
    setup.policy.warmed = {"native", "1"};
    setup.epoch = 1;
    setup.host = sys.spawn(fake_host, &launched);
    setup.keeper = sys.spawn(fake_keeper, &lines);
    setup.now = [] { return std::int64_t{0}; };
    setup.jitter = [] { return 1.0; };
    setup.wall = [] { return wall_ms{0}; };
    pool = sys.spawn(make_warm_pool, std::move(setup));
    self->send(pool, open_pool{7});
    consume_messages();
  }
  ~fixture() {
    caf::anon_send_exit(pool, caf::exit_reason::kill);
    consume_messages();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(warm_pool_tests, fixture)

// POOL-2, POOL-6
CAF_TEST(two claims against one spare give two workers and one of them warm) {
  CAF_CHECK_EQUAL(launched, 1);
  self->send(pool, worker_ready{{std::uint64_t{1} << 32 | 1}});
  consume_messages();
  auto a = self->request(pool, caf::infinite, claim_worker{{"a"}, {"native", "1"}});
  auto b = self->request(pool, caf::infinite, claim_worker{{"b"}, {"native", "1"}});
  consume_messages();
  granted_worker first, second;
  a.receive([&](granted_worker& g) { first = g; }, [](caf::error&) { CAF_FAIL("the first claim was refused"); });
  b.receive([&](granted_worker& g) { second = g; }, [](caf::error&) { CAF_FAIL("the second claim was refused"); });
  CAF_CHECK(first.warm && !second.warm);
  CAF_CHECK(first.worker.worker != second.worker.worker);
}

// POOL-6, F-31
CAF_TEST(a spare that exits ahead of the claim is never granted) {
  worker_id spare{std::uint64_t{1} << 32 | 1};
  self->send(pool, worker_ready{spare});
  self->send(pool, worker_exited{spare, {}, "killed by signal 9"}); // wins the race
  auto reply = self->request(pool, caf::infinite, claim_worker{{"a"}, {"native", "1"}});
  consume_messages();
  reply.receive([&](granted_worker& g) { CAF_CHECK(!g.warm && g.worker.worker != spare); },
                [](caf::error&) { CAF_FAIL("refused"); });
}

// KEEP-8: stopped and run again while its first worker was still being launched
CAF_TEST(two claims of one session are both answered so that no worker is left without an owner) {
  auto a = self->request(pool, caf::infinite, claim_worker{{"a"}, {"native", "1"}});
  auto b = self->request(pool, caf::infinite, claim_worker{{"a"}, {"native", "1"}});
  consume_messages();
  std::vector<worker_id> got;
  auto take = [&](granted_worker& g) { got.push_back(g.worker.worker); };
  auto fail = [](caf::error&) { CAF_FAIL("a claim was refused"); };
  a.receive(take, fail);
  b.receive(take, fail);
  CAF_REQUIRE_EQUAL(got.size(), 2u);
  CAF_CHECK(got[0] != got[1]);
}

// F-08
CAF_TEST(each spawn and kill and end of a worker names the line that caused it) {
  worker_id spare{std::uint64_t{1} << 32 | 1};
  CAF_REQUIRE_EQUAL(lines.size(), 1u);
  CAF_CHECK_EQUAL(lines[0].what, "spawned");
  CAF_CHECK_EQUAL(lines[0].cause, 7u); // the start of the service
  self->send(pool, worker_exited{spare, {}, "killed by signal 9"});
  consume_messages();
  CAF_REQUIRE_EQUAL(lines.size(), 2u);
  CAF_CHECK_EQUAL(lines[1].what, "worker_ended");
  CAF_CHECK_EQUAL(lines[1].cause, lines[0].n);
  sched.trigger_timeouts(); // its successor
  consume_messages();
  CAF_REQUIRE_EQUAL(lines.size(), 3u);
  CAF_CHECK_EQUAL(lines[2].cause, lines[1].n);
  auto claim = self->request(pool, caf::infinite, claim_worker{{"a"}, {"native", "1"}, 55});
  consume_messages();
  CAF_REQUIRE_EQUAL(lines.size(), 4u);
  CAF_CHECK_EQUAL(lines[3].facts["spare"], "false");
  CAF_CHECK_EQUAL(lines[3].cause, 55u); // the session's last line
  self->request(pool, caf::infinite, close_pool{});
  consume_messages();
  CAF_REQUIRE_EQUAL(lines.size(), 5u);
  CAF_CHECK_EQUAL(lines[4].what, "kill");
  CAF_CHECK_EQUAL(lines[4].cause, lines[2].n);
  claim.receive([](granted_worker&) {}, [](caf::error&) { CAF_FAIL("refused"); });
}

CAF_TEST_FIXTURE_SCOPE_END()
