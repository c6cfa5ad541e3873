// What users of such tools met (docs/failures.md), as far as the deciding actors answer for it: each in many orders.
#define CAF_SUITE field_failures
#include <algorithm>

#include "tests/simulation/scenario.hpp"

using namespace troupe;
using namespace troupe::simulation;

namespace {

worker& worker_of(scene& s, const session_id& id) {
  auto* w = s.around().holder(id);
  CAF_REQUIRE(w != nullptr);
  return *w;
}

} // namespace

// F-01, SUP-5
CAF_TEST(F01 work in flight survives its supervisor and nothing disappears) {
  session_id works, done;
  worker_id before;
  in_many_orders(
      [&](scene& s) {
        done = s.idle_session(true);
        works = s.working_session();
        before = worker_of(s, works).id;
        s.stir(4);
        s.d.crash(s.luck.roll(2) == 0);
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.seen(works).state, "done");
        CAF_REQUIRE_EQUAL(s.lines(works, "claimed"), 1u);
        CAF_REQUIRE_EQUAL(s.lines(works, "adopted") + s.lines(works, "reap"), 2u);
      },
      100);
}

// F-05, F-23: the one that hangs is ended by its deadline and holds nobody up
CAF_TEST(F05 a stop of a worker that hangs has an end) {
  session_id id;
  std::size_t stop = 0, other = 0;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        worker_of(s, id).hung = true;
        stop = s.crowd().stop(s.sup(), id);
        s.stir(10);
        other = s.crowd().dispatch_new(s.sup(), false);
        s.d.settle();
        CAF_REQUIRE(s.request(other).granted); // before any deadline of the first
        CAF_REQUIRE(!s.request(stop).over);
        s.d.rest(30'000);
        CAF_REQUIRE(s.request(stop).granted);
      },
      [&](scene& s) { CAF_REQUIRE_EQUAL(s.seen(id).state, "stopped"); }, 50);
}

// F-07, REST-2
CAF_TEST(F07 what was stopped stays stopped over restarts) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        s.crowd().stop(s.sup(), id);
        s.d.settle();
        CAF_REQUIRE_EQUAL(s.lines(id, "stop"), 1u);
        for (int i = 0; i < 3; ++i) {
          s.d.crash(false);
          s.d.start();
          s.stir(40);
        }
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.seen(id).state, "stopped");
        CAF_REQUIRE_EQUAL(s.lines(id, "claimed"), 1u);
      },
      50);
}

// F-08, BEYOND-1
CAF_TEST(F08 a death has its evidence in the ledger and its restart names it as the cause) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        worker_of(s, id).die("killed by signal 9");
        s.stir(20);
      },
      [&](scene& s) {
        auto all = lines_of(s.around().files, id);
        auto died = std::find_if(all.begin(), all.end(), [](const auto& e) { return e.what == "worker_ended"; });
        CAF_REQUIRE(died != all.end() && died + 1 != all.end());
        CAF_REQUIRE_EQUAL(died->facts.at("evidence"), "killed by signal 9");
        CAF_REQUIRE_EQUAL((died + 1)->what, "restart");
        CAF_REQUIRE_EQUAL((died + 1)->cause, died->n);
      },
      50);
}

// F-13, POOL-8
CAF_TEST(F13 each session has the environment of its own shell and the directory of its own dispatch) {
  std::size_t a = 0, b = 0;
  in_many_orders(
      [&](scene& s) {
        a = s.crowd().dispatch_new(s.sup(), false);
        s.stir();
        b = s.crowd().dispatch_new(s.sup(), true);
        s.stir(30);
      },
      [&](scene& s) {
        for (auto n : {a, b})
          for (const auto& w : s.around().workers)
            if (w->job && w->job->session == s.request(n).session) {
              CAF_REQUIRE(w->job->env == (environment{{"SHELL", s.request(n).key}}));
              CAF_REQUIRE_EQUAL(w->job->spec.kind, n == a ? "agent" : "exec");
            }
      },
      100);
}

// F-16, STATE-1
CAF_TEST(F16 a row shows rest only when no turn runs) {
  in_many_orders(
      [&](scene& s) {
        auto id = s.working_session();
        for (int i = 0; i < 20; ++i) {
          s.stir(4);
          s.hear();
          auto* w = s.around().holder(id);
          if (w && w->turn)
            CAF_REQUIRE(s.seen(id).state == "working" || s.seen(id).state == "blocked");
          if (w && w->inside.at == harness::phase::open && !w->turn && w->inside.queue.empty())
            CAF_REQUIRE_EQUAL(s.seen(id).state, "done");
          if (i == 10)
            s.crowd().reply(s.sup(), id, "r");
        }
      },
      [](scene&) {}, 100);
}

// F-21
CAF_TEST(F21 the death of one worker is no affair of another) {
  session_id a, b;
  in_many_orders(
      [&](scene& s) {
        a = s.idle_session();
        b = s.idle_session();
        worker_of(s, a).die("killed by signal 9");
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.lines(b, "claimed"), 1u);
        CAF_REQUIRE_EQUAL(s.lines(b, "worker_ended"), 0u);
      },
      50);
}

// F-25, KEEP-6
CAF_TEST(F25 a reaped session is opened again in one go by a warm worker) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.idle_session();
        s.d.rest(700'000);
        CAF_REQUIRE_EQUAL(s.lines(id, "reap"), 1u);
        CAF_REQUIRE(s.around().holder(id) == nullptr);
        auto at = s.around().mono();
        s.crowd().place(s.sup(), id, true);
        s.d.settle();
        CAF_REQUIRE(worker_of(s, id).started && s.around().mono() == at);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.lines(id, "claimed"), 2u);
        CAF_REQUIRE_EQUAL(s.lines(id, "worker_ended"), 0u);
      },
      20);
}

// F-28, KEEP-2
CAF_TEST(F28 a shell that outlives its turn keeps its session from the reaper) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        worker_of(s, id).declare_work();
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.lines(id, "reap"), 0u);
        CAF_REQUIRE(s.around().holder(id) != nullptr);
        CAF_REQUIRE_EQUAL(s.seen(id).state, "working");
      },
      50);
}

// F-30, KEEP-3
CAF_TEST(F30 a night asleep reaps nobody and what died in it is reported) {
  session_id idle, works;
  in_many_orders(
      [&](scene& s) {
        idle = s.idle_session();
        works = s.working_session();
        s.around().sleep(8 * 3'600'000);
        worker_of(s, works).die("killed by signal 9");
        s.d.settle();
        s.d.rest(1000);
        CAF_REQUIRE_EQUAL(s.lines(idle, "reap"), 0u);
        CAF_REQUIRE_EQUAL(s.lines(works, "worker_ended"), 1u);
      },
      [&](scene& s) { CAF_REQUIRE_EQUAL(s.seen(works).state, "done"); }, 20);
}

// F-33, REST-1, REST-5
CAF_TEST(F33 a killed worker is replaced at once and its prompt is not sent again) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.working_session();
        auto at = s.around().mono();
        worker_of(s, id).die("killed by signal 9");
        s.d.settle();
        CAF_REQUIRE(worker_of(s, id).started && s.around().mono() == at);
      },
      [&](scene& s) {
        const auto& all = s.around().files.transcripts[id];
        auto sent = [&](const std::string& key) {
          return std::count_if(all.begin(), all.end(), [&](const auto& e) { return e.what == "sent" && e.id == key; });
        };
        CAF_REQUIRE_EQUAL(sent("first"), 1);
        CAF_REQUIRE_EQUAL(sent("restart-2"), 1);
      },
      20);
}
