// Names of things that messages carry. An id is never used twice, so a late message cannot hit its heir.
#pragma once

#include <compare>
#include <cstdint>
#include <functional>
#include <string>

#include "messages/inspection.hpp"

namespace troupe {

/// Names one session: eight characters of Crockford's base 32, in lower case.
struct session_id {
  std::string value;
  auto operator<=>(const session_id&) const = default;
  [[nodiscard]] bool empty() const { return value.empty(); }
};
TROUPE_INSPECT(session_id, value)

/// Names one worker process: the supervisor's epoch in the upper 32 bits, a counter in the lower.
struct worker_id {
  std::uint64_t value = 0;
  auto operator<=>(const worker_id&) const = default;
};
TROUPE_INSPECT(worker_id, value)

/// A process as the kernel knows it: a bare process id is reused, the three together are not.
struct process_identity {
  std::string boot;        ///< /proc/sys/kernel/random/boot_id
  std::int32_t pid = 0;    ///< 0: no process
  std::uint64_t start = 0; ///< field 22 of /proc/PID/stat, in clock ticks since boot
  auto operator<=>(const process_identity&) const = default;
};
TROUPE_INSPECT(process_identity, boot, pid, start)

/// Milliseconds since 1970, UTC. Machines get the time in events and never ask for it.
using wall_ms = std::int64_t;

} // namespace troupe

template <>
struct std::hash<troupe::session_id> {
  std::size_t operator()(const troupe::session_id& x) const noexcept { return std::hash<std::string>{}(x.value); }
};
template <>
struct std::hash<troupe::worker_id> {
  std::size_t operator()(const troupe::worker_id& x) const noexcept { return std::hash<std::uint64_t>{}(x.value); }
};
