// What the host does to a supervisor at a bad moment, each in many orders: memory runs short while somebody needs the
// session that is about to give its process back, and the programs on the disk are replaced.
#define CAF_SUITE host_races
#include "tests/simulation/scenario.hpp"

using namespace troupe;
using namespace troupe::simulation;

namespace {

/// An idle session that is about to be asked for its process, or has been.
session_id pressed_session(scene& s, std::uint32_t looks) {
  auto id = s.idle_session();
  s.d.run_short_of_memory(looks);
  s.stir(10);
  return id;
}

/// Whether the latest worker of a session got the variable that its dispatch brought.
bool has_its_environment(scene& s, const session_id& id) {
  const assignment* latest = nullptr;
  for (const auto& w : s.around().workers)
    if (w->job && w->job->session == id && (!latest || latest->run < w->job->run))
      latest = &*w->job;
  return latest &&
         std::any_of(latest->env.begin(), latest->env.end(), [](const auto& x) { return x.first == "SHELL"; });
}

} // namespace

// SUP-8, KEEP-5, KEEP-6
CAF_TEST(an attach that meets memory pressure gets a worker and keeps it) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = pressed_session(s, s.luck.roll(3));
        n = s.crowd().place(s.sup(), id, true); // the terminal comes with the answer
        s.stir(20);
        s.d.settle();
        s.crowd().attach(id);
        s.d.run_short_of_memory(2);
      },
      [&](scene& s) {
        const auto* w = s.around().holder(id);
        CAF_REQUIRE(s.request(n).granted && w != nullptr);
        CAF_REQUIRE(w->terminals > 0);
      },
      150);
}

// SUP-8, REST-5
CAF_TEST(a reply that meets memory pressure reaches the agent once) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = pressed_session(s, s.luck.roll(3));
        s.crowd().reply(s.sup(), id, "r");
        s.stir(20);
      },
      [&](scene& s) { CAF_REQUIRE(s.around().seen.was_prompted(id, "r")); }, 150);
}

// F-04, SUP-8
CAF_TEST(memory pressure takes idle sessions and never one that works) {
  session_id idle, busy;
  in_many_orders(
      [&](scene& s) {
        idle = s.idle_session();
        busy = s.working_session();
        s.d.run_short_of_memory(8);
        s.stir(20);
        while (s.around().holder(idle) != nullptr && s.d.calm_step(false))
          ;
        CAF_REQUIRE(s.around().holder(idle) == nullptr);
        CAF_REQUIRE_EQUAL(s.seen(idle).state, "done");
      },
      [&](scene& s) {
        for (const auto& e : lines_of(s.around().files, busy))
          CAF_REQUIRE(e.what != "reap" || s.seen(busy).state == "done");
        CAF_REQUIRE(s.around().seen.ever_started(busy));
      },
      150);
}

// SUP-8, BEYOND-3, KEEP-5
CAF_TEST(memory pressure that meets a freeze has the process of the session in the end) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = s.idle_session();
        s.d.rest(simulated_settings{}.freeze - 1000);
        while (s.lines(id, "freeze") == 0 && s.d.supervisor().next_timer() >= 0 && s.d.calm_step(true))
          ;
        s.stir(10);
        s.d.run_short_of_memory(8);
        s.stir(10);
        s.d.settle();
        CAF_REQUIRE(s.around().holder(id) == nullptr);
        CAF_REQUIRE(s.lines(id, "reap") > 0);
      },
      [&](scene& s) { CAF_REQUIRE_EQUAL(s.seen(id).process, "exited"); }, 150);
}

// SUP-6, POOL-4, SUP-11
CAF_TEST(a new binary with an old spare serves a dispatch by a worker of its own version) {
  std::size_t first = 0, last = 0;
  in_many_orders(
      [&](scene& s) {
        first = s.crowd().dispatch_new(s.sup(), false);
        s.stir(s.luck.roll(40));
        s.d.replace_programs(); // the spare at hand is of the old version, the next one of the new
        s.stir(s.luck.roll(60));
        last = s.crowd().dispatch_new(s.sup(), false);
        s.stir(60);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.sup().supervisor().setup.version, "2");
        for (const auto& [id, x] : s.sup().pool().m.spares)
          CAF_REQUIRE_EQUAL(x.made_for.version, "2");
        for (auto n : {first, last})
          CAF_REQUIRE(s.request(n).granted || s.request(n).lost || s.request(n).error.code == errc::draining);
      },
      150);
}

// SUP-6
CAF_TEST(sessions run on over a new binary and one without a process keeps its environment) {
  session_id busy, idle;
  in_many_orders(
      [&](scene& s) {
        idle = s.idle_session();
        busy = s.working_session();
        s.d.run_short_of_memory(1); // the idle one gives its process back
        s.d.settle();
        s.stir(10);
        s.d.replace_programs();
        s.stir(30);
        s.d.settle();
        s.crowd().reply(s.sup(), idle, "r"); // brings no environment
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.around().seen.was_prompted(idle, "r"));
        CAF_REQUIRE(has_its_environment(s, idle));
        CAF_REQUIRE_EQUAL(s.lines(busy, "restart"), 0u);
      },
      100);
}
