// Ends everything below this process.
#include "runtime/worker/tree_end.hpp"

#include <chrono>

#include <signal.h>
#include <unistd.h>

namespace troupe {

void tree_end::begin(int grace, std::function<void()> done) {
  if (begun())
    return;
  done_ = std::move(done);
  children_.on_round([this] { look(); });
  if (grace <= 0)
    terminate();
  else
    arm(grace);
}

void tree_end::hurry() {
  if (begun() && at_ == waiting)
    terminate();
}

void tree_end::terminate() {
  at_ = terminating;
  for (const auto& p : descendants(::getpid())) { // shells ignore SIGTERM when they are interactive, and none SIGHUP
    signal_process(p, SIGTERM);
    signal_process(p, SIGHUP);
    signal_process(p, SIGCONT);
  }
  arm(kill_after_ms);
  look();
}

/// After each round of reaping: the end of the last descendant is always one of our children ending.
void tree_end::look() {
  if (!begun() || at_ == waiting)
    return;
  auto left = descendants(::getpid());
  if (at_ == killing)
    for (const auto& p : left)
      signal_process(p, SIGKILL);
  if (!left.empty())
    return;
  timer_.cancel();
  auto done = std::move(done_);
  done_ = nullptr;
  children_.on_round(nullptr);
  done();
}

void tree_end::arm(int ms) {
  timer_.expires_after(std::chrono::milliseconds(ms));
  timer_.async_wait([this](const asio::error_code& error) {
    if (error || !begun())
      return;
    if (at_ == waiting) {
      terminate();
    } else {
      at_ = killing;
      look();
      if (begun())
        arm(100); // what was forked between the look and its parent's death
    }
  });
}

} // namespace troupe
