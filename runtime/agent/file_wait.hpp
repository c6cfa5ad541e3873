// Waits until a file exists, by inotify. The offline scripts' way to stay running until a test or a person says go on.
#pragma once

#include "runtime/agent/tools.hpp"

namespace troupe::agent {

/// Done when something exists at `path` (absolute), at once where it does already. The folders above it may be missing.
std::unique_ptr<running_tool> wait_for_file(const tool_context& context, const std::string& path, tool_done done);

} // namespace troupe::agent
