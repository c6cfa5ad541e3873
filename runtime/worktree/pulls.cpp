// Asking gh.
#include "runtime/worktree/pulls.hpp"

#include <cstdlib>
#include <fstream>

#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/worktree/git.hpp"
#include "runtime/worktree/pull_links.hpp"

namespace troupe {

namespace {

/// `gh` ends with whoever reads the answer from this program's standard output.
program_output view(const std::string& which, const std::string& dir) {
  auto env = own_environment();
  env.emplace_back("GH_PROMPT_DISABLED", "1");
  env.emplace_back("GH_NO_UPDATE_NOTIFIER", "1");
  env.emplace_back("NO_COLOR", "1");
  return run_program({"gh", "pr", "view", which, "--json", "number,url,state,isDraft,reviewDecision,statusCheckRollup"},
                     dir, {}, env, STDOUT_FILENO);
}

/// Where `gh` keeps the hosts that it is signed in to.
std::string hosts_file() {
  auto in = [](const char* variable, const char* below) {
    const char* value = std::getenv(variable);
    return value && *value ? value + std::string(below) : std::string();
  };
  for (auto dir : {in("GH_CONFIG_DIR", ""), in("XDG_CONFIG_HOME", "/gh"), in("HOME", "/.config/gh")})
    if (!dir.empty())
      return dir + "/hosts.yml";
  return {};
}

/// Its top level has the hosts' names, each followed by a colon.
bool knows_host(const std::string& host) {
  std::ifstream file(hosts_file());
  for (std::string line; std::getline(file, line);)
    if (line == host + ":" || line == "\"" + host + "\":")
      return true;
  return false;
}

} // namespace

pull_request ask_gh(const std::string& path) {
  auto head = git(path, {"symbolic-ref", "-q", "--short", "HEAD"});
  auto branch = trimmed(head.out);
  if (!head.good() || branch.empty())
    return {};
  auto pushed = git(path, {"for-each-ref", "--count=1", "--format=%(refname)", "refs/remotes/*/" + branch});
  if (trimmed(pushed.out).empty())
    return {};
  auto told = view(branch, path);
  return told.good() ? pull_from_gh(told.out) : pull_request{};
}

pull_state ask_gh_about(const std::string& url) {
  constexpr std::size_t scheme = 8;
  auto links = pull_links(url);
  if (links.size() != 1 || links.front().url != url)
    return {{}, "this is no address of a pull request: " + url};
  if (auto host = url.substr(scheme, url.find('/', scheme) - scheme); host != "github.com" && !knows_host(host))
    return {{}, "gh is not signed in to " + host};
  auto told = view(url, "/"); // in no repository: none has a say
  if (told.status == 127)
    return {{}, "gh cannot be run"};
  auto now = told.good() ? pull_from_gh(told.out) : pull_request{};
  if (now.number == 0)
    return {{}, "gh told nothing of " + url + " (status " + std::to_string(told.status) + ")"};
  return {now, {}};
}

} // namespace troupe
