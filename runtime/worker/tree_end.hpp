// Ends everything below this process: SIGTERM, and SIGKILL later, until nothing is left (KEEP-8, SUP-4). As a subreaper
// the worker is the ancestor of whatever its session started, `setsid` or not; but for the background shells that an
// earlier worker's agent has left (REST-7).
#pragma once

#include <functional>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/io/process.hpp"

namespace troupe {

class tree_end {
public:
  using processes = std::function<std::vector<process_identity>()>; ///< asked anew each time
  tree_end(asio::io_context& loop, reaper& children) : timer_(loop), again_(loop), children_(children) {}
  /// Begins after `grace` milliseconds, or at once when `hurry` is called; `done` once nothing is left: of the
  /// descendants and of `shells`, or, when these are to be spared, of the descendants that are none of them.
  void begin(int grace, processes shells, bool spare, std::function<void()> done);
  /// The main process has ended by itself: no need to wait any longer.
  void hurry();
  [[nodiscard]] bool begun() const { return done_ != nullptr; }

private:
  enum phase { waiting, terminating, killing };
  void terminate();
  void look();
  void look_again();
  void arm(int ms);
  [[nodiscard]] std::vector<process_identity> members() const;
  asio::steady_timer timer_, again_;
  processes shells_;
  bool spare_ = false;
  reaper& children_;
  phase at_ = waiting;
  std::function<void()> done_;
};

constexpr int kill_after_ms = 5000; ///< SUP-4

} // namespace troupe
