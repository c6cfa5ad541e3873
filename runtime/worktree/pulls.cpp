// Asking gh.
#include "runtime/worktree/pulls.hpp"

#include "runtime/io/process.hpp"
#include "runtime/worktree/git.hpp"
#include "runtime/worktree/pull_links.hpp"

namespace troupe {

pull_request ask_gh(const std::string& path) {
  auto head = git(path, {"symbolic-ref", "-q", "--short", "HEAD"});
  auto branch = trimmed(head.out);
  if (!head.good() || branch.empty())
    return {};
  auto pushed = git(path, {"for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes/*/" + branch});
  if (trimmed(pushed.out).empty())
    return {};
  auto env = own_environment();
  env.emplace_back("GH_PROMPT_DISABLED", "1");
  env.emplace_back("NO_COLOR", "1");
  auto told =
      run_program({"gh", "pr", "view", branch, "--json", "number,url,state,isDraft,reviewDecision,statusCheckRollup"},
                  path, {}, env);
  return told.good() ? pull_from_gh(told.out) : pull_request{};
}

} // namespace troupe
