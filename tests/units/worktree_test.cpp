// Worktrees on real git repositories: making, what would be lost, and removal by descriptor.
#define CAF_SUITE worktrees
#include <atomic>
#include <cstdlib>
#include <ctime>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/worktree/git.hpp"
#include "runtime/worktree/losses.hpp"
#include "runtime/worktree/making.hpp"
#include "runtime/worktree/plan.hpp"
#include "runtime/worktree/pull_links.hpp"
#include "runtime/worktree/pulls.hpp"
#include "runtime/worktree/removal.hpp"
#include "runtime/worktree/tree_removal.hpp"
#include "tests/support/text.hpp"
#include "tests/units/git_repository.hpp"

using namespace troupe;
using namespace troupe::test;

// ISO-1
CAF_TEST(a worktree is made on a branch of its own and git does not list it) {
  repository r;
  r.sh("git config core.hooksPath hooks");
  write(r.dir + "/hooks/post-checkout", "#!/bin/sh\ntouch " + r.root + "/hooked\n");
  ::chmod((r.dir + "/hooks/post-checkout").c_str(), 0755);
  r.sh("git add hooks && git commit -qm hooks");
  auto made = r.make();
  CAF_REQUIRE_EQUAL(made.error, "");
  CAF_CHECK_EQUAL(made.tree.path, r.dir + "/.troupe/worktrees/fix-it-session1");
  CAF_CHECK_EQUAL(made.tree.branch, "troupe/fix-it-session1");
  CAF_CHECK_EQUAL(made.tree.cwd, made.tree.path);
  CAF_CHECK_EQUAL(r.in("git symbolic-ref --short HEAD"), made.tree.branch);
  CAF_CHECK_EQUAL(r.in("cat file"), "one");
  CAF_CHECK_EQUAL(r.sh("git status --porcelain"), "");
  CAF_CHECK(!exists(r.root + "/hooked")); // SEC-4
  auto again = r.make();                  // after a death before anybody was told
  CAF_CHECK_EQUAL(again.error, "");
  CAF_CHECK_EQUAL(again.tree, made.tree);
  CAF_CHECK_EQUAL(r.sh("grep -c troupe .git/info/exclude"), "1");
}

// ISO-1
CAF_TEST(a session that was sent below the top works below the top of its worktree) {
  repository r;
  CAF_CHECK_EQUAL(r.make(r.dir + "/sub").tree.cwd, r.tree.path + "/sub");
  CAF_CHECK_EQUAL(content(r.tree.cwd + "/file"), "one\n");
  std::filesystem::create_directories(r.dir + "/only/here");
  auto deep = r.make(r.dir + "/only/here", "session2");
  CAF_CHECK_EQUAL(deep.error, "");
  CAF_CHECK(exists(r.tree.path + "/only/here")); // which no commit has
}

// ISO-1
CAF_TEST(none is made outside of git nor in a linked worktree nor before the first commit) {
  repository r;
  CAF_CHECK(!plan_worktree(r.root, "x", false).none.empty());
  r.make();
  CAF_CHECK(holds(plan_worktree(r.tree.path, "x", false).none, "linked worktree"));
  std::filesystem::create_directories(r.root + "/fresh");
  r.sh("git init -q", r.root + "/fresh");
  auto plan = plan_worktree(r.root + "/fresh", "x", false);
  auto made = make_worktree(plan.tree, "s", {}, {});
  CAF_CHECK(made.error.empty() && made.tree.path.empty() && holds(made.note, "no commit yet"));
  std::filesystem::create_directories(r.root + "/odd/.git");
  made = make_worktree(plan_worktree(r.root + "/odd", "x", false).tree, "s", {}, {});
  CAF_CHECK(made.error.empty() && made.tree.path.empty());
}

// ISO-1, SEC-4
CAF_TEST(a link in the place of the folder of worktrees is refused and so is what somebody else has put there) {
  repository r;
  std::filesystem::create_directories(r.root + "/elsewhere");
  r.sh("ln -s " + r.root + "/elsewhere .troupe");
  CAF_CHECK(holds(r.make().error, "cannot be made"));
  CAF_CHECK(std::filesystem::is_empty(r.root + "/elsewhere"));
  r.sh("rm .troupe && mkdir -p .troupe/worktrees/fix-it-session1");
  CAF_CHECK(holds(r.make().error, "is there already"));
}

// ISO-2, BEYOND-9, F-18
CAF_TEST(a clean worktree goes with its branch and one with uncommitted changes stays) {
  repository r;
  r.make();
  CAF_CHECK_EQUAL(look_at(r.tree).lost, losses{});
  write(r.tree.path + "/file", "two\n");
  write(r.tree.path + "/a new one", "x\n");
  r.in("git rm -q --cached sub/file");
  auto lost = look_at(r.tree).lost;
  CAF_CHECK_EQUAL(lost.files, (std::vector<std::string>{" M file", "D  sub/file", "?? a new one", "?? sub/file"}));
  auto how = remove_tree(r.tree, false, {});
  CAF_CHECK(!how.removed && holds(how.why, "uncommitted changes: file") && holds(how.why, "--force"));
  CAF_CHECK_EQUAL(content(r.tree.path + "/file"), "two\n");
  r.in("git reset -q --hard && rm 'a new one'");
  how = remove_tree(r.tree, false, {});
  CAF_CHECK_EQUAL(how.why, "");
  CAF_CHECK(how.removed && how.branch == "deleted" && how.snapshot.empty());
  CAF_CHECK(!exists(r.tree.path) && !r.has_branch());
  CAF_CHECK_EQUAL(r.sh("git worktree list --porcelain | grep -c ^worktree"), "1");
  CAF_CHECK(std::filesystem::is_empty(r.dir + "/.troupe/worktrees"));
  CAF_CHECK(remove_tree(r.tree, false, {}).removed); // once more, after an answer that nobody heard
}

// BEYOND-9
CAF_TEST(what was uncommitted is kept as a stash for thirty days) {
  repository r;
  r.make();
  write(r.tree.path + "/file", "two\n");
  write(r.tree.path + "/new", "new\n");
  r.in("git add new && printf more >> new");
  auto how = remove_tree(r.tree, true, {});
  CAF_REQUIRE_EQUAL(how.why, "");
  CAF_REQUIRE_EQUAL(how.snapshot, "refs/troupe/kept/fix-it-session1");
  auto again = r.make(); // ISO-3: where it was
  CAF_CHECK_EQUAL(again.error, "");
  r.in("git stash apply -q " + how.snapshot);
  CAF_CHECK_EQUAL(r.in("cat file new"), "two\nnew\nmore");
  drop_old_snapshots(r.dir, std::time(nullptr) + 29LL * 24 * 3600);
  CAF_CHECK(git(r.dir, {"rev-parse", "-q", "--verify", how.snapshot}).good());
  drop_old_snapshots(r.dir, std::time(nullptr) + 31LL * 24 * 3600);
  CAF_CHECK(!git(r.dir, {"rev-parse", "-q", "--verify", how.snapshot}).good());
}

// ISO-2, F-18: never a commit that is nowhere else, forced or not
CAF_TEST(commits that are nowhere else keep their branch) {
  repository r;
  r.make();
  r.in("echo two > file && git commit -qam two");
  CAF_REQUIRE_EQUAL(look_at(r.tree).lost.commits.size(), 1u);
  auto how = remove_tree(r.tree, true, {});
  CAF_CHECK(how.removed && how.branch == "kept" && r.has_branch());
  CAF_CHECK_EQUAL(r.sh("git show " + r.tree.branch + ":file"), "two");
  CAF_CHECK(holds(r.make().tree.path, "fix-it")); // goes on with it
  CAF_CHECK_EQUAL(r.in("cat file"), "two");
  r.in("git checkout -q --detach && echo three > file && git commit -qam three");
  auto loose = r.in("git rev-parse HEAD");
  CAF_CHECK_EQUAL(look_at(r.tree).lost.commits.size(), 2u);
  how = remove_tree(r.tree, false, {});
  CAF_CHECK(how.removed && how.branch == "kept");
  CAF_CHECK_EQUAL(r.sh("git rev-parse " + r.tree.branch + "-detached"), loose);
}

// ISO-2
CAF_TEST(commits that were pushed or are on another branch are elsewhere) {
  repository r;
  r.sh("git init -q --bare ../remote && git remote add origin " + r.root + "/remote");
  r.make();
  r.in("echo two > file && git commit -qam two && git push -q origin HEAD");
  CAF_CHECK_EQUAL(look_at(r.tree).lost, losses{});
  r.in("git checkout -q -b other && echo three > file && git commit -qam three");
  CAF_CHECK_EQUAL(look_at(r.tree).lost, losses{});
  auto how = remove_tree(r.tree, false, {});
  CAF_CHECK(how.removed && how.branch == "deleted");
  CAF_CHECK_EQUAL(r.sh("git show other:file"), "three");
}

// F-19, BEYOND-9
CAF_TEST(squash merged and rebased work has landed and a branch that comes to nothing has not ) {
  auto landed = [](const std::string& merge) {
    repository r;
    r.make();
    r.in("echo two >> file && git commit -qam two && echo x > new && git add new && git commit -qm three");
    r.sh("echo z > other && git add other && git commit -qm other");
    CAF_CHECK_EQUAL(look_at(r.tree).lost.commits.size(), 2u);
    r.sh(std::string(merge).replace(merge.find("BRANCH"), 6, r.tree.branch));
    auto lost = look_at(r.tree).lost.commits.size();
    auto how = remove_tree(r.tree, false, {});
    return lost == 0 && how.removed && how.branch == "deleted";
  };
  CAF_CHECK(landed("git merge -q BRANCH -m m"));
  CAF_CHECK(landed("git merge -q --squash BRANCH && git commit -qm squashed"));
  CAF_CHECK(landed("git cherry-pick main..BRANCH > /dev/null"));
  // The squashed commit, and later ones that change the same lines again.
  CAF_CHECK(
      landed("git merge -q --squash BRANCH && git commit -qm squashed && echo one > file && git commit -qam back"));
  CAF_CHECK(!landed("git cherry-pick BRANCH > /dev/null")); // the last one only
  repository r;
  r.make();
  r.in("echo secret > idea && git add idea && git commit -qm idea && git rm -q idea && git commit -qm 'not now'");
  CAF_CHECK_EQUAL(look_at(r.tree).lost.commits.size(), 2u);
}

// F-19: as a forge does it
CAF_TEST(work that was squash merged on the remote has landed once it was fetched) {
  repository r;
  r.sh("git init -q --bare -b main ../remote && git remote add origin " + r.root +
       "/remote && git push -q origin main && "
       "git fetch -q && git remote set-head origin main");
  r.make();
  r.in("echo two >> file && git commit -qam two && echo three >> file && git commit -qam three");
  r.sh("git clone -q " + r.root +
       "/remote ../forge && cd ../forge && git config user.name f && git config user.email f@localhost "
       "&& "
       "printf 'two\\nthree\\n' >> file && git commit -qam 'two and three (#7)' && git push -q origin main");
  CAF_CHECK_EQUAL(look_at(r.tree).lost.commits.size(), 2u);
  r.sh("git fetch -q");
  CAF_CHECK_EQUAL(look_at(r.tree).lost.commits.size(), 0u);
}

// ISO-2, F-18
CAF_TEST(a worktree that somebody is in or has locked stays and so does one with a repository within) {
  repository r;
  r.make();
  spawn_request in;
  in.program = "/bin/sleep";
  in.arguments = {"sleep", "60"};
  in.cwd = r.tree.path + "/sub";
  auto pid = spawn(in);
  CAF_REQUIRE(pid > 0);
  CAF_CHECK(holds(look_at(r.tree).lost.keeps, "process " + std::to_string(pid) + " (sleep) works in it"));
  auto how = remove_tree(r.tree, true, {});
  CAF_CHECK(!how.removed && holds(how.why, "(sleep)"));
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  r.sh("git worktree lock --reason mine " + r.tree.path);
  CAF_CHECK(holds(remove_tree(r.tree, true, {}).why, "locked: mine"));
  r.sh("git worktree unlock " + r.tree.path);
  r.in("git update-index --assume-unchanged file && echo changed > file");
  CAF_CHECK(holds(remove_tree(r.tree, true, {}).why, "told not to look at file"));
  r.in("git update-index --no-assume-unchanged file && git checkout -q file");
  r.in("git init -q inner && cd inner && git -c user.name=n -c user.email=n@l commit -q --allow-empty -m x");
  CAF_CHECK(holds(remove_tree(r.tree, true, {}).why, "another repository, inner/"));
  CAF_CHECK(exists(r.tree.path + "/inner/.git"));
}

// SEC-4
CAF_TEST(only the very folder that was made is removed) {
  repository r;
  r.make();
  r.sh("mv " + r.tree.path + " aside && cp -r aside " + r.tree.path);
  auto how = remove_tree(r.tree, true, {});
  CAF_CHECK(!how.removed && holds(how.why, "another folder"));
  CAF_CHECK(exists(r.tree.path + "/file"));
  std::filesystem::remove_all(r.tree.path);
  r.sh("ln -s " + r.dir + "/aside " + r.tree.path); // even to the right one
  CAF_CHECK(holds(remove_tree(r.tree, true, {}).why, "another folder"));
  CAF_CHECK(exists(r.dir + "/aside/file"));
}

// SEC-4: while it is being looked at, each time that git is asked for its status
CAF_TEST(a worktree that becomes a link while it is being removed costs nobody a file) {
  repository r;
  r.make();
  std::filesystem::create_directories(r.root + "/victim/sub");
  write(r.root + "/victim/file", "mine\n");
  auto real = r.sh("command -v git");
  write(r.root + "/bin/git", "#!/bin/sh\n" + real + " \"$@\"\ncode=$?\ncase \" $* \" in *' status '*) if [ ! -e " +
                                 r.root + "/swapped ]; then touch " + r.root + "/swapped; mv " + r.tree.path + " " +
                                 r.root + "/moved; ln -s " + r.root + "/victim " + r.tree.path +
                                 "; fi;; esac\nexit $code\n");
  ::chmod((r.root + "/bin/git").c_str(), 0755);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (r.root + "/bin:" + path).c_str(), 1);
  auto how = remove_tree(r.tree, true, {});
  ::setenv("PATH", path.c_str(), 1);
  CAF_REQUIRE(exists(r.root + "/swapped"));
  CAF_CHECK(!how.removed && holds(how.why, "another folder"));
  CAF_CHECK_EQUAL(content(r.root + "/victim/file"), "mine\n");
  CAF_CHECK_EQUAL(content(r.root + "/moved/file"), "one\n");
  CAF_CHECK(std::filesystem::is_symlink(r.tree.path)); // back where it was
}

// SEC-4: written to behind the look, ahead of the deletion
CAF_TEST(a worktree that changes while it is being removed is put back) {
  repository r;
  r.make();
  auto real = r.sh("command -v git");
  write(r.root + "/bin/git", "#!/bin/sh\n" + real + " \"$@\"\ncode=$?\ncase \" $* \" in *' status '*) [ -d " +
                                 r.tree.path + " ] && echo late > " + r.tree.path + "/late;; esac\nexit $code\n");
  ::chmod((r.root + "/bin/git").c_str(), 0755);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (r.root + "/bin:" + path).c_str(), 1);
  auto how = remove_tree(r.tree, false, {});
  ::setenv("PATH", path.c_str(), 1);
  CAF_CHECK(!how.removed && holds(how.why, "was changed while"));
  CAF_CHECK_EQUAL(content(r.tree.path + "/late"), "late\n");
  CAF_CHECK(!exists(r.dir + "/.troupe/worktrees/.trash-fix-it-session1"));
  CAF_CHECK(holds(remove_tree(r.tree, false, {}).why, "uncommitted changes: late"));
}

// SEC-4
CAF_TEST(what is removed through a link or hard link is the name alone) {
  repository r;
  r.make();
  write(r.root + "/mine/file", "mine\n");
  write(r.tree.path + "/.gitignore", "*.log\nlink\ncache\n");
  r.in("git add .gitignore && git commit -qm ignore && git branch there");
  r.in("ln " + r.root + "/mine/file hard.log && ln -s " + r.root +
       "/mine link && mkdir -p cache/deep && touch cache/deep/x && "
       "chmod 0555 cache/deep && chmod 0000 cache");
  auto how = remove_tree(r.tree, false, {});
  CAF_CHECK_EQUAL(how.why, "");
  CAF_CHECK(how.removed && !exists(r.tree.path));
  CAF_CHECK_EQUAL(content(r.root + "/mine/file"), "mine\n");
}

// SEC-4: a folder that becomes a link and back again, a thousand times
CAF_TEST(a folder that is swapped for a link while it is emptied leads nowhere) {
  repository r;
  write(r.root + "/victim/file", "mine\n");
  std::atomic<bool> over{false};
  auto spot = r.root + "/field/spot";
  std::filesystem::create_directories(r.root + "/field");
  std::thread swapper([&] {
    while (!over) {
      ::mkdir(spot.c_str(), 0755);
      ::rename(spot.c_str(), (r.root + "/field/away").c_str());
      if (::symlink((r.root + "/victim").c_str(), spot.c_str()) == 0)
        ::unlink(spot.c_str());
    }
  });
  auto root = open_folder(r.root, "");
  for (int i = 0; i < 1000; ++i) {
    std::string left;
    if (auto field = open_within(root.get(), "field"))
      empty_folder(field.get(), left);
  }
  over = true;
  swapper.join();
  CAF_CHECK_EQUAL(content(r.root + "/victim/file"), "mine\n");
}

// SEC-4
CAF_TEST(a worktree with a file system mounted in it stays) {
  repository r;
  r.make();
  std::filesystem::create_directories(r.tree.path + "/sub/m");
  write(r.root + "/outside/file", "mine\n");
  auto asked = r.root + "/asked";
  write(asked, R"({"force":true,"worktree":{"path":")" + r.tree.path + R"(","branch":")" + r.tree.branch +
                   R"(","repository":")" + r.dir + R"(","cwd":")" + r.tree.cwd + R"(","device":)" +
                   std::to_string(r.tree.device) + R"(,"inode":)" + std::to_string(r.tree.inode) + "}}");
  auto got = run_program({"unshare", "-rm", "/bin/sh", "-c",
                          "mount --bind ../outside " + r.tree.path + "/sub/m && exec " +
                              std::string(::getenv("TROUPE_BIN")) + "/troupe-worktree remove < " + asked},
                         r.dir, {}, own_environment());
  if (!got.good()) {
    std::puts("MOUNTS SKIPPED: no mount can be made here");
    return;
  }
  CAF_CHECK(holds(got.out, "a file system is mounted in it, at sub/m"));
  CAF_CHECK_EQUAL(content(r.root + "/outside/file"), "mine\n");
  CAF_CHECK(exists(r.tree.path + "/file"));
}

// SEC-4: cut off between the look and the deletion
CAF_TEST(a removal that was cut off loses nothing and the next one ends it) {
  repository r;
  r.make();
  auto folder = r.dir + "/.troupe/worktrees/";
  r.sh("mkdir " + folder + ".trash-fix-it-session1 && mv " + r.tree.path + " " + folder +
       ".trash-fix-it-session1/tree");
  write(folder + ".trash-fix-it-session1/tree/late", "x"); // written behind the look
  auto how = remove_tree(r.tree, false, {});
  CAF_CHECK(!how.removed && holds(how.why, "uncommitted changes: late"));
  CAF_CHECK_EQUAL(content(r.tree.path + "/late"), "x");
  r.sh("mkdir -p " + folder + ".trash-fix-it-session1 && mv " + r.tree.path + " " + folder +
       ".trash-fix-it-session1/gone");
  how = remove_tree(r.tree, false, {});
  CAF_CHECK(how.removed && how.branch == "deleted");
  CAF_CHECK(std::filesystem::is_empty(folder));
}

// ISO-1
CAF_TEST(hooks make and remove worktrees of other version control) {
  repository r;
  auto other = r.root + "/other";
  std::filesystem::create_directories(other);
  auto plan = plan_worktree(other, worktree_name("session1", ""), true);
  CAF_CHECK_EQUAL(plan.tree.path, other + "/.troupe/worktrees/session1");
  CAF_CHECK(holds(make_worktree(plan.tree, "session1", {}, "echo no >&2; exit 3").error,
                  "createHook failed in " + other + ": no"));
  auto made = make_worktree(plan.tree, "session1", {}, "mkdir \"$TROUPE_WORKTREE_PATH\"");
  CAF_REQUIRE_EQUAL(made.error, "");
  CAF_CHECK(holds(remove_tree(made.tree, true, "").why, "nothing says how it is removed"));
  CAF_CHECK(holds(remove_tree(made.tree, false, "echo changed >&2; exit 1").why, "changed"));
  CAF_CHECK(holds(remove_tree(made.tree, false, "true").why, "has left"));
  CAF_CHECK(remove_tree(made.tree, false, "[ $TROUPE_WORKTREE_FORCE = 0 ] && rmdir \"$TROUPE_WORKTREE_PATH\"").removed);
}

// PR-1
CAF_TEST(pull requests are found in what gh and git print) {
  auto urls = [](const std::string& text) {
    std::string out;
    for (const auto& p : pull_links(text))
      out += p.url + " ";
    return out;
  };
  CAF_CHECK_EQUAL(urls("Creating draft\n\nhttps://github.com/o/r/pull/12\n"), "https://github.com/o/r/pull/12 ");
  CAF_CHECK_EQUAL(urls(R"(["https://ghe.example.com/o/r.x/pull/7#issuecomment-1\nhttps://github.com/o/r/pull/8."])"),
                  "https://ghe.example.com/o/r.x/pull/7 https://github.com/o/r/pull/8 ");
  CAF_CHECK_EQUAL(urls("remote: https://github.com/o/r/pull/new/branch https://github.com/o/r/issues/3 "
                       "http://github.com/o/r/pull/4 https://github.com/o/pull/5 https://github.com/o/r/pull/0"),
                  "");
  CAF_CHECK(speaks_of_pulls("cd x && gh pr create") && speaks_of_pulls("git push") &&
            !speaks_of_pulls("cat digit light"));
  auto state = [](const std::string& fields) {
    return pull_from_gh(R"({"number":3,"url":"https://github.com/o/r/pull/3")" + fields + "}").state;
  };
  CAF_CHECK_EQUAL(state(R"(,"state":"MERGED")"), "merged");
  CAF_CHECK_EQUAL(state(R"(,"state":"OPEN","isDraft":true)"), "draft");
  CAF_CHECK_EQUAL(state(R"(,"state":"OPEN","reviewDecision":"REVIEW_REQUIRED")"), "pending");
  CAF_CHECK_EQUAL(state(R"(,"state":"OPEN","statusCheckRollup":[{"status":"COMPLETED","conclusion":"FAILURE"}])"),
                  "failing");
  CAF_CHECK_EQUAL(state(R"(,"state":"OPEN","statusCheckRollup":[{"status":"IN_PROGRESS"}])"), "pending");
  CAF_CHECK_EQUAL(state(R"(,"state":"OPEN","reviewDecision":"APPROVED")"), "ready");
  CAF_CHECK_EQUAL(pull_from_gh("no pull requests found").number, 0u);
}

// PR-1: only about a branch that was pushed
CAF_TEST(gh is asked about a pushed branch alone) {
  repository r;
  r.sh("git init -q --bare ../remote && git remote add origin " + r.root + "/remote");
  r.make();
  write(r.root + "/bin/gh",
        "#!/bin/sh\necho \"$@\" >> " + r.root +
            "/asked\necho '{\"number\":5,\"url\":\"https://github.com/o/r/pull/5\",\"state\":\"OPEN\"}'\n");
  ::chmod((r.root + "/bin/gh").c_str(), 0755);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (r.root + "/bin:" + path).c_str(), 1);
  CAF_CHECK_EQUAL(ask_gh(r.tree.path).number, 0u);
  CAF_CHECK(!exists(r.root + "/asked"));
  r.in("git push -q origin HEAD");
  CAF_CHECK_EQUAL(ask_gh(r.tree.path), (pull_request{5, "https://github.com/o/r/pull/5", "ready"}));
  ::setenv("PATH", path.c_str(), 1);
  CAF_CHECK(holds(content(r.root + "/asked"), "pr view " + r.tree.branch + " --json number,url"));
}

// PR-1, SEC-1: what somebody has printed chooses neither the host nor an option of gh
CAF_TEST(gh is asked about an address from outside of any repository and only at a host of the user) {
  repository r;
  write(r.root + "/bin/gh", "#!/bin/sh\npwd >> " + r.root + "/asked\necho \"$@\" >> " + r.root +
                                "/asked\necho '{\"number\":5,\"url\":\"https://github.com/o/renamed/pull/5\",\"state\":"
                                "\"MERGED\"}'\n");
  ::chmod((r.root + "/bin/gh").c_str(), 0755);
  write(r.root + "/gh/hosts.yml", "ghe.example.com:\n    user: n\n    evil.example.com:\n");
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (r.root + "/bin:" + path).c_str(), 1);
  ::setenv("GH_CONFIG_DIR", (r.root + "/gh").c_str(), 1);
  CAF_CHECK_EQUAL(ask_gh_about("https://github.com/o/r/pull/5").now.state, "merged");
  CAF_CHECK(holds(content(r.root + "/asked"), "/\npr view https://github.com/o/r/pull/5 --json number,url"));
  CAF_CHECK_EQUAL(ask_gh_about("https://ghe.example.com/o/r/pull/5").error, "");
  std::filesystem::remove(r.root + "/asked");
  for (const char* other : {"https://evil.example.com/o/r/pull/5", "https://github.com.evil.example.com/o/r/pull/5",
                            "http://github.com/o/r/pull/5", "https://github.com/o/r/pull/5/files", "--web", ""})
    CAF_CHECK_EQUAL(std::string(ask_gh_about(other).error.empty() ? other : ""), "");
  CAF_CHECK(!exists(r.root + "/asked"));
  write(r.root + "/bin/gh", "#!/bin/sh\necho to nobody >&2\nexit 4\n");
  CAF_CHECK_EQUAL(ask_gh_about("https://github.com/o/r/pull/5").error,
                  "gh told nothing of https://github.com/o/r/pull/5 (status 4)");
  ::setenv("PATH", "/nowhere", 1);
  CAF_CHECK_EQUAL(ask_gh_about("https://github.com/o/r/pull/5").error, "gh cannot be run");
  ::setenv("PATH", path.c_str(), 1);
  ::unsetenv("GH_CONFIG_DIR");
}
