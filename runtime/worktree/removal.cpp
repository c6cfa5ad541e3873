// Removing a worktree.
#include "runtime/worktree/removal.hpp"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <ctime>
#include <filesystem>
#include <fstream>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/worktree/ignored.hpp"
#include "runtime/worktree/losses.hpp"
#include "runtime/worktree/occupants.hpp"
#include "runtime/worktree/tree_removal.hpp"

namespace troupe {

namespace {

constexpr std::int64_t kept_seconds = 30LL * 24 * 3600;
constexpr std::size_t named_files = 3;
constexpr const char* trash_mark = ".trash-";
/// In a trash: a worktree that may yet be put back, and one that nobody will miss.
constexpr const char *doubted = "tree", *condemned = "gone";

worktree_removed kept(const std::string& why) {
  worktree_removed out;
  out.why = why;
  return out;
}

std::string last_part(const std::string& path) {
  return path.substr(path.rfind('/') + 1);
}

std::string word(const program_output& got) {
  return got.good() ? trimmed(got.out) : std::string();
}

std::string uncommitted(const worktree& tree, const std::vector<std::string>& files) {
  std::string names;
  for (std::size_t i = 0; i < std::min(files.size(), named_files); ++i)
    names += (names.empty() ? "" : ", ") + (files[i].size() > 3 ? files[i].substr(3) : files[i]);
  if (files.size() > named_files)
    names += ", … (" + std::to_string(files.size()) + " in all)";
  return "its worktree " + tree.path + " has uncommitted changes: " + names +
         "\ncommit them there, or remove them with it: troupe rm --force";
}

/// A commit as `git stash` makes one: what was in the folder, over what was staged, over what is checked out. Empty:
/// `error` says why there is none.
std::string take_snapshot(const worktree& tree, const tree_report& seen, std::string& error) {
  const auto index = seen.admin + "/index.troupe";
  const environment own{{"GIT_INDEX_FILE", index},
                        {"GIT_AUTHOR_NAME", "Troupe"},
                        {"GIT_AUTHOR_EMAIL", "troupe@localhost"},
                        {"GIT_COMMITTER_NAME", "Troupe"},
                        {"GIT_COMMITTER_EMAIL", "troupe@localhost"}};
  std::error_code ignored;
  std::filesystem::copy_file(seen.admin + "/index", index, std::filesystem::copy_options::overwrite_existing, ignored);
  auto step = [&](const std::vector<std::string>& words) {
    if (!error.empty())
      return std::string();
    auto got = git(tree.path, words, {}, own);
    if (!got.good())
      error = "what is uncommitted in " + tree.path + " cannot be kept: git " + words.front() + ": " + got.why() +
              "\nsave it by hand, then remove the session again";
    return trimmed(got.out);
  };
  auto staged = word(git(tree.path, {"write-tree"}, {}, own)); // none while a merge is not resolved
  if (staged.empty())
    staged = "HEAD^{tree}";
  auto below = step({"commit-tree", staged, "-p", seen.head, "-m", "index on " + tree.branch});
  step({"add", "--all"});
  auto whole = step({"write-tree"});
  auto out = step({"commit-tree", whole, "-p", seen.head, "-p", below, "-m",
                   "On " + tree.branch + ": uncommitted when its session was removed"});
  step({"update-ref", snapshot_ref(tree), out});
  ::unlink(index.c_str());
  return error.empty() ? out : std::string();
}

/// A private folder beside the worktrees, and what is in it.
class trash {
public:
  trash(const worktree& tree, std::string& error)
      : tree_(tree), name_(last_part(tree.path)), folder_(tree.path.substr(0, tree.path.rfind('/'))),
        place_(trash_mark + name_), parent_(open_folder(tree.repository, ".troupe/worktrees")) {
    if (folder_ != tree.repository + "/.troupe/worktrees" || !parent_)
      error = "the folder " + folder_ + " is not the one that Troupe made\nlook at it, and remove " + tree.path +
              " by hand";
    else if (::mkdirat(parent_.get(), place_.c_str(), 0700) != 0 || !(own_ = open_within(parent_.get(), place_)))
      error = "no trash can be made beside " + tree.path + ": " + std::strerror(errno) + "\nsee that " + folder_ +
              " can be written to";
  }
  /// Takes the worktree in. Empty: it is here, the very same, as it was seen, with nobody in it; else it is back.
  std::string take(const tree_report& seen) {
    if (::renameat2(parent_.get(), name_.c_str(), own_.get(), doubted, RENAME_NOREPLACE) != 0)
      return back(std::string("it cannot be renamed: ") + std::strerror(errno));
    auto moved = open_within(own_.get(), doubted);
    if (!is_folder(moved.get(), tree_.device, tree_.inode))
      return back(tree_.path +
                  " is another folder than the worktree that Troupe made\nlook at it, and remove it by hand");
    const auto here = folder_ + "/" + place_ + "/" + doubted;
    std::string error;
    if (auto who = occupants_of(here); !who.empty())
      return back(who.front() + " works in it\nend what is in " + tree_.path);
    if (!seen.admin.empty() && (status_of(here, error) != seen.status || !error.empty() ||
                                word(git(here, {"rev-parse", "--verify", "-q", "HEAD"})) != seen.head))
      return back(tree_.path + " was changed while it was being removed\nsee what writes there, then try again");
    if (auto mount = mount_within(moved.get()); !mount.empty())
      return back("a file system is mounted in it, at " + mount + "\nunmount it: umount " + tree_.path + "/" + mount);
    auto files = ignored_in(here, tree_.repository).files; // once more: nobody writes there any more
    if (std::string left; !files.empty() && keep_files(parent_.get(), name_, moved.get(), files, left) != files.size())
      return back("files that git ignores cannot all be kept: " + left + "; those that can are in " +
                  kept_place(tree_.path) + "\nsave them by hand, then try again");
    kept_ = !files.empty();
    ::renameat(own_.get(), doubted, own_.get(), condemned);
    return {};
  }
  /// Where files that git ignores were kept; empty: there were none.
  [[nodiscard]] std::string kept_files() const { return kept_ ? kept_place(tree_.path) : std::string(); }
  /// Removes what was taken in. Not empty: what could not be, and why.
  std::string empty() {
    std::string left;
    if (remove_folder(own_.get(), condemned, left))
      ::unlinkat(parent_.get(), place_.c_str(), AT_REMOVEDIR);
    return left.empty() ? left
                        : "some of its files could not be deleted and are in " + folder_ + "/" + place_ + ": " + left;
  }

private:
  std::string back(std::string why) {
    ::renameat2(own_.get(), doubted, parent_.get(), name_.c_str(), RENAME_NOREPLACE);
    ::unlinkat(parent_.get(), place_.c_str(), AT_REMOVEDIR);
    return why;
  }
  const worktree& tree_;
  std::string name_, folder_, place_;
  unique_fd parent_, own_;
  bool kept_ = false;
};

/// What a removal that was cut off has left: a worktree that was only being looked at goes back to its place, and what
/// was to be deleted is.
void sweep(const worktree& tree) {
  auto parent = open_folder(tree.repository, ".troupe/worktrees");
  std::error_code error;
  for (const auto& each : std::filesystem::directory_iterator(tree.repository + "/.troupe/worktrees", error)) {
    auto name = each.path().filename().string();
    auto own = name.starts_with(trash_mark) && parent ? open_within(parent.get(), name) : unique_fd();
    if (!own)
      continue;
    std::string left;
    ::renameat2(own.get(), doubted, parent.get(), name.substr(std::strlen(trash_mark)).c_str(), RENAME_NOREPLACE);
    if (remove_folder(own.get(), condemned, left))
      ::unlinkat(parent.get(), name.c_str(), AT_REMOVEDIR);
  }
}

void forget_admin(const std::string& common, const std::string& admin) {
  auto parent = open_folder(common, "worktrees");
  std::string left;
  if (parent && admin.starts_with(common + "/worktrees/") && remove_folder(parent.get(), last_part(admin), left))
    ::rmdir((common + "/worktrees").c_str()); // when it was the last one
}

/// Its own branch, when all of it is elsewhere; and a name for what is checked out and has none.
std::string settle_branch(const worktree& tree, const tree_report& seen) {
  if (seen.loose)
    git(tree.repository, {"update-ref", "refs/heads/" + tree.branch + "-detached", seen.head, std::string(40, '0')});
  if (seen.tip.empty())
    return seen.loose ? "kept" : "";
  if (seen.stays || !git(tree.repository, {"update-ref", "-d", "refs/heads/" + tree.branch, seen.tip}).good())
    return "kept";
  git(tree.repository, {"config", "--local", "--remove-section", "branch." + tree.branch});
  return seen.loose ? "kept" : "deleted";
}

worktree_removed remove_by_hook(const worktree& tree, bool force, const std::string& hook) {
  auto seen = look_at(tree);
  if (seen.gone)
    return {.removed = true};
  if (!seen.lost.keeps.empty())
    return kept(seen.lost.keeps);
  if (hook.empty())
    return kept("worktree.createHook has made " + tree.path +
                ", and nothing says how it is removed\nset worktree.removeHook, or remove it by hand");
  auto got = run_hook(hook, tree, force);
  struct stat there {};
  if (!got.good())
    return kept("worktree.removeHook has not removed " + tree.path + ": " + got.why() + "\nlook at it there");
  if (::lstat(tree.path.c_str(), &there) == 0)
    return kept("worktree.removeHook has left " + tree.path + "\nmend that setting, or remove it by hand");
  return {.removed = true};
}

} // namespace

std::string snapshot_ref(const worktree& tree) {
  return "refs/troupe/kept/" + last_part(tree.path);
}

void drop_old_snapshots(const std::string& repository, std::int64_t now_seconds) {
  auto all =
      git(repository, {"for-each-ref", "--format=%(committerdate:unix) %(objectname) %(refname)", "refs/troupe/kept"});
  for (const auto& line : split(all.out, '\n')) {
    auto parts = split(line, ' ');
    if (parts.size() == 3 && std::strtoll(parts[0].c_str(), nullptr, 10) + kept_seconds < now_seconds)
      git(repository, {"update-ref", "-d", parts[2], parts[1]});
  }
  if (auto parent = open_folder(repository, ".troupe/worktrees"))
    drop_kept_files(parent.get(), now_seconds - kept_seconds);
}

void forget_missing(const std::string& common, const std::string& path) {
  std::error_code error;
  struct stat there {};
  if (::lstat(path.c_str(), &there) == 0)
    return;
  for (const auto& each : std::filesystem::directory_iterator(common + "/worktrees", error)) {
    std::string line;
    std::getline(std::ifstream(each.path() / "gitdir"), line);
    if (line == path + "/.git" && !std::filesystem::exists(each.path() / "locked")) {
      forget_admin(common, each.path().string());
      return;
    }
  }
}

program_output run_hook(const std::string& command, const worktree& tree, bool force) {
  auto env = own_environment();
  env.emplace_back("TROUPE_WORKTREE_PATH", tree.path);
  env.emplace_back("TROUPE_WORKTREE_FORCE", force ? "1" : "0");
  return run_program({"/bin/sh", "-c", command}, tree.repository, {}, env);
}

worktree_removed remove_tree(const worktree& tree, bool force, const std::string& hook) {
  if (tree.branch.empty())
    return remove_by_hook(tree, force, hook);
  auto common = word(git(tree.repository, {"rev-parse", "--path-format=absolute", "--git-common-dir"}));
  unique_fd lock(common.empty() ? -1 : ::open((common + "/troupe.lock").c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600));
  if (lock) { // of two that have the same commits, the second one sees that the first is gone
    ::flock(lock.get(), LOCK_EX);
    sweep(tree);
  }
  auto seen = look_at(tree);
  if (!seen.lost.keeps.empty())
    return kept(seen.lost.keeps);
  if (!force && !seen.lost.files.empty())
    return kept(uncommitted(tree, seen.lost.files));
  worktree_removed out;
  std::string error;
  if (!seen.gone) {
    if (!seen.lost.files.empty() && !take_snapshot(tree, seen, error).empty())
      out.snapshot = snapshot_ref(tree);
    if (!error.empty())
      return kept(error);
    trash place(tree, error);
    if (error.empty())
      error = place.take(seen);
    if (!error.empty())
      return kept(error);
    out.ignored = place.kept_files();
    out.why = place.empty();
    forget_admin(seen.common, seen.admin);
  }
  forget_missing(seen.common, tree.path);
  out.branch = settle_branch(tree, seen);
  out.removed = true;
  drop_old_snapshots(tree.repository, std::time(nullptr));
  return out;
}

} // namespace troupe
