// Ends everything below this process.
#include "runtime/worker/tree_end.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>

#include <signal.h>
#include <unistd.h>

namespace troupe {

void tree_end::begin(int grace, processes shells, bool spare, std::function<void()> done) {
  if (begun())
    return;
  shells_ = std::move(shells);
  spare_ = spare;
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

std::vector<process_identity> tree_end::members() const {
  auto all = descendants(::getpid());
  auto is = [](const std::vector<process_identity>& among, const process_identity& p) {
    return std::find(among.begin(), among.end(), p) != among.end();
  };
  auto shells = shells_();
  if (spare_)
    std::erase_if(all, [&](const process_identity& p) { return is(shells, p); });
  else
    std::copy_if(shells.begin(), shells.end(), std::back_inserter(all),
                 [&, below = all](const process_identity& p) { return !is(below, p); });
  return all;
}

void tree_end::terminate() {
  at_ = terminating;
  for (const auto& p : members()) { // shells ignore SIGTERM when they are interactive, and none SIGHUP
    signal_process(p, SIGTERM);
    signal_process(p, SIGHUP);
    signal_process(p, SIGCONT);
  }
  arm(kill_after_ms);
  look();
}

/// The end of a process that is not below this one is told by nobody.
void tree_end::look_again() {
  again_.expires_after(std::chrono::milliseconds(25));
  again_.async_wait([this](const asio::error_code& error) {
    if (!error)
      look();
  });
}

/// After each round of reaping: the end of the last descendant is always one of our children ending.
void tree_end::look() {
  if (!begun() || at_ == waiting)
    return;
  auto left = members();
  if (at_ == killing)
    for (const auto& p : left)
      signal_process(p, SIGKILL);
  if (!left.empty()) {
    if (descendants(::getpid()).empty())
      look_again();
    return;
  }
  timer_.cancel();
  again_.cancel();
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
