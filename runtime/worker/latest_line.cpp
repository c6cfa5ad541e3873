// What a shell job says now.
#include "runtime/worker/latest_line.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// A burst of output is looked at once, when there is something to read; nobody sees more than ten lines a second.
constexpr std::chrono::milliseconds settled{1000}, least{100};

} // namespace

latest_line::latest_line(asio::io_context& loop, std::chrono::milliseconds pace, std::function<std::string()> look,
                         std::function<void()> tell)
    : timer_(loop), pace_(std::max(pace, least)), look_(std::move(look)), tell_(std::move(tell)) {}

void latest_line::came() {
  if (std::exchange(armed_, true))
    return;
  timer_.expires_at(std::max(due_, clock::now() + std::min(pace_, settled)));
  timer_.async_wait([this](const asio::error_code& error) {
    if (error)
      return;
    armed_ = false;
    look();
  });
}

void latest_line::close() {
  armed_ = true; // for good
  timer_.cancel();
  look();
}

void latest_line::look() {
  auto now = look_();
  if (now == told_)
    return;
  told_ = std::move(now);
  due_ = clock::now() + pace_;
  tell_();
}

} // namespace troupe
