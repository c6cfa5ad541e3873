// The user's terminal while a session is attached.
#include "cli/terminal.hpp"

#include <cerrno>
#include <cstring>
#include <string>

#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/output.hpp"

extern char** environ;

namespace troupe {

// The cursor is kept (7, 8) over what else would move it: leaving an alternate screen that was not entered, and the
// reset of the scroll region. What comes next stands below the session's picture, and nothing of that is left below it.
const char* const terminal_reset =
    "\x1b\x37\x1b[?1049l\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1004l\x1b[?1005l\x1b[?1006l\x1b[?"
    "1015l\x1b[?2004l\x1b[>4m\x1b[?1l\x1b[?7h"
    "\x1b[?25h\x1b>\x1b[4l\x1b\x37\x1b[r\x1b\x38\x1b(B\x0f\x1b[0m\x1b[J";

namespace {

/// The guard: this very program again, in a session of its own, with the terminal as 0 and 1 and the pipe as 3.
int spawn_guard(const std::string& program, int pipe_end) {
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawnattr_init(&attributes);
  ::posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETSID); // not reached by what is sent to the terminal's processes
  ::posix_spawn_file_actions_adddup2(&actions, pipe_end, 3);
  char name[] = "troupe", word[] = "attach-guard";
  char* args[] = {name, word, nullptr};
  pid_t pid = 0;
  int error = ::posix_spawn(&pid, program.c_str(), &actions, &attributes, args, environ);
  ::posix_spawn_file_actions_destroy(&actions);
  ::posix_spawnattr_destroy(&attributes);
  return error == 0 ? pid : 0;
}

} // namespace

bool raw_terminal::enter(raw_terminal& out, failure& error, const std::string& guard) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0 || ::tcgetattr(STDIN_FILENO, &out.before_) != 0) {
    error = {errc::bad_request, "attach needs a terminal\nto read a session's output: troupe logs ID"};
    return false;
  }
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0) {
    error = {errc::disk, std::string("the terminal cannot be guarded: ") + std::strerror(errno)};
    return false;
  }
  unique_fd theirs(::fcntl(ends[0], F_DUPFD_CLOEXEC, 16));
  ::close(ends[0]);
  out.guard_.reset(ends[1]);
  out.guard_pid_ = spawn_guard(guard, theirs.get());
  if (out.guard_pid_ == 0 || ::write(out.guard_.get(), &out.before_, sizeof out.before_) != sizeof out.before_) {
    error = {errc::not_started, "the terminal's guard cannot be started"};
    return false;
  }
  auto raw = out.before_;
  ::cfmakeraw(&raw);
  raw.c_iflag &= ~static_cast<tcflag_t>(IXON | IXOFF);
  ::tcsetattr(STDIN_FILENO, TCSADRAIN, &raw);
  out.raw_ = true;
  return true;
}

void raw_terminal::guard_with(const std::string& restore) {
  if (!guard_)
    return;
  auto size = static_cast<std::uint32_t>(restore.size());
  std::string message = "r" + std::string(reinterpret_cast<const char*>(&size), sizeof size) + restore;
  [[maybe_unused]] auto n = ::write(guard_.get(), message.data(), message.size()); // less than a pipe holds at once
}

void raw_terminal::leave() {
  if (raw_) {
    [[maybe_unused]] auto n = ::write(STDOUT_FILENO, terminal_reset, std::strlen(terminal_reset));
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &before_);
    raw_ = false;
  }
  if (guard_) {
    [[maybe_unused]] auto n = ::write(guard_.get(), "q", 1);
    guard_.reset();
    ::waitpid(guard_pid_, nullptr, 0);
  }
}

namespace {

/// Reads so many bytes; false at the end.
bool read_all(int fd, void* into, std::size_t size) {
  auto* at = static_cast<char*>(into);
  while (size > 0) {
    auto n = ::read(fd, at, size);
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    at += n;
    size -= static_cast<std::size_t>(n);
  }
  return true;
}

} // namespace

int guard_terminal() {
  termios before{};
  char word = 0;
  std::string restore;
  if (!read_all(3, &before, sizeof before))
    return exit_usage;
  while (read_all(3, &word, 1)) {
    std::uint32_t size = 0;
    if (word == 'q')
      return exit_ok;
    if (word != 'r' || !read_all(3, &size, sizeof size) || size > 65536)
      break;
    std::string text(size, '\0');
    if (!read_all(3, text.data(), size))
      break;
    restore = std::move(text);
  }
  ::signal(SIGTTOU, SIG_IGN);
  ::signal(SIGPIPE, SIG_IGN);
  restore += terminal_reset;
  [[maybe_unused]] auto written = ::write(STDOUT_FILENO, restore.data(), restore.size());
  ::tcsetattr(STDIN_FILENO, TCSANOW, &before);
  return exit_ok;
}

} // namespace troupe
