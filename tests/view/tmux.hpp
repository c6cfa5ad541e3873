// A real terminal for tests: tmux, its keys and its screen, with a shell in a sandbox.
#pragma once

#include <cstdlib>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

namespace troupe::test {

/// A tmux of its own with one window, in which a shell runs in the sandbox.
class tmux {
public:
  tmux(const sandbox& s, int rows, int columns, const std::string& term = "tmux-256color") : s_(s) {
    const char* path = std::getenv("PATH");
    call({"-f",
          "/dev/null",
          "new-session",
          "-d",
          "-s",
          "v",
          "-x",
          std::to_string(columns),
          "-y",
          std::to_string(rows),
          "-c",
          s.work(),
          "env",
          "TROUPE_HOME=" + s.home(),
          "LC_ALL=C.UTF-8",
          "PS1=ready> ",
          "TERM=" + term,
          "SHELL=/bin/sh",
          "PATH=" + std::string(std::getenv("TROUPE_BIN")) + ":" + path,
          "/bin/sh"});
    call({"set", "-g", "escape-time", "10"});
  }
  ~tmux() { call({"kill-server"}); }

  std::string call(std::vector<std::string> args) const {
    args.insert(args.begin(), {"tmux", "-u", "-S", s_.root() + "/tmux-" + std::to_string(number_)});
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return {};
    spawn_request r;
    r.program = "tmux";
    r.arguments = args;
    r.env = own_environment();
    std::erase_if(r.env, [](const auto& x) { return x.first == "TMUX" || x.first == "NO_COLOR"; });
    r.fds = {{ends[1], 1}, {ends[1], 2}};
    auto pid = spawn(r);
    ::close(ends[1]);
    std::string out;
    char block[4096];
    for (ssize_t n; (n = ::read(ends[0], block, sizeof block)) > 0;)
      out.append(block, static_cast<std::size_t>(n));
    ::close(ends[0]);
    wait_for(pid);
    return out;
  }
  void keys(std::vector<std::string> names) const {
    names.insert(names.begin(), {"send-keys", "-t", "v"});
    call(names);
  }
  void type(const std::string& text) const { call({"send-keys", "-t", "v", "-l", text}); }
  [[nodiscard]] std::string screen() const { return call({"capture-pane", "-p", "-t", "v"}); }
  /// Looks until the screen holds it; ten seconds.
  [[nodiscard]] bool shows(const std::string& text, bool wanted = true) const {
    for (int i = 0; i < 400; ++i) {
      if ((screen().find(text) != std::string::npos) == wanted)
        return true;
      ::poll(nullptr, 0, 25);
    }
    CAF_MESSAGE("the screen:\n" << screen());
    return false;
  }
  /// The process in the window's foreground.
  [[nodiscard]] std::int32_t foreground(const std::string& name) const {
    auto shell = std::atoi(call({"display-message", "-p", "-t", "v", "#{pane_pid}"}).c_str());
    for (const auto& p : descendants(shell)) {
      auto comm = slurp("/proc/" + std::to_string(p.pid) + "/comm");
      if (comm == name + "\n")
        return p.pid;
    }
    return 0;
  }
  /// The terminal is a shell's again: a cooked line with its echo, on the ordinary screen.
  [[nodiscard]] bool restored() const {
    const std::vector<std::string> asked{"display-message", "-p", "-t", "v", "#{alternate_on}#{mouse_any_flag}"};
    for (int i = 0; i < 400 && call(asked) != "00\n"; ++i)
      ::poll(nullptr, 0, 25);
    type("echo o''k $((6*7))");
    keys({"Enter"});
    return shows("ok 42") && call(asked) == "00\n";
  }

private:
  const sandbox& s_;
  int number_ = next_++;
  static inline int next_ = 0;
};

} // namespace troupe::test
