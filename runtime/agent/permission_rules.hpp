// Permission rules as the ecosystem writes them: `Bash(git diff:*)`, `Edit(src/**)`, `Read(~/.zshrc)`,
// `mcp__server__tool`. Pure but for the links that paths are followed through.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "runtime/agent/fields.hpp"
#include "runtime/agent/shell_command.hpp"

namespace troupe::agent {

/// One rule, taken apart.
struct permission_rule {
  std::string text; ///< as written
  std::string tool; ///< lower case: bash, edit, read, ...; or mcp__server, mcp__server__tool
  std::string what; ///< within the parentheses; empty: every use of the tool
};

/// None where it is no rule: an open parenthesis, no name.
std::optional<permission_rule> rule_from(const std::string& text);

/// Where the paths of rules begin.
struct rule_places {
  std::string cwd;  ///< absolute; `path` and `/path`
  std::string home; ///< `~/path`; empty: such rules fit nothing
};

/// One use of a tool as rules see it.
struct tool_use {
  std::string tool; ///< as rules call it, lower case: bash, edit, read, grep, task, mcp__server__tool
  std::string path; ///< absolute and normal; empty: none
  std::string real; ///< the same with all links followed, as far as it exists
  std::string line; ///< a command line as written
  std::optional<std::vector<simple_command>> commands; ///< of `line`; none where it was not understood
};

/// The path with links followed, as far as it exists.
std::string real_path(const std::string& path);
/// A call of the tool as a use. `cwd` and `env` as in tools.hpp.
tool_use use_of(const std::string& tool, const json& input, const std::string& cwd, const environment& env);

/// Whether a rule that forbids, or wants to be asked, has to do with this use: any part of a command line counts, also
/// what it runs by way of another command, and either form of a path.
bool concerns(const permission_rule& rule, const tool_use& use, const rule_places& places);
/// Whether these rules together allow all of it: each part of a command line, and both forms of a path.
bool allowed_by(const std::vector<permission_rule>& rules, const tool_use& use, const rule_places& places);

/// The rules that "always" stands for when this use is allowed: commands by their first words, edits by the directory.
std::vector<std::string> lasting_rules(const tool_use& use, const rule_places& places);

} // namespace troupe::agent
