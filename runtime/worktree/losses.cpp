// What would be lost.
#include "runtime/worktree/losses.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>

#include <sys/stat.h>

#include "runtime/worktree/git.hpp"
#include "runtime/worktree/ignored.hpp"
#include "runtime/worktree/landed.hpp"
#include "runtime/worktree/occupants.hpp"
#include "runtime/worktree/tree_removal.hpp"

namespace troupe {

namespace {

bool exists(const std::string& path) {
  struct stat what {};
  return ::lstat(path.c_str(), &what) == 0;
}

std::string first_line_of(const std::string& path) {
  std::string line;
  std::getline(std::ifstream(path), line);
  return line;
}

std::string word(const program_output& got) {
  return got.good() ? trimmed(got.out) : std::string();
}

/// An operation that has been begun and not ended.
void open_operation(const std::string& admin, std::vector<std::string>& files) {
  for (auto [name, what] : {std::pair{"rebase-merge", "a rebase"}, std::pair{"rebase-apply", "a rebase"},
                            std::pair{"MERGE_HEAD", "a merge"}, std::pair{"CHERRY_PICK_HEAD", "a cherry-pick"},
                            std::pair{"REVERT_HEAD", "a revert"}, std::pair{"BISECT_LOG", "a bisection"}})
    if (exists(admin + "/" + name)) {
      files.push_back(std::string("!! ") + what + " is in progress");
      return;
    }
}

/// The names in git's status, each behind its state. `nested`: the first one that is a repository of its own.
std::vector<std::string> files_in(const std::string& status, std::string& nested) {
  std::vector<std::string> out;
  auto parts = split(status, '\0');
  for (std::size_t i = 0; i < parts.size(); ++i) {
    if (parts[i].size() < 4)
      continue;
    if (parts[i].starts_with("?? ") && parts[i].back() == '/' && nested.empty())
      nested = parts[i].substr(3);
    if (parts[i][0] == 'R' || parts[i][0] == 'C')
      ++i; // the name it had
    out.push_back(parts[i < parts.size() ? i : parts.size() - 1]);
  }
  return out;
}

/// A submodule whose files are here has commits of its own that git keeps with the worktree.
std::string submodule_in(const worktree& tree) {
  for (const auto& line : split(git(tree.path, {"ls-files", "-s", "-z"}).out, '\0'))
    if (line.starts_with("160000 "))
      if (auto tab = line.find('\t');
          tab != std::string::npos && exists(tree.path + "/" + line.substr(tab + 1) + "/.git"))
        return line.substr(tab + 1);
  return {};
}

/// A file that git was told not to look at: its changes are in no account of git's.
std::string unseen_in(const worktree& tree) {
  for (const auto& line : split(git(tree.path, {"ls-files", "-v", "-z"}).out, '\0'))
    if (line.size() > 2 &&
        ((line[0] >= 'a' && line[0] <= 'z') || (line[0] == 'S' && exists(tree.path + "/" + line.substr(2)))))
      return line.substr(2);
  return {};
}

std::vector<std::string> only_in(const std::string& repository, const std::string& commit, const std::string& branch) {
  constexpr const char* most = "--max-count=100";
  std::vector<std::string> words{"log", "--format=%h %s", most, commit, "--not"};
  if (!branch.empty())
    words.push_back("--exclude=" + branch);
  words.insert(words.end(), {"--branches", "--tags", "--remotes"});
  return split(git(repository, std::move(words)).out, '\n');
}

bool checked_out_elsewhere(const worktree& tree) {
  std::string at;
  for (const auto& line : split(git(tree.repository, {"worktree", "list", "--porcelain"}).out, '\n'))
    if (line.starts_with("worktree "))
      at = line.substr(9);
    else if (line == "branch refs/heads/" + tree.branch && at != tree.path)
      return true;
  return false;
}

/// Commits of its own branch, and of what is checked out, that no other branch, tag or remote has.
void find_commits(const worktree& tree, tree_report& out) {
  auto own = "refs/heads/" + tree.branch;
  out.tip = tree.branch.empty() ? "" : word(git(tree.repository, {"rev-parse", "--verify", "-q", own}));
  auto targets = merge_targets(tree.repository, own);
  if (!out.tip.empty()) {
    auto commits = only_in(tree.repository, out.tip, tree.branch);
    if (!commits.empty() && !has_landed(tree.repository, out.tip, targets))
      out.lost.commits = std::move(commits);
    out.stays = !out.lost.commits.empty() || checked_out_elsewhere(tree);
  }
  if (out.head.empty() || out.head == out.tip)
    return;
  auto commits = only_in(tree.repository, out.head, {}); // its own branch has the others
  if (!out.stays && commits.empty()) {
    commits = only_in(tree.repository, out.head, tree.branch);
    if (!commits.empty() && !has_landed(tree.repository, out.head, targets))
      out.stays = true;
    else
      commits.clear();
  } else if (!commits.empty() && !has_landed(tree.repository, out.head, targets)) {
    out.loose = true;
  } else {
    commits.clear();
  }
  out.lost.commits.insert(out.lost.commits.end(), commits.begin(), commits.end());
}

std::string in_use(const worktree& tree) {
  auto who = occupants_of(tree.path);
  std::string out;
  for (const auto& each : who)
    out += (out.empty() ? "" : ", ") + each;
  return out.empty() ? out : out + (who.size() == 1 ? " works in it" : " work in it") + "\nend what is in " + tree.path;
}

} // namespace

std::string admin_of(const worktree& tree, const std::string& common) {
  auto line = first_line_of(tree.path + "/.git");
  if (!line.starts_with("gitdir: "))
    return {};
  auto admin = line.substr(8);
  if (!admin.starts_with(common + "/worktrees/") || first_line_of(admin + "/gitdir") != tree.path + "/.git")
    return {};
  return admin;
}

std::string status_of(const std::string& path, std::string& error) {
  auto got = git(path, {"status", "--porcelain=v1", "-z", "--branch", "--untracked-files=all",
                        "--ignore-submodules=none", "--no-renames"});
  if (!got.good())
    error = got.why();
  return got.out;
}

tree_report look_at(const worktree& tree) {
  tree_report out;
  auto keep = [&](const std::string& why) {
    out.lost.keeps = why;
    return std::move(out);
  };
  out.gone = !exists(tree.path);
  if (!tree.branch.empty()) {
    auto common = git(tree.repository, {"rev-parse", "--path-format=absolute", "--git-common-dir"});
    if (!common.good())
      return keep("its repository " + tree.repository + " is not there or no repository any more: " + common.why() +
                  "\nsee that it is, or remove " + tree.path + " by hand");
    out.common = trimmed(common.out);
  }
  if (out.gone) {
    find_commits(tree, out);
    return out;
  }
  auto folder = open_folder(tree.path, "");
  struct stat link {};
  if (::lstat(tree.path.c_str(), &link) != 0 || S_ISLNK(link.st_mode) ||
      !is_folder(folder.get(), tree.device, tree.inode))
    return keep(tree.path + " is another folder than the worktree that Troupe made\nlook at it, and remove it by hand");
  if (auto who = in_use(tree); !who.empty())
    return keep(who);
  if (auto mount = mount_within(folder.get()); !mount.empty())
    return keep("a file system is mounted in it, at " + mount + "\nunmount it: umount " + tree.path + "/" + mount);
  if (tree.branch.empty())
    return out; // of another version control: its hook decides
  out.admin = admin_of(tree, out.common);
  if (out.admin.empty())
    return keep(tree.path + " is no worktree of " + tree.repository + " any more\nlook at it, and remove it by hand");
  if (exists(out.admin + "/locked"))
    return keep("it is locked: " + first_line_of(out.admin + "/locked") + "\nunlock it: git worktree unlock " +
                tree.path);
  std::string error, nested;
  out.status = status_of(tree.path, error);
  if (!error.empty())
    return keep("git cannot tell what is uncommitted in " + tree.path + ": " + error + "\nlook at it: git status");
  out.head = word(git(tree.path, {"rev-parse", "--verify", "-q", "HEAD"}));
  out.lost.files = files_in(out.status, nested);
  std::erase_if(out.lost.files, [](const auto& line) { return line.starts_with("## "); });
  open_operation(out.admin, out.lost.files);
  auto ignored = ignored_in(tree.path, tree.repository);
  for (const auto& f : ignored.files)
    out.lost.ignored.push_back(f.path + " (" + in_bytes(f.bytes) + ")");
  out.lost.products = std::move(ignored.products);
  if (nested.empty())
    nested = submodule_in(tree);
  find_commits(tree, out);
  if (auto unseen = unseen_in(tree); !unseen.empty())
    return keep("git was told not to look at " + unseen +
                " in it, so nobody knows whether it was changed\nlet it look: git -C " + tree.path +
                " update-index --no-assume-unchanged --no-skip-worktree " + unseen);
  if (!nested.empty())
    return keep("it holds another repository, " + nested + ", whose commits would be lost\nmove it away from " +
                tree.path);
  return out;
}

} // namespace troupe
