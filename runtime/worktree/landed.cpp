// What has landed.
#include "runtime/worktree/landed.hpp"

#include <algorithm>
#include <set>

#include "runtime/worktree/git.hpp"

namespace troupe {

namespace {

constexpr const char* looked_at = "--max-count=500"; ///< commits of a target: a squash is not far behind its branch

std::string word(const program_output& got) {
  return got.good() ? trimmed(got.out) : std::string();
}

/// The patch ids of a stream of patches.
std::set<std::string> patch_ids(const std::string& repository, const std::string& patches) {
  std::set<std::string> out;
  for (const auto& line : split(git(repository, {"patch-id", "--stable"}, patches).out, '\n'))
    out.insert(line.substr(0, line.find(' ')));
  return out;
}

std::string patch(const std::string& repository, const std::string& from, const std::string& to) {
  return git(repository, {"diff-tree", "-p", "--binary", "--full-index", "--no-ext-diff", "--no-textconv", from, to})
      .out;
}

/// Each of its commits has a twin in the target: it was rebased or cherry-picked.
bool picked(const std::string& repository, const std::string& commit, const std::string& target) {
  if (!trimmed(git(repository, {"rev-list", "--merges", "--max-count=1", target + ".." + commit}).out).empty())
    return false; // what a merge resolved has no twin
  auto got = git(repository, {"cherry", target, commit});
  auto lines = split(got.out, '\n');
  return got.good() && !lines.empty() &&
         std::all_of(lines.begin(), lines.end(), [](const auto& l) { return l.starts_with("- "); });
}

/// One commit of the target does what all of its own do together, or has left the very same files behind.
bool squashed(const std::string& repository, const std::string& base, const std::string& commit,
              const std::string& tree, const std::string& target) {
  auto range = base + ".." + target;
  auto trees = split(git(repository, {"log", "--format=%T", looked_at, range}).out, '\n');
  if (std::find(trees.begin(), trees.end(), tree) != trees.end())
    return true;
  auto own = patch_ids(repository, patch(repository, base, commit));
  auto theirs = patch_ids(repository, git(repository, {"log", "-p", "--binary", "--full-index", "--no-ext-diff",
                                                       "--no-textconv", "--no-merges", looked_at, range})
                                          .out);
  return !own.empty() && std::includes(theirs.begin(), theirs.end(), own.begin(), own.end());
}

/// To merge it would change nothing.
bool contained(const std::string& repository, const std::string& commit, const std::string& target) {
  auto merged = git(repository, {"merge-tree", "--write-tree", target, commit});
  return merged.good() &&
         trimmed(merged.out) == word(git(repository, {"rev-parse", "--verify", "-q", target + "^{tree}"}));
}

} // namespace

std::vector<std::string> merge_targets(const std::string& repository, const std::string& but) {
  std::vector<std::string> names, out;
  names.push_back(word(git(repository, {"symbolic-ref", "-q", "refs/remotes/origin/HEAD"})));
  for (const char* name :
       {"refs/remotes/origin/main", "refs/remotes/origin/master", "refs/heads/main", "refs/heads/master"})
    names.emplace_back(name);
  names.push_back(word(git(repository, {"symbolic-ref", "-q", "HEAD"})));
  for (auto& name : names)
    if (!name.empty() && name != but && std::find(out.begin(), out.end(), name) == out.end() &&
        git(repository, {"rev-parse", "--verify", "-q", name}).good())
      out.push_back(std::move(name));
  return out;
}

bool has_landed(const std::string& repository, const std::string& commit, const std::vector<std::string>& targets) {
  auto tree = word(git(repository, {"rev-parse", "--verify", "-q", commit + "^{tree}"}));
  return std::any_of(targets.begin(), targets.end(), [&](const std::string& target) {
    auto base = word(git(repository, {"merge-base", target, commit}));
    if (base.empty() || tree.empty())
      return false;
    // Where nothing is left of what its commits did, no target can have it.
    if (word(git(repository, {"rev-parse", "--verify", "-q", base + "^{tree}"})) == tree)
      return false;
    return picked(repository, commit, target) || contained(repository, commit, target) ||
           squashed(repository, base, commit, tree, target);
  });
}

} // namespace troupe
