// The agent's one loop: descriptors, timers, children and signals on one thread, by poll(2). Smaller than Asio, since a
// spare agent is measured in single megabytes.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include <sys/types.h>

#include "runtime/io/unique_fd.hpp"

namespace troupe::agent {

using milliseconds = std::chrono::milliseconds;

/// One a process: it reaps every child, the adopted ones too. All members are called on its thread; a callback may
/// change any registration, its own too.
class event_loop {
public:
  using task = std::function<void()>;
  using ticket = std::uint64_t; ///< names a registration; never used twice, 0 is none

  /// Blocks SIGCHLD, SIGTERM, SIGINT and SIGHUP and reads them from a descriptor; ignores SIGPIPE; adopts orphaned
  /// descendants (subreaper), so that a tool's daemons can be found.
  event_loop();

  /// Calls `ready` with the poll events while `fd` is ready for `events`. One registration a descriptor: the last wins.
  void watch(int fd, short events, std::function<void(short)> ready);
  void unwatch(int fd);
  /// Calls `due` once. A cancelled or past ticket may be cancelled again.
  ticket after(milliseconds delay, task due);
  void cancel(ticket id);
  /// Calls `soon` on the loop, never from within this call.
  void defer(task soon);
  /// Calls `ended` once with the wait status of this child.
  void on_child(pid_t pid, std::function<void(int)> ended);
  /// Calls `round` after each round of reaping, until forgotten.
  ticket on_reaped(task round);
  void forget(ticket id);
  /// Calls `asked` for each SIGTERM, SIGINT and SIGHUP.
  void on_signal(std::function<void(int)> asked) { asked_ = std::move(asked); }

  void run();
  void stop() { stopped_ = true; }

private:
  using clock = std::chrono::steady_clock;
  struct watcher {
    ticket id;
    short events;
    std::function<void(short)> ready;
  };
  struct timer {
    clock::time_point at;
    task due;
  };
  void run_deferred();
  void run_timers();
  void wait();
  [[nodiscard]] int timeout() const;
  void take_signals();
  void reap();
  ticket last_ = 0;
  bool stopped_ = false;
  unique_fd signals_;
  std::map<int, watcher> watchers_;
  std::map<ticket, timer> timers_;
  std::vector<task> deferred_;
  std::map<pid_t, std::function<void(int)>> children_;
  std::map<ticket, task> rounds_;
  std::function<void(int)> asked_;
};

} // namespace troupe::agent
