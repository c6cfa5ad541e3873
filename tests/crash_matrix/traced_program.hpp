// A program that runs under ptrace, and is killed at one of its boundaries. The program itself knows nothing of it: there
// is no hook in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <future>
#include <map>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include <sys/types.h>

#include "messages/session.hpp"
#include "runtime/io/unique_fd.hpp"
#include "tests/crash_matrix/boundary.hpp"

namespace troupe::crash {

/// Where something happened: which boundary, and in which step of the day.
struct boundary {
  std::uint64_t n = 0; ///< from 1, in the order in which they were reached
  std::string step, name;
};

struct trace_request {
  std::string program;
  std::vector<std::string> arguments; ///< with argument 0; "--ready-fd 3" is understood by the program
  environment env;
  std::uint64_t kill_at = 0; ///< the boundary at which it gets SIGKILL; 0: none
  const std::atomic<const char*>* step = nullptr; ///< what the script does just now
};

class traced_program {
public:
  /// Starts it, in a session of its own with the working directory `/`. Returns when it has said that it is ready or has
  /// ended.
  explicit traced_program(trace_request request);
  traced_program(const traced_program&) = delete;
  traced_program& operator=(const traced_program&) = delete;
  ~traced_program() { end(); }

  /// Kills it if it still runs, and waits for its end. To be called ahead of the two below.
  void end();
  /// All boundaries that it reached, the last one being that of its death when it was killed at one.
  [[nodiscard]] const std::vector<boundary>& reached() const { return reached_; }
  /// Whether it was killed at its boundary.
  [[nodiscard]] bool killed() const { return killed_; }

private:
  void trace();
  pid_t launch() const;
  void take_stop(pid_t thread, int status);
  void at_call(pid_t thread);
  trace_request request_;
  pid_t pid_ = 0;                                     ///< the tracer's own
  std::promise<std::optional<process_identity>> started_;
  std::optional<process_identity> identity_;
  std::vector<boundary> reached_;
  bool killed_ = false;
  std::map<pid_t, system_call> threads_; ///< those that were seen, and the call that each is in
  unique_fd ready_; ///< the program's end
  std::thread tracer_; ///< ptrace is a matter between one thread and its tracee
};

} // namespace troupe::crash
