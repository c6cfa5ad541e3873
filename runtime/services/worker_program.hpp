// The worker program: how one is started, and how one is recognised.
#pragma once

#include <cstdint>

#include "messages/requests.hpp"
#include "runtime/io/process.hpp"
#include "runtime/services/worker_host.hpp"

namespace troupe {

/// What to start for `x`, without its descriptors. A spare for an agent that signs in by itself has that agent's
/// environment (POOL-9), every other worker the few variables that all spares have.
spawn_request worker_command(const launch_worker& x, const bench_setup& setup);

/// Whether that process is a worker, of whichever supervisor.
bool runs_worker(std::int32_t pid);

} // namespace troupe
