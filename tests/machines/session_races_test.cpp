// Races of a session's machine, told in order.
#define CAF_SUITE session_races
#include "caf/test/unit_test.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

void finish_turn(session& s, const std::string& how = "end_turn") {
  s.happens("turn_ended", "first", how);
}

const sm::end* end_in(const std::vector<sm::effect>& xs) {
  for (const auto& x : xs)
    if (const auto* e = std::get_if<sm::end>(&x))
      return e;
  return nullptr;
}

} // namespace

// F-07, KEEP-5: the worker refuses the reap, and the stop that came meanwhile stands
CAF_TEST(a stop that comes while its worker refuses to be reaped is carried out) {
  session s;
  s.run();
  s.turn();
  finish_turn(s);
  CAF_REQUIRE(end_in(s.on(sm::elapsed{sm::timer::rest, s.m.rest_generation})));
  CAF_CHECK(wrote(s.on(sm::asked_stop{"command"}), "stop"));
  auto e = s.on(sm::end_refused{"a later event came first", s.worker()});
  CAF_REQUIRE(end_in(e));
  CAF_CHECK_EQUAL(end_in(e)->reason, "stop");
  s.happens("ended", "stop", "exited");
  CAF_CHECK_EQUAL(count<sm::quiet>(s.on(sm::gone{s.worker(), "exited 0"})), 1u);
  CAF_CHECK_EQUAL(s.state(), "done"); // it had ended its task before
}

// F-07, SUP-5
CAF_TEST(a stop that a dead supervisor had written ends a worker that does not answer) {
  session s;
  s.run();
  s.on(sm::asked_stop{"command"});
  session t;
  t.m.known = s.m.known;
  t.on(sm::restored{true});
  CAF_CHECK_EQUAL(count<sm::kill>(t.on(sm::not_adopted{false, "no answer"})), 1u);
  t.on(sm::gone{s.worker(), "killed by signal 9"});
  CAF_CHECK_EQUAL(t.state(), "stopped");
}

// SUP-4: its harness gets its grace although the supervisor has only just come
CAF_TEST(a stop that comes while a worker is asked who it is waits for the answer) {
  session s;
  s.run();
  session t;
  t.m.known = s.m.known;
  t.on(sm::restored{true});
  auto e = t.on(sm::asked_stop{"command"});
  CAF_CHECK(wrote(e, "stop") && count<sm::kill>(e) == 0);
  e = t.on(sm::adopted{0});
  CAF_REQUIRE(end_in(e));
  CAF_CHECK_EQUAL(end_in(e)->reason, "stop");
}

// KEEP-7: the timer of an earlier run is no timer of this one
CAF_TEST(a job that fails when it is run again keeps its row) {
  session s("exec");
  s.run();
  s.happens("ended", {}, "exited", 0);
  auto timer = std::get<sm::arm>(s.on(sm::gone{s.worker(), "exited 0"}).back());
  s.on(sm::asked_respawn{"command"});
  s.run();
  s.happens("ended", {}, "exited", 1);
  s.on(sm::gone{s.worker(), "exited 0"});
  CAF_CHECK_EQUAL(s.state(), "failed");
  CAF_CHECK(!wrote(s.on(sm::elapsed{timer.which, timer.generation}), "removed"));
}

// F-05: whoever waits for it is told
CAF_TEST(a session that is removed before it has ended is stopped first) {
  session s;
  s.on(sm::begin{});
  CAF_CHECK(wrote(s.on(sm::asked_remove{"command"}), "remove"));
  auto e = s.on(sm::granted{s.fresh(), true}); // what the pool gives is ended first
  CAF_CHECK_EQUAL(count<sm::kill>(e), 1u);
  CAF_CHECK(wrote(e, "settled") && wrote(e, "removed"));
  CAF_CHECK(sm::look(s.m).gone);
  CAF_CHECK_EQUAL(s.state(), "stopped");
}

// SUP-11: no answer to the first one reached the client
CAF_TEST(a dispatch that failed is not begun again by its key) {
  session s;
  s.on(sm::begin{});
  s.on(sm::not_granted{"no room", errc::not_started});
  auto e = s.on(sm::begin{});
  CAF_CHECK_EQUAL(count<sm::claim>(e), 0u);
  CAF_REQUIRE_EQUAL(count<sm::answer_dispatch>(e), 1u);
  CAF_CHECK(std::get<sm::answer_dispatch>(e[0]).text.find("no room") != std::string::npos);
}

// SUP-5, POOL-3: its turn to start was asked for, and its `ready` gives it back
CAF_TEST(a worker that a dead supervisor had started needs no turn to start) {
  session s;
  s.run();
  session t;
  t.m.known = s.m.known;
  t.m.known.begun = false; // written after the files were read
  t.on(sm::restored{true});
  CAF_CHECK_EQUAL(count<sm::ask_permit>(t.on(sm::adopted{0})), 1u);
  t.on(sm::asked_reply{"k", "go on"});
  t.events = t.m.known.last_event;
  auto e = t.happens("started");
  CAF_CHECK_EQUAL(count<sm::deliver>(e), 1u);
  CAF_CHECK_EQUAL(sm::look(t.m).process, "alive");
  CAF_CHECK_EQUAL(count<sm::return_permit>(t.happens("ready")), 1u);
}

// REST-1: it had replied, and only what ran beside it has died
CAF_TEST(a session that is restarted with nothing to say is done and not working for ever) {
  session s;
  s.run();
  s.turn();
  event e;
  e.n = ++s.events;
  e.run = s.m.known.run;
  e.what = "work";
  e.work = {{"1", "shell", "sleep 600"}};
  s.on(sm::happened{e});
  finish_turn(s);
  CAF_CHECK_EQUAL(s.state(), "working");
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::gone{s.worker(), "killed by signal 9"})), 1u);
  s.run();
  CAF_CHECK_EQUAL(s.state(), "working");
  s.happens("ready");
  CAF_CHECK_EQUAL(s.state(), "done");
}

// STATE-1: neither done nor at work
CAF_TEST(a stopped session that is run again with nothing to say is idle) {
  session s;
  s.run();
  s.turn();
  s.on(sm::asked_stop{"command"});
  s.happens("ended", "stop", "exited");
  s.on(sm::gone{s.worker(), "exited 0"});
  s.on(sm::asked_respawn{"command"});
  s.run();
  s.happens("ready");
  CAF_CHECK_EQUAL(s.state(), "idle");
  s.happens("taken", "k");
  s.happens("sent", "k");
  CAF_CHECK_EQUAL(s.state(), "working");
}

// STATE-1
CAF_TEST(a question between two turns leaves nothing running once it is answered) {
  session s;
  s.run();
  s.turn();
  finish_turn(s);
  s.happens("question", "q1.1");
  CAF_CHECK_EQUAL(s.state(), "blocked");
  s.happens("answered", "q1.1");
  CAF_CHECK_EQUAL(s.state(), "done");
  CAF_CHECK(s.m.known.at_rest());
}

// REST-2, SUP-4: a reply after the stop keeps nobody waiting who asked for the stop
CAF_TEST(whoever stopped a session is told of its end although a reply starts it again) {
  session s;
  s.run();
  s.turn();
  s.on(sm::asked_stop{"command"});
  s.on(sm::asked_reply{"k", "go on"});
  s.happens("ended", "stop", "exited");
  auto e = s.on(sm::gone{s.worker(), "exited 0"});
  CAF_CHECK_EQUAL(count<sm::quiet>(e), 1u);
  CAF_CHECK_EQUAL(count<sm::claim>(e), 1u);
}
