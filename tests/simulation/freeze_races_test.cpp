// Whatever is asked of a session while it is being frozen, each in many orders: it wins, and meets an awake worker.
#define CAF_SUITE freeze_races
#include "tests/simulation/scenario.hpp"

using namespace troupe;
using namespace troupe::simulation;

namespace {

/// An idle session whose rest clock has run out: its worker is about to be asked to freeze, or has been.
session_id freezing_session(scene& s) {
  auto id = s.idle_session();
  s.d.rest(simulated_settings{}.freeze - 1000);
  while (s.lines(id, "freeze") == 0 && s.d.supervisor().next_timer() >= 0 && s.d.calm_step(true))
    ;
  CAF_REQUIRE_EQUAL(s.lines(id, "freeze"), 1u);
  s.stir(10);
  return id;
}

bool is_awake(scene& s, const session_id& id) {
  const auto* w = s.around().holder(id);
  return w && !w->frozen;
}

} // namespace

// BEYOND-3, KEEP-5, REST-5
CAF_TEST(a reply that meets the freeze reaches the agent once) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = freezing_session(s);
        s.crowd().reply(s.sup(), id, "r");
        s.stir(20);
      },
      [&](scene& s) { CAF_REQUIRE(s.around().seen.was_prompted(id, "r")); }, 150);
}

// BEYOND-3, KEEP-5
CAF_TEST(an attach that meets the freeze has an awake worker) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = freezing_session(s);
        s.crowd().place(s.sup(), id, true); // the terminal comes with the answer
        s.stir(20);
      },
      [&](scene& s) { CAF_REQUIRE(is_awake(s, id) && s.around().holder(id)->terminals == 1); }, 150);
}

// BEYOND-3, KEEP-2, KEEP-5
CAF_TEST(work that is declared while its session is being frozen keeps it awake) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = freezing_session(s);
        n = s.crowd().declare(s.sup(), id, true);
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted && is_awake(s, id));
        CAF_REQUIRE_EQUAL(s.seen(id).state, "working");
      },
      150);
}

// BEYOND-3, KEEP-4
CAF_TEST(a stop that meets the freeze ends the session) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = freezing_session(s);
        n = s.crowd().stop(s.sup(), id);
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted && s.around().holder(id) == nullptr);
        CAF_REQUIRE_EQUAL(s.lines(id, "kill"), 0u);
      },
      150);
}

// BEYOND-3, SUP-5
CAF_TEST(a supervisor that is killed while a session is being frozen leaves it to the next one) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = freezing_session(s);
        s.d.crash(false);
        s.stir(20);
        s.crowd().reply(s.sup(), id, "r");
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(s.lines(id, "claimed"), s.lines(id, "reap") + (s.around().holder(id) ? 1u : 0u));
        CAF_REQUIRE(s.around().seen.was_prompted(id, "r"));
      },
      150);
}

// BEYOND-3
CAF_TEST(a session whose processes do not come to rest stays awake and is reaped in time) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        s.d.break_(fault::freeze_fails, 0);
        id = s.idle_session();
        s.d.rest(simulated_settings{}.freeze + 1000);
        CAF_REQUIRE(is_awake(s, id));
        CAF_REQUIRE_EQUAL(s.lines(id, "freeze_refused"), 1u);
      },
      [&](scene& s) { CAF_REQUIRE_EQUAL(s.lines(id, "reap"), 1u); }, 20);
}
