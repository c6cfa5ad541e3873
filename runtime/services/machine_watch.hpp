// What the kernel says of the host: memory by pressure-stall information and by what is available (SUP-8), and the time
// in which it slept (KEEP-3, F-30).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "messages/requests.hpp"
#include "runtime/config/settings.hpp"

namespace troupe {

/// Milliseconds of a clock that goes on while the machine sleeps, of one that stands still, and of the calendar.
struct clock_reading {
  std::int64_t boot = 0, monotonic = 0;
  wall_ms wall = 0;
};
/// Reads the kernel's.
clock_reading read_clocks();

/// `MemAvailable` as a share of `MemTotal` in percent, from the text of /proc/meminfo; none when it does not say.
std::optional<double> available_percent(const std::string& meminfo);
/// The least of a control group (v2) and of those around it, in percent of its limit; what its files take that can be
/// dropped counts as available. None where there is no limit, or no such group.
std::optional<double> group_percent(std::string folder);
/// Microseconds in which some process stalled for memory since boot, from the text of /proc/pressure/memory.
std::optional<std::uint64_t> stalled_us(const std::string& pressure);

/// Watches the machine, on the loop's thread.
class machine_watch {
public:
  struct news {
    std::function<void(memory_state)> memory; ///< while it is short
    std::function<void(machine_slept)> slept;
  };
  machine_watch(asio::io_context& loop, memory_settings chosen, std::function<clock_reading()> clocks = read_clocks);
  /// Begins to tell: by the kernel's trigger where it gives one, else by looking each `checkMs`.
  void listen(news tell);
  /// Looks now; with stall information `done` is called after a window of it has passed, else at once.
  void look(std::function<void(memory_state)> done);
  /// One look at clocks and memory, as the timer has it done.
  void check();

private:
  bool open_trigger();
  [[nodiscard]] std::optional<double> percent() const;
  void await_trigger();
  void arm();
  [[nodiscard]] memory_state state_of(std::optional<std::uint64_t> stalled, std::int64_t within_ms) const;
  [[nodiscard]] std::optional<std::uint64_t> stalled() const;

  asio::io_context& loop_;
  memory_settings chosen_;
  std::function<clock_reading()> clocks_;
  news tell_;
  std::unique_ptr<asio::posix::stream_descriptor> trigger_;
  asio::steady_timer timer_;
  clock_reading last_;
  std::optional<std::uint64_t> last_stalled_;
};

} // namespace troupe
