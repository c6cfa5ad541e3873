// Who tells a session's state, and whom to believe.
#define CAF_SUITE evidence
#include "caf/test/unit_test.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

const std::vector<std::string> states{"working", "blocked", "idle"};

std::string source_of(const session& s) {
  return sm::look(s.m).told.source;
}

void hint(session& s, const std::string& by, const std::string& state) {
  event e;
  e.n = ++s.events;
  e.t = s.now;
  e.run = s.m.known.run;
  e.what = "hint";
  e.detail = by;
  e.text = state;
  s.on(sm::happened{e});
}

/// Feeds a log of guesses that contradict each other; gives how often the state that people see has changed.
int flips(session& s, const std::vector<std::string>& sources, int lines) {
  int count = 0;
  auto before = s.state();
  for (int i = 0; i < lines; ++i) {
    s.now += 250;
    hint(s, sources[static_cast<std::size_t>(i) % sources.size()], states[static_cast<std::size_t>(i / 2) % 3]);
    count += s.state() != before;
    before = s.state();
  }
  return count;
}

} // namespace

// BEYOND-8
CAF_TEST(a state names who told it and since when) {
  session s;
  ledger_entry e;
  e.n = 1;
  e.t = 900'000;
  e.what = "dispatched";
  e.session = s.m.known.id;
  e.spec.push_back(s.m.known.spec);
  fold(s.m.known, e);
  CAF_CHECK(sm::look(s.m).told == (evidence{"ledger", 900'000}));
  s.run();
  CAF_CHECK(sm::look(s.m).told == (evidence{"process tree", s.now})); // the harness runs, and has said nothing yet
  s.now += 1000;
  s.turn();
  CAF_CHECK(sm::look(s.m).told == (evidence{"protocol", s.now}));
  auto turn = s.now;
  s.now += 1000;
  s.happens("text", {}, "agent");
  CAF_CHECK(sm::look(s.m).told == (evidence{"protocol", turn})); // the same state goes on
  s.now += 1000;
  s.happens("question", "q1.1");
  CAF_CHECK(sm::look(s.m).told == (evidence{"protocol", s.now}));
  CAF_CHECK_EQUAL(s.state(), "blocked");
}

// BEYOND-8: the state of a shell job is that of its process tree
CAF_TEST(a shell job is told by its process tree alone) {
  session s("exec");
  s.run();
  CAF_CHECK_EQUAL(source_of(s), "process tree");
  s.now += 5000;
  CAF_CHECK_EQUAL(flips(s, {"screen"}, 100), 0);
  s.happens("ended", {}, "exited", 0);
  CAF_CHECK(sm::look(s.m).told == (evidence{"process tree", s.now}));
  auto ended = s.now;
  s.now += 10;
  s.on(sm::gone{s.worker(), "exited 0"}); // the ledger repeats it, and is no better witness
  CAF_CHECK(sm::look(s.m).told == (evidence{"process tree", ended}));
  CAF_CHECK_EQUAL(s.state(), "done");
}

// F-16, BEYOND-8: a log of 737 guesses that contradict each other
CAF_TEST(guesses change nothing once the harness has told) {
  session s;
  s.run();
  s.turn();
  CAF_CHECK_EQUAL(flips(s, {"screen", "hook", "process tree", "screen"}, 737), 0);
  CAF_CHECK_EQUAL(s.state(), "working");
  s.happens("question", "q1.1");
  CAF_CHECK_EQUAL(flips(s, {"screen", "hook", "process tree"}, 737), 0);
  CAF_CHECK_EQUAL(s.state(), "blocked");
  s.happens("answered", "q1.1");
  s.happens("turn_ended", "first", "cancelled");
  CAF_CHECK_EQUAL(flips(s, {"hook", "screen"}, 737), 0);
  CAF_CHECK_EQUAL(s.state(), "idle");
  CAF_CHECK_EQUAL(source_of(s), "protocol");
}

// F-16: without a protocol, the strongest that speaks is believed
CAF_TEST(a screen that contradicts a hook is not believed) {
  session s;
  s.run();
  hint(s, "screen", "blocked"); // weaker than the process tree, which shows the harness
  CAF_CHECK_EQUAL(s.state(), "working");
  hint(s, "hook", "idle");
  CAF_CHECK_EQUAL(s.state(), "idle");
  CAF_CHECK_EQUAL(source_of(s), "hook");
  CAF_CHECK_EQUAL(flips(s, {"screen", "process tree"}, 737), 0);
  hint(s, "hook", "working");
  CAF_CHECK_EQUAL(s.state(), "working");
  hint(s, "oracle", "idle"); // no source that anybody knows
  CAF_CHECK_EQUAL(s.state(), "working");
}

// F-16, BEYOND-8: unknown, never idle
CAF_TEST(what was guessed or asked of a process that is gone is unknown) {
  session s;
  s.run();
  hint(s, "hook", "idle");
  ledger_entry gone;
  gone.what = "worker_ended";
  auto f = s.m.known;
  fold(f, gone);
  CAF_CHECK(f.now == task::unknown && f.told_by == source::none);
  session t;
  t.run();
  t.turn();
  t.happens("question", "q1.1");
  f = t.m.known;
  fold(f, gone);
  CAF_CHECK(f.now == task::unknown && f.questions.empty());
}

// SUP-5, BEYOND-8
CAF_TEST(a worker that does not answer leaves its state unknown since it was first asked) {
  session s;
  s.run();
  session t;
  t.m.known = s.m.known;
  t.on(sm::restored{true});
  auto lost = t.now;
  int lines = 0;
  for (int i = 0; i < 5; ++i) {
    auto e = t.on(sm::not_adopted{false, "no answer"});
    lines += wrote(e, "unreachable");
    CAF_CHECK(sm::look(t.m).told == (evidence{"none", lost}));
    t.now += 5000;
    t.on(sm::elapsed{sm::timer::restart, t.m.generation});
  }
  CAF_CHECK_EQUAL(lines, 1);
  t.on(sm::adopted{0});
  CAF_CHECK_EQUAL(t.state(), "working");
  CAF_CHECK_EQUAL(source_of(t), "process tree");
}
