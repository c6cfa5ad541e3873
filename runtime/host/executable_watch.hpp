// Watches the program that this process runs: when a newer version takes its place on the disk, it is told (SUP-6).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/io/process.hpp"

namespace troupe {

/// Whether version `candidate` is newer than `own`: numbers between dots, compared one by one. What is no such thing is
/// never newer.
bool is_newer(const std::string& candidate, const std::string& own);

/// On the loop's thread.
class executable_watch {
public:
  struct news {
    std::function<void(const std::string& version)> newer;
    std::function<void(const std::string& line)> log; ///< what was left alone, and why
  };
  /// `program`: absolute path; `name`: what it calls itself ahead of its version, `own`: the version that runs.
  executable_watch(asio::io_context& loop, reaper& children, std::string program, std::string name, std::string own,
                   news tell);

private:
  struct question; ///< one run of `program --version`
  struct identity {
    std::uint64_t device = 0, inode = 0;
    std::int64_t seconds = 0, nanoseconds = 0;
    bool operator==(const identity&) const = default;
  };
  static identity identity_of(const std::string& file);
  void await_change();
  void settle();
  void ask();
  void answered(const std::string& text);
  void leave_alone(const std::string& why);

  asio::io_context& loop_;
  reaper& children_;
  std::string program_, name_, own_;
  news tell_;
  asio::posix::stream_descriptor changes_;
  asio::steady_timer quiet_;
  identity known_;
  std::shared_ptr<question> asking_;
  char events_[4096] = {};
};

} // namespace troupe
