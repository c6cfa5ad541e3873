// The environment table.
#include "runtime/config/environment_policy.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

struct line {
  std::string_view pattern;
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
    line{"SSH_AUTH_SOCK", link},
    line{"CLAUDE_CODE_USE_BEDROCK", persist},
    line{"CLAUDE_CODE_USE_VERTEX", persist},
    line{"CLAUDE_CODE_USE_FOUNDRY", persist},
    line{"ANTHROPIC_DEFAULT_*", persist},
    line{"ANTHROPIC_AUTH_TOKEN", gateway},
    line{"ANTHROPIC_CUSTOM_HEADERS", gateway},
    line{"*_BASE_URL", gateway},
    line{"*_API_BASE", gateway},
    line{"*_API_KEY", credential},
    line{"CLAUDE_CODE_OAUTH_TOKEN", credential},
    line{"*", forward},
};

constexpr std::array<std::pair<std::string_view, environment_rule>, 7> names{{{"forward", forward},
                                                                              {"persist", persist},
                                                                              {"gateway", gateway},
                                                                              {"credential", credential},
                                                                              {"own", own},
                                                                              {"link", link},
                                                                              {"drop", drop}}};

/// One pattern ends in what it means and not in `*`: an alias is ANTHROPIC_DEFAULT_*_MODEL.
bool is_alias(std::string_view name) {
  return name.ends_with("_MODEL");
}

/// Whether both shells have the very same gateways: endpoints and what is paired with them, none in one alone (ENV-3).
bool same_gateways(const environment& a, const environment& b, const environment_policy& policy) {
  auto covered = [&](const environment& from, const environment& by) {
    return std::all_of(from.begin(), from.end(), [&](const auto& pair) {
      const auto* other = find_variable(by, pair.first);
      return policy.rule_for(pair.first) != gateway || (other && *other == pair.second);
    });
  };
  return covered(a, b) && covered(b, a);
}

} // namespace

std::string_view name_of(environment_rule rule) {
  for (const auto& [name, known] : names)
    if (known == rule)
      return name;
  return "forward";
}

bool fits_pattern(std::string_view pattern, std::string_view name) {
  if (pattern == "*")
    return true;
  if (pattern.starts_with('*'))
    return name.ends_with(pattern.substr(1));
  if (pattern.ends_with('*'))
    return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return pattern == name;
}

environment_policy::environment_policy(const json& settings, const std::string& where,
                                       std::vector<std::string>* problems) {
  auto fault = [&](const std::string& what) {
    if (problems)
      problems->push_back(where + ": " + what);
  };
  if (settings.is_object() && settings.contains("rules")) {
    for (const auto& [pattern, word] : settings["rules"].items()) {
      auto known = std::find_if(names.begin(), names.end(),
                                [&, w = &word](const auto& n) { return w->is_string() && *w == std::string(n.first); });
      if (known == names.end() || pattern.empty())
        fault("/environment/rules/" + pattern + " must be forward, persist, gateway, credential or drop");
      else
        rows_.push_back({pattern, known->second, true});
    }
  }
  if (settings.is_object() && settings.contains("forwardGateway")) {
    const auto& word = settings["forwardGateway"];
    matching_ = word == "matching";
    if (word != "matching" && word != "never")
      fault("/environment/forwardGateway must be \"never\" or \"matching\"");
  }
  for (const auto& l : table)
    rows_.push_back({std::string(l.pattern), l.rule, false});
}

const environment_row& environment_policy::row_for(std::string_view name) const {
  for (const auto& row : rows_)
    if (fits_pattern(row.pattern, name) && (row.pattern != "ANTHROPIC_DEFAULT_*" || is_alias(name)))
      return row;
  return rows_.back();
}

environment forwarded(const environment& shell, const environment_policy& policy, const environment& service,
                      bool at_home) {
  bool gateways = policy.matching_gateways() && at_home && same_gateways(shell, service, policy);
  environment out;
  for (const auto& pair : shell) {
    auto rule = policy.rule_for(pair.first);
    if (rule == forward || rule == persist || rule == link || (rule == gateway && gateways))
      out.push_back(pair);
  }
  return out;
}

environment kept_choices(const environment& shell, const environment_policy& policy) {
  environment out;
  for (const auto& pair : shell)
    if (policy.rule_for(pair.first) == persist)
      out.push_back(pair);
  return out;
}

void put_variable(environment& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const auto& pair) { return pair.first == name; });
  env.emplace_back(name, value);
}

const std::string* find_variable(const environment& env, std::string_view name) {
  for (const auto& pair : env)
    if (pair.first == name)
      return &pair.second;
  return nullptr;
}

} // namespace troupe
