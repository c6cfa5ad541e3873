// The user's own command for what sessions come to.
#include "runtime/host/notifier.hpp"

#include <csignal>

#include <fcntl.h>
#include <unistd.h>

#include <asio/steady_timer.hpp>

#include "runtime/io/unique_fd.hpp"

namespace troupe {

notifier::notifier(asio::io_context& loop, reaper& children, std::string command, environment env,
                   std::function<void(const std::string&)> log)
    : loop_(loop), children_(children), command_(std::move(command)), env_(std::move(env)), log_(std::move(log)) {}

void notifier::tell(const row& now) {
  if (*running_ >= most_running) {
    log_("event=notify_left_out session=" + now.id.value + " why=\"too many of its commands run\"");
    return;
  }
  unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
  spawn_request r;
  r.program = "/bin/sh";
  r.arguments = {"sh", "-c", command_};
  r.env = env_;
  // Not TROUPE_SESSION_ID: what bears that is taken for a process of the session, and ends with it (KEEP-8).
  for (const auto& [name, value] : {std::pair("ID", now.id.value),
                                    {"NAME", now.name},
                                    {"STATE", now.state},
                                    {"CWD", now.cwd},
                                    {"TEXT", now.waiting.empty() ? now.sentence : now.waiting.front().text}})
    r.env.emplace_back(std::string("TROUPE_NOTIFY_") + name, value.substr(0, value.find('\0')));
  r.fds = {{null.get(), 0}, {null.get(), 1}, {null.get(), 2}};
  r.new_session = true;
  auto pid = spawn(r);
  if (pid <= 0) {
    log_("event=notify_failed session=" + now.id.value + " why=\"cannot be started\"");
    return;
  }
  disown_tree(pid);
  ++*running_;
  auto limit = std::make_shared<asio::steady_timer>(loop_, std::chrono::seconds(patience_s));
  limit->async_wait([pid](const asio::error_code& e) {
    if (!e)
      ::kill(-pid, SIGKILL); // its own session, and not reaped yet: the number is still its own
  });
  children_.watch(pid, [limit, running = running_](exit_status) {
    limit->cancel();
    --*running;
  });
}

} // namespace troupe
