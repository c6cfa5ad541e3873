// The tape of one run: every choice that it makes, drawn from a seed. A tape can be cut and replayed, which is how a
// failing run is made short.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::simulation {

/// Draws numbers from a seed (splitmix64): the same on every machine.
class dice {
public:
  explicit dice(std::uint64_t seed) : at_(seed) {}
  std::uint64_t next();
  /// 0 to `sides` - 1; `sides` at least 1.
  std::uint32_t roll(std::uint32_t sides) { return static_cast<std::uint32_t>(next() % sides); }

private:
  std::uint64_t at_;
};

/// What a step is about. `calm` does what comes first by itself, so that a tape is shortened by calming its steps.
enum class act : std::uint8_t { calm, message, deed, operation, time, fault };

/// What a front end or a program of the user may do.
enum class operation : std::uint8_t {
  dispatch_agent,
  dispatch_job,
  dispatch_again, ///< with the key of an earlier one
  reply,
  reply_again,
  answer,
  stop,
  remove,
  respawn,
  rename,
  pin,
  unpin,
  attach,
  detach,
  peek,
  start_work,
  end_work,
  declare, ///< work, as a program inside a session does
  end_declared,
  logout,
  login,
  leave_alone, ///< the last front end disconnects
  connect,
  stop_keeping,
  stop_all,
  last = stop_all
};

/// What may go wrong.
enum class fault : std::uint8_t {
  worker_dies,
  worker_hangs,
  worker_goes_on, ///< a hung one
  agent_dies,
  supervisor_crashes,
  supervisor_tears, ///< crashes in the middle of a write
  disk_fails,
  launch_fails,
  freeze_fails,
  refresh_refused,
  credentials_expire,
  machine_sleeps,
  memory_short,
  program_replaced, ///< all of them, by the next version
  second_supervisor,
  directory_goes,
  removal_fails,
  credentials_refused, ///< by the endpoint, though they have not expired
  last = credentials_refused
};

/// One step: what happens, which of the candidates it happens to, and how.
struct choice {
  act what = act::calm;
  std::uint16_t which = 0, how = 0;
};

using tape = std::vector<choice>;

/// A whole day of `steps` steps. Each seed has its own mix of operations and faults, so that rare ones meet.
tape draw(std::uint64_t seed, std::size_t steps);

} // namespace troupe::simulation
