// Who may do what in which permission mode (NAT-2): modes, rules, and what a session in its own worktree may never do.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/agent/permission_rules.hpp"

namespace troupe::agent {

enum class mode { ask, accept_edits, plan, bypass };
/// What a tool can do to the world.
enum class reach {
  harmless, ///< nothing, or only through other calls
  looks,    ///< it says that it only reads: a tool of somebody else's
  edits,
  commands,
};
enum class verdict { allow, ask, refuse };

struct mode_row {
  mode is;
  const char* id; ///< on the wire
  const char* name;
  const char* description;
};
inline constexpr std::array<mode_row, 4> modes{{
    {mode::ask, "default", "Default", "Asks before it edits files or runs commands"},
    {mode::accept_edits, "acceptEdits", "Accept edits",
     "Edits files in its directories without asking; asks before it runs commands"},
    {mode::plan, "plan", "Plan", "Changes nothing; asks before it runs commands that only look"},
    {mode::bypass, "bypassPermissions", "Bypass permissions", "Asks only where a rule says so"},
}};

/// The mode of that id; none for an unknown one.
std::optional<mode> mode_of(std::string_view id);
const char* id_of(mode m);

/// The rules of a session: `permissions` of its settings, and where they hold.
struct permission_setup {
  std::vector<permission_rule> deny, ask, allow;
  std::vector<std::string> folders; ///< absolute, links followed: edits within are taken under acceptEdits
  rule_places places;
  bool guarded = false; ///< it works in its own worktree (PR-2)
};

/// Reads {allow, deny, ask, additionalDirectories}; `folders` are those that a dispatch adds. What is no rule is told
/// in `problems`.
permission_setup permissions_from(const json& permissions, const std::vector<std::string>& folders,
                                  const std::string& cwd, const environment& env, std::vector<std::string>& problems);

/// What is decided of one call.
struct ruling {
  verdict is = verdict::ask;
  std::string why; ///< refused: what the assistant hears
};

/// Denied before asked before allowed; the mode decides where no rule does. `granted`: rules that the user has allowed
/// in this session.
ruling judge(const permission_setup& setup, mode m, reach can, const tool_use& use,
             const std::vector<permission_rule>& granted);

} // namespace troupe::agent
