// Attaching to a PTY session from real terminals.
#define CAF_SUITE attaching
#include <algorithm>
#include <cstdlib>
#include <memory>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <termios.h>
#include <unistd.h>

#include <vterm.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::until;

namespace {

/// A terminal with `troupe attach` in it.
class terminal {
public:
  terminal(const sandbox& s, std::vector<std::string> args, std::uint16_t rows = 24, std::uint16_t cols = 80) {
    master_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ::grantpt(master_.get());
    ::unlockpt(master_.get());
    char name[128];
    ::ptsname_r(master_.get(), name, sizeof name);
    slave_.reset(::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC)); // so that the settings can be looked at afterwards
    resize(rows, cols);
    ::tcgetattr(slave_.get(), &before_);
    spawn_request r;
    r.program = std::string(std::getenv("TROUPE_BIN")) + "/troupe";
    r.arguments = {"troupe"};
    r.arguments.insert(r.arguments.end(), args.begin(), args.end());
    r.terminal = name;
    r.env = {{"TROUPE_HOME", s.home()}, {"PATH", std::getenv("PATH")}, {"TERM", "xterm"}, {"SHELL", "/bin/sh"}};
    pid_ = spawn(r);
  }
  ~terminal() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      troupe::test::wait_for(pid_);
    }
  }
  void type(const std::string& text) { troupe::test::write_all(master_.get(), text); }
  void resize(std::uint16_t rows, std::uint16_t cols) {
    winsize size{rows, cols, 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
    if (pid_ > 0)
      ::kill(pid_, SIGWINCH);
  }
  /// Reads until `text` was shown; false after ten seconds.
  bool shows(const std::string& text) {
    while (seen_.find(text) == std::string::npos) {
      pollfd ready{master_.get(), POLLIN, 0};
      char block[4096];
      if (::poll(&ready, 1, 10'000) != 1) {
        CAF_MESSAGE("it showed: " << json(seen_).dump(-1, ' ', true, json::error_handler_t::replace));
        return false;
      }
      auto n = ::read(master_.get(), block, sizeof block);
      if (n <= 0)
        return false;
      seen_.append(block, static_cast<std::size_t>(n));
    }
    return true;
  }
  void forget() { seen_.clear(); }
  /// The lines that a terminal of 24 rows has after all that was seen.
  [[nodiscard]] std::vector<std::string> picture() const {
    std::unique_ptr<VTerm, void (*)(VTerm*)> vt(::vterm_new(24, 80), ::vterm_free);
    ::vterm_set_utf8(vt.get(), 1);
    auto* screen = ::vterm_obtain_screen(vt.get());
    ::vterm_screen_enable_altscreen(screen, 1);
    ::vterm_screen_reset(screen, 1);
    ::vterm_input_write(vt.get(), seen_.data(), seen_.size());
    std::vector<std::string> out;
    for (int row = 0; row < 24; ++row) {
      char text[400] = "";
      auto n = ::vterm_screen_get_text(screen, text, sizeof text - 1, {row, row + 1, 0, 80});
      out.emplace_back(text, n);
    }
    return out;
  }
  int end() { return troupe::test::wait_for(std::exchange(pid_, 0)); }
  /// Whether the line settings are as before; waits for a guard to have put them back.
  bool restored() const {
    for (int i = 0; i < 100; ++i) {
      termios now{};
      ::tcgetattr(slave_.get(), &now);
      if (now.c_lflag == before_.c_lflag && now.c_iflag == before_.c_iflag && now.c_oflag == before_.c_oflag)
        return true;
      ::poll(nullptr, 0, 50);
    }
    return false;
  }
  [[nodiscard]] int pid() const { return pid_; }

private:
  unique_fd master_, slave_;
  termios before_{};
  std::string seen_;
  int pid_ = 0;
};

} // namespace

// ATT-2, ATT-3, ATT-5
CAF_TEST(attach repaints and types and detaches and leaves the terminal as it was) {
  sandbox s;
  auto id = s.bg({"--exec", "printf 'first \\033[1mbold\\033[0m\\n'; while read line; do echo \"got $line\"; done"});
  CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", id}).out == "first bold\n"; }));
  terminal t(s, {"attach", id});
  CAF_CHECK(t.shows("first "));
  CAF_CHECK(t.shows("bold"));
  t.type("hello\r");
  CAF_CHECK(t.shows("got hello"));
  CAF_CHECK(until(s, [&] { return s.row(id).value("attached", 0) == 1; }));
  t.type("\x1c");
  CAF_CHECK(t.shows("come back with: troupe attach"));
  CAF_CHECK_EQUAL(t.end(), 0);
  CAF_CHECK(t.restored());
  CAF_CHECK_EQUAL(s.field(id, "state"), "working"); // detaching never stops
  CAF_CHECK(s.stop_with_terminals());
}

// ATT-2: pressed twice, the key is sent
CAF_TEST(the detach key pressed twice reaches the program) {
  sandbox s;
  auto id = s.bg({"--exec", "stty -isig -icanon min 1; echo ready; head -c 1 | od -An -c; read x"});
  terminal t(s, {"attach", id});
  CAF_REQUIRE(t.shows("ready"));
  t.type("\x1c\x1c");
  CAF_CHECK(t.shows("034"));
  CAF_CHECK(s.stop_with_terminals());
}

// ATT-3
CAF_TEST(several terminals see one session and the size follows who typed last) {
  sandbox s;
  auto id = s.bg({"--exec", "while read x; do stty size; done"});
  terminal a(s, {"attach", id}, 30, 100), b(s, {"attach", id}, 20, 60);
  CAF_CHECK(until(s, [&] { return s.row(id).value("attached", 0) == 2; }));
  a.type("x\r");
  CAF_CHECK(a.shows("30 100"));
  CAF_CHECK(b.shows("30 100"));
  b.type("y\r");
  CAF_CHECK(a.shows("20 60"));
  b.resize(10, 40);
  b.type("z\r");
  CAF_CHECK(b.shows("10 40"));
  terminal reader(s, {"attach", "-r", id}, 50, 150);
  CAF_CHECK(reader.shows("10 40"));
  reader.type("typed by a reader\r");
  a.type("w\r");
  CAF_CHECK(a.shows("30 100"));
  CAF_CHECK(s.troupe({"logs", id}).out.find("typed by a reader") == std::string::npos);
  CAF_CHECK(s.stop_with_terminals());
}

// ATT-5, SUP: kill -9 of a client that is attached
CAF_TEST(a killed client leaves the terminal as it was and the session running) {
  sandbox s;
  auto id = s.bg({"--exec", "printf '\\033[?1049h\\033[?1000hfull screen'; read x"});
  terminal t(s, {"attach", id});
  CAF_REQUIRE(t.shows("full screen"));
  t.forget();
  ::kill(t.pid(), SIGKILL);
  CAF_CHECK_EQUAL(t.end(), 128 + SIGKILL);
  CAF_CHECK(t.shows("\x1b[?1049l"));
  CAF_CHECK(t.shows("\x1b[?1000l"));
  CAF_CHECK(t.restored());
  CAF_CHECK(until(s, [&] { return s.row(id).value("attached", 0) == 0; }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  CAF_CHECK(s.stop_with_terminals());
}

// ATT-4
CAF_TEST(attach to an ended job shows its tail and says how to run it again) {
  sandbox s;
  auto id = s.bg({"--exec", "echo the tail; exit 1"});
  s.troupe({"wait", id});
  terminal t(s, {"attach", id});
  CAF_CHECK(t.shows("the tail"));
  CAF_CHECK(t.shows("troupe respawn"));
  CAF_CHECK_EQUAL(t.end(), 1);
  CAF_CHECK(s.stop_with_terminals());
}

// ATT-4
CAF_TEST(attach tells the end of the session) {
  sandbox s;
  auto id = s.bg({"--exec", "read x; exit 4"});
  terminal t(s, {"attach", id});
  t.type("\r");
  CAF_CHECK(t.shows("[session ended: exited 4]"));
  CAF_CHECK_EQUAL(t.end(), 0);
  CAF_CHECK(t.restored());
  CAF_CHECK(s.stop_with_terminals());
}

// ATT-5: as it was found, so that the next line stands where a person expects it
CAF_TEST(what follows an attached session stands below what it showed) {
  for (std::string full : {"", "printf '\\033[?1049hfull'; ", "printf '\\033[5;9r\\033[4;1H'; "}) {
    sandbox s;
    auto id = s.bg({"--exec", "printf 'one\ntwo\nthree\n'; " + full + "printf ready; read x"});
    terminal t(s, {"attach", id});
    CAF_REQUIRE(t.shows("ready"));
    t.type("\x1c");
    CAF_CHECK(t.shows("come back with: troupe attach " + id + "]\r\n"));
    CAF_CHECK_EQUAL(t.end(), 0);
    auto lines = t.picture();
    CAF_CHECK_EQUAL(std::vector<std::string>(lines.begin(), lines.begin() + 3),
                    std::vector<std::string>({"one", "two", "three"}));
    auto note = std::find_if(lines.begin(), lines.end(), [](const auto& l) { return l.starts_with("[detached"); });
    CAF_CHECK(note != lines.end() && note - lines.begin() >= 3);
    CAF_CHECK(std::all_of(note, lines.end(), [&](const auto& l) { return l == *note || l.empty(); }));
    CAF_CHECK(s.stop_with_terminals());
  }
}

// LOG-1
CAF_TEST(logs that follow end with the session) {
  sandbox s;
  auto id = s.bg({"--exec", "echo one; read x; echo two"});
  CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", id}).out == "one\n"; }));
  auto pid = s.start({"logs", "-f", id}, "followed");
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "go"}).out, "delivered\n");
  CAF_CHECK_EQUAL(troupe::test::wait_for(pid), 0);
  CAF_CHECK_EQUAL(troupe::test::slurp(s.root() + "/followed"), "one\ngo\ntwo\n");
  CAF_CHECK(s.stop().empty());
}
