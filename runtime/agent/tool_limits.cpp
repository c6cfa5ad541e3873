// The table of limits.
#include "runtime/agent/tool_limits.hpp"

#include <algorithm>
#include <array>

namespace troupe::agent {
namespace {

struct limit_row {
  const char* name;
  std::int64_t tool_limits::*value;
  std::int64_t least, most;
};

constexpr std::array<limit_row, 15> rows{{
    {"bashTimeoutMs", &tool_limits::bash_timeout, 1, 86'400'000},
    {"bashLongestMs", &tool_limits::bash_longest, 1, 86'400'000},
    {"outputBytes", &tool_limits::output_bytes, 1'000, 1'000'000},
    {"backgroundShells", &tool_limits::background_shells, 0, 1'000},
    {"subagents", &tool_limits::subagents, 0, 64},
    {"subagentSteps", &tool_limits::subagent_steps, 1, 10'000},
    {"monitors", &tool_limits::monitors, 0, 64},
    {"monitorIntervalMs", &tool_limits::monitor_interval, 0, 86'400'000},
    {"searchFiles", &tool_limits::search_files, 1, 10'000'000},
    {"searchResults", &tool_limits::search_results, 1, 10'000},
    {"searchMs", &tool_limits::search_time, 1, 600'000},
    {"mcpStartMs", &tool_limits::mcp_start, 1, 600'000},
    {"mcpCallMs", &tool_limits::mcp_call, 1, 86'400'000},
    {"compactPercent", &tool_limits::compact_percent, 0, 100},
    {"memoryBytes", &tool_limits::memory_bytes, 0, 1'000'000},
}};

} // namespace

tool_limits limits_from(const json& native, std::vector<std::string>& problems) {
  tool_limits limits;
  if (!native.is_object())
    return limits;
  for (const auto& row : rows) {
    const auto* given = field(native, row.name);
    if (given == nullptr)
      continue;
    if (given->is_number_integer() && given->get<std::int64_t>() >= row.least && given->get<std::int64_t>() <= row.most)
      limits.*row.value = given->get<std::int64_t>();
    else
      problems.push_back(std::string("settings: native.") + row.name + " must be a whole number from " +
                         std::to_string(row.least) + " to " + std::to_string(row.most));
  }
  limits.bash_timeout = std::min(limits.bash_timeout, limits.bash_longest);
  return limits;
}

} // namespace troupe::agent
