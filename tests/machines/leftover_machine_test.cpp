// What a dead worker's agent has left running waits for the next worker, and ends when none will come (REST-7).
#define CAF_SUITE leftover_machine
#include <algorithm>

#include "actors/session/machine.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;
namespace sm = troupe::session_machine;

namespace {

struct session {
  sm::state m;
  sm::policy p;
  std::uint64_t events = 0, workers = 0;
  std::vector<sm::effect> last;

  explicit session(const std::string& harness = "native") {
    m.known.id = {"s"};
    m.known.spec.kind = harness == "exec" ? "exec" : "agent";
    m.known.spec.harness = harness;
    on(sm::begin{});
  }
  void on(const sm::event_& e) {
    auto s = sm::next(std::move(m), e, 1'000'000, p);
    m = std::move(s.to);
    last = std::move(s.effects);
  }
  void tell(const std::string& what, const std::string& id = {}, const std::string& detail = {},
            std::vector<work_item> work = {}) {
    event e;
    e.n = ++events;
    e.run = m.known.run;
    e.what = what;
    e.id = id;
    e.detail = detail;
    e.work = std::move(work);
    on(sm::happened{e});
  }
  void begin_run() {
    on(sm::granted{{{++workers}, {"boot", 7, 9}, "/socket"}, true});
    on(sm::held{{m.known.id, m.known.run, "/", "", 0}});
    on(sm::permitted{});
    tell("started");
  }
  void run() {
    begin_run();
    tell("ready");
  }
  void turn() {
    tell("taken", "first");
    tell("sent", "first");
    tell("work", {}, {}, {{"sh-1", "shell", "make"}});
    tell("turn_ended", "first", "end_turn");
  }
  template <class T>
  std::size_t place() const {
    return static_cast<std::size_t>(
        std::find_if(last.begin(), last.end(), [](const auto& x) { return std::holds_alternative<T>(x); }) -
        last.begin());
  }
  template <class T>
  bool has() const {
    return place<T>() < last.size();
  }
  void die() { on(sm::gone{{workers}, "killed by signal 9"}); }
};

} // namespace

// REST-7, REST-1
CAF_TEST(a worker that died is followed by one that picks its shells up) {
  session s;
  s.run();
  s.turn();
  s.die();
  CAF_CHECK(s.has<sm::claim>() && !s.has<sm::clear>());
}

// REST-7: the agent has died, and its worker left the shells
CAF_TEST(an agent that died is followed by one that picks its shells up) {
  session s;
  s.run();
  s.turn();
  s.tell("ended", {}, "signalled", {{"sh-1", "shell", "make"}});
  s.die();
  CAF_CHECK(s.has<sm::claim>() && !s.has<sm::clear>());
  s.on(sm::not_granted{"no", errc::not_started});
  CAF_CHECK(s.place<sm::clear>() < s.place<sm::quiet>());
}

// REST-7, KEEP-8: before whoever asked for the end hears of it
CAF_TEST(a session that gets no other worker ends what was left) {
  for (int how = 0; how < 4; ++how) {
    session s;
    s.run();
    s.turn();
    s.die();
    if (how == 0)
      s.on(sm::asked_stop{"me"});
    else if (how == 1) {
      s.on(sm::asked_remove{"me"});
      s.on(sm::not_granted{"no", errc::not_started}); // the claim that was open
    } else if (how == 2)
      s.on(sm::not_granted{"no", errc::not_started});
    else
      for (int i = 0; i < 5; ++i) { // each ahead of its agent's first word
        s.begin_run();
        s.die();
        if (std::holds_alternative<sm::backing_off>(s.m.at))
          s.on(sm::elapsed{sm::timer::restart, s.m.generation});
      }
    CAF_REQUIRE(s.has<sm::clear>());
    CAF_CHECK(s.place<sm::clear>() < s.place<sm::quiet>());
  }
}

// REST-7, REST-2
CAF_TEST(a stop that a dead worker could not carry out ends what was left) {
  session s;
  s.run();
  s.turn();
  s.on(sm::asked_stop{"me"});
  s.die();
  CAF_CHECK(s.place<sm::clear>() < s.place<sm::quiet>());
  CAF_CHECK(s.has<sm::quiet>());
}

// REST-7
CAF_TEST(where the worker has told the end of its whole tree nothing is left to end) {
  session s;
  s.run();
  s.turn();
  s.on(sm::asked_stop{"me"});
  s.tell("ended", "stop", "exited");
  s.die();
  CAF_CHECK(s.has<sm::quiet>() && !s.has<sm::clear>());
  session job("exec");
  job.run();
  job.die();
  CAF_CHECK(job.has<sm::quiet>() && !job.has<sm::clear>());
}

// REST-7, SUP-5: once
CAF_TEST(a supervisor that finds a settled session without its workers word ends what was left) {
  session s;
  s.run();
  s.turn();
  s.tell("turn_ended", "first", "error");
  auto known = s.m.known;
  session t;
  t.m = {};
  t.m.known = known;
  t.on(sm::restored{true});
  t.on(sm::not_adopted{true, "its process has ended"});
  CAF_CHECK(t.has<sm::clear>());
  t.on(sm::asked_stop{"me"});
  CAF_CHECK(!t.has<sm::clear>());
}

// KEEP-2, STATE-1: a run knows nothing of the one before
CAF_TEST(work and questions of a dead worker are not those of the next one) {
  session s;
  s.run();
  s.turn();
  s.tell("question", "q1.1");
  s.die();
  s.run();
  CAF_CHECK(sm::look(s.m).work.empty());
  CAF_CHECK(sm::look(s.m).waiting.empty());
  s.tell("work");
  CAF_CHECK_EQUAL(sm::look(s.m).state, "done");
}
