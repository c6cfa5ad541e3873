// A command in the foreground of a turn: its output within a limit, its time within a limit, and none of it left
// behind.
#pragma once

#include "runtime/agent/tools.hpp"

namespace troupe::agent {

/// Runs `command` by the session's shell in a session of its own. When the shell exits, what it left in its process
/// group is ended, as when a terminal closes; a cancel and the timeout end the whole tree, daemons too.
std::unique_ptr<running_tool> run_in_foreground(const tool_context& context, const std::string& command,
                                                milliseconds timeout, tool_done done);

} // namespace troupe::agent
