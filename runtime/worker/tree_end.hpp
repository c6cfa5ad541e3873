// Ends everything below this process: SIGTERM, and SIGKILL later, until nothing is left (KEEP-8, SUP-4). As a subreaper
// the worker is the ancestor of whatever its session started, `setsid` or not.
#pragma once

#include <functional>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/io/process.hpp"

namespace troupe {

class tree_end {
public:
  tree_end(asio::io_context& loop, reaper& children) : timer_(loop), children_(children) {}
  /// Begins after `grace` milliseconds, or at once when `hurry` is called; `done` once no descendant is left.
  void begin(int grace, std::function<void()> done);
  /// The main process has ended by itself: no need to wait any longer.
  void hurry();
  [[nodiscard]] bool begun() const { return done_ != nullptr; }

private:
  enum phase { waiting, terminating, killing };
  void terminate();
  void look();
  void arm(int ms);
  asio::steady_timer timer_;
  reaper& children_;
  phase at_ = waiting;
  std::function<void()> done_;
};

constexpr int kill_after_ms = 5000; ///< SUP-4

} // namespace troupe
