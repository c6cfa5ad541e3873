// Who may do what in which permission mode (NAT-2): a pure decision.
#pragma once

#include <array>
#include <optional>
#include <string_view>

namespace troupe::agent {

enum class mode { ask, accept_edits, plan, bypass };
/// What a tool can do to the world.
enum class reach { harmless, edits, commands };
enum class verdict { allow, ask, refuse };

struct mode_row {
  mode is;
  const char* id; ///< on the wire
  const char* name;
  const char* description;
};
inline constexpr std::array<mode_row, 4> modes{{
    {mode::ask, "default", "Default", "Asks before it edits files or runs commands"},
    {mode::accept_edits, "acceptEdits", "Accept edits", "Edits files without asking; asks before it runs commands"},
    {mode::plan, "plan", "Plan", "Edits nothing; asks before it runs commands"},
    {mode::bypass, "bypassPermissions", "Bypass permissions", "Asks nothing"},
}};

/// The mode of that id; none for an unknown one.
std::optional<mode> mode_of(std::string_view id);
const char* id_of(mode m);

/// `granted`: this session's user has allowed the tool for good. Plan mode refuses edits all the same.
verdict decide(mode m, reach tool, bool granted);

} // namespace troupe::agent
