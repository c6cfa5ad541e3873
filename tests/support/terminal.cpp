// A pseudo terminal, from its master's end.
#include "tests/support/terminal.hpp"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "runtime/io/process.hpp"

namespace troupe::test {

terminal::terminal(const sandbox& s, const std::vector<std::string>& args, std::uint16_t rows, std::uint16_t cols,
                   const std::string& cwd) {
  master_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
  ::grantpt(master_.get());
  ::unlockpt(master_.get());
  char name[128];
  ::ptsname_r(master_.get(), name, sizeof name);
  slave_.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)); // so that the settings can be looked at afterwards
  resize(rows, cols);
  ::tcgetattr(slave_.get(), &before_);
  spawn_request r;
  r.program = s.programs() + "/troupe";
  r.arguments = {"troupe"};
  r.arguments.insert(r.arguments.end(), args.begin(), args.end());
  r.terminal = name;
  r.cwd = cwd;
  r.env = {{"TROUPE_HOME", s.home()}, {"PATH", std::getenv("PATH")}, {"TERM", "xterm"}, {"SHELL", "/bin/sh"}};
  pid_ = spawn(r);
}

terminal::~terminal() {
  if (pid_ > 0) {
    ::kill(pid_, SIGKILL);
    wait_for(pid_);
  }
}

void terminal::type(const std::string& text) {
  write_all(master_.get(), text);
}

void terminal::resize(std::uint16_t rows, std::uint16_t cols) {
  winsize size{rows, cols, 0, 0};
  ::ioctl(master_.get(), TIOCSWINSZ, &size);
  if (pid_ > 0)
    ::kill(pid_, SIGWINCH);
}

bool terminal::shows(const std::string& text) {
  while (seen_.find(text) == std::string::npos) {
    pollfd ready{master_.get(), POLLIN, 0};
    char block[4096];
    auto n = ::poll(&ready, 1, 10'000) == 1 ? ::read(master_.get(), block, sizeof block) : -1;
    if (n <= 0) {
      std::fprintf(stderr, "it showed: %s\n", json(seen_).dump(-1, ' ', true, json::error_handler_t::replace).c_str());
      return false;
    }
    seen_.append(block, static_cast<std::size_t>(n));
  }
  return true;
}

int terminal::end() {
  return wait_for(std::exchange(pid_, 0));
}

bool terminal::restored() const {
  for (int i = 0; i < 100; ++i) {
    termios now{};
    ::tcgetattr(slave_.get(), &now);
    if (now.c_lflag == before_.c_lflag && now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag)
      return true;
    ::poll(nullptr, 0, 50);
  }
  return false;
}

} // namespace troupe::test
