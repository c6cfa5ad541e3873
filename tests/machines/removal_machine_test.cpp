// A session that is removed together with its worktree, or kept since something would be lost; and one that comes back.
#define CAF_SUITE removal_machine
#include "caf/test/unit_test.hpp"
#include "messages/json.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// A session whose turn has ended, in a worktree of its own.
struct placed : session {
  placed() {
    run();
    event e;
    e.n = ++events;
    e.run = m.known.run;
    e.what = "worktree";
    e.data = to_line(
        to_json(worktree{"/r/.troupe/worktrees/s", "troupe/s", "/r", "/r/.troupe/worktrees/s/sub", "abc", 3, 4}));
    on(sm::happened{e});
    turn();
    happens("turn_ended", "first", "end_turn");
  }
  /// Asks for the removal, and lets its worker end.
  std::vector<sm::effect> remove(bool force = false, const std::string& used_by = {}) {
    on(sm::asked_remove{"me", force, used_by});
    happens("ended", "remove", "exited");
    return on(sm::gone{worker(), "exited 0"});
  }
};

const sm::remove_tree* removal(const std::vector<sm::effect>& xs) {
  for (const auto& x : xs)
    if (const auto* r = std::get_if<sm::remove_tree>(&x))
      return r;
  return nullptr;
}

std::string told(const std::vector<sm::effect>& xs, bool kept) {
  std::string out;
  for (const auto& x : xs)
    if (const auto* q = std::get_if<sm::quiet>(&x))
      out += kept ? q->kept : q->note;
  return out;
}

} // namespace

// ISO-1: in the ledger, so that a restart and a supervisor that comes later know it
CAF_TEST(the worktree that a worker has made is written down and shown) {
  placed s;
  CAF_CHECK(wrote(s.all, "worktree"));
  CAF_CHECK_EQUAL(sm::look(s.m).tree.cwd, "/r/.troupe/worktrees/s/sub");
  facts again;
  for (const auto& x : s.all)
    if (const auto* r = std::get_if<sm::record>(&x))
      fold(again, r->entry);
  CAF_CHECK_EQUAL(again.tree, s.m.known.tree);
}

// ISO-2, SEC-4: the tree of processes has ended first
CAF_TEST(a worktree is removed once nothing of its session runs and the row goes after it) {
  placed s;
  auto e = s.on(sm::asked_remove{"me"});
  CAF_CHECK(removal(e) == nullptr && count<sm::end>(e) == 1);
  s.happens("ended", "remove", "exited");
  e = s.on(sm::gone{s.worker(), "exited 0"});
  CAF_REQUIRE(removal(e) != nullptr);
  CAF_CHECK(!removal(e)->force && removal(e)->tree.inode == 4);
  CAF_CHECK(!wrote(e, "removed"));
  CAF_CHECK_EQUAL(sm::look(s.m).process, "ending");
  e = s.on(sm::tree_removed{{true, {}, "kept", "refs/troupe/kept/s", "/r/.troupe/worktrees/.kept/s"}});
  CAF_CHECK(wrote(e, "removed") && count<sm::forget>(e) == 1);
  CAF_CHECK(told(e, false).find("troupe/s has commits that are nowhere else") != std::string::npos);
  CAF_CHECK(told(e, false).find("git stash apply refs/troupe/kept/s") != std::string::npos);
  CAF_CHECK(told(e, false).find("kept for 30 days in /r/.troupe/worktrees/.kept/s") != std::string::npos);
}

// ISO-2, F-18
CAF_TEST(a session whose worktree was not removed stays with the reason until it runs again) {
  placed s;
  s.remove();
  auto e = s.on(sm::tree_removed{{false, "its worktree has uncommitted changes: a\nforce it", {}, {}}});
  CAF_CHECK(wrote(e, "kept") && !wrote(e, "removed") && count<sm::forget>(e) == 0);
  CAF_CHECK(told(e, true).find("uncommitted") != std::string::npos);
  auto row = sm::look(s.m);
  CAF_CHECK_EQUAL(row.sentence, "not removed: its worktree has uncommitted changes: a");
  CAF_CHECK_EQUAL(row.process, "exited");
  CAF_CHECK(!row.gone && row.state == "done" && row.problems.size() == 1);
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::asked_reply{"k", "go on"})), 1u);
  s.run();
  CAF_CHECK(sm::look(s.m).problems.empty());
}

// ISO-2
CAF_TEST(a worktree that another session works in is not touched) {
  placed s;
  auto e = s.remove(true, "other");
  CAF_CHECK(removal(e) == nullptr && wrote(e, "kept"));
  CAF_CHECK(told(e, true).find("session other works in its worktree") != std::string::npos);
  e = s.on(sm::asked_remove{"me", false, {}}); // it has gone since
  CAF_REQUIRE(removal(e) != nullptr);
  CAF_CHECK(!removal(e)->force); // what was asked for then does not count now
}

// ISO-2: whoever asks meanwhile is answered once, by what comes of it
CAF_TEST(a removal that is forced while one is on its way is tried once more) {
  placed s;
  s.remove();
  CAF_CHECK(removal(s.on(sm::asked_remove{"you", true, {}})) == nullptr);
  CAF_CHECK(s.on(sm::asked_stop{"me"}).empty());
  auto e = s.on(sm::asked_reply{"k", "wait"});
  CAF_CHECK_EQUAL(count<sm::refuse>(e), 1u);
  e = s.on(sm::tree_removed{{false, "changes", {}, {}}});
  CAF_REQUIRE(removal(e) != nullptr);
  CAF_CHECK(removal(e)->force && count<sm::quiet>(e) == 0);
  CAF_CHECK(wrote(s.on(sm::tree_removed{{true, {}, {}, {}}}), "removed"));
}

// STATE-2: the supervisor died between the line and the deed
CAF_TEST(a removal that was written is carried out by the next supervisor) {
  placed s;
  s.remove(true);
  session t;
  t.m.known = s.m.known;
  auto e = t.on(sm::restored{false});
  CAF_REQUIRE(removal(e) != nullptr);
  CAF_CHECK(removal(e)->force);
}

// ISO-3
CAF_TEST(a removed session comes back as it was and goes on with its conversation and branch) {
  placed s;
  s.remove();
  s.on(sm::tree_removed{{true, {}, "kept", {}}});
  auto line = epitaph_of(s.m.known);
  line.n = 100;
  session t;
  t.m.known = {};
  fold(t.m.known, line); // the ledger has forgotten the rest
  event first;
  first.n = 1;
  first.run = 1;
  first.what = "taken";
  first.id = "first";
  facts both;
  fold(both, {line}, {first});
  t.m.known = both;
  t.events = both.last_event;
  auto e = t.on(sm::restored{false});
  CAF_CHECK_EQUAL(count<sm::claim>(e), 0u);
  auto row = sm::look(t.m);
  CAF_CHECK_EQUAL(row.state, "done");
  CAF_CHECK_EQUAL(row.process, "exited");
  CAF_CHECK(!row.gone);
  CAF_CHECK_EQUAL(t.m.known.tree.branch, "troupe/s");
  CAF_CHECK_EQUAL(t.m.known.tree.inode, 0u); // it is made anew
  CAF_CHECK_EQUAL(count<sm::claim>(t.on(sm::asked_reply{"k", "go on"})), 1u);
  e = t.on(sm::granted{t.fresh(), true});
  CAF_CHECK(std::any_of(e.begin(), e.end(), [](const auto& x) {
    const auto* a = std::get_if<sm::assign>(&x);
    return a && a->resume;
  }));
}
