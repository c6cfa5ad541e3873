// The bounds of tools and conversations, as settings name them: native.NAME.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/agent/fields.hpp"

namespace troupe::agent {

struct tool_limits {
  std::int64_t bash_timeout = 120'000;   ///< native.bashTimeoutMs: unless a call says otherwise
  std::int64_t bash_longest = 600'000;   ///< native.bashLongestMs: whatever a call says
  std::int64_t output_bytes = 30'000;    ///< native.outputBytes: of a command's or an MCP tool's output that are kept
  std::int64_t background_shells = 32;   ///< native.backgroundShells: at a time
  std::int64_t subagents = 8;            ///< native.subagents: at a time
  std::int64_t subagent_steps = 200;     ///< native.subagentSteps: of one subagent
  std::int64_t monitors = 8;             ///< native.monitors: at a time
  std::int64_t monitor_interval = 5'000; ///< native.monitorIntervalMs: least time between two prompts of a monitor
  std::int64_t search_files = 200'000;   ///< native.searchFiles: that glob and grep look at
  std::int64_t search_results = 200;     ///< native.searchResults: lines unless a call says otherwise
  std::int64_t search_time = 30'000;     ///< native.searchMs
  std::int64_t mcp_start = 15'000;       ///< native.mcpStartMs: until a server has told its tools
  std::int64_t mcp_call = 120'000;       ///< native.mcpCallMs: one call
  std::int64_t compact_percent = 80;     ///< native.compactPercent: of the model's window; 0: never
  std::int64_t memory_bytes = 64 * 1024; ///< native.memoryBytes: of AGENTS.md, CLAUDE.md and what they import
};

/// From the settings' object `native`; a wrong value is told in `problems` and leaves the default.
tool_limits limits_from(const json& native, std::vector<std::string>& problems);

} // namespace troupe::agent
