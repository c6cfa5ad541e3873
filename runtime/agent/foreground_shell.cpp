// One foreground command.
#include "runtime/agent/foreground_shell.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/agent/output_window.hpp"
#include "runtime/agent/process_tree.hpp"
#include "runtime/agent/tool_limits.hpp"

namespace troupe::agent {
namespace {

constexpr milliseconds leftover_grace{200};
constexpr milliseconds cancel_grace{1000};

class foreground_shell : public running_tool {
public:
  foreground_shell(const tool_context& context, milliseconds timeout, tool_done done)
      : events_(context.events), mark_(context.mark), timeout_(timeout), done_(std::move(done)),
        window_(static_cast<std::size_t>(context.limits.output_bytes)) {}
  ~foreground_shell() override { let_go(); }
  void start(const tool_context& context, const std::string& command);
  void cancel() override { end_tree("cancelled; its processes were ended"); }

private:
  void read_some();
  void exited(int status);
  void end_tree(std::string why);
  void complete();
  void tell(tool_outcome outcome);
  void let_go();
  [[nodiscard]] std::string ending_text() const;
  event_loop& events_;
  std::string mark_;
  milliseconds timeout_;
  tool_done done_;
  process_row leader_;
  unique_fd output_;
  output_window window_;
  std::string cut_short_; ///< why it was ended ahead of time
  bool reaped_ = false, left_some_ = false;
  int status_ = 0;
  event_loop::ticket timer_ = 0;
  std::unique_ptr<tree_ending> ending_;
};

void foreground_shell::start(const tool_context& context, const std::string& command) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0)
    return tell({true, std::string("cannot run the command: no pipe: ") + std::strerror(errno), {}, {}, {}, {}});
  output_.reset(ends[0]);
  const unique_fd theirs(ends[1]);
  auto env = context.env;
  env.emplace_back(mark_variable, mark_);
  const auto pid = start_in_session({find_shell(env), "-c", command}, env, context.cwd, theirs.get());
  if (pid < 0)
    return tell({true, "cannot run the command in " + context.cwd + ": " + std::strerror(-pid), {}, {}, {}, {}});
  leader_ = process_of(pid);
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  events_.watch(output_.get(), POLLIN, [this](short) { read_some(); });
  events_.on_child(pid, [this](int status) { exited(status); });
  timer_ = events_.after(timeout_, [this] {
    end_tree("timed out after " + std::to_string(timeout_.count()) + " ms; its processes were ended");
  });
}

void foreground_shell::read_some() {
  char buffer[65536];
  const auto n = read(output_.get(), buffer, sizeof buffer);
  if (n > 0)
    return window_.append({buffer, static_cast<std::size_t>(n)});
  if (n == 0 || (errno != EAGAIN && errno != EINTR))
    events_.unwatch(output_.get());
}

void foreground_shell::exited(int status) {
  reaped_ = true;
  status_ = status;
  if (ending_)
    return;
  if (kill(-leader_.pid, 0) != 0 || group_of(leader_.pid).empty()) // the first saves reading /proc
    return complete();
  left_some_ = true;
  ending_ = std::make_unique<tree_ending>(
      events_, [pid = leader_.pid] { return group_of(pid); }, leftover_grace, [this] { complete(); });
}

void foreground_shell::end_tree(std::string why) {
  if (!cut_short_.empty() || !done_)
    return;
  cut_short_ = std::move(why);
  ending_ = std::make_unique<tree_ending>(
      events_, [leader = leader_, mark = mark_] { return tree_of(leader, mark); }, cancel_grace,
      [this] { complete(); });
}

void foreground_shell::complete() {
  char buffer[65536];
  // Bounded: a daemon that left the group may hold the pipe and write for ever.
  for (ssize_t n = 0, rounds = 0; rounds < 32 && (n = read(output_.get(), buffer, sizeof buffer)) > 0; ++rounds)
    window_.append({buffer, static_cast<std::size_t>(n)});
  tool_outcome outcome;
  outcome.failed = !cut_short_.empty() || !reaped_ || status_ != 0;
  outcome.text = window_.text();
  if (const auto last = ending_text(); !last.empty())
    outcome.text += (outcome.text.empty() || outcome.text.back() == '\n' ? "[" : "\n[") + last + "]";
  if (reaped_ && WIFEXITED(status_))
    outcome.raw = {{"exitCode", WEXITSTATUS(status_)}};
  else if (reaped_)
    outcome.raw = {{"signal", WTERMSIG(status_)}};
  tell(std::move(outcome));
}

std::string foreground_shell::ending_text() const {
  if (!cut_short_.empty())
    return cut_short_;
  std::string text;
  if (WIFSIGNALED(status_))
    text = "killed by signal " + std::to_string(WTERMSIG(status_));
  else if (WEXITSTATUS(status_) != 0)
    text = "exit status " + std::to_string(WEXITSTATUS(status_));
  if (left_some_)
    text += (text.empty() ? "" : "; ") + std::string("what it left running was ended: use background for that");
  return text;
}

void foreground_shell::tell(tool_outcome outcome) {
  let_go();
  events_.defer([done = std::exchange(done_, nullptr), outcome = std::move(outcome)] { done(outcome); });
}

void foreground_shell::let_go() {
  events_.cancel(std::exchange(timer_, 0));
  if (output_)
    events_.unwatch(output_.get());
  if (leader_.pid > 0 && !reaped_)
    events_.on_child(leader_.pid, [](int) {});
  leader_.pid = 0;
}

} // namespace

std::unique_ptr<running_tool> run_in_foreground(const tool_context& context, const std::string& command,
                                                milliseconds timeout, tool_done done) {
  auto shell = std::make_unique<foreground_shell>(context, timeout, std::move(done));
  shell->start(context, command);
  return shell;
}

} // namespace troupe::agent
