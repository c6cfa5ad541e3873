// The session's actor under CAF's deterministic scheduler: how newer credentials reach its worker, with a host and a
// credential store that the test plays.
#define CAF_SUITE session_credentials
#include "caf/test/dsl.hpp"

#include "actors/session/session.hpp"

using namespace troupe;

namespace {

struct system_config : actor_config {
  system_config() { set("scheduler.policy", caf::atom("testing")); }
};

/// What host and store do, and what has reached the worker.
struct world {
  snapshot current{1, 0, {{"KEY", "one"}}}; ///< what the store gives
  bool store_refuses = false;
  int refusals = 0; ///< of the next renewals
  errc refusal = errc::worker_gone;
  std::vector<std::uint64_t> tried; ///< epochs
  std::uint64_t holds = 0;          ///< the worker's
  std::uint64_t lines = 0;
};

receipt receipt_for(const assignment& job) {
  receipt out;
  out.session = job.session;
  out.run = job.run;
  out.cwd = job.spec.cwd;
  out.account_epoch = job.credentials.epoch;
  return out;
}

/// The services' messages that these tests need; their handles are typed, what they understand is not.
caf::behavior played(caf::event_based_actor* self, world* w) {
  self->set_default_handler( // CAF's own `drop` answers with an error, which would end whoever asked
      [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::message{}; });
  return {
      [=](append&) { return appended{++w->lines}; },
      [=](claim_worker&) {
        return granted_worker{{{7}, {"boot", 7, 1}, "/socket"}, false};
      },
      [=](assign_worker& x) {
        w->holds = x.job.credentials.epoch;
        return receipt_for(x.job);
      },
      [=](renew_worker& x) -> caf::result<worker_renewed> {
        w->tried.push_back(x.credentials.epoch);
        if (w->refusals > 0) {
          --w->refusals;
          return make_error(w->refusal, "not now");
        }
        w->holds = x.credentials.epoch;
        return worker_renewed{x.worker};
      },
      [=](snapshot_wanted&) -> caf::result<snapshot> {
        if (w->store_refuses)
          return make_error(errc::no_credentials, "none");
        return w->current;
      },
  };
}

struct fixture : test_coordinator_fixture<system_config> {
  world w;
  caf::actor services;
  session_actor about;
  fixture() {
    services = sys.spawn(played, &w);
    auto around = std::make_shared<session_surroundings>();
    around->now = [] { return wall_ms{1000}; };
    around->epoch = 1;
    around->sessions = "/sessions";
    around->keeper = caf::actor_cast<journal_keeper_actor>(services);
    around->host = caf::actor_cast<worker_host_actor>(services);
    around->pool = caf::actor_cast<warm_pool_actor>(services);
    around->credentials = caf::actor_cast<credential_store_actor>(services);
    around->machine = caf::actor_cast<machine_actor>(services);
    around->desk = caf::actor_cast<front_desk_actor>(services);
    around->supervisor_handle = caf::actor_cast<supervisor_actor>(services);
    about = sys.spawn(make_session_actor, session_id("s-1"), std::shared_ptr<const session_surroundings>(around));
  }
  ~fixture() {
    caf::anon_send_exit(about, caf::exit_reason::kill);
    caf::anon_send_exit(services, caf::exit_reason::kill);
    consume_messages();
  }
  void dispatch_it() {
    dispatch_spec spec;
    spec.kind = "agent";
    spec.harness = "native";
    spec.prompt = "do it";
    spec.cwd = "/work";
    self->send(about, dispatch{"key-0001", "digest", "shell", spec, {{"A", "b"}}});
    consume_messages();
    CAF_REQUIRE_EQUAL(w.holds, 1u);
    self->send(about, permit_given{session_id("s-1")});
    consume_messages();
  }
  void change(std::uint64_t epoch) {
    w.current = {epoch, 0, {{"KEY", std::to_string(epoch)}}};
    self->send(about, snapshot_changed{w.current});
  }
  /// The next retry, and what comes of it.
  void later() {
    sched.clock().advance_time(std::chrono::seconds(11)); // the second one is due after ten
    consume_messages();
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(session_credentials_tests, fixture)

// CRED-5, BEYOND-6: whatever the failure, and however often
CAF_TEST(newer credentials are offered until the worker has them) {
  dispatch_it();
  for (auto code : {errc::worker_gone, errc::refused, errc::timed_out, errc::not_running}) {
    const auto epoch = w.current.epoch + 1;
    w.refusals = 2;
    w.refusal = code;
    change(epoch);
    consume_messages();
    CAF_CHECK(w.holds != epoch);
    later();
    CAF_CHECK(w.holds != epoch);
    later();
    CAF_CHECK_EQUAL(w.holds, epoch);
  }
  const auto so_far = w.tried.size();
  later();
  CAF_CHECK_EQUAL(w.tried.size(), so_far); // and not again
}

// CRED-5: the announcement comes between the snapshot and the assignment that it is in
CAF_TEST(credentials that change while a worker is assigned reach it behind its assignment) {
  w.store_refuses = false;
  dispatch_spec spec;
  spec.kind = "agent";
  spec.harness = "native";
  spec.prompt = "do it";
  spec.cwd = "/work";
  self->send(about, dispatch{"key-0001", "digest", "shell", spec, {{"A", "b"}}});
  change(2); // behind the dispatch in its mailbox, ahead of the answer of the store
  w.current = {1, 0, {{"KEY", "one"}}};
  for (int i = 0; i < 100 && w.holds == 0 && sched.try_run_once(); ++i) {
  }
  CAF_REQUIRE_EQUAL(w.holds, 1u);
  w.current = {2, 0, {{"KEY", "two"}}};
  consume_messages();
  CAF_CHECK_EQUAL(w.holds, 2u);
}

// CRED-6: a logout too, though the store gives nothing any more
CAF_TEST(a refused logout is offered again as soon as the store answers) {
  dispatch_it();
  w.refusals = 1;
  w.store_refuses = true;
  w.current = {5, 0, {}};
  self->send(about, snapshot_changed{w.current});
  consume_messages();
  later();
  CAF_CHECK_EQUAL(w.holds, 1u);
  w.store_refuses = false;
  later();
  CAF_CHECK_EQUAL(w.holds, 5u);
}

// CRED-5: the agent waits for the word that there are no others, and gets it however often that is lost
CAF_TEST(an agent that was turned down hears of it until its worker has taken the word) {
  dispatch_it();
  w.refusals = 2;
  event e;
  e.n = 1;
  e.run = 1;
  e.what = "credentials_refused";
  e.value = 1;
  self->send(about, worker_event{{7}, session_id("s-1"), e});
  consume_messages();
  later();
  CAF_CHECK_EQUAL(w.tried.size(), 2u);
  later();
  CAF_CHECK_EQUAL(w.tried, (std::vector<std::uint64_t>{1, 1, 1})); // the same ones
  later();
  CAF_CHECK_EQUAL(w.tried.size(), 3u); // taken: not again
  w.store_refuses = true;
  e.n = 2;
  self->send(about, worker_event{{7}, session_id("s-1"), e});
  consume_messages();
  CAF_CHECK_EQUAL(w.tried.size(), 3u);
  w.store_refuses = false;
  w.current.epoch = 2; // that it could be asked for meanwhile
  later();
  CAF_CHECK_EQUAL(w.holds, 2u);
}

// BEYOND-6
CAF_TEST(an older announcement is not handed on) {
  dispatch_it();
  change(4);
  consume_messages();
  self->send(about, snapshot_changed{{3, 0, {{"KEY", "three"}}}});
  consume_messages();
  CAF_CHECK_EQUAL(w.holds, 4u);
  CAF_CHECK_EQUAL(w.tried.size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
