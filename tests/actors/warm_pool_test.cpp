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
      [](kill_worker&) {},
      [](adopt_worker&) { return worker_adopted{}; },
      [](say_goodbye& x) { return x; },
  };
}

journal_keeper_actor::behavior_type fake_keeper(journal_keeper_actor::pointer) {
  return {
      [](append&) { return appended{1}; },
      [](load_journal&) { return journal{}; },
      [](drop_session&) {},
      [](cache_row&) {},
      [](chain_asked&) { return reasons{}; },
      [](timer_due&) {},
  };
}

struct fixture : test_coordinator_fixture<system_config> {
  int launched = 0;
  warm_pool_actor pool;
  fixture() {
    warm_pool_setup setup;
    setup.policy.warmed = {"native", "1"};
    setup.epoch = 1;
    setup.host = sys.spawn(fake_host, &launched);
    setup.keeper = sys.spawn(fake_keeper);
    setup.now = [] { return std::int64_t{0}; };
    setup.jitter = [] { return 1.0; };
    setup.wall = [] { return wall_ms{0}; };
    pool = sys.spawn(make_warm_pool, std::move(setup));
    self->send(pool, open_pool{});
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

CAF_TEST_FIXTURE_SCOPE_END()
