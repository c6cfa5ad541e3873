// The loop over poll(2), with signals as a descriptor.
#include "runtime/agent/event_loop.hpp"

#include <algorithm>
#include <csignal>

#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>

namespace troupe::agent {

event_loop::event_loop() {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : {SIGCHLD, SIGTERM, SIGINT, SIGHUP})
    sigaddset(&taken, signal);
  sigprocmask(SIG_BLOCK, &taken, nullptr);
  ::signal(SIGPIPE, SIG_IGN);
  prctl(PR_SET_CHILD_SUBREAPER, 1);
  signals_.reset(signalfd(-1, &taken, SFD_CLOEXEC | SFD_NONBLOCK));
  watch(signals_.get(), POLLIN, [this](short) { take_signals(); });
}

void event_loop::watch(int fd, short events, std::function<void(short)> ready) {
  watchers_.insert_or_assign(fd, watcher{++last_, events, std::move(ready)});
}

void event_loop::unwatch(int fd) {
  watchers_.erase(fd);
}

event_loop::ticket event_loop::after(milliseconds delay, task due) {
  timers_.emplace(++last_, timer{clock::now() + delay, std::move(due)});
  return last_;
}

void event_loop::cancel(ticket id) {
  timers_.erase(id);
}

void event_loop::defer(task soon) {
  deferred_.push_back(std::move(soon));
}

void event_loop::on_child(pid_t pid, std::function<void(int)> ended) {
  children_.insert_or_assign(pid, std::move(ended));
}

event_loop::ticket event_loop::on_reaped(task round) {
  rounds_.emplace(++last_, std::move(round));
  return last_;
}

void event_loop::forget(ticket id) {
  rounds_.erase(id);
}

void event_loop::run() {
  while (!stopped_) {
    run_deferred();
    if (stopped_)
      return;
    wait();
    run_timers();
  }
}

void event_loop::run_deferred() {
  std::vector<task> now;
  now.swap(deferred_); // what they defer in turn runs after the descriptors had their say
  for (auto& each : now)
    each();
}

int event_loop::timeout() const {
  if (!deferred_.empty())
    return 0;
  if (timers_.empty())
    return -1;
  const auto next = std::min_element(timers_.begin(), timers_.end(),
                                     [](const auto& a, const auto& b) { return a.second.at < b.second.at; });
  const auto left = std::chrono::ceil<milliseconds>(next->second.at - clock::now()).count();
  return static_cast<int>(std::clamp<long long>(left, 0, 3'600'000));
}

void event_loop::wait() {
  std::vector<pollfd> fds;
  std::vector<ticket> ids;
  for (const auto& [fd, each] : watchers_) {
    fds.push_back({fd, each.events, 0});
    ids.push_back(each.id);
  }
  if (poll(fds.data(), fds.size(), timeout()) <= 0)
    return;
  for (std::size_t i = 0; i < fds.size() && !stopped_; ++i) {
    const auto found = watchers_.find(fds[i].fd);
    if (fds[i].revents == 0 || found == watchers_.end() || found->second.id != ids[i])
      continue;
    const auto ready = found->second.ready; // a copy: the callback may unwatch itself
    ready(fds[i].revents);
  }
}

void event_loop::run_timers() {
  std::vector<ticket> due;
  const auto now = clock::now();
  for (const auto& [id, each] : timers_)
    if (each.at <= now)
      due.push_back(id);
  for (const auto id : due)
    if (auto node = timers_.extract(id); !node.empty())
      node.mapped().due();
}

void event_loop::take_signals() {
  signalfd_siginfo seen{};
  bool children = false;
  while (read(signals_.get(), &seen, sizeof seen) == static_cast<ssize_t>(sizeof seen)) {
    if (seen.ssi_signo == SIGCHLD)
      children = true;
    else if (asked_)
      asked_(static_cast<int>(seen.ssi_signo));
  }
  if (children)
    reap();
}

void event_loop::reap() {
  int status = 0;
  for (pid_t pid = 0; (pid = waitpid(-1, &status, WNOHANG)) > 0;)
    if (auto node = children_.extract(pid); !node.empty())
      node.mapped()(status);
  std::vector<ticket> ids;
  for (const auto& [id, round] : rounds_)
    ids.push_back(id);
  for (const auto id : ids)
    if (const auto found = rounds_.find(id); found != rounds_.end()) {
      const auto round = found->second; // a copy: it may forget itself
      round();
    }
}

} // namespace troupe::agent
