// Running git.
#include "runtime/worktree/git.hpp"

#include "runtime/io/process.hpp"

namespace troupe {

std::string trimmed(std::string text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == '\r'))
    text.pop_back();
  return text;
}

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> out;
  for (std::size_t from = 0; from < text.size();) {
    auto end = std::min(text.find(at, from), text.size());
    out.push_back(text.substr(from, end - from));
    from = end + 1;
  }
  return out;
}

program_output git(const std::string& dir, std::vector<std::string> arguments, const std::string& input,
                   const environment& more) {
  std::vector<std::string> words{"git",
                                 "-c",
                                 "core.fsmonitor=false",
                                 "-c",
                                 "core.hooksPath=/dev/null",
                                 "-c",
                                 "safe.bareRepository=explicit",
                                 "-c",
                                 "gc.auto=0",
                                 "-c",
                                 "advice.detachedHead=false",
                                 "-c",
                                 "core.quotePath=false"};
  words.insert(words.end(), arguments.begin(), arguments.end());
  auto env = own_environment();
  std::erase_if(env, [](const auto& pair) { return pair.first.starts_with("GIT_") || pair.first.starts_with("LC_"); });
  env.emplace_back("LC_ALL", "C");
  env.emplace_back("GIT_TERMINAL_PROMPT", "0");
  env.emplace_back("GIT_OPTIONAL_LOCKS", "0");
  env.insert(env.end(), more.begin(), more.end());
  return run_program(std::move(words), dir, input, env);
}

} // namespace troupe
