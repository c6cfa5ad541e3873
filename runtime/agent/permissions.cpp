// The order of permissions.
#include "runtime/agent/permissions.hpp"

#include <algorithm>

#include "runtime/agent/glob_match.hpp"
#include "runtime/agent/harmless_commands.hpp"
#include "runtime/agent/push_guard.hpp"
#include "runtime/agent/tools.hpp"

namespace troupe::agent {
namespace {

std::vector<permission_rule> rules_in(const json& permissions, const char* name, std::vector<std::string>& problems) {
  std::vector<permission_rule> rules;
  const auto* list = field(permissions, name);
  if (list == nullptr)
    return rules;
  if (!list->is_array()) {
    problems.push_back(std::string("settings: permissions.") + name + " must be a list of rules");
    return rules;
  }
  for (const auto& each : *list) {
    auto rule = each.is_string() ? rule_from(each.get<std::string>()) : std::nullopt;
    if (rule)
      rules.push_back(std::move(*rule));
    else
      problems.push_back(std::string("settings: permissions.") + name + ": " + to_line(each) +
                         " is no rule: write Tool or Tool(what)");
  }
  return rules;
}

const permission_rule* first_concerned(const std::vector<permission_rule>& rules, const tool_use& use,
                                       const rule_places& places) {
  const auto found = std::find_if(rules.begin(), rules.end(), [&](const auto& r) { return concerns(r, use, places); });
  return found == rules.end() ? nullptr : &*found;
}

/// Edits of what decides about later sessions, or runs by itself, are asked for in any folder.
bool is_protected(const std::string& path) {
  for (const std::string_view part :
       {"/.git/", "/.troupe/settings", "/.troupe/agents/", "/.claude/settings", "/.claude/agents/"})
    if (path.find(part) != std::string::npos)
      return true;
  return path.ends_with("/.mcp.json") || path.ends_with("/.git");
}

bool within(const std::vector<std::string>& folders, const std::string& path) {
  return std::any_of(folders.begin(), folders.end(),
                     [&](const std::string& f) { return path == f || path.starts_with(f + "/"); });
}

/// PR-2: by a command, or by a tool of an MCP server.
std::string refused_by_guard(const permission_setup& setup, const tool_use& use) {
  if (!setup.guarded)
    return {};
  if (use.tool == "bash")
    return refused_push(use.line, branch_of(setup.places.cwd));
  const bool merges = use.tool.starts_with("mcp__") && use.tool.find("merge_pull_request") != std::string::npos;
  return merges ? "merges a pull request, which a session in its own worktree may not\n  leave that to the user" : "";
}

/// Plan mode: nothing that may change something, whoever has allowed it.
std::string refused_by_plan(reach can, const tool_use& use) {
  if (can == reach::edits)
    return "not done: plan mode edits nothing";
  if (can == reach::commands && (use.tool != "bash" || !only_looks(use.line)))
    return "not done: plan mode changes nothing, and this may: use commands that only look";
  return {};
}

} // namespace

std::optional<mode> mode_of(std::string_view id) {
  for (const auto& row : modes)
    if (id == row.id)
      return row.is;
  return std::nullopt;
}

const char* id_of(mode m) {
  for (const auto& row : modes)
    if (row.is == m)
      return row.id;
  return "default";
}

permission_setup permissions_from(const json& permissions, const std::vector<std::string>& folders,
                                  const std::string& cwd, const environment& env, std::vector<std::string>& problems) {
  permission_setup setup;
  setup.places = {real_path(cwd), value_of(env, "HOME")};
  setup.guarded = in_own_worktree(cwd);
  setup.deny = rules_in(permissions, "deny", problems);
  setup.ask = rules_in(permissions, "ask", problems);
  setup.allow = rules_in(permissions, "allow", problems);
  auto all = folders;
  all.push_back(cwd);
  if (const auto scratch = value_of(env, "TROUPE_SESSION_DIR"); !scratch.empty())
    all.push_back(scratch + "/tmp");
  if (const auto* more = field(permissions, "additionalDirectories"); more != nullptr && more->is_array())
    for (const auto& each : *more)
      if (each.is_string())
        all.push_back(each.get<std::string>());
  for (const auto& each : all)
    setup.folders.push_back(real_path(normal_path(absolute_path(each, cwd, env))));
  return setup;
}

ruling judge(const permission_setup& setup, mode m, reach can, const tool_use& use,
             const std::vector<permission_rule>& granted) {
  if (const auto why = refused_by_guard(setup, use); !why.empty())
    return {verdict::refuse, "not done: this " + why};
  if (const auto* rule = first_concerned(setup.deny, use, setup.places))
    return {verdict::refuse, "not done: the rule " + rule->text + " denies it"};
  if (m == mode::plan)
    if (const auto why = refused_by_plan(can, use); !why.empty())
      return {verdict::refuse, why};
  if (first_concerned(setup.ask, use, setup.places) != nullptr)
    return {verdict::ask, {}};
  if (can == reach::harmless || m == mode::bypass)
    return {verdict::allow, {}};
  auto allow = setup.allow;
  allow.insert(allow.end(), granted.begin(), granted.end());
  if (allowed_by(allow, use, setup.places))
    return {verdict::allow, {}};
  if (m == mode::accept_edits && can == reach::edits && within(setup.folders, use.real) && !is_protected(use.real))
    return {verdict::allow, {}};
  return {verdict::ask, {}};
}

} // namespace troupe::agent
