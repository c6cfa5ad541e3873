// Sessions in worktrees of their own, through the programs as a user meets them: made, kept, removed, brought back.
#define CAF_SUITE isolation
#include <filesystem>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::holds;
using troupe::test::run_result;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

namespace fs = std::filesystem;

/// A repository with one commit in a sandbox.
struct repository {
  sandbox s;
  std::string dir = s.work() + "/repo";

  explicit repository(const std::string& settings = {}) : s(settings) {
    fs::create_directories(dir);
    sh("git init -q -b main . && git config user.name n && git config user.email n@localhost && "
       "echo one > file && git add file && git commit -qm one");
  }
  std::string sh(const std::string& line) const {
    auto out = s.root() + "/sh.out";
    auto got = std::system(("cd '" + dir + "' && { " + line + "; } > " + out + " 2>&1").c_str());
    auto text = slurp(out);
    CAF_REQUIRE_EQUAL(text, got == 0 ? text : "success of " + line);
    if (!text.empty())
      text.pop_back();
    return text;
  }
  /// An agent session there whose turn has come to `state`.
  std::string session(const std::string& prompt, const std::string& state = "done", const std::string& where = {}) {
    auto id =
        s.bg({"--cwd", where.empty() ? dir : where, "--name", "fix", "--permission-mode", "bypassPermissions", prompt});
    CAF_REQUIRE(until(s, [&] { return s.field(id, "state") == state; }));
    return id;
  }
  std::string tree(const std::string& id) const {
    auto at = s.field(id, "worktree");
    return at.is_object() ? at["path"].get<std::string>() : std::string();
  }
  run_result rm(const std::vector<std::string>& args) const {
    std::vector<std::string> all{"rm"};
    all.insert(all.end(), args.begin(), args.end());
    return s.troupe(all);
  }
};

} // namespace

// ISO-1
CAF_TEST(an agent edits in a worktree of its own and goes on there after its worker was killed) {
  repository r;
  auto id = r.session("write new.txt hello\nbash echo two > file\nsay done");
  auto tree = r.tree(id);
  CAF_CHECK_EQUAL(tree, r.dir + "/.troupe/worktrees/fix-" + id);
  CAF_CHECK_EQUAL(slurp(tree + "/new.txt"), "hello");
  CAF_CHECK_EQUAL(slurp(tree + "/file"), "two\n");
  CAF_CHECK_EQUAL(slurp(r.dir + "/file"), "one\n");
  CAF_CHECK_EQUAL(r.sh("git status --porcelain"), "");
  CAF_CHECK_EQUAL(r.s.field(id, "cwd"), r.dir); // where it was sent (ENV-1)
  CAF_CHECK_EQUAL(r.s.field(id, "worktree").value("branch", ""), "troupe/fix-" + id);
  r.s.troupe({"stop", id});
  r.s.troupe({"reply", id, "bash cat file > seen.txt\nsay again"});
  CAF_REQUIRE(until(r.s, [&] { return r.s.field(id, "sentence") == "again" && r.s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(slurp(tree + "/seen.txt"), "two\n");
  CAF_CHECK(holds(r.s.troupe({"why", id}).out, "it works in the worktree " + tree));
  CAF_CHECK(r.s.stop().empty());
}

// ISO-1: for an agent that is not told of it before its session is made
CAF_TEST(another agent is started in the worktree) {
  repository r;
  json command{r.s.programs() + "/troupe-agent", "--model", "offline"};
  r.s.configure(json{{"harnesses", {{"other", {{"command", command}}}}}}.dump());
  auto id = r.s.bg({"--cwd", r.dir, "--harness", "other", "ask ready?"});
  CAF_REQUIRE(until(r.s, [&] { return r.s.field(id, "state") == "blocked"; }));
  auto tree = r.tree(id);
  CAF_REQUIRE(!tree.empty());
  bool there = false; // the agent's own directory
  for (const auto& p : r.s.processes())
    if (slurp("/proc/" + std::to_string(p.pid) + "/comm") == "troupe-agent\n")
      there = there || fs::read_symlink("/proc/" + std::to_string(p.pid) + "/cwd") == tree;
  CAF_CHECK(there);
  CAF_CHECK(r.s.stop().empty());
}

// ISO-1: never the user's own checkout instead, silently
CAF_TEST(a session that cannot have its worktree fails with the reason and one that wants none works in place) {
  repository r;
  spill(r.dir + "/.troupe", "a file");
  auto id = r.session("write new.txt hello\nsay done", "failed");
  CAF_CHECK(holds(r.s.field(id, "sentence").get<std::string>(), r.dir + "/.troupe/worktrees cannot be made"));
  CAF_CHECK(!fs::exists(r.dir + "/new.txt"));
  r.s.configure(R"({"worktree": {"bgIsolation": "none"}})");
  id = r.session("write new.txt hello\nsay done");
  CAF_CHECK_EQUAL(slurp(r.dir + "/new.txt"), "hello");
  CAF_CHECK_EQUAL(r.tree(id), "");
  CAF_CHECK(r.s.stop().empty());
}

// ISO-2, BEYOND-9, F-18
CAF_TEST(rm keeps a worktree with uncommitted changes together with its row and force keeps a snapshot) {
  repository r;
  auto id = r.session("write new.txt hello\nsay done");
  auto tree = r.tree(id);
  auto kept = r.rm({id});
  CAF_CHECK_EQUAL(kept.status, 1);
  CAF_CHECK(holds(kept.err, "uncommitted changes: new.txt") && holds(kept.err, "troupe rm --force"));
  CAF_CHECK_EQUAL(slurp(tree + "/new.txt"), "hello");
  CAF_CHECK(holds(r.s.field(id, "sentence").get<std::string>(), "not removed: its worktree"));
  CAF_CHECK(holds(r.s.troupe({"why", id}).out, "it was not removed"));
  auto gone = r.rm({"--force", id});
  CAF_CHECK_EQUAL(gone.status, 0);
  CAF_CHECK(holds(gone.err, "git stash apply refs/troupe/kept/fix-" + id));
  CAF_CHECK(!fs::exists(tree));
  CAF_CHECK(r.s.row(id).is_null());
  CAF_CHECK_EQUAL(r.sh("git show refs/troupe/kept/fix-" + id + ":new.txt") + "|", "hell|"); // no newline at its end
  CAF_CHECK_EQUAL(r.sh("git branch --list 'troupe/*'"), "");
  CAF_CHECK(r.s.stop().empty());
}

// BEYOND-9
CAF_TEST(rm names the files that git ignores and says where they are kept) {
  repository r;
  r.sh("printf '.env\nbuild/\n' > .gitignore && git add .gitignore && git commit -qm rules");
  auto id = r.session("bash mkdir build && echo x > build/out && echo KEY=1 > .env\nsay done");
  auto tree = r.tree(id);
  auto gone = r.rm({id});
  CAF_CHECK_EQUAL(gone.status, 0);
  CAF_CHECK(holds(gone.err, "kept for 30 days if its worktree goes: .env (6 B)") &&
            holds(gone.err, "build/ (1 file, 2 B)"));
  auto kept = r.dir + "/.troupe/worktrees/.kept/fix-" + id;
  CAF_CHECK(holds(gone.err, "files that git ignores are kept for 30 days in " + kept));
  CAF_CHECK(!fs::exists(tree));
  CAF_CHECK_EQUAL(slurp(kept + "/.env"), "KEY=1\n");
  CAF_CHECK(holds(r.s.troupe({"why", id}).out, "files that git ignores are in " + kept));
  CAF_CHECK(r.s.stop().empty());
}

// ISO-2: whatever runs in there ends first
CAF_TEST(a session that is at work is ended whole before its worktree goes and commits stay on its branch) {
  repository r;
  auto id = r.s.bg({"--cwd", r.dir, "--permission-mode", "bypassPermissions",
                    "bash echo two > file && git commit -qam two\nbackground exec sleep 600\nbash sleep 600"});
  CAF_REQUIRE(until(r.s, [&] { return r.s.field(id, "activeWork").size() == 1 && r.s.field(id, "sentence") != "x"; }));
  auto tree = r.tree(id);
  CAF_REQUIRE(
      until(r.s, [&] { return holds(slurp(r.s.home() + "/sessions/" + id + "/transcript.jsonl"), "sleep 600"); }));
  auto gone = r.rm({id});
  CAF_CHECK_EQUAL(gone.err, gone.status == 0 ? gone.err : "success");
  CAF_CHECK(holds(gone.err, "ends: ") &&
            holds(gone.err, "its branch troupe/" + id + " has commits that are nowhere else"));
  CAF_CHECK(!fs::exists(tree));
  CAF_CHECK_EQUAL(r.sh("git show troupe/" + id + ":file"), "two");
  CAF_CHECK(r.s.stop().empty());
}

// ISO-2
CAF_TEST(the doctor names worktrees whose session is gone and removes those with nothing to lose) {
  repository r;
  auto doctor = [&](bool repair) { return r.s.troupe({"doctor", "--no-agents", repair ? "--repair" : "--json"}); };
  auto clean = r.session("say one"), dirty = r.session("write new.txt hello\nsay two"), lives = r.session("say three");
  auto tree = r.tree(clean), kept = r.tree(dirty), used = r.tree(lives);
  CAF_CHECK(r.s.stop().empty());
  CAF_CHECK(holds(doctor(false).out, "\"text\":\"none is left over\""));
  fs::remove_all(r.s.home() + "/sessions/" + clean);
  fs::remove_all(r.s.home() + "/sessions/" + dirty);
  auto sick = doctor(false);
  CAF_CHECK_EQUAL(sick.status, 1);
  CAF_CHECK(holds(sick.out, "the worktree " + tree + " is of a session that is gone, " + clean));
  CAF_CHECK(holds(sick.out, kept + " is of a session that is gone, " + dirty +
                                ", and is kept: it has uncommitted changes: new.txt"));
  CAF_CHECK(!holds(sick.out, used) && fs::exists(tree));
  auto mended = doctor(true);
  CAF_CHECK_EQUAL(mended.status, 0);
  CAF_CHECK(holds(mended.out, "mended: the worktree " + tree) &&
            holds(mended.out, "git worktree remove --force " + kept));
  CAF_CHECK(!fs::exists(tree) && fs::exists(used));
  CAF_CHECK_EQUAL(slurp(kept + "/new.txt"), "hello");
}

// ISO-2, F-18
CAF_TEST(a worktree that another session works in stays whoever asks) {
  repository r;
  auto id = r.session("say one");
  auto tree = r.tree(id);
  auto second = r.session("write new.txt hello\nsay two", "done", tree);
  CAF_CHECK_EQUAL(r.tree(second), ""); // it is in a linked worktree already (ISO-1)
  auto kept = r.rm({"--force", id});
  CAF_CHECK(kept.status == 1 && holds(kept.err, "session " + second + " works in its worktree"));
  CAF_CHECK_EQUAL(slurp(tree + "/new.txt"), "hello");
  CAF_CHECK_EQUAL(r.rm({second}).status, 0); // the worktree is not its own
  CAF_CHECK_EQUAL(slurp(tree + "/new.txt"), "hello");
  CAF_CHECK_EQUAL(r.rm({"--force", id}).status, 0);
  CAF_CHECK(!fs::exists(tree));
  CAF_CHECK(r.s.stop().empty());
}

// ISO-3, ISO-1: the ledger and the transcript are all that is needed
CAF_TEST(a removed session is brought back by another supervisor and goes on on its branch) {
  repository r;
  auto id = r.session("bash echo two > file && git commit -qam two\nsay first words");
  auto tree = r.tree(id);
  test::kill_and_wait(r.s.supervisor_pid()); // what is removed is known from the files alone (SEC-4)
  CAF_REQUIRE_EQUAL(r.rm({id}).status, 0);
  CAF_CHECK(!fs::exists(tree));
  CAF_CHECK(r.s.stop().empty());
  auto list = r.s.troupe({"resume"});
  CAF_CHECK(holds(list.out, id) && holds(list.out, "first words"));
  CAF_CHECK(holds(r.s.troupe({"resume", "nobody"}).err, "no removed session is 'nobody'"));
  auto back = r.s.troupe({"resume", "fix"});
  CAF_CHECK_EQUAL(back.out, "resumed · " + id + "\n");
  CAF_CHECK_EQUAL(r.s.field(id, "state"), "done");
  CAF_CHECK_EQUAL(r.s.field(id, "process"), "exited");
  CAF_CHECK_EQUAL(json::parse(r.s.troupe({"resume", "--json"}).out).size(), 0u);
  CAF_CHECK(holds(r.s.troupe({"logs", id}).out, "first words"));
  r.s.troupe({"reply", id, "bash cat file > seen.txt\nsay more words"});
  CAF_REQUIRE(
      until(r.s, [&] { return r.s.field(id, "sentence") == "more words" && r.s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(slurp(tree + "/seen.txt"), "two\n");
  CAF_CHECK(r.s.stop().empty());
}

// PR-1, PR-2
CAF_TEST(a pull request that gh names is on the row with the state that gh tells) {
  repository r;
  auto bin = r.s.root() + "/stubs", told = r.s.root() + "/gh-asked";
  fs::create_directories(bin);
  spill(
      bin + "/gh",
      "#!/bin/sh\necho \"$@\" >> " + told +
          "\ncase \"$1 $2\" in\n'pr create') echo https://github.com/o/r/pull/12;;\n" +
          "'pr view') echo "
          "'{\"number\":12,\"url\":\"https://github.com/o/r/pull/12\",\"state\":\"OPEN\",\"isDraft\":true}';;\nesac\n");
  ::chmod((bin + "/gh").c_str(), 0755);
  r.sh("git init -q --bare ../remote && git remote add origin " + r.s.work() + "/remote");
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (bin + ":" + path).c_str(), 1);
  auto id = r.session(
      "bash echo see https://github.com/o/r/pull/1\nbash git push -q origin HEAD && gh pr create --draft\nsay done");
  ::setenv("PATH", path.c_str(), 1);
  CAF_REQUIRE(until(r.s, [&] {
    auto pulls = r.s.field(id, "pullRequests");
    return pulls.is_array() && pulls[0]["state"] == "draft";
  }));
  auto pulls = r.s.field(id, "pullRequests");
  CAF_CHECK_EQUAL(pulls.size(), 1u); // what is merely talked about is none of its own
  CAF_CHECK_EQUAL(pulls[0]["number"], 12);
  CAF_CHECK_EQUAL(pulls[0]["url"], "https://github.com/o/r/pull/12");
  CAF_CHECK(holds(slurp(told), "pr view troupe/fix-" + id));
  auto job = r.s.bg({"--exec", "--", "/bin/sh", "-c", "echo https://github.com/o/r/pull/3; : gh; exit 1"});
  CAF_CHECK(until(r.s, [&] { return r.s.field(job, "pullRequests").is_array(); }));
  CAF_CHECK(r.s.stop().empty());
}
