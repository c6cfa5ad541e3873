// The session's machine between idle and stopped: frozen (BEYOND-3), against everything that may come at the same time.
#define CAF_SUITE freeze_machine
#include <algorithm>
#include <random>

#include "actors/session/machine.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;
namespace sm = troupe::session_machine;

namespace {

/// A session whose turn has ended, and a worker beside it that freezes and thaws as the real one does.
struct resting {
  sm::state m;
  sm::policy p;
  std::uint64_t events = 0;
  bool frozen = false; ///< the worker's truth
  std::vector<sm::effect> last;

  explicit resting(bool pinned = false) {
    p.freeze = 300'000;
    m.known.id = {"s"};
    m.known.spec.kind = "agent";
    m.known.spec.harness = "native";
    m.known.pinned = pinned;
    on(sm::begin{});
    on(sm::granted{{{1}, {"boot", 7, 9}, "/socket"}, true});
    on(sm::held{{m.known.id, m.known.run, "/", "", 0}});
    on(sm::permitted{});
    for (const char* what : {"assigned", "started", "ready"})
      tell(what);
    tell("taken", "first");
    tell("sent", "first");
    tell("turn_ended", "first", "end_turn");
  }
  void on(const sm::event_& e) {
    auto s = sm::next(std::move(m), e, 1'000'000, p);
    m = std::move(s.to);
    last = std::move(s.effects);
  }
  void tell(const std::string& what, const std::string& id = {}, const std::string& detail = {},
            std::int64_t value = 0) {
    event e;
    e.n = ++events;
    e.run = m.known.run;
    e.what = what;
    e.id = id;
    e.detail = detail;
    e.value = value;
    if (what == "work" && value > 0)
      e.work.push_back({"w", "shell", "make"});
    on(sm::happened{e});
  }
  void rest() { on(sm::elapsed{sm::timer::rest, m.rest_generation}); }
  void freeze() {
    rest();
    tell("frozen");
  }
  template <class T>
  std::size_t count() const {
    return static_cast<std::size_t>(
        std::count_if(last.begin(), last.end(), [](const auto& x) { return std::holds_alternative<T>(x); }));
  }
  template <class T>
  std::size_t place() const {
    return static_cast<std::size_t>(
        std::find_if(last.begin(), last.end(), [](const auto& x) { return std::holds_alternative<T>(x); }) -
        last.begin());
  }
  std::string wrote() const {
    std::string all;
    for (const auto& x : last)
      if (const auto* r = std::get_if<sm::record>(&x))
        all += (all.empty() ? "" : " ") + r->entry.what;
    return all;
  }
  std::string process() const { return sm::look(m).process; }
};

} // namespace

// BEYOND-3, KEEP-1, F-20
CAF_TEST(the rest clock freezes first and reaps later) {
  resting s;
  CAF_REQUIRE_EQUAL(s.count<sm::arm>(), 1u);
  CAF_CHECK_EQUAL(std::get<sm::arm>(s.last.back()).ms, 300'000);
  s.rest();
  CAF_CHECK_EQUAL(s.wrote(), "freeze");
  CAF_CHECK_EQUAL(s.count<sm::freeze>(), 1u);
  CAF_CHECK_EQUAL(s.process(), "alive"); // until the worker says so
  s.tell("frozen");
  CAF_CHECK_EQUAL(s.process(), "frozen");
  CAF_CHECK_EQUAL(sm::look(s.m).state, "done");
  CAF_REQUIRE_EQUAL(s.count<sm::arm>(), 1u);
  CAF_CHECK_EQUAL(std::get<sm::arm>(s.last.back()).ms, 3'300'000);
  s.rest();
  CAF_CHECK_EQUAL(s.wrote(), "reap");
  CAF_CHECK_EQUAL(s.count<sm::end>(), 1u);
}

// BEYOND-3: 0 turns it off, and so does a reaper that comes first
CAF_TEST(without a first stage the rest clock reaps) {
  for (std::int64_t ms : {std::int64_t{0}, std::int64_t{3'600'000}}) {
    resting s;
    s.p.freeze = ms;
    s.tell("note");
    s.rest();
    CAF_CHECK_EQUAL(s.wrote(), "reap");
  }
}

// BEYOND-3, KEEP-1
CAF_TEST(a pinned session is frozen and never reaped) {
  resting s(true);
  s.rest();
  CAF_CHECK_EQUAL(s.count<sm::freeze>(), 1u);
  s.rest();
  CAF_CHECK(s.last.empty());
  s.tell("frozen");
  CAF_CHECK_EQUAL(s.count<sm::arm>(), 0u);
  s.rest();
  CAF_CHECK_EQUAL(s.process(), "frozen");
  CAF_CHECK(s.last.empty());
  s.on(sm::asked_pin{false}); // now its time runs
  CAF_CHECK_EQUAL(s.count<sm::arm>(), 1u);
  s.rest();
  CAF_CHECK_EQUAL(s.wrote(), "reap");
}

// BEYOND-3: only at turn boundaries, never with active work, a question or a terminal
CAF_TEST(nothing that keeps a session lets it be frozen) {
  for (const char* what : {"sent", "work", "question", "attached"}) {
    resting s;
    auto due = s.m.rest_generation;
    s.tell(what, "x", {}, 1);
    s.on(sm::elapsed{sm::timer::rest, due});
    CAF_CHECK_EQUAL(s.count<sm::freeze>() + s.count<sm::end>(), 0u);
    s.rest();
    CAF_CHECK_EQUAL(s.count<sm::freeze>() + s.count<sm::end>(), 0u);
  }
}

// BEYOND-3, KEEP-1: a running shell job is work
CAF_TEST(a shell job that runs is never frozen) {
  resting s;
  s.m = {};
  s.m.known.spec.kind = "exec";
  s.on(sm::begin{});
  s.on(sm::granted{{{1}, {"boot", 7, 9}, "/socket"}, true});
  s.on(sm::held{{{}, 1, "/", "", 0}});
  s.on(sm::permitted{});
  s.events = 0;
  s.tell("started");
  s.tell("work"); // declared work that has ended
  CAF_CHECK_EQUAL(sm::look(s.m).state, "working");
  s.rest();
  CAF_CHECK_EQUAL(s.count<sm::freeze>(), 0u);
}

// BEYOND-3, KEEP-5, REST-5
CAF_TEST(a reply thaws and is delivered once) {
  resting s;
  s.freeze();
  s.on(sm::asked_reply{"k", "go on"});
  CAF_CHECK_EQUAL(s.wrote(), "reply thaw");
  CAF_CHECK(s.count<sm::thaw>() == 1 && s.count<sm::deliver>() == 1);
  CAF_CHECK(s.place<sm::thaw>() < s.place<sm::deliver>());
  CAF_CHECK_EQUAL(s.process(), "alive");
  s.tell("thawed", {}, "reply");
  CAF_CHECK_EQUAL(s.wrote(), ""); // it is on record
  s.tell("taken", "k");
  CAF_CHECK_EQUAL(s.count<sm::deliver>(), 0u);
  CAF_CHECK(s.m.known.replies.empty());
}

// KEEP-5: all orders of a reply and the worker's word that it is frozen
CAF_TEST(a reply that crosses the freeze wins) {
  resting s;
  s.rest();
  s.on(sm::asked_reply{"k", "go on"}); // the worker freezes first, and thaws for the reply
  CAF_CHECK_EQUAL(s.count<sm::deliver>(), 1u);
  s.tell("frozen");
  s.tell("thawed", {}, "reply");
  CAF_CHECK_EQUAL(s.wrote(), "thaw");
  s.tell("taken", "k");
  CAF_CHECK_EQUAL(s.process(), "alive");
  CAF_CHECK(s.m.known.replies.empty());
  resting t;
  t.rest();
  t.on(sm::asked_reply{"k", "go on"}); // the worker takes the reply first, and refuses
  t.tell("taken", "k");
  t.on(sm::not_frozen{"a later event came first", {1}});
  CAF_CHECK_EQUAL(t.wrote(), "freeze_refused");
  CAF_CHECK_EQUAL(t.process(), "alive");
}

// BEYOND-3, KEEP-6
CAF_TEST(attach and peek and an answer and declared work thaw) {
  for (int how = 0; how < 4; ++how) {
    resting s;
    s.freeze();
    if (how == 0)
      s.on(sm::asked_wake{});
    else if (how == 1)
      s.on(sm::asked_answer{"k", "", "1", "me"});
    else if (how == 2)
      s.on(sm::asked_work{true, "w", "deploy"});
    else
      s.tell("thawed", {}, "attach"); // the client speaks to the worker, which tells
    CAF_CHECK(s.wrote().ends_with("thaw"));
    CAF_CHECK_EQUAL(s.count<sm::thaw>(), how == 3 ? 0u : 1u);
    CAF_CHECK_EQUAL(s.process(), "alive");
    CAF_CHECK_EQUAL(s.count<sm::arm>(), 1u); // the clock starts anew
  }
}

// BEYOND-3: before any SIGTERM
CAF_TEST(a frozen session is thawed before it is ended) {
  for (int how = 0; how < 3; ++how) {
    resting s;
    s.freeze();
    if (how == 0)
      s.on(sm::asked_stop{"me"});
    else if (how == 1)
      s.on(sm::asked_remove{"me"});
    else
      s.on(sm::asked_respawn{"me"});
    CAF_CHECK(s.count<sm::thaw>() == 1 && s.count<sm::end>() == 1);
    CAF_CHECK(s.place<sm::thaw>() < s.place<sm::end>());
    CAF_CHECK_EQUAL(s.process(), "ending");
  }
}

// KEEP-5
CAF_TEST(a reaper that is refused leaves a frozen session frozen and an awake one awake) {
  resting s;
  s.freeze();
  s.rest();
  s.on(sm::end_refused{"no answer", {1}});
  CAF_CHECK_EQUAL(s.process(), "frozen");
  CAF_CHECK_EQUAL(s.count<sm::arm>(), 1u);
  s.rest();
  s.tell("thawed", {}, "attach");
  s.tell("attached", {}, {}, 1);
  s.on(sm::end_refused{"a later event came first", {1}});
  CAF_CHECK_EQUAL(s.process(), "alive");
  CAF_CHECK_EQUAL(s.count<sm::end>(), 0u);
}

// BEYOND-3, KEEP-5
CAF_TEST(a reaper that overtakes the news of the freeze asks for no other freeze) {
  resting s;
  s.rest();
  s.rest();
  CAF_CHECK_EQUAL(s.wrote(), "reap");
  s.on(sm::end_refused{"a later event came first", {1}});
  CAF_REQUIRE_EQUAL(s.count<sm::arm>(), 1u);
  CAF_CHECK_EQUAL(std::get<sm::arm>(s.last.back()).ms, 3'300'000);
  s.tell("frozen");
  CAF_CHECK_EQUAL(s.process(), "frozen");
  s.rest();
  CAF_CHECK_EQUAL(s.wrote(), "reap");
}

// REST-2, KEEP-5
CAF_TEST(a stop that crosses a refused reaper is carried out all the same) {
  resting s;
  s.p.freeze = 0;
  s.tell("note");
  s.rest();
  s.on(sm::asked_stop{"me"});
  s.on(sm::end_refused{"a later event came first", {1}});
  CAF_REQUIRE_EQUAL(s.count<sm::end>(), 1u);
  CAF_CHECK_EQUAL(std::get<sm::end>(s.last[s.place<sm::end>()]).reason, "stop");
}

// BEYOND-3, SUP-5
CAF_TEST(a supervisor that adopts a frozen worker knows that it is frozen) {
  resting s;
  s.freeze();
  auto known = s.m.known;
  resting t;
  t.m = {};
  t.m.known = known;
  t.on(sm::restored{true});
  t.on(sm::adopted{known.last_event});
  CAF_CHECK_EQUAL(t.process(), "frozen");
  CAF_CHECK_EQUAL(t.count<sm::thaw>(), 0u);
  CAF_CHECK_EQUAL(t.count<sm::arm>(), 1u);
  resting u; // a reply had been written that no worker has taken
  u.m = {};
  u.m.known = known;
  u.m.known.replies.push_back({"k", "go on"});
  u.on(sm::restored{true});
  u.on(sm::adopted{known.last_event});
  CAF_CHECK(u.count<sm::thaw>() == 1 && u.count<sm::deliver>() == 1);
}

// KEEP-8, F-25
CAF_TEST(a frozen worker that dies leaves a session that a reply starts again) {
  resting s;
  s.freeze();
  s.on(sm::gone{{1}, "killed by signal 9"});
  CAF_CHECK_EQUAL(s.process(), "exited");
  CAF_CHECK_EQUAL(s.count<sm::claim>(), 0u);
  s.on(sm::asked_reply{"k", "go on"});
  CAF_CHECK_EQUAL(s.count<sm::claim>(), 1u);
}

// BEYOND-3, KEEP-5, REST-2: nothing is frozen that is at work, whatever the order
CAF_TEST(in random orders nothing at work is frozen or reaped and no reply is lost) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    std::mt19937 r(seed);
    resting s(r() % 4 == 0);
    int replies = 0, deliveries = 0;
    for (int step = 0; step < 60; ++step) {
      switch (r() % 12) {
      case 0:
        s.rest();
        break;
      case 1:
        if (!s.m.known.turn && s.m.known.work.empty() && s.m.known.attached == 0)
          s.tell("frozen");
        break;
      case 2:
        s.tell("thawed", {}, "attach");
        break;
      case 3:
        s.tell("attached", {}, {}, r() % 2);
        break;
      case 4:
        s.tell("work", {}, {}, r() % 2);
        break;
      case 5:
        s.on(sm::asked_wake{});
        break;
      case 6:
        s.on(sm::not_frozen{"no", {1}});
        break;
      case 7:
        s.on(sm::end_refused{"no", {1}});
        break;
      case 8:
        s.on(sm::asked_pin{r() % 2 == 0});
        break;
      case 9:
        s.on(sm::asked_reply{"k" + std::to_string(++replies), "go"});
        break;
      case 10:
        for (const auto& pending : std::vector<pending_reply>(s.m.known.replies)) {
          s.tell("taken", pending.key);
          s.tell("sent", pending.key);
          s.tell("turn_ended", pending.key, "end_turn");
          ++deliveries;
        }
        break;
      default:
        s.tell("note");
      }
      bool keeps = s.m.known.turn || !s.m.known.work.empty() || s.m.known.attached > 0;
      CAF_REQUIRE(!keeps || s.count<sm::freeze>() == 0);
      CAF_REQUIRE(!keeps || s.count<sm::end>() == 0);
      CAF_REQUIRE(!s.m.known.pinned || s.count<sm::end>() == 0);
    }
    CAF_REQUIRE_EQUAL(static_cast<std::size_t>(replies - deliveries), s.m.known.replies.size());
  }
}
