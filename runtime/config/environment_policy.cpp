// The environment table.
#include "runtime/config/environment_policy.hpp"

#include <array>

namespace troupe {

namespace {

struct line {
  std::string_view pattern; ///< `*` at an end stands for anything
  environment_rule rule;
};

using enum environment_rule;
constexpr std::array table{
    line{"TROUPE_HOME", forward},
    line{"TROUPE_*", own},
    line{"TERM", own},
    line{"TMUX*", drop},
    line{"STY", drop},
    line{"COLUMNS", drop},
    line{"LINES", drop},
    line{"ANTHROPIC_AUTH_TOKEN", gateway},
    line{"ANTHROPIC_CUSTOM_HEADERS", gateway},
    line{"*_BASE_URL", gateway},
    line{"*_API_BASE", gateway},
    line{"*_API_KEY", credential},
    line{"CLAUDE_CODE_OAUTH_TOKEN", credential},
    line{"*", forward},
};

bool fits(std::string_view pattern, std::string_view name) {
  if (pattern == "*")
    return true;
  if (pattern.front() == '*')
    return name.ends_with(pattern.substr(1));
  if (pattern.back() == '*')
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

} // namespace

environment_rule rule_for(std::string_view name) {
  for (const auto& l : table)
    if (fits(l.pattern, name))
      return l.rule;
  return forward;
}

environment forwarded(const environment& shell) {
  environment out;
  for (const auto& pair : shell)
    if (rule_for(pair.first) == forward)
      out.push_back(pair);
  return out;
}

} // namespace troupe
