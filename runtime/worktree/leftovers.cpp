// Leftover worktrees.
#include "runtime/worktree/leftovers.hpp"

#include <algorithm>
#include <filesystem>
#include <set>

#include <sys/stat.h>

#include "runtime/worktree/git.hpp"
#include "runtime/worktree/losses.hpp"
#include "runtime/worktree/making.hpp"
#include "runtime/worktree/plan.hpp"
#include "runtime/worktree/removal.hpp"

namespace troupe {

namespace {

namespace fs = std::filesystem;

bool is_there(const std::string& path) {
  struct stat what {};
  return ::lstat(path.c_str(), &what) == 0;
}

/// One of this Troupe's own sessions, by the folder of its files or, where that is not known, by its name alone.
bool is_own(const leftover_worktree& of, const std::string& sessions) {
  std::error_code ignored;
  if (of.folder.empty())
    return is_there(sessions + "/" + of.session);
  auto parent = fs::path(of.folder).parent_path();
  return parent == fs::path(sessions) || fs::equivalent(parent, sessions, ignored);
}

/// What a removed session leaves is its transcript, with the line that would bring it back beside it.
bool session_exists(const leftover_worktree& of, const std::string& sessions) {
  auto folder = of.folder.empty() ? sessions + "/" + of.session : of.folder;
  return is_there(folder) && !is_there(folder + "/removed.json");
}

std::string first_and_count(const std::vector<std::string>& all, std::size_t from) {
  return all.front().substr(std::min(from, all.front().size())) +
         (all.size() == 1 ? "" : " and " + std::to_string(all.size() - 1) + " more");
}

/// Why it is to stay; more is in the way than of a removal that somebody asked for.
std::string keeps(const leftover_worktree& of, const std::string& sessions) {
  if (!is_own(of, sessions))
    return of.folder.empty() ? "nobody knows which Troupe's session it was"
                             : "its session's folder was " + of.folder + ", which this Troupe does not know";
  auto lost = look_at(of.tree).lost;
  if (!lost.keeps.empty())
    return lost.keeps.substr(0, lost.keeps.find('\n'));
  if (!lost.files.empty())
    return "it has uncommitted changes: " + first_and_count(lost.files, 3);
  if (!lost.commits.empty())
    return "it has commits that are nowhere else: " + first_and_count(lost.commits, 0);
  if (!lost.ignored.empty())
    return "it has files that git ignores: " + first_and_count(lost.ignored, 0);
  return {};
}

/// What git knows of the folder, when it is a worktree that Troupe made; without a session: it is none.
leftover_worktree made_by_troupe(const std::string& repository, const std::string& common, const std::string& name) {
  leftover_worktree out;
  out.tree.repository = repository;
  out.tree.path = repository + "/.troupe/worktrees/" + name;
  out.tree.branch = "troupe/" + name;
  out.tree.cwd = out.tree.path;
  struct stat what {};
  if (::lstat(out.tree.path.c_str(), &what) != 0 || !S_ISDIR(what.st_mode))
    return {};
  out.tree.device = what.st_dev;
  out.tree.inode = what.st_ino;
  auto admin = admin_of(out.tree, common);
  if (admin.empty())
    return {};
  auto mark = read_mark(admin);
  out.session = mark.session;
  out.folder = mark.folder;
  return out;
}

/// The checkout whose worktrees are in question; empty: there is none.
std::string repository_of(const std::string& directory) {
  auto below = directory.find("/.troupe/worktrees/");
  return plan_worktree(directory.substr(0, below), "x", false).tree.repository;
}

std::vector<leftover_worktree> found_in(const std::string& repository, const std::string& sessions) {
  std::vector<leftover_worktree> out;
  struct stat what {};
  for (const char* part : {"/.troupe", "/.troupe/worktrees"}) // neither may be a link
    if (::lstat((repository + part).c_str(), &what) != 0 || !S_ISDIR(what.st_mode))
      return out;
  auto common = git(repository, {"rev-parse", "--path-format=absolute", "--git-common-dir"});
  std::error_code error;
  if (!common.good())
    return out;
  for (const auto& each : fs::directory_iterator(repository + "/.troupe/worktrees", error)) {
    auto found = made_by_troupe(repository, trimmed(common.out), each.path().filename().string());
    if (found.session.empty() || session_exists(found, sessions))
      continue;
    found.keeps = keeps(found, sessions);
    out.push_back(std::move(found));
  }
  std::sort(out.begin(), out.end(), [](const auto& a, const auto& b) { return a.tree.path < b.tree.path; });
  return out;
}

} // namespace

std::vector<leftover_worktree> leftovers_in(const std::vector<std::string>& directories, const std::string& sessions) {
  std::set<std::string> repositories;
  for (const auto& directory : directories)
    if (directory.starts_with('/'))
      repositories.insert(repository_of(directory));
  repositories.erase(std::string());
  std::vector<leftover_worktree> out;
  for (const auto& repository : repositories) {
    auto found = found_in(repository, sessions);
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

std::string remove_leftover(const leftover_worktree& which, const std::string& sessions) {
  if (session_exists(which, sessions))
    return "its session was brought back";
  if (auto why = keeps(which, sessions); !why.empty())
    return why;
  auto how = remove_tree(which.tree, false, {});
  return how.removed ? std::string() : how.why.substr(0, how.why.find('\n'));
}

} // namespace troupe
