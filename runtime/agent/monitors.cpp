// Lines, matches and prompts.
#include "runtime/agent/monitors.hpp"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace troupe::agent {
namespace {

constexpr milliseconds end_grace{1000};
constexpr std::size_t told_bytes = 4000; ///< of matched lines in one prompt

std::string text_of(int status) {
  return WIFEXITED(status) ? "exited " + std::to_string(WEXITSTATUS(status))
                           : "was killed by signal " + std::to_string(WTERMSIG(status));
}

} // namespace

monitors::~monitors() {
  for (auto& [id, m] : watching_) {
    events_.cancel(m.due);
    if (m.output)
      events_.unwatch(m.output.get());
    if (m.running)
      events_.on_child(m.leader.pid, [](int) {});
  }
}

std::string monitors::start(const std::string& command, const std::string& regex, const std::string& title,
                            const environment& env, const std::string& cwd, std::string& error) {
  const auto live = std::count_if(watching_.begin(), watching_.end(), [](const auto& w) { return w.second.running; });
  auto compiled = pattern::compile(regex, false, error);
  if (live >= limits_.monitors)
    error = std::to_string(live) + " monitors run already (native.monitors): end one with bash_kill";
  if (!compiled || !error.empty())
    return {};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    error = std::string("cannot run the command: no pipe: ") + std::strerror(errno);
    return {};
  }
  unique_fd output(ends[0]);
  const unique_fd theirs(ends[1]);
  const auto id = "mon-" + std::to_string(last_ + 1);
  auto marked = env;
  marked.emplace_back(mark_variable, session_ + "/" + id);
  const auto pid = start_in_session({find_shell(env), "-c", command}, marked, cwd, theirs.get());
  if (pid < 0) {
    error = "cannot run the command in " + cwd + ": " + std::strerror(-pid);
    return {};
  }
  ++last_;
  auto& m = watching_[id];
  m.id = id;
  m.title = title.empty() ? title_of("monitor", {{"command", command}}) : title;
  m.leader = process_of(pid);
  m.output = std::move(output);
  m.regex = std::make_shared<pattern>(std::move(*compiled));
  fcntl(m.output.get(), F_SETFL, O_NONBLOCK);
  events_.watch(m.output.get(), POLLIN, [this, &m](short) { read_some(m); });
  events_.on_child(pid, [this, &m](int status) { exited(m, status); });
  changed_();
  return id;
}

void monitors::read_some(monitor& m) {
  char buffer[65536];
  const auto n = read(m.output.get(), buffer, sizeof buffer);
  if (n <= 0) {
    if (n == 0 || (errno != EAGAIN && errno != EINTR))
      events_.unwatch(m.output.get());
    return;
  }
  const std::string_view bytes(buffer, static_cast<std::size_t>(n));
  m.last.append(bytes);
  m.lines.feed(
      bytes, [&](std::string_view text) { line(m, text); }, [] {});
}

void monitors::line(monitor& m, std::string_view text) {
  if (m.quiet || !m.regex->find(text))
    return;
  if (m.matched.size() + text.size() > told_bytes)
    ++m.dropped;
  else
    m.matched.append(text).append("\n");
  if (m.due != 0)
    return;
  tell(m);
}

/// One prompt at once, and what comes within the interval together when it is over.
void monitors::tell(monitor& m) {
  if (m.matched.empty() && m.dropped == 0)
    return;
  auto text = "The monitor " + m.id + " (" + m.title + ") saw:\n" + std::exchange(m.matched, {});
  if (const auto dropped = std::exchange(m.dropped, 0); dropped > 0)
    text += "[... and " + std::to_string(dropped) + " more lines that match]\n";
  m.due = events_.after(milliseconds{limits_.monitor_interval}, [this, &m] {
    m.due = 0;
    tell(m);
  });
  wake_(std::move(text));
}

void monitors::exited(monitor& m, int status) {
  if (!m.running)
    return;
  for (int rounds = 0; rounds < 32; ++rounds) // bounded: what left its group may write for ever
    read_some(m);
  m.running = false;
  m.status = text_of(status);
  events_.unwatch(m.output.get());
  events_.cancel(std::exchange(m.due, 0));
  if (!m.quiet) {
    auto text = "The monitor " + m.id + " (" + m.title + ") has ended: its command " + m.status + ".\n";
    if (!m.matched.empty())
      text += "Before that it saw:\n" + std::exchange(m.matched, {});
    wake_(std::move(text));
  }
  changed_();
  if (!m.ending)
    end_tree(m);
}

void monitors::end_tree(monitor& m) {
  m.ending = std::make_unique<tree_ending>(
      events_, [leader = m.leader, mark = session_ + "/" + m.id] { return tree_of(leader, mark); }, end_grace,
      [this, &m] { gone(m); });
}

void monitors::gone(monitor& m) {
  for (auto& next : std::exchange(m.waiting, {}))
    events_.defer(std::move(next));
}

void monitors::end(const std::string& id, std::function<void(tool_outcome)> done) {
  auto& m = watching_.at(id);
  if (!m.running)
    return events_.defer([done = std::move(done), &m] {
      done({false, m.id + " ended before: its command " + m.status, {}, {}, {}, {}});
    });
  m.quiet = true;
  m.waiting.push_back([done = std::move(done), &m] { done({false, m.id + " was ended", {}, {}, {}, {}}); });
  if (!m.ending)
    end_tree(m);
}

void monitors::end_all(event_loop::task done) {
  auto left = std::make_shared<std::size_t>(1);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0)
      done();
  };
  for (auto& [id, m] : watching_)
    if (m.running) {
      ++*left;
      end(id, [one_less](const tool_outcome&) { one_less(); });
    }
  events_.defer(one_less);
}

tool_outcome monitors::describe(const std::string& id) const {
  const auto& m = watching_.at(id);
  return {false, "[" + (m.running ? "running" : m.status) + "]\n" + m.last.text(), {}, {}, {}, {}};
}

void monitors::list(json& into) const {
  for (const auto& [id, m] : watching_)
    if (m.running)
      into.push_back({{"id", id}, {"kind", "monitor"}, {"title", m.title}, {"pid", m.leader.pid}});
}

} // namespace troupe::agent
