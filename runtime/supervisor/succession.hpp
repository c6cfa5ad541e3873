// From one version of the supervisor to the next, in the same process (SUP-6).
#pragma once

#include <map>
#include <string>

#include "runtime/host/supervisor_host.hpp"
#include "runtime/supervisor/options.hpp"

namespace troupe {

/// Executes `program` in this process: lock and control socket stay open, environments go in a memfd that no file
/// system has. Where that cannot be, this version's own program goes on. Returns only when neither can.
void execute_next(const std::string& program, const supervisor_options& own, succession what);

/// What `execute_next` has written into the memfd; empty where it is not understood.
std::map<session_id, environment> read_environments(int fd);

} // namespace troupe
