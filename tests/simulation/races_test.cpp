// The named races of a dispatch, each in many orders. After each the whole world is checked (properties.hpp), and then
// what this race is about.
#define CAF_SUITE races
#include <algorithm>

#include "tests/simulation/scenario.hpp"

using namespace troupe;
using namespace troupe::simulation;

namespace {

std::size_t warm_claims(scene& s) {
  const auto& all = s.around().files.ledger;
  return static_cast<std::size_t>(std::count_if(
      all.begin(), all.end(), [](const auto& e) { return e.what == "claimed" && e.facts.at("warm") == "true"; }));
}

/// Where sessions are reaped that nothing has frozen before; freeze_races_test.cpp has the others.
run_options never_freezing() {
  run_options out;
  out.settings.freeze = 0;
  return out;
}

/// Lets the rest clock of an idle session run out and stops where the reaper has begun.
void wake_the_reaper(scene& s) {
  s.d.rest(s.around().idle_ms - 1000);
  while (s.d.supervisor().next_timer() >= 0 && s.around().files.ledger.back().what != "reap" && s.d.calm_step(true) &&
         s.d.supervisor().jobs() == 0)
    ;
}

} // namespace

// POOL-2, POOL-6
CAF_TEST(two dispatches and one spare give two sessions and one warm start) {
  std::size_t a = 0, b = 0;
  in_many_orders(
      [&](scene& s) {
        a = s.crowd().dispatch_new(s.sup(), false);
        s.stir();
        b = s.crowd().dispatch_new(s.sup(), false);
        s.stir();
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(a).granted && s.request(b).granted);
        CAF_REQUIRE(s.request(a).session != s.request(b).session);
        CAF_REQUIRE(warm_claims(s) >= 1);
      });
}

// POOL-6, F-31
CAF_TEST(a spare that dies before or during or after its claim costs no dispatch) {
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        auto before = s.luck.roll(3) == 0;
        if (before)
          s.around().workers.front()->die("killed by signal 9");
        s.stir(before ? 4 : 0);
        n = s.crowd().dispatch_new(s.sup(), false);
        s.stir(30);
        auto& spare = *s.around().workers.front();
        if (!spare.started)
          spare.die("killed by signal 9");
        s.stir();
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted);
        CAF_REQUIRE(s.around().seen.ever_started(s.request(n).session));
        CAF_REQUIRE_EQUAL(s.seen(s.request(n).session).state, "done");
      });
}

// CRED-2
CAF_TEST(dispatches that meet a refresh in flight share it) {
  std::size_t a = 0, b = 0;
  in_many_orders(
      [&](scene& s) {
        s.d.break_(fault::credentials_expire, 0);
        s.d.settle();
        a = s.crowd().dispatch_new(s.sup(), false);
        b = s.crowd().dispatch_new(s.sup(), false);
        s.stir(60);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(a).granted && s.request(b).granted);
        CAF_REQUIRE(s.around().files.credentials.expires > s.around().wall());
      });
}

// CRED-4
CAF_TEST(a refresh that is refused for an expired credential fails the dispatch with its cause and leaves no process) {
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        s.d.break_(fault::credentials_expire, 1);
        s.d.settle();
        s.d.rest(10);
        s.around().sleep(10);
        s.around().faults.refreshes = 1;
        n = s.crowd().dispatch_new(s.sup(), false);
        while (s.around().faults.refreshes > 0 && s.d.calm_step(false))
          ;
        s.stir(60);
      },
      [&](scene& s) {
        CAF_REQUIRE(!s.request(n).granted);
        CAF_REQUIRE(s.request(n).error.text.starts_with("Could not resolve authentication method"));
      });
}

// CRED-5: two are turned down, a supervisor is killed meanwhile, a refresh may be refused: no turn waits for ever
CAF_TEST(who was turned down with 401 goes on with other credentials or knows that there are none) {
  std::size_t a = 0, b = 0;
  int round = 0;
  in_many_orders(
      [&](scene& s) {
        ++round;
        if (round % 2 == 0)
          s.around().files.credentials.expires = s.around().wall() + 3'000'000;
        s.around().faults.refusals = 2;
        s.around().faults.refreshes = round % 3 == 0 ? 1 : 0;
        a = s.crowd().dispatch_new(s.sup(), false);
        b = s.crowd().dispatch_new(s.sup(), false);
        s.stir(round % 5 == 0 ? 60 : 120);
        if (round % 5 == 0) {
          s.d.crash(false);
          s.d.start();
        }
      },
      [&](scene& s) {
        for (const auto& w : s.around().workers)
          CAF_REQUIRE(!w->alive || w->inside.refused == 0);
        if (s.request(a).granted && s.request(b).granted)
          CAF_REQUIRE_EQUAL(s.around().faults.refusals, 0u);
      });
}

// CRED-6
CAF_TEST(a logout during a dispatch gives it all of a credential or none) {
  in_many_orders(
      [&](scene& s) {
        s.crowd().dispatch_new(s.sup(), false);
        s.stir(25);
        s.crowd().act(operation::logout, 0, s.sup());
        s.stir(25);
        s.crowd().dispatch_new(s.sup(), false);
        s.stir(25);
      },
      [&](scene& s) { CAF_REQUIRE(!std::holds_alternative<credential_machine::valid>(s.sup().credentials().m.at)); });
}

// REST-2, F-07
CAF_TEST(a stop before the assignment has completed leaves a stopped session and no process) {
  std::size_t n = 0, stop = 0;
  in_many_orders(
      [&](scene& s) {
        n = s.crowd().dispatch_new(s.sup(), s.luck.roll(2) == 0);
        for (auto left = 1 + s.luck.roll(30); left > 0 || s.sup().desk().rows.empty(); left -= left > 0)
          s.d.calm_step(false);
        stop = s.crowd().stop(s.sup(), s.sup().desk().rows.begin()->first);
        s.stir(40);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(stop).granted);
        auto id = s.request(stop).session;
        bool done = s.seen(id).state == "done" || s.lines(id, "removed") == 1; // a job that was as quick, and its row
        CAF_REQUIRE(s.seen(id).state == "stopped" || (s.lines(id, "start") == 1 && done));
        CAF_REQUIRE(s.around().holder(id) == nullptr);
      });
}

// KEEP-5, REST-5
CAF_TEST(a reply that meets the reaper reaches the agent once) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.idle_session();
        wake_the_reaper(s);
        s.stir(10);
        s.crowd().reply(s.sup(), id, "r");
        s.stir(20);
      },
      [&](scene& s) { CAF_REQUIRE(s.around().seen.was_prompted(id, "r")); }, 150, never_freezing());
}

// KEEP-5, KEEP-6
CAF_TEST(an attach that meets the reaper gets a worker) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = s.idle_session();
        wake_the_reaper(s);
        s.stir(10);
        n = s.crowd().place(s.sup(), id, true);
        s.stir(20);
        s.d.settle();
        s.crowd().attach(id);
      },
      [&](scene& s) { CAF_REQUIRE(s.request(n).granted && s.around().holder(id) != nullptr); }, 150, never_freezing());
}

// KEEP-2, KEEP-5, F-28
CAF_TEST(new active work that meets the reaper keeps its session or is told that it has ended) {
  session_id id;
  bool began = false;
  in_many_orders(
      [&](scene& s) {
        id = s.idle_session();
        wake_the_reaper(s);
        s.stir(10);
        auto* w = s.around().holder(id);
        began = w && w->attachable() && w->end_reason.empty();
        if (began)
          w->declare_work();
        s.stir(20);
      },
      [&](scene& s) { CAF_REQUIRE_EQUAL(s.around().holder(id) != nullptr, began); }, 150, never_freezing());
}

// SUP-4, SUP-11
CAF_TEST(a shutdown that keeps the workers meets a dispatch and its key is repeated) {
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        s.crowd().dispatch_new(s.sup(), s.luck.roll(2) == 0);
        s.stir(25);
        if (s.d.running() && s.sup().desk().open)
          s.crowd().stop_supervisor(s.sup(), true);
        s.stir(25);
        for (int i = 0; i < 200 && s.d.running(); ++i)
          s.d.calm_step(false);
        n = s.crowd().dispatch_with(s.sup(), "key1", s.request(0).text == "job");
        s.stir(25);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted);
        CAF_REQUIRE_EQUAL(s.lines(s.request(n).session, "dispatched"), 1u);
        auto id = s.request(n).session;
        CAF_REQUIRE(s.seen(id).state == "done" || s.lines(id, "removed") == 1); // a job's row goes in time (KEEP-7)
      });
}

// SUP-1, SUP-5, POOL-7
CAF_TEST(two supervisors in a row and a worker that hears the first one last) {
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        s.crowd().dispatch_new(s.sup(), false);
        s.stir(25);
        s.d.crash(s.luck.roll(2) == 0);
        s.d.start(); // what the first one sent still lies in the sockets
        s.stir(25);
        n = s.crowd().dispatch_with(s.sup(), "key1", false);
        s.stir(25);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted);
        CAF_REQUIRE_EQUAL(s.seen(s.request(n).session).state, "done");
      });
}

// SUP-5
CAF_TEST(a respawn that meets an adoption ends in one new run) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        s.d.crash(false);
        s.d.start();
        while (!s.d.supervisor().desk().open && s.d.calm_step(false))
          ;
        s.stir(6);
        n = s.crowd().respawn(s.d.supervisor(), id);
        s.stir(25);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted);
        CAF_REQUIRE_EQUAL(s.lines(id, "claimed"), 2u);
      });
}

// KEEP-8
CAF_TEST(a delete of a running session leaves its transcript and nothing else) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        s.stir(6);
        n = s.crowd().remove(s.sup(), id);
        s.stir(10);
        s.crowd().reply(s.sup(), id, "r");
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted);
        CAF_REQUIRE(s.seen(id).state.empty() && s.around().holder(id) == nullptr);
        CAF_REQUIRE(!s.around().files.transcripts[id].empty());
        CAF_REQUIRE_EQUAL(s.alive(), 1u);
      });
}

// ISO-2, F-18: delete against a running worktree
CAF_TEST(a delete of a session at work takes its worktree last and never what is uncommitted) {
  session_id id;
  std::size_t n = 0;
  bool forced = false;
  in_many_orders(
      [&](scene& s) {
        s.idle_session(); // the second one has a worktree
        id = s.working_session();
        s.stir(8);
        forced = s.luck.roll(2) == 0;
        n = s.crowd().remove(s.sup(), id, forced);
        s.stir(10);
        if (s.luck.roll(2) == 0)
          s.d.crash(false);
        s.stir(20);
        s.crowd().reply(s.sup(), id, "r");
        s.stir(10);
      },
      [&](scene& s) {
        const auto& tree = s.around().files.trees[tree_path(id)];
        if (s.lines(id, "removed") == 1) {
          CAF_REQUIRE(!tree.there && (forced || !tree.dirty) && s.around().holder(id) == nullptr);
        } else { // kept, or asked of a supervisor that died ahead of the line
          CAF_REQUIRE(tree.there || s.lines(id, "remove") == 0);
          CAF_REQUIRE(!s.seen(id).state.empty());
          CAF_REQUIRE(!forced || s.lines(id, "remove") == 0);
        }
      });
}

// STATE-2, SUP-11: nothing is promised or begun without its line
CAF_TEST(a dispatch that a full disk does not take has never been and its key is free) {
  std::size_t first = 0, second = 0;
  in_many_orders(
      [&](scene& s) {
        s.around().faults.writes = 1;
        first = s.crowd().dispatch_new(s.sup(), false);
        while (!s.request(first).over && s.d.calm_step(false))
          ;
        s.stir(4);
        second = s.crowd().dispatch_with(s.sup(), "key1", false);
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.request(first).error.code, errc::disk);
        CAF_REQUIRE(s.request(second).granted || s.request(second).error.code == errc::draining);
      });
}

// STATE-2, REST-2
CAF_TEST(a stop is answered when the ledger has it and not while the disk is full) {
  session_id id;
  std::size_t stop = 0;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        s.d.settle();
        s.around().faults.writes = 3;
        stop = s.crowd().stop(s.sup(), id);
        s.d.settle();
        CAF_REQUIRE(!s.request(stop).over && s.around().holder(id)->end_reason.empty());
        s.d.rest(10'000);
        CAF_REQUIRE(s.request(stop).granted);
      },
      [&](scene& s) { CAF_REQUIRE_EQUAL(s.lines(id, "stop"), 1u); }, 30);
}
