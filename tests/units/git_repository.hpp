// A git repository of a test's own, with a worktree as a session gets one.
#pragma once

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <string>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/worktree/git.hpp"
#include "runtime/worktree/making.hpp"
#include "runtime/worktree/plan.hpp"

namespace troupe::test {

inline bool exists(const std::string& path) {
  struct stat what {};
  return ::lstat(path.c_str(), &what) == 0;
}

inline void write(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path) << text;
}

inline std::string content(const std::string& path) {
  std::stringstream all;
  all << std::ifstream(path).rdbuf();
  return all.str();
}

/// A repository with one commit, and one session's worktree in it.
struct repository {
  std::string root, dir;
  worktree tree;

  repository() {
    ::setenv("GIT_CONFIG_GLOBAL", "/dev/null", 1);
    char pattern[] = "/tmp/troupe-worktree-XXXXXX";
    root = ::mkdtemp(pattern);
    dir = root + "/repo";
    std::filesystem::create_directory(dir);
    sh("git init -q -b main && git config user.name n && git config user.email n@localhost");
    write(dir + "/file", "one\n");
    write(dir + "/sub/file", "one\n");
    sh("git add . && git commit -qm one");
  }
  ~repository() {
    std::error_code ignored;
    std::filesystem::remove_all(root, ignored);
  }
  std::string sh(const std::string& line, const std::string& where = {}) const {
    auto got = run_program({"/bin/sh", "-c", line}, where.empty() ? dir : where, {}, own_environment());
    CAF_REQUIRE_EQUAL(got.err, got.good() ? got.err : "of '" + line + "'");
    return trimmed(got.out);
  }
  worktree_made make(const std::string& cwd = {}, const std::string& session = "session1") {
    auto plan = plan_worktree(cwd.empty() ? dir : cwd, worktree_name(session, "Fix it!"), false);
    CAF_REQUIRE_EQUAL(plan.none, "");
    auto made = make_worktree(plan.tree, session, sessions() + "/" + session, {});
    tree = made.tree;
    return made;
  }
  /// The folder of the sessions' own files.
  std::string sessions() const { return root + "/sessions"; }
  /// In the worktree.
  std::string in(const std::string& line) const { return sh(line, tree.path); }
  bool has_branch() const { return git(dir, {"rev-parse", "--verify", "-q", "refs/heads/" + tree.branch}).good(); }
};

} // namespace troupe::test
