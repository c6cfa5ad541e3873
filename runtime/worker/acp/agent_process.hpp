// An agent's process: started with three pipes, and ended at once with all that it has started.
#pragma once

#include <string>
#include <vector>

#include "runtime/io/process.hpp"

namespace troupe {

/// A started agent and our ends of its pipes, non-blocking and O_CLOEXEC.
struct agent_process {
  std::int32_t pid = 0; ///< or a negative errno
  unique_fd to_agent, from_agent, errors;
};

/// Starts an agent in a session of its own. `cwd` must exist.
agent_process start_agent(const std::string& program, std::vector<std::string> arguments, const environment& env,
                          const std::string& cwd);

/// Sends SIGKILL to a child of ours and to all its descendants. The child is stopped first, so that it starts nobody
/// while the others are looked for, and dies last; it must not have been reaped.
void kill_agent(std::int32_t pid);

} // namespace troupe
