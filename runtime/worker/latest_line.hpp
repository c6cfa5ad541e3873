// What a shell job says now, told to the supervisor at a pace at which people can read it (VIEW-8). It is in no
// transcript: output may hold what belongs into no file but its own (ENV-5).
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

namespace troupe {

/// All on the loop's thread.
class latest_line {
public:
  /// `look` gives the line of now; `tell` is called when that is another than before. Two are told `pace` apart at
  /// least.
  latest_line(asio::io_context& loop, std::chrono::milliseconds pace, std::function<std::string()> look,
              std::function<void()> tell);
  /// New output has come: it is looked at soon, and not before it is due.
  void came();
  /// Nothing more will come: what is new is told at once.
  void close();
  /// The line that was told last; empty: none yet, or there is none any more.
  [[nodiscard]] const std::string& told() const { return told_; }

private:
  using clock = std::chrono::steady_clock;
  void look();
  asio::steady_timer timer_;
  std::chrono::milliseconds pace_;
  std::function<std::string()> look_;
  std::function<void()> tell_;
  std::string told_;
  clock::time_point due_; ///< the earliest that the next one may be told
  bool armed_ = false;
};

} // namespace troupe
