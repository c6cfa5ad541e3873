// The user's own command, run when a session begins to wait for somebody or comes to an end (VIEW-7), whether a view is
// open or not. On the loop's thread.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "messages/session.hpp"
#include "runtime/io/process.hpp"

namespace troupe {

class notifier {
public:
  static constexpr std::size_t most_running = 8; ///< more at a time are left out, and the log says so
  static constexpr int patience_s = 30;          ///< then one that still runs is killed
  /// `command` goes to a shell, with `env` and TROUPE_NOTIFY_ID, _NAME, _STATE, _TEXT and _CWD.
  notifier(asio::io_context& loop, reaper& children, std::string command, environment env,
           std::function<void(const std::string&)> log);
  void tell(const row& now);

private:
  asio::io_context& loop_;
  reaper& children_;
  std::string command_;
  environment env_;
  std::function<void(const std::string&)> log_;
  std::shared_ptr<std::size_t> running_ = std::make_shared<std::size_t>(0);
};

} // namespace troupe
