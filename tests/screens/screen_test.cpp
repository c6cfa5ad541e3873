// The screen behind the ring: any cut, skipping against full parsing, and repainting.
#define CAF_SUITE screen
#include <cstdlib>
#include <filesystem>
#include <random>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/worker/terminal/screen.hpp"

using namespace troupe;

namespace {

/// A ring in a file of its own, with a screen behind it, fed as the worker feeds them.
struct pty {
  std::string path;
  output_ring ring;
  screen shown;
  explicit pty(std::size_t capacity, std::uint16_t rows = 24, std::uint16_t cols = 80)
      : path("/tmp/troupe-ring-" + std::to_string(::getpid()) + "-" + std::to_string(++made())),
        ring(make(path, capacity)), shown(ring, rows, cols) {}
  ~pty() { std::filesystem::remove(path); }
  static int& made() {
    static int n = 0;
    return n;
  }
  static output_ring make(const std::string& path, std::size_t capacity) {
    failure error;
    std::filesystem::remove(path);
    return output_ring::create(path, error, capacity);
  }
  void feed(std::string_view bytes) {
    while (!bytes.empty()) {
      auto room = ring.writable();
      auto n = std::min(room.size(), bytes.size());
      shown.make_room(n);
      std::copy_n(bytes.data(), n, room.data());
      ring.commit(n);
      bytes.remove_prefix(n);
    }
  }
};

using random_source = std::mt19937;

std::string plain_line(random_source& r) {
  static const char* const words[] = {
      "compiling",        "x",          "linking the thing", "\xc3\xa4\xc3\xb6", "\xe4\xbd\xa0\xe5\xa5\xbd",
      "\xf0\x9f\x8e\xad", "\tindented", "0123456789"};
  std::string out;
  for (auto n = r() % 14; n > 0; --n)
    out += std::string(words[r() % 8]) + " ";
  return out + "\r\n";
}

std::string sequence(random_source& r) {
  static const char* const all[] = {"\x1b[1m",
                                    "\x1b[0m",
                                    "\x1b[31;44m",
                                    "\x1b[38;5;200m",
                                    "\x1b[48;2;1;2;3m",
                                    "\x1b[5;10H",
                                    "\x1b[K",
                                    "\x1b[2J",
                                    "\x1b[3A",
                                    "\x1b[5C",
                                    "\x1b]2;a title\x07",
                                    "\x1b[?25l",
                                    "\x1b[?25h",
                                    "\x1b[?1h",
                                    "\x1b[?2004h",
                                    "\x1b[?1000h",
                                    "\x1b[?1000l",
                                    "\x1b[3;9r",
                                    "\x1b[r",
                                    "\x1b[4h",
                                    "\x1b[4l",
                                    "\x1b[?7l",
                                    "\x1b[?7h",
                                    "\x1b[?1049h",
                                    "\x1b[?1049l",

                                    "\x1b(0",
                                    "\x1b(B",
                                    "\x1b[2L",
                                    "\x1b[M",
                                    "\x1b[7mrev\x1b[27m",
                                    "\b\b",
                                    "\r",
                                    "\n",
                                    "\x1b[4munder\x1b[24m",
                                    "\x1b=",
                                    "\x1b>",
                                    "\x1b[!p",

                                    "\x1b[9mstrike\x1b[29m"};
  return all[r() % (sizeof all / sizeof *all)];
}

std::string mixed(random_source& r, int pieces, unsigned odds) {
  std::string out = "\x1b"
                    "7"; // libvterm restores black on black where nothing was saved
  for (int i = 0; i < pieces; ++i)
    out += r() % odds == 0 ? sequence(r) : plain_line(r);
  return out;
}

} // namespace

// ATT-1, F-27
CAF_TEST(fed byte by byte and in any cut the screen is the same) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    random_source r(seed);
    auto bytes = mixed(r, 60, 2);
    pty whole(1 << 16), cut(1 << 16);
    whole.feed(bytes);
    for (std::size_t at = 0; at < bytes.size();) {
      auto n = std::min<std::size_t>(1 + r() % 7, bytes.size() - at);
      cut.feed(std::string_view(bytes).substr(at, n));
      if (r() % 3 == 0)
        cut.shown.catch_up();
      at += n;
    }
    CAF_REQUIRE_EQUAL(whole.shown.repaint(), cut.shown.repaint());
  }
}

// ATT-1: a parser that is a ring behind skips plain lines, and the result is the same as full parsing
CAF_TEST(skipping gives the screen that full parsing gives) {
  std::uint64_t skipped = 0;
  for (unsigned seed = 1; seed <= 400; ++seed) {
    random_source r(seed);
    std::string bytes;
    for (int part = 0; part < 4; ++part)
      bytes += mixed(r, 15, 3) + mixed(r, 250, 100'000);
    pty lazy(4096, 6, 40), full(1 << 20, 6, 40);
    lazy.feed(bytes);
    for (std::size_t at = 0; at < bytes.size(); at += 512) {
      full.feed(std::string_view(bytes).substr(at, 512));
      full.shown.catch_up();
    }
    CAF_REQUIRE_EQUAL(lazy.shown.repaint(), full.shown.repaint());
    skipped += lazy.shown.skipped();
    CAF_CHECK_EQUAL(full.shown.skipped(), 0u);
  }
  CAF_CHECK(skipped > 100'000);
}

// ATT-1: repainted whole
CAF_TEST(a repaint makes a second terminal show the same) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    random_source r(seed);
    pty first(1 << 16), second(1 << 16);
    for (int i = 0; i < 40; ++i) { // cursor movement over half a wide character is left out: libvterm keeps what no terminal paints
      static const char* const pens[] = {"\x1b[1m", "\x1b[0m", "\x1b[31;44m", "\x1b[38;5;200m", "\x1b[48;2;1;2;3m", "\x1b[7m", "\x1b[4m", "\x1b[9m"};
      first.feed(pens[r() % 8] + plain_line(r));
    }
    auto painted = first.shown.repaint();
    second.feed(painted);
    CAF_REQUIRE_EQUAL(second.shown.text(), first.shown.text());
  }
}

// ATT-1
CAF_TEST(a repaint carries colours and cursor and modes and title) {
  pty first(1 << 16), second(1 << 16);
  first.feed("\x1b[?1049h\x1b[?1h\x1b[?2004h\x1b[?1002h\x1b]2;the "
             "title\x07\x1b[1;31mred\x1b[38;5;200;48;2;1;2;3mmany\x1b[0m\x1b[7;9Hhere\x1b[?25l");
  auto painted = first.shown.repaint();
  for (const char* part :
       {"\x1b[?1049h", "\x1b[?1h", "\x1b[?2004h", "\x1b[?1002h", "\x1b[?1000l", "\x1b]2;the title\x07",
        "\x1b[0;1;31mred", ";38;5;200;48;2;1;2;3mmany", "\x1b[7;13H", "\x1b[?25l"})
    CAF_CHECK(painted.find(part) != std::string::npos);
  second.feed(painted);
  CAF_CHECK_EQUAL(second.shown.repaint(), painted);
}

// ATT-3
CAF_TEST(a resize keeps what fits) {
  pty p(1 << 16, 4, 20);
  p.feed("one\r\ntwo\r\n");
  p.shown.resize(10, 40);
  CAF_CHECK(p.shown.text().starts_with("one\ntwo\n"));
  p.feed("three");
  CAF_CHECK(p.shown.text().find("three") != std::string::npos);
}

CAF_TEST(queries are answered by the screen) {
  pty p(1 << 16);
  std::string said;
  p.shown.on_reply([&](std::string_view bytes) { said += bytes; });
  p.feed("ab\x1b[6n");
  p.shown.catch_up();
  CAF_CHECK_EQUAL(said, "\x1b[1;3R");
}
