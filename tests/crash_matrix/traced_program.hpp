// A program that runs under ptrace, and is killed at one of its boundaries; the same program started anew at once, and
// killed again. It knows nothing of it: there is no hook in it.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
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
  /// The boundary at which it gets SIGKILL, 0: none; then that of the one that is started right after it, and so on.
  std::vector<std::uint64_t> kill_at;
  const std::atomic<const char*>* step = nullptr; ///< what the script does just now
};

/// What one process has reached.
struct traced_life {
  std::vector<boundary> reached; ///< the last one is that of its death when it was killed
  bool killed = false;           ///< at its boundary
};

class traced_program {
public:
  /// Starts it, in a session of its own with the working directory `/`. Returns when it has said that it is ready or
  /// has ended.
  explicit traced_program(trace_request request);
  traced_program(const traced_program&) = delete;
  traced_program& operator=(const traced_program&) = delete;
  ~traced_program() { end(); }

  /// Kills it if it still runs, and waits for its end. To be called ahead of `lives`.
  void end();
  [[nodiscard]] const std::vector<traced_life>& lives() const { return lives_; }

private:
  void trace();
  bool begin_life();
  void follow();
  [[nodiscard]] pid_t launch() const;
  void take_stop(pid_t thread, int status);
  void at_call(pid_t thread);

  trace_request request_;
  unique_fd ready_; ///< the program's end
  std::mutex mutex_;
  std::optional<process_identity> now_; ///< guarded; the one that runs
  bool unwanted_ = false;               ///< guarded; none is started any more
  // The tracer's own, until it has ended:
  pid_t pid_ = 0;
  std::vector<traced_life> lives_;
  std::map<pid_t, system_call> threads_; ///< those that were seen, and the call that each is in
  std::thread tracer_;                   ///< ptrace is a matter between one thread and its tracee
};

} // namespace troupe::crash
