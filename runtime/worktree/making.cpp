// Making a worktree.
#include "runtime/worktree/making.hpp"

#include <cerrno>
#include <cstring>
#include <fstream>
#include <sstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/worktree/git.hpp"
#include "runtime/worktree/ignored.hpp"
#include "runtime/worktree/removal.hpp"
#include "runtime/worktree/tree_removal.hpp"

namespace troupe {

namespace {

constexpr const char* or_without =
    "mend that, or let sessions work in the checkout itself: worktree.bgIsolation \"none\"";

worktree_made failed(const std::string& why, const std::string& remedy = or_without) {
  worktree_made out;
  out.error = why + "\n" + remedy;
  return out;
}

worktree_made none(const std::string& why, const std::string& note = {}) {
  worktree_made out;
  out.none = why;
  out.note = note;
  return out;
}

/// Makes a folder that is no link and ours; false: errno says why.
bool own_folder(int parent, const char* name) {
  if (::mkdirat(parent, name, 0755) != 0 && errno != EEXIST)
    return false;
  struct stat what {};
  if (::fstatat(parent, name, &what, AT_SYMLINK_NOFOLLOW) != 0)
    return false;
  if (S_ISDIR(what.st_mode) && what.st_uid == ::geteuid())
    return true;
  errno = S_ISDIR(what.st_mode) ? EPERM : ENOTDIR;
  return false;
}

/// The folder that worktrees are in; empty: `error` says why.
unique_fd worktrees_folder(const worktree& plan, std::string& error) {
  auto root = open_folder(plan.repository, "");
  bool made = root && own_folder(root.get(), ".troupe");
  auto ours = made ? open_folder(plan.repository, ".troupe") : unique_fd();
  made = ours && own_folder(ours.get(), "worktrees");
  auto out = made ? open_folder(plan.repository, ".troupe/worktrees") : unique_fd();
  if (!out)
    error = "the folder " + plan.repository + "/.troupe/worktrees cannot be made: " +
            (errno == ENOTDIR ? "a file or link is in its place" : std::strerror(errno));
  return out;
}

/// git is told not to list them (a line of its own, once).
void exclude(const std::string& common) {
  constexpr const char* line = "/.troupe/worktrees/";
  auto path = common + "/info/exclude";
  std::stringstream all;
  all << std::ifstream(path).rdbuf();
  for (const auto& each : split(all.str(), '\n'))
    if (each == line)
      return;
  ::mkdir((common + "/info").c_str(), 0777);
  std::ofstream(path, std::ios::app) << (all.str().empty() || all.str().ends_with('\n') ? "" : "\n") << line << "\n";
}

bool measure(worktree& tree) {
  struct stat what {};
  if (::lstat(tree.path.c_str(), &what) != 0 || !S_ISDIR(what.st_mode))
    return false;
  tree.device = what.st_dev;
  tree.inode = what.st_ino;
  return true;
}

std::string mark_file(const std::string& admin) {
  return admin + "/troupe";
}

void write_mark(const std::string& admin, const worktree_mark& mark) {
  std::ofstream out(mark_file(admin));
  out << mark.session << "\n";
  if (mark.folder.find('\n') == std::string::npos)
    out << mark.folder << "\n";
}

/// What an earlier run of this session has made.
bool made_before(worktree& tree, const std::string& session) {
  auto admin = git(tree.path, {"rev-parse", "--absolute-git-dir"});
  return admin.good() && read_mark(trimmed(admin.out)).session == session && measure(tree);
}

bool make_cwd(const worktree& tree) {
  if (::access(tree.cwd.c_str(), X_OK) == 0)
    return true;
  for (auto at = tree.path.size();
       at != std::string::npos && at <= tree.cwd.size();) { // where it was sent is in no commit
    at = tree.cwd.find('/', at + 1);
    ::mkdir(tree.cwd.substr(0, at).c_str(), 0777);
  }
  return ::access(tree.cwd.c_str(), X_OK) == 0;
}

worktree_made with_git(worktree tree, const worktree_mark& mark, const std::string& common) {
  auto branch = "refs/heads/" + tree.branch;
  bool known = git(tree.repository, {"rev-parse", "--verify", "-q", branch}).good();
  forget_missing(common, tree.path);
  std::vector<std::string> words{"worktree", "add", "--quiet"};
  if (known)
    words.insert(words.end(), {tree.path, tree.branch});
  else
    words.insert(words.end(), {"--no-track", "-b", tree.branch, tree.path, "HEAD"});
  auto got = git(tree.repository, std::move(words));
  if (!got.good())
    return failed("the worktree " + tree.path + " cannot be made: " + got.why());
  auto admin = git(tree.path, {"rev-parse", "--absolute-git-dir"});
  tree.base = trimmed(git(tree.path, {"rev-parse", "HEAD"}).out);
  write_mark(trimmed(admin.out), mark);
  if (!measure(tree) || !make_cwd(tree) || read_mark(trimmed(admin.out)).session != mark.session)
    return failed("the worktree " + tree.path + " was made and cannot be used: " + std::strerror(errno));
  worktree_made out{std::move(tree), {}, {}, {}};
  auto kept = snapshot_ref(out.tree);
  if (known && git(out.tree.repository, {"rev-parse", "--verify", "-q", kept}).good())
    out.note =
        "what was uncommitted when its worktree was removed is not in it; bring it back: git stash apply " + kept;
  if (auto files = kept_place(out.tree.path); ::access(files.c_str(), X_OK) == 0)
    out.note += (out.note.empty() ? "" : "\n") +
                ("files that git ignores are not in it; bring them back: cp -an " + files + "/. " + out.tree.path);
  return out;
}

worktree_made with_hook(worktree tree, const std::string& hook) {
  auto got = run_hook(hook, tree, false);
  if (!got.good())
    return failed("worktree.createHook failed in " + tree.repository + ": " + got.why(),
                  "mend the setting worktree.createHook");
  if (!measure(tree) || !make_cwd(tree))
    return failed("worktree.createHook has not made " + tree.path,
                  "let it make the folder that TROUPE_WORKTREE_PATH names");
  return {std::move(tree), {}, {}, {}};
}

} // namespace

worktree_mark read_mark(const std::string& admin) {
  worktree_mark out;
  std::ifstream in(mark_file(admin));
  std::getline(in, out.session);
  std::getline(in, out.folder);
  return out;
}

worktree_made make_worktree(const worktree& plan, const std::string& session, const std::string& folder,
                            const std::string& hook) {
  auto tree = plan;
  std::string error;
  std::string common;
  if (!tree.branch.empty()) {
    auto got = git(tree.repository, {"rev-parse", "--path-format=absolute", "--git-common-dir", "--git-dir"});
    if (got.status == 127)
      return failed(got.err, "install git, or let sessions work in the checkout itself: worktree.bgIsolation \"none\"");
    auto folders = split(got.out, '\n');
    if (!got.good() || folders.size() != 2)
      return got.err.find("not a git repository") != std::string::npos
                 ? none("it is in no git repository")
                 : failed("git cannot use " + tree.repository + ": " + got.why());
    if (folders[0] != folders[1])
      return none("it is in a linked worktree already");
    common = folders[0];
    if (trimmed(git(tree.repository, {"rev-parse", "--is-inside-work-tree"}).out) != "true")
      return none("it is in no worktree of git's");
    if (!git(tree.repository, {"rev-parse", "--verify", "-q", "HEAD"}).good())
      return none("no commit to begin with",
                  "the repository has no commit yet, so no worktree can be made: it works in " + tree.repository +
                      " itself");
    exclude(common);
  }
  struct stat there {};
  if (::lstat(tree.path.c_str(), &there) == 0) {
    if (!tree.branch.empty() && made_before(tree, session)) {
      tree.base = trimmed(git(tree.path, {"rev-parse", "HEAD"}).out);
      return make_cwd(tree) ? worktree_made{std::move(tree), {}, {}, {}}
                            : failed(tree.cwd + " cannot be entered: " + std::strerror(errno));
    }
    return failed(tree.path + " is there already, and is no worktree of this session", "look at it, and move it away");
  }
  if (!worktrees_folder(tree, error))
    return failed(error);
  return tree.branch.empty() ? with_hook(std::move(tree), hook) : with_git(std::move(tree), {session, folder}, common);
}

} // namespace troupe
