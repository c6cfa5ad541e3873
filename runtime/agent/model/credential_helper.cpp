// One run of a helper.
#include "runtime/agent/model/credential_helper.hpp"

#include <cerrno>
#include <csignal>
#include <cstring>

#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/agent/process_tree.hpp"

namespace troupe::agent {
namespace {

constexpr std::size_t output_limit = std::size_t{64} << 10;

} // namespace

credential_helper::credential_helper(event_loop& events, const std::string& command, const environment& env,
                                     const std::string& cwd,
                                     std::function<void(const std::string&, const std::string&)> done)
    : events_(events), command_(command), done_(std::move(done)) {
  int ends[2];
  std::string error;
  if (pipe2(ends, O_CLOEXEC) == 0) {
    output_.reset(ends[0]);
    const unique_fd theirs(ends[1]);
    // its complaints are no credential
    pid_ = start_in_session({find_shell(env), "-c", "{ " + command + "\n} 2>/dev/null"}, env, cwd, theirs.get());
    error = pid_ < 0 ? std::strerror(-pid_) : "";
  } else {
    error = std::strerror(errno);
  }
  if (!error.empty()) {
    timer_ = events_.after(milliseconds{0}, [this, error] { finish("'" + command_ + "' cannot be run: " + error); });
    return;
  }
  fcntl(output_.get(), F_SETFL, O_NONBLOCK);
  events_.watch(output_.get(), POLLIN, [this](short) { read_some(); });
  events_.on_child(pid_, [this](int status) { exited(status); });
  timer_ = events_.after(patience, [this] {
    finish("'" + command_ + "' gave no credential within " + std::to_string(patience.count() / 1000) + " s");
  });
}

credential_helper::~credential_helper() {
  if (output_)
    events_.unwatch(output_.get());
  events_.cancel(timer_);
  if (pid_ <= 0)
    return;
  kill(-pid_, SIGKILL); // its group; the loop reaps it
  events_.on_child(pid_, [](int) {});
}

void credential_helper::read_some() {
  char bytes[4096];
  const auto n = read(output_.get(), bytes, sizeof bytes);
  if (n > 0 && text_.size() < output_limit)
    text_.append(bytes, static_cast<std::size_t>(n));
  else if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
    events_.unwatch(output_.get());
}

void credential_helper::exited(int status) {
  pid_ = -1;
  char bytes[4096];
  for (ssize_t n = 0; text_.size() < output_limit && (n = read(output_.get(), bytes, sizeof bytes)) > 0;)
    text_.append(bytes, static_cast<std::size_t>(n));
  if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
    return finish({});
  finish("'" + command_ + "' failed " +
         (WIFEXITED(status) ? "with status " + std::to_string(WEXITSTATUS(status)) : std::string("by a signal")));
}

void credential_helper::finish(const std::string& error) {
  if (const auto done = std::exchange(done_, nullptr))
    done(text_, error); // may destroy this
}

} // namespace troupe::agent
