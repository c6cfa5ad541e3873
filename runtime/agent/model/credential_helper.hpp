// Runs a command whose output is a credential (a token of gcloud's, keys of aws'), with the session's environment.
#pragma once

#include <functional>
#include <string>

#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/fields.hpp"

namespace troupe::agent {

class credential_helper {
public:
  static constexpr milliseconds patience{30'000};
  /// Starts `command` in the user's shell. `done` comes once, from the loop: its output, or `error` not empty.
  credential_helper(event_loop& events, const std::string& command, const environment& env, const std::string& cwd,
                    std::function<void(const std::string& output, const std::string& error)> done);
  ~credential_helper(); ///< ends it; `done` does not come any more
  credential_helper(const credential_helper&) = delete;
  credential_helper& operator=(const credential_helper&) = delete;

private:
  void read_some();
  void exited(int status);
  void finish(const std::string& error);
  event_loop& events_;
  std::string command_;
  std::function<void(const std::string&, const std::string&)> done_;
  unique_fd output_;
  std::string text_;
  pid_t pid_ = -1;
  event_loop::ticket timer_ = 0;
};

} // namespace troupe::agent
