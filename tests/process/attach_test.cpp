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
#include "tests/support/terminal.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::terminal;
using troupe::test::until;

namespace {

/// The lines that a terminal of 24 rows has after all that was seen.
std::vector<std::string> picture(const terminal& t) {
  std::unique_ptr<VTerm, void (*)(VTerm*)> vt(::vterm_new(24, 80), ::vterm_free);
  ::vterm_set_utf8(vt.get(), 1);
  auto* screen = ::vterm_obtain_screen(vt.get());
  ::vterm_screen_enable_altscreen(screen, 1);
  ::vterm_screen_reset(screen, 1);
  ::vterm_input_write(vt.get(), t.seen().data(), t.seen().size());
  std::vector<std::string> out;
  for (int row = 0; row < 24; ++row) {
    char text[400] = "";
    auto n = ::vterm_screen_get_text(screen, text, sizeof text - 1, {row, row + 1, 0, 80});
    out.emplace_back(text, n);
  }
  return out;
}

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
  CAF_CHECK(t.shows("the shell job has failed with exit status 1, "));
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
    auto lines = picture(t);
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
