// The sentence of a row: of the session's own output, and at a pace at which people can read it (VIEW-8).
#define CAF_SUITE row_sentence
#include "caf/test/unit_test.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

struct talker : session {
  talker() {
    p.sentence = 15'000;
    run();
    turn();
  }
  std::vector<sm::effect> says(const std::string& words, const std::string& what = "text") {
    event e;
    e.n = ++events;
    e.t = now;
    e.run = m.known.run;
    e.what = what;
    e.detail = what == "text" ? "agent" : "";
    e.text = words;
    return on(sm::happened{e});
  }
  std::string shown() const { return sm::look(m).sentence; }
  /// Time passes, to the timer that is armed.
  void passes(const std::vector<sm::effect>& armed) {
    for (const auto& x : armed)
      if (const auto* a = std::get_if<sm::arm>(&x); a && a->which == sm::timer::sentence) {
        now += a->ms;
        on(sm::elapsed{a->which, a->generation});
      }
  }
};

} // namespace

// VIEW-8
CAF_TEST(a row that works changes its sentence at most every fifteen seconds and ends with the last) {
  talker s;
  CAF_CHECK_EQUAL(count<sm::arm>(s.says("one")), 0u);
  CAF_CHECK_EQUAL(s.shown(), "one");
  s.now += 1000;
  auto armed = s.says("two");
  CAF_CHECK_EQUAL(count<sm::arm>(armed), 1u);
  s.now += 1000;
  CAF_CHECK_EQUAL(count<sm::arm>(s.says("three", "tool")), 0u); // one timer is enough
  CAF_CHECK_EQUAL(s.shown(), "one");
  s.now -= 1000;
  s.passes(armed);
  CAF_CHECK_EQUAL(s.now, 1'015'000);
  CAF_CHECK_EQUAL(s.shown(), "three");
  s.now += 20'000;
  s.says("four");
  CAF_CHECK_EQUAL(s.shown(), "four"); // nothing was shown for long enough
  armed = s.says("five");
  CAF_CHECK_EQUAL(s.shown(), "four");
  s.happens("turn_ended", "first", "end_turn");
  CAF_CHECK_EQUAL(s.shown(), "five"); // at rest it is the last word at once
  s.passes(armed);                    // stale
  CAF_CHECK_EQUAL(s.shown(), "five");
}

// VIEW-8
CAF_TEST(the row of a shell job has the last line of the run at hand and of its own worker alone) {
  session s("exec");
  s.run();
  auto first = s.worker();
  auto said = [&] { return sm::look(s.m).output; };
  CAF_CHECK(s.on(sm::put_out{"one", first}).empty()); // nothing is written of it
  CAF_CHECK_EQUAL(said(), "one");
  s.on(sm::put_out{"of another", {first.value + 1}});
  CAF_CHECK_EQUAL(said(), "one");
  s.on(sm::put_out{{}, first}); // a program fills the screen
  CAF_CHECK_EQUAL(said(), "");
  s.on(sm::put_out{"two", first});
  s.happens("ended", {}, "exited", 1);
  s.on(sm::gone{first, "exited"});
  CAF_CHECK_EQUAL(sm::look(s.m).state, "failed");
  CAF_CHECK_EQUAL(said(), "two"); // it stays
  s.on(sm::asked_respawn{"test"});
  s.run();
  CAF_CHECK_EQUAL(said(), "");
  s.on(sm::put_out{"late", first});
  CAF_CHECK_EQUAL(said(), "");
  session agent;
  agent.run();
  agent.on(sm::put_out{"no", agent.worker()});
  CAF_CHECK_EQUAL(sm::look(agent.m).output, "");
}

// VIEW-8
CAF_TEST(a question shows at once and the first words of the next turn too) {
  talker s;
  s.says("one");
  s.says("two");
  event e;
  e.n = ++s.events;
  e.t = s.now;
  e.run = s.m.known.run;
  e.what = "question";
  e.id = "q1.1";
  e.text = "Shall I?";
  s.on(sm::happened{e});
  CAF_CHECK_EQUAL(s.shown(), "Shall I?");
  s.happens("answered", "q1.1");
  CAF_CHECK_EQUAL(s.shown(), "two");
  s.happens("turn_ended", "first", "end_turn");
  s.says("what it came to", "sentence");
  CAF_CHECK_EQUAL(s.shown(), "what it came to"); // of a small model
  s.happens("taken", "again");
  s.happens("sent", "again");
  s.says("late", "sentence"); // within a turn it is of the one before
  CAF_CHECK_EQUAL(s.shown(), "what it came to");
  s.says("again at work");
  CAF_CHECK_EQUAL(s.shown(), "again at work");
}
