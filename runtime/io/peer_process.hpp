// Who is at the other end of a Unix socket, and whose process that is (SEC-1).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The process that has connected, as the kernel knows it; 0 where it tells none.
std::int32_t peer_process(int socket);
/// Its parents, the nearest first, up to the first process of the system; empty where it is gone.
std::vector<std::int32_t> ancestors_of(std::int32_t pid);

} // namespace troupe
