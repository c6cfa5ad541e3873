// Programs that the view runs: in the foreground of its terminal (attach, login, an editor). On the loop's thread.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "runtime/io/process.hpp"

namespace troupe {

class child_programs {
public:
  explicit child_programs(asio::io_context& loop) : loop_(loop), reaper_(loop, reaper::reach::watched) {}
  /// Runs it on the terminal that the caller has given back. False, and `done` is not called, when it cannot be
  /// started.
  bool run(const std::vector<std::string>& command, std::function<void(exit_status)> done);
  /// The same; what it says on standard error appears there, and its end is told too.
  bool run_telling(const std::vector<std::string>& command, std::function<void(exit_status, const std::string&)> done);
  /// The user's editor on this text: $VISUAL, $EDITOR, or what there is. `done` gets the text it left.
  bool edit(const std::string& text, std::function<void(bool, std::string)> done);

private:
  bool start(const std::vector<std::string>& command, int error_fd, std::function<void(exit_status)> done);
  asio::io_context& loop_;
  reaper reaper_;
};

} // namespace troupe
