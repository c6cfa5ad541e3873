// What becomes of an answer whose process ends in the middle of it.
#define CAF_SUITE interruption
#include "caf/test/unit_test.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

constexpr wall_ms hour = 3'600'000;

session in_a_turn(bool backgrounded) {
  session s;
  s.m.known.spec.backgrounded = backgrounded;
  s.run();
  s.turn();
  return s;
}

/// The assignment of the next worker.
sm::assign next_assignment(session& s) {
  for (const auto& x : s.on(sm::granted{s.fresh(), false}))
    if (const auto* a = std::get_if<sm::assign>(&x))
      return *a;
  throw std::runtime_error("nothing was assigned");
}

} // namespace

// REST-3
CAF_TEST(the end of its process stops a session that was backgrounded and restarts a task) {
  for (bool backgrounded : {false, true}) {
    auto s = in_a_turn(backgrounded);
    auto e = s.on(sm::gone{s.worker(), "killed by signal 15"});
    CAF_CHECK_EQUAL(count<sm::claim>(e), backgrounded ? 0u : 1u);
    CAF_CHECK_EQUAL(s.state(), backgrounded ? "stopped" : "working");
    CAF_CHECK_EQUAL(wrote(e, "settled"), backgrounded);
    CAF_CHECK_EQUAL(count<sm::quiet>(e), backgrounded ? 1u : 0u);
  }
}

// REST-3: its agent's end, told by the worker
CAF_TEST(the end of its agent stops a session that was backgrounded) {
  auto s = in_a_turn(true);
  s.happens("ended", {}, "signalled", 15);
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::gone{s.worker(), "exited 0"})), 0u);
  CAF_CHECK_EQUAL(s.state(), "stopped");
}

// REST-3: so it is when nobody looked
CAF_TEST(a backgrounded session that ended while no supervisor ran is stopped) {
  auto s = in_a_turn(true);
  session t;
  t.m.known = s.m.known;
  t.on(sm::restored{true});
  CAF_CHECK_EQUAL(count<sm::claim>(t.on(sm::not_adopted{true, "its process has ended"})), 0u);
  CAF_CHECK_EQUAL(t.state(), "stopped");
}

// REST-4: by the time of its last event
CAF_TEST(a backgrounded session goes on with an answer of the last hour only) {
  for (auto age : {hour - 1000, hour + 1000}) {
    auto s = in_a_turn(true);
    s.now += 5 * hour; // a long answer is not an old one
    s.happens("text", {}, "agent");
    s.on(sm::gone{s.worker(), "killed by signal 9"});
    s.now += age;
    s.on(sm::asked_reply{"k", "what of it"});
    auto a = next_assignment(s);
    CAF_CHECK(a.resume);
    CAF_CHECK_EQUAL(a.interrupted, age < hour);
    CAF_CHECK_EQUAL(a.too_old, age > hour);
  }
}

// REST-4: a task is brought to its end whenever it can be
CAF_TEST(a dispatched task goes on with an answer of any age) {
  auto s = in_a_turn(false);
  s.on(sm::gone{s.worker(), "killed by signal 9"});
  s.now += 100 * hour;
  auto a = next_assignment(s);
  CAF_CHECK(a.resume && a.interrupted && !a.too_old);
}

// REST-5: the worker that was to go on died before it could say so
CAF_TEST(an interruption is not forgotten until a prompt was sent) {
  auto s = in_a_turn(false);
  s.on(sm::gone{s.worker(), "killed by signal 9"});
  CAF_CHECK(next_assignment(s).interrupted);
  session t; // and the supervisor with it
  t.m.known = s.m.known;
  t.next_worker = s.next_worker;
  t.events = s.events;
  t.on(sm::restored{true});
  t.on(sm::not_adopted{true, "its process has ended"});
  t.on(sm::elapsed{sm::timer::restart, t.m.generation});
  CAF_CHECK(next_assignment(t).interrupted);
  t.on(sm::held{{t.m.known.id, t.m.known.run, "/", {}, 0, {}, {}, 0, {}}});
  t.on(sm::permitted{});
  t.happens("started");
  t.happens("taken", "restart-3");
  t.happens("sent", "restart-3");
  t.happens("turn_ended", "restart-3", "end_turn");
  CAF_CHECK_EQUAL(t.state(), "done");
  t.on(sm::gone{t.worker(), "killed by signal 9"});
  t.on(sm::asked_respawn{"command"});
  CAF_CHECK(!next_assignment(t).interrupted);
}

// REST-2: who has stopped it does not want it to go on
CAF_TEST(an answer that was stopped is not gone on with) {
  auto s = in_a_turn(false);
  s.on(sm::asked_stop{"command"});
  s.on(sm::gone{s.worker(), "killed by signal 9"}); // before it could tell its end
  CAF_CHECK_EQUAL(s.state(), "stopped");
  s.on(sm::asked_reply{"k", "something else"});
  auto a = next_assignment(s);
  CAF_CHECK(a.resume && !a.interrupted && !a.too_old);
}
