// Short memory, a machine that slept, and a newer version: the machines of supervisor and session.
#define CAF_SUITE pressure
#include <random>

#include "actors/session/machine.hpp"
#include "actors/supervisor/machine.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;
namespace sm = troupe::supervisor_machine;
namespace xm = troupe::session_machine;

namespace {

struct supervisor {
  sm::state m;
  sm::policy p;
  supervisor() { on(sm::opened{}); }
  std::vector<sm::effect> on(const sm::event_& e) {
    auto s = sm::next(std::move(m), e, 0, p);
    m = std::move(s.to);
    return s.effects;
  }
  row shows(const std::string& id, const std::string& state, wall_ms used, bool pinned = false) {
    row x;
    x.id = {id};
    x.state = state;
    x.process = "alive";
    x.used_at = used;
    x.pinned = pinned;
    on(sm::row_now{x});
    return x;
  }
  void ends(const std::string& id, std::vector<sm::effect>* out = nullptr) {
    row x;
    x.id = {id};
    x.process = "exited";
    auto e = on(sm::row_now{x});
    if (out)
      *out = e;
  }
};

/// Whom the step asks to end; "" nobody.
std::string retired(const std::vector<sm::effect>& xs) {
  std::string out;
  for (const auto& x : xs)
    if (const auto* r = std::get_if<sm::retire>(&x))
      out += (out.empty() ? "" : ",") + r->who.value;
  return out;
}

template <class T, class V>
bool has(const std::vector<V>& xs) {
  for (const auto& x : xs)
    if (std::holds_alternative<T>(x))
      return true;
  return false;
}

struct session {
  xm::state m;
  xm::policy p;
  wall_ms now = 1'000'000;
  std::uint64_t events = 0;
  explicit session() {
    m.known.id = {"s"};
    m.known.spec.kind = "agent";
    m.known.spec.harness = "native";
    on(xm::begin{});
    on(xm::granted{{{7}, {"boot", 7, 9}, "/socket"}, false});
    on(xm::held{{m.known.id, m.known.run, "/", "", 0}});
    on(xm::permitted{});
    happens("assigned");
    happens("started");
  }
  std::vector<xm::effect> on(const xm::event_& e) {
    auto s = xm::next(std::move(m), e, now, p);
    m = std::move(s.to);
    return s.effects;
  }
  void happens(const std::string& what, const std::string& id = {}, const std::string& detail = {}) {
    event e;
    e.n = ++events;
    e.t = now;
    e.run = m.known.run;
    e.what = what;
    e.id = id;
    e.detail = detail;
    on(xm::happened{e});
  }
  void finish() {
    happens("ready");
    happens("taken", "first");
    happens("sent", "first");
    happens("turn_ended", {}, "end_turn");
  }
};

std::string wrote(const std::vector<xm::effect>& xs, const std::string& what, const std::string& fact) {
  for (const auto& x : xs)
    if (const auto* r = std::get_if<xm::record>(&x); r && r->entry.what == what)
      return r->entry.facts.count(fact) != 0 ? r->entry.facts.at(fact) : "-";
  return {};
}

} // namespace

// SUP-8
CAF_TEST(short memory ends idle unpinned sessions first and the least recently used of them) {
  supervisor s;
  s.shows("a", "done", 30);
  s.shows("b", "done", 10);
  s.shows("c", "idle", 20);
  s.shows("p", "done", 1, true);
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_short{})), "b");
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_short{})), ""); // one at a time
  for (const char* next : {"c", "a", "p"}) {              // the pinned one only when all else freed too little
    const auto* at = std::get_if<sm::retiring>(&s.m.memory);
    CAF_REQUIRE(at);
    std::vector<sm::effect> e;
    s.ends(at->who.value, &e);
    CAF_CHECK(has<sm::look_at_memory>(e));
    CAF_CHECK_EQUAL(retired(s.on(sm::memory_looked{true})), next);
  }
  s.ends("p");
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_looked{true})), "");
  CAF_CHECK(std::holds_alternative<sm::calm>(s.m.memory));
}

// SUP-8
CAF_TEST(it looks again after each and stops once memory is there) {
  supervisor s;
  s.shows("a", "done", 1);
  s.shows("b", "done", 2);
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_short{})), "a");
  s.ends("a");
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_looked{false})), "");
  CAF_CHECK(std::holds_alternative<sm::calm>(s.m.memory));
}

// SUP-8, F-04
CAF_TEST(no session that works or waits or is looked at is ever taken) {
  supervisor s;
  s.shows("works", "working", 1);
  s.shows("asks", "blocked", 2);
  s.shows("unknown", "unknown", 3);
  auto x = s.shows("attached", "done", 4);
  x.attached = 1;
  s.on(sm::row_now{x});
  x = s.shows("serves", "done", 5);
  x.work = {{"1", "shell", "npm start"}};
  s.on(sm::row_now{x});
  x = s.shows("replied", "done", 6);
  x.undelivered = 1;
  s.on(sm::row_now{x});
  x = s.shows("starts", "done", 7);
  x.process = "starting";
  s.on(sm::row_now{x});
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_short{})), "");
}

// SUP-8, F-04, KEEP-5
CAF_TEST(one that wakes up or does not end is left and the next one asked) {
  supervisor s;
  s.shows("a", "done", 1);
  s.shows("b", "done", 2);
  s.shows("c", "done", 3);
  s.on(sm::memory_short{});
  CAF_CHECK(has<sm::look_at_memory>(s.on(sm::retire_refused{{"a"}})));
  auto e = s.on(sm::memory_looked{true});
  CAF_CHECK_EQUAL(retired(e), "b");
  s.shows("b", "working", 4); // a reply came first
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_looked{true})), "c");
  CAF_CHECK(!has<sm::look_at_memory>(s.on(sm::retire_late{1})));
  CAF_CHECK(has<sm::look_at_memory>(s.on(sm::retire_late{s.m.retirement})));
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_looked{true})), "");
}

// SUP-8, F-04
CAF_TEST(in all orders at most one session is being ended and only idle ones) {
  for (unsigned seed = 1; seed <= 2000; ++seed) {
    std::mt19937 r(seed);
    supervisor s;
    std::map<std::string, row> rows;
    std::string ending;
    for (int step = 0; step < 80; ++step) {
      auto id = std::string(1, static_cast<char>('a' + r() % 4));
      std::vector<sm::effect> e;
      switch (r() % 6) {
      case 0:
        rows[id] = s.shows(id, r() % 2 ? "done" : "working", step, r() % 4 == 0);
        if (ending == id && rows[id].state == "working")
          ending.clear();
        break;
      case 1:
        s.ends(id, &e);
        rows.erase(id);
        if (ending == id)
          ending.clear();
        break;
      case 2:
        e = s.on(sm::memory_short{});
        break;
      case 3:
        e = s.on(sm::memory_looked{r() % 2 == 0});
        break;
      case 4:
        if (ending == id)
          ending.clear();
        e = s.on(sm::retire_refused{{id}});
        break;
      default:
        if (std::holds_alternative<sm::retiring>(s.m.memory))
          ending.clear();
        e = s.on(sm::retire_late{s.m.retirement});
        break;
      }
      if (auto who = retired(e); !who.empty()) {
        CAF_REQUIRE(ending.empty());
        CAF_REQUIRE_EQUAL(rows[who].state, "done");
        ending = who;
      }
    }
  }
}

// SUP-8, KEEP-5
CAF_TEST(one whose end was refused for a later event of its worker is asked again) {
  supervisor s;
  auto x = s.shows("a", "done", 1);
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_short{})), "a");
  x.process = "ending";
  CAF_CHECK(s.on(sm::row_now{x}).empty());
  x.process = "frozen"; // that was the event
  CAF_CHECK(has<sm::look_at_memory>(s.on(sm::row_now{x})));
  CAF_CHECK_EQUAL(retired(s.on(sm::memory_looked{true})), "a");
}

// SUP-6
CAF_TEST(a newer version is made room for once and nothing new is taken meanwhile) {
  supervisor s;
  s.on(sm::busy_now{2});
  auto e = s.on(sm::replaced{"9.0.0"});
  CAF_REQUIRE_EQUAL(e.size(), 3u);
  CAF_CHECK(std::get<sm::drain>(e[1]).keep_workers);
  CAF_CHECK_EQUAL(std::get<sm::drain>(e[1]).successor, "9.0.0");
  CAF_CHECK(has<sm::make_room>(e));
  CAF_CHECK(s.on(sm::replaced{"9.0.1"}).empty());
  CAF_CHECK(has<sm::refuse>(s.on(sm::dispatch_asked{"k", "d", {"a"}})));
  CAF_CHECK(has<sm::refuse>(s.on(sm::stop_asked{true, true, 0})));
  CAF_CHECK(!has<sm::leave>(s.on(sm::busy_now{0})));
  CAF_CHECK(s.on(sm::memory_short{}).empty());
}

// SUP-6, SUP-11
CAF_TEST(a newer version waits for an assignment on its way and not for ever) {
  for (bool comes : {true, false}) {
    supervisor s;
    auto x = s.shows("a", "working", 1);
    x.process = "starting";
    s.on(sm::row_now{x});
    CAF_CHECK(!has<sm::make_room>(s.on(sm::replaced{"9.0.0"})));
    x.process = "alive";
    CAF_CHECK(has<sm::make_room>(comes ? s.on(sm::row_now{x}) : s.on(sm::make_room_due{})));
    CAF_CHECK(!has<sm::make_room>(s.on(sm::row_now{x})));
    CAF_CHECK(!has<sm::make_room>(s.on(sm::make_room_due{})));
  }
}

// SUP-8, KEEP-4
CAF_TEST(an idle session gives its process back with the cause and a working one refuses) {
  session s;
  CAF_CHECK(has<xm::refuse>(s.on(xm::asked_retire{"memory"})));
  s.finish();
  s.on(xm::asked_pin{true});
  auto e = s.on(xm::asked_retire{"memory"});
  CAF_CHECK_EQUAL(wrote(e, "reap", "why"), "memory");
  CAF_CHECK(has<xm::end>(e));
  CAF_CHECK_EQUAL(xm::look(s.m).process, "ending");
  s.happens("ended", "reap", "exited");
  s.on(xm::gone{{7}, "exited 0"});
  CAF_CHECK_EQUAL(xm::look(s.m).process, "exited");
  CAF_CHECK_EQUAL(xm::look(s.m).state, "done");
  CAF_CHECK_EQUAL(xm::look(s.m).note, "its process was stopped to free memory");
}

// SUP-8, BEYOND-3
CAF_TEST(a frozen session gives its process back and to be frozen is no use of it) {
  session s;
  s.p.freeze = 300'000;
  s.finish();
  auto used = xm::look(s.m).used_at;
  s.now += 300'000;
  s.on(xm::elapsed{xm::timer::rest, s.m.rest_generation});
  s.happens("frozen");
  auto shown = xm::look(s.m);
  CAF_CHECK_EQUAL(shown.process, "frozen");
  CAF_CHECK_EQUAL(shown.used_at, used);
  CAF_CHECK(sm::may_retire(shown));
  auto e = s.on(xm::asked_retire{"memory"});
  CAF_CHECK_EQUAL(wrote(e, "reap", "idle_ms"), "300000");
  CAF_CHECK(has<xm::end>(e));
}

// SUP-8, BEYOND-3, KEEP-5: the worker has frozen meanwhile, and refuses
CAF_TEST(a session that is asked while it is being frozen is frozen then and can be asked again) {
  session s;
  s.p.freeze = 300'000;
  s.finish();
  s.on(xm::elapsed{xm::timer::rest, s.m.rest_generation});
  s.on(xm::asked_retire{"memory"});
  s.happens("frozen");
  s.on(xm::end_refused{"a later event", {7}});
  CAF_CHECK_EQUAL(xm::look(s.m).process, "frozen");
  CAF_CHECK(has<xm::end>(s.on(xm::asked_retire{"memory"})));
}

// REST-6
CAF_TEST(a silent end before ready is told with low memory and no other end is) {
  session s;
  CAF_CHECK(has<xm::look_at_memory>(s.on(xm::gone{{7}, "killed by signal 9"})));
  CAF_CHECK(wrote(s.on(xm::memory_seen{true}), "note", "text").find("possibly low memory") == 0);
  CAF_CHECK_EQUAL(xm::look(s.m).note, "possibly low memory — free some up and retry");
  CAF_CHECK(s.on(xm::memory_seen{true}).empty()); // once an end
  session plenty;
  plenty.on(xm::gone{{7}, "killed by signal 9"});
  CAF_CHECK(plenty.on(xm::memory_seen{false}).empty());
  session later;
  later.happens("ready");
  CAF_CHECK(!has<xm::look_at_memory>(later.on(xm::gone{{7}, "killed by signal 9"})));
}

// F-30, KEEP-3
CAF_TEST(an end at the time the machine slept is told as one of that time) {
  session before;
  before.finish();
  before.on(xm::gone{{7}, "killed by signal 9"});
  before.now += 5000;
  auto e = before.on(xm::slept{3'600'000, before.now - 9000});
  CAF_CHECK_EQUAL(wrote(e, "note", "text"), "its process ended when the machine had slept for 3600 s");
  session after;
  after.finish();
  CAF_CHECK(after.on(xm::slept{3'600'000, after.now}).empty()); // no timer is armed anew and none fires
  after.now += 1000;
  auto gone = after.on(xm::gone{{7}, "exited 1"});
  CAF_CHECK_EQUAL(wrote(gone, "worker_ended", "evidence"), "exited 1; the machine had slept for 3600 s");
  session earlier;
  earlier.finish();
  earlier.on(xm::gone{{7}, "exited 1"});
  CAF_CHECK(earlier.on(xm::slept{60'000, earlier.now + 1}).empty()); // it had ended ahead of the sleep
}
