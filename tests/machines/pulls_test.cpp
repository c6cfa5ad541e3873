// Pull requests of sessions at rest: which is asked about when, and what a session makes of the answer.
#define CAF_SUITE pulls
#include "actors/supervisor/pull_watch.hpp"
#include "caf/test/unit_test.hpp"
#include "messages/json.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;
namespace pw = troupe::pull_watch;

namespace {

const std::string one = "https://github.com/o/r/pull/1", two = "https://github.com/o/r/pull/2";
constexpr std::int64_t minute = 60'000;

pull_request pull(const std::string& url, const std::string& state = "open") {
  return {static_cast<std::uint32_t>(url.back() - '0'), url, state};
}

struct watch {
  pw::state m;
  pw::policy p;
  wall_ms now = 1'000'000;
  std::uint64_t armed = 0;
  std::int64_t ms = -1; ///< of the timer that counts; -1: none

  watch() { p.every_ms = 5 * minute; }
  std::vector<pw::effect> on(const pw::event_& e) {
    auto s = pw::next(std::move(m), e, now, p);
    m = std::move(s.to);
    ms = -1;
    for (const auto& x : s.effects)
      if (const auto* a = std::get_if<pw::arm>(&x)) {
        armed = a->generation;
        ms = a->ms;
      }
    return s.effects;
  }
  std::vector<pw::effect> row(const char* id, std::vector<pull_request> pulls) {
    return on(pw::row_now{{id}, std::move(pulls)});
  }
  std::vector<pw::effect> later(std::int64_t by) {
    now += by;
    return on(pw::due{armed});
  }
};

/// Who is asked, and about what: `id url`; empty: nobody.
std::string asked(const std::vector<pw::effect>& xs) {
  std::string out;
  for (const auto& x : xs)
    if (const auto* a = std::get_if<pw::ask>(&x))
      out += (out.empty() ? "" : ", ") + a->who.value + " " + a->url;
  return out;
}

std::string told(const std::vector<pw::effect>& xs) {
  std::string out;
  for (const auto& x : xs)
    if (const auto* t = std::get_if<pw::tell>(&x))
      out += t->who.value + " " + t->now.state + " ";
  return out;
}

/// A session that works on `one`.
struct linked : session {
  linked() {
    run();
    name(pull(one));
    turn();
    happens("turn_ended", "first", "end_turn");
  }
  void name(const pull_request& x) {
    event e;
    e.n = ++events;
    e.t = now;
    e.run = m.known.run;
    e.what = "pull";
    e.data = to_line({{"number", x.number}, {"url", x.url}, {"state", x.state}});
    on(sm::happened{e});
  }
  [[nodiscard]] std::string shown() const { return sm::look(m).pulls.front().state; }
  /// How it is known from its files.
  [[nodiscard]] facts again() const {
    facts f;
    for (const auto& x : all)
      if (const auto* r = std::get_if<sm::record>(&x))
        fold(f, r->entry);
    return f;
  }
};

} // namespace

// PR-1
CAF_TEST(nothing is asked while nobody looks and at once when somebody comes) {
  watch w;
  CAF_CHECK(w.row("a", {pull(one, "pending")}).empty());
  w.now += 60 * minute;
  CAF_CHECK(w.on(pw::due{0}).empty());
  CAF_CHECK_EQUAL(asked(w.on(pw::watched_by{1})), "a " + one);
  CAF_CHECK(w.on(pw::watched_by{0}).empty());
  CAF_CHECK(w.on(pw::told{one, "ready"}).empty()); // whoever asked is told by the answer; no timer runs on
  w.now += 60 * minute;
  CAF_CHECK(w.on(pw::due{w.armed}).empty());
}

// PR-1
CAF_TEST(one is asked about at a time and none more often than the setting says) {
  watch w;
  w.on(pw::watched_by{1});
  CAF_CHECK_EQUAL(asked(w.row("a", {pull(one), pull(two)})), "a " + one); // the first of the row
  CAF_CHECK_EQUAL(asked(w.row("b", {pull(two)})), "");
  w.on(pw::told{one, "pending"});
  CAF_CHECK_EQUAL(w.ms, w.p.gap_ms);
  CAF_CHECK_EQUAL(asked(w.later(w.ms)), "a " + two);
  w.on(pw::told{two, "pending"});
  CAF_CHECK_EQUAL(w.ms, 5 * minute - w.p.gap_ms); // until the first one's turn comes again
  CAF_CHECK(w.on(pw::watched_by{0}).empty());
  CAF_CHECK(asked(w.on(pw::watched_by{1})).empty()); // who comes again does not change that
  CAF_CHECK_EQUAL(w.ms, 5 * minute - w.p.gap_ms);
  CAF_CHECK_EQUAL(asked(w.later(w.ms)), "a " + one);
}

// PR-1
CAF_TEST(what several sessions work on is asked about once and told to all) {
  watch w;
  for (const char* id : {"a", "b", "c"})
    w.row(id, {pull(one, id == std::string("c") ? "merged" : "pending")});
  CAF_CHECK_EQUAL(asked(w.on(pw::watched_by{1})), "a " + one);
  auto e = w.on(pw::told{one, "merged"});
  CAF_CHECK_EQUAL(told(e), "b merged "); // `a` has asked, `c` has it
  CAF_CHECK(asked(w.row("a", {pull(one, "merged")})).empty());
  CAF_CHECK(asked(w.row("b", {pull(one, "merged")})).empty());
  CAF_CHECK_EQUAL(w.ms, w.p.settled_ms);
  w.row("a", {});
  w.row("b", {});
  w.row("c", {});
  CAF_CHECK(w.m.all.empty() && w.m.rows.empty());
}

// PR-1
CAF_TEST(a merged one is asked about anew for a session that does not know it yet) {
  watch w;
  w.row("a", {pull(one, "pending")});
  w.row("b", {pull(one, "pending")});
  w.on(pw::watched_by{1});
  w.on(pw::told{one, "pending"});
  w.row("a", {pull(one, "merged")}); // by its worker
  CAF_CHECK_EQUAL(w.ms, 5 * minute);
  w.later(w.ms);
  CAF_CHECK_EQUAL(told(w.on(pw::told{one, "merged"})), "b merged ");
  CAF_CHECK_EQUAL(w.ms, 5 * minute); // until its row says so
  w.row("b", {pull(one, "merged")});
  CAF_CHECK_EQUAL(w.ms, w.p.settled_ms);
  w.now += 60 * minute;
  CAF_CHECK_EQUAL(asked(w.row("c", {pull(one)})), "a " + one);
}

// PR-1
CAF_TEST(merged and closed ones are asked about once a day and what a worker has told counts as asked) {
  watch w;
  w.on(pw::watched_by{1});
  CAF_CHECK(asked(w.row("a", {pull(one, "closed")})).empty());
  CAF_CHECK_EQUAL(w.ms, w.p.settled_ms);
  CAF_CHECK_EQUAL(asked(w.later(w.ms)), "a " + one);
  w.on(pw::told{one, "pending"}); // it was opened again
  w.now += 4 * minute;
  w.row("a", {pull(one, "pending")});
  w.row("a", {pull(one, "ready")}); // by its worker, at a turn's end
  CAF_CHECK_EQUAL(w.ms, 5 * minute);
}

// PR-1
CAF_TEST(what fails is asked about less and less and by another account) {
  watch w;
  w.row("a", {pull(one)});
  w.row("b", {pull(one), pull(two)});
  CAF_CHECK_EQUAL(asked(w.on(pw::watched_by{1})), "a " + one);
  w.on(pw::failed{one, true});
  CAF_CHECK_EQUAL(w.ms, w.p.pause_ms); // all wait: it is `gh` that fails
  CAF_CHECK_EQUAL(asked(w.later(w.ms)), "b " + two);
  std::int64_t last = 0;
  for (int i = 0; i < 40; ++i) {
    const auto& at = std::get<pw::asking>(w.m.at);
    w.on(pw::failed{std::string(at.url), true});
    CAF_REQUIRE(w.ms >= w.p.pause_ms && w.ms <= w.p.longest_ms);
    last = w.ms;
    CAF_REQUIRE(!asked(w.later(w.ms)).empty());
  }
  CAF_CHECK(last >= w.p.longest_pause_ms);
  w.on(pw::told{std::get<pw::asking>(w.m.at).url, "ready"});
  CAF_CHECK(w.ms <= 60 * minute && w.m.failures == 0);
  watch alone;
  alone.row("a", {pull(one)});
  alone.row("b", {pull(one)});
  alone.on(pw::watched_by{1});
  alone.on(pw::failed{one, false}); // its settings want none of it: nothing was run
  CAF_CHECK_EQUAL(alone.ms, 10 * minute);
  CAF_CHECK_EQUAL(alone.m.failures, 0u);
  CAF_CHECK_EQUAL(asked(alone.later(alone.ms)), "b " + one);
}

// PR-1
CAF_TEST(with the setting at zero nothing is ever asked and stale answers and timers change nothing) {
  watch off;
  off.p.every_ms = 0;
  off.row("a", {pull(one)});
  CAF_CHECK(off.on(pw::watched_by{1}).empty());
  watch w;
  w.row("a", {pull(one)});
  CAF_CHECK(w.on(pw::told{one, "merged"}).empty() && w.on(pw::failed{one, true}).empty());
  w.on(pw::watched_by{1});
  w.row("a", {}); // the session is gone while it is asked
  CAF_CHECK(w.on(pw::told{two, "merged"}).empty());
  CAF_CHECK(w.on(pw::told{one, "merged"}).empty());
  w.row("b", {pull(two)});
  w.on(pw::told{two, "pending"});
  w.now += 60 * minute;
  CAF_CHECK(w.on(pw::due{w.armed - 1}).empty());
  CAF_CHECK(!asked(w.on(pw::due{w.armed})).empty());
  w.on(pw::told{two, "pending"});
  w.now -= 30 * minute; // the clock is set back
  CAF_CHECK(!asked(w.on(pw::due{w.armed})).empty());
  w.on(pw::told{two, "pending"});
  CAF_CHECK_EQUAL(w.ms, 5 * minute);
}

// PR-1
CAF_TEST(news of a pull request is written once whatever its process does) {
  linked live, stopped, backing_off;
  stopped.on(sm::asked_stop{"me"});
  stopped.happens("ended", "stop", "exited");
  stopped.on(sm::gone{stopped.worker(), "exited 0"});
  for (int i = 0; i < 2; ++i)
    backing_off.on(sm::gone{backing_off.worker(), "killed by signal 9"});
  for (auto* s : {&live, &stopped, &backing_off}) {
    auto before = sm::look(s->m);
    s->now += 60 * minute;
    auto e = s->on(sm::pull_told{pull(one, "merged")});
    CAF_CHECK(wrote(e, "pull") && e.size() == 1);
    auto after = sm::look(s->m);
    CAF_CHECK_EQUAL(s->shown(), "merged");
    CAF_CHECK_EQUAL(after.changed_at, before.changed_at); // nothing has become of the session itself
    CAF_CHECK_EQUAL(after.used_at, before.used_at);
    CAF_CHECK_EQUAL(after.process, before.process);
    CAF_CHECK(s->on(sm::pull_told{pull(one, "merged")}).empty());
    CAF_CHECK(s->on(sm::pull_told{pull(two, "merged")}).empty()); // none of its own
  }
  live.name(pull(two));
  live.on(sm::pull_told{pull(one, "closed")});
  CAF_CHECK_EQUAL(live.shown(), "open"); // the one that it told of last stays the first
}

// PR-1
CAF_TEST(a session that is being removed takes no news of a pull request) {
  linked s;
  s.on(sm::asked_remove{"me"});
  CAF_CHECK(s.on(sm::pull_told{pull(one, "merged")}).empty());
  s.happens("ended", "remove", "exited");
  CAF_CHECK(wrote(s.on(sm::gone{s.worker(), "exited 0"}), "removed"));
  CAF_CHECK(s.on(sm::pull_told{pull(one, "merged")}).empty());
  CAF_CHECK_EQUAL(s.shown(), "open");
}

// PR-1, STATE-2
CAF_TEST(news of a pull request survives a restart and what its worker tells later counts) {
  linked s;
  s.on(sm::pull_told{pull(one, "pending")});
  s.name(pull(one, "ready"));
  s.on(sm::pull_told{pull(one, "merged")});
  std::vector<ledger_entry> lines;
  for (const auto& x : s.all)
    if (const auto* r = std::get_if<sm::record>(&x))
      lines.push_back(r->entry);
  std::vector<event> told;
  auto tell = [&](std::uint64_t n, const std::string& state) {
    event e;
    e.n = n;
    e.run = 1;
    e.what = "pull";
    e.data = to_line({{"number", 1}, {"url", one}, {"state", state}});
    told.push_back(e);
  };
  for (std::uint64_t n = 1; n <= s.events; ++n)
    tell(n, n + 1 < s.events ? "open" : "ready");
  facts f;
  fold(f, lines, told);
  CAF_CHECK_EQUAL(f.pulls.front().state, "merged");
  tell(s.events + 1, "ready");
  facts later;
  fold(later, lines, told);
  CAF_CHECK_EQUAL(later.pulls.front().state, "ready");
}
