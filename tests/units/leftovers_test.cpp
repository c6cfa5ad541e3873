// Worktrees whose session is gone: which are found, which are removed, and which are nobody's to remove.
#define CAF_SUITE leftovers
#include <signal.h>

#include "caf/test/unit_test.hpp"
#include "runtime/worktree/leftovers.hpp"
#include "runtime/worktree/removal.hpp"
#include "tests/support/text.hpp"
#include "tests/units/git_repository.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// One with the folder of this Troupe's sessions, and a worktree of a session that has none.
struct left : repository {
  left() {
    std::filesystem::create_directories(sessions());
    CAF_REQUIRE_EQUAL(make().error, "");
  }
  std::vector<leftover_worktree> all() const { return leftovers_in({dir}, sessions()); }
  /// The only one, and why it is to stay.
  std::string keeps() const {
    auto found = all();
    CAF_REQUIRE_EQUAL(found.size(), 1u);
    if (!found.front().keeps.empty())
      CAF_CHECK_EQUAL(remove_leftover(found.front(), sessions()), found.front().keeps);
    return found.front().keeps;
  }
};

} // namespace

// ISO-2
CAF_TEST(a worktree whose session is gone is found and removed when nothing in it would be missed) {
  left r;
  auto found = leftovers_in({r.dir + "/sub", r.dir, r.root, "odd"}, r.sessions()); // from anywhere in it, once
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK_EQUAL(found.front().tree.path, r.tree.path);
  CAF_CHECK_EQUAL(found.front().session, "session1");
  CAF_CHECK_EQUAL(leftovers_in({r.tree.path}, r.sessions()).size(), 1u); // and from a worktree
  CAF_CHECK_EQUAL(found.front().keeps, "");
  CAF_CHECK_EQUAL(remove_leftover(found.front(), r.sessions()), "");
  CAF_CHECK(!exists(r.tree.path) && !r.has_branch());
  CAF_CHECK_EQUAL(r.sh("git worktree list --porcelain | grep -c ^worktree"), "1");
  CAF_CHECK(r.all().empty());
}

// ISO-2
CAF_TEST(a worktree of a session that exists or comes back is none) {
  left r;
  auto gone = r.all();
  write(r.sessions() + "/session1/transcript.jsonl", "");
  CAF_CHECK(r.all().empty());
  CAF_CHECK_EQUAL(remove_leftover(gone.front(), r.sessions()), "its session was brought back"); // between look and deed
  CAF_CHECK(exists(r.tree.path));
  write(r.sessions() + "/session1/removed.json", "{}"); // what a removed session leaves
  CAF_CHECK_EQUAL(r.keeps(), "");
}

// ISO-2
CAF_TEST(what somebody could miss keeps a leftover worktree with the reason) {
  left r;
  write(r.tree.path + "/file", "two\n");
  write(r.tree.path + "/new", "x\n");
  CAF_CHECK_EQUAL(r.keeps(), "it has uncommitted changes: file and 1 more");
  r.in("git add . && git commit -qm two");
  CAF_CHECK(r.keeps().starts_with("it has commits that are nowhere else: ") && holds(r.keeps(), " two"));
  r.sh("git merge -q " + r.tree.branch);
  CAF_CHECK_EQUAL(r.keeps(), "");
  r.sh("echo .env >> .git/info/exclude");
  write(r.tree.path + "/.env", "K=1\n");
  CAF_CHECK_EQUAL(r.keeps(), "it has files that git ignores: .env (4 B)");
  r.in("rm .env && git worktree lock --reason mine .");
  CAF_CHECK_EQUAL(r.keeps(), "it is locked: mine");
  r.in("git worktree unlock .");
  auto child = run_program({"/bin/sh", "-c", "sleep 60 >/dev/null 2>&1 & echo $!"}, r.tree.path, {}, own_environment());
  CAF_CHECK(holds(r.keeps(), "(sleep) works in it"));
  ::kill(std::stoi(child.out), SIGKILL);
  CAF_CHECK(exists(r.tree.path));
}

// ISO-2: never one that the user made
CAF_TEST(a worktree that a user made among them is not looked at) {
  left r;
  r.sh("git worktree add -q -b mine .troupe/worktrees/mine && git worktree add -q -b other " + r.root + "/other");
  auto found = r.all();
  CAF_REQUIRE_EQUAL(found.size(), 1u);
  CAF_CHECK_EQUAL(found.front().tree.path, r.tree.path);
}

// ISO-2: several Troupes may work in one repository
CAF_TEST(a worktree of another Troupe stays whether its session is there or not ) {
  left r;
  auto others = r.root + "/other/sessions";
  std::filesystem::create_directories(others);
  CAF_CHECK(holds(leftovers_in({r.dir}, others).front().keeps, "which this Troupe does not know"));
  std::filesystem::create_directories(r.sessions() + "/session1");
  CAF_CHECK(leftovers_in({r.dir}, others).empty());
}

// SEC-4
CAF_TEST(a link in the place of a leftover worktree costs nobody a file) {
  left r;
  auto found = r.all().front();
  r.sh("git worktree add -q -b mine " + r.root + "/mine"); // the user's own, clean
  r.sh("mv " + r.tree.path + " " + r.root + "/aside && ln -s " + r.root + "/mine " + r.tree.path);
  CAF_CHECK(r.all().empty());
  CAF_CHECK(holds(remove_leftover(found, r.sessions()), "is another folder than the worktree that Troupe made"));
  r.sh("rm " + r.tree.path + " && mv " + r.root + "/mine " + r.tree.path); // another folder of that name
  CAF_CHECK(r.all().empty());                                              // git knows it by another path
  CAF_CHECK(holds(remove_leftover(found, r.sessions()), "is another folder than the worktree that Troupe made"));
  CAF_CHECK_EQUAL(content(r.tree.path + "/file"), "one\n");
  r.sh("mv .troupe/worktrees " + r.root + "/elsewhere && ln -s " + r.root + "/elsewhere .troupe/worktrees");
  CAF_CHECK(r.all().empty()); // not looked at through a link
  CAF_CHECK(!remove_leftover(found, r.sessions()).empty());
  CAF_CHECK_EQUAL(content(r.root + "/elsewhere/fix-it-session1/file"), "one\n");
}
