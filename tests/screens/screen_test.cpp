// The screen behind the ring: any cut, skipping against full parsing, and repainting.
#define CAF_SUITE screen
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <random>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/worker/terminal/screen.hpp"
#include "runtime/worker/terminal/terminal_state.hpp"

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
    pty lazy(4096, 6, 40);
    terminal_state full(6, 40);
    lazy.feed(bytes);
    full.feed(bytes);
    CAF_REQUIRE_EQUAL(lazy.shown.repaint(), full.repaint());
    skipped += lazy.shown.skipped();
  }
  CAF_CHECK(skipped > 100'000);
}

// ATT-1: repainted whole
CAF_TEST(a repaint makes a second terminal the same as the first) {
  for (unsigned seed = 1; seed <= 300; ++seed) {
    random_source r(seed);
    terminal_state first(24, 80), second(24, 80);
    first.feed(mixed(r, 60, 2));
    second.feed(mixed(r, 20, 1) + "\x1b]2;\x07"); // whatever stood there before; a title is not taken away
    auto painted = first.repaint();
    second.feed(painted);
    CAF_REQUIRE_EQUAL(second.text(), first.text());
    CAF_REQUIRE_EQUAL(second.repaint(), painted);
  }
}

// ATT-1: what libvterm cannot carry or does not survive
CAF_TEST(hostile and rare sequences leave a whole screen) {
  terminal_state t(4, 20);
  std::string many = "\x1b[1";
  for (int i = 0; i < 5000; ++i)
    many += ";1";
  t.feed(many + "m" + many + "H" + "\x1b[99999999999;99999999999H\x1b[999999999L\x1b[999999999@");
  t.feed("\x1b_an APC is not text\x1b\\" + std::string("\x1b]2;") + std::string(100'000, 't') + "\x07");
  std::string combined = "\x1b[2J\x1b[Ha";
  for (int i = 0; i < 1000; ++i)
    combined += "\xcc\x81";
  t.feed(combined + "\r\n\xff\xfe\xc0\x80 ok");
  CAF_CHECK(t.text().find("APC") == std::string::npos);
  CAF_CHECK(t.text().find(" ok") != std::string::npos);
  CAF_CHECK_EQUAL(t.title().size(), 1024u);
  t.feed("\x1b[2J\x1b[H\x1b[2mfaint\x1b[22m\x1b[8mhidden\x1b[28m");
  CAF_CHECK(t.repaint().find("\x1b[0;2mfaint\x1b[0;8mhidden") != std::string::npos);
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

namespace {

/// Without the escapes that paint it.
std::vector<std::string> plain(const std::vector<std::string>& painted) {
  std::vector<std::string> out;
  for (const auto& line : painted) {
    std::string text;
    for (std::size_t at = 0; at < line.size(); ++at)
      if (line[at] != '\x1b')
        text += line[at];
      else
        at = line.find('m', at);
    out.push_back(text);
  }
  return out;
}

std::string numbered(int first, int last) {
  std::string out;
  for (int i = first; i <= last; ++i)
    out += "line " + std::to_string(i) + "\r\n";
  return out;
}

} // namespace

// ATT-1: the last lines go into the terminal's scrollback, each once, and no query among them
CAF_TEST(what has left the screen is told from what the ring holds) {
  pty p(1 << 16, 4, 20);
  p.feed("\x1b[31mred\x1b[0m\x1b[6n\x1b[c\r\n" + numbered(1, 9));
  auto lines = p.shown.history(5); // 1 to 9 and an empty one below: the screen has 7, 8 and 9
  CAF_CHECK(plain(lines) == std::vector<std::string>({"line 2", "line 3", "line 4", "line 5", "line 6"}));
  lines = p.shown.history(100);
  CAF_REQUIRE_EQUAL(lines.size(), 7u);
  CAF_CHECK_EQUAL(lines[0], "\x1b[0;31mred");
  p.shown.resize(6, 20); // the larger screen has what the smaller had: nothing is lost between the two
  CAF_CHECK_EQUAL(plain(p.shown.history(100)).back(), "line 6");
  p.feed("\x1b[?1049hfull\r\nscreen\r\n\r\n\r\n\r\n\r\n\r\n");
  CAF_CHECK_EQUAL(plain(p.shown.history(100)).back(), "line 6");
  p.feed("\x1b[?1049l\x1b[H\x1b[2J\x1b[3Jnew");
  CAF_CHECK(p.shown.history(100).empty()); // erased by the program
}

// ATT-1
CAF_TEST(what is left of a full screen program whose beginning is lost is no history) {
  pty p(4096, 4, 20);
  p.feed("\x1b[?1049h");
  for (int i = 0; i < 300; ++i)
    p.feed("\x1b[2J\x1b[Hof the program\r\n\r\n\r\n\r\n\r\n");
  CAF_CHECK(p.shown.history(100).empty());
  p.feed("\x1b[?1049l" + numbered(1, 9));
  CAF_CHECK(plain(p.shown.history(100)) ==
            std::vector<std::string>({"line 1", "line 2", "line 3", "line 4", "line 5", "line 6"}));
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

// ATT-1
CAF_TEST(queries are answered by the screen while no terminal does) {
  pty p(1 << 16);
  std::string said;
  p.shown.on_reply([&](std::string_view bytes) { said += bytes; });
  p.feed("ab\x1b[6n");
  p.shown.catch_up();
  CAF_CHECK_EQUAL(said, "\x1b[1;3R");
  p.shown.answer_queries(false);
  p.feed("c\x1b[6n");
  p.shown.answer_queries(true); // what was asked meanwhile has been answered by the terminal
  CAF_CHECK_EQUAL(said, "\x1b[1;3R");
  p.feed("d\x1b[6n");
  p.shown.catch_up();
  CAF_CHECK_EQUAL(said, "\x1b[1;3R\x1b[1;5R");
}

CAF_TEST(questions are found in any cut and plain output holds none) {
  for (const char* question : {"\x1b[6n", "\x1b[c", "\x1b[>0c", "\x1b[?2026$p", "\x1bP$qm\x1b\\", "\x1bZ"})
    for (std::size_t cut = 0; cut <= std::strlen(question); ++cut) {
      query_watch w;
      std::string_view text(question);
      bool first = w.feed(text.substr(0, cut)), second = w.feed(text.substr(cut));
      CAF_CHECK(first || second);
    }
  query_watch w;
  CAF_CHECK(!w.feed("npc \x1b[31mred\x1b[0m \x1b]2;a title\x07 \x1b[2J\x1b[5;10H\x1b[K plain\r\n"));
}

// VIEW-8
CAF_TEST(which screen is in use is seen in any cut without parsing) {
  const std::string_view in("\x1b[?25;1049h"), out("\x1b[?1047;7l");
  for (std::size_t cut = 0; cut <= in.size(); ++cut) {
    query_watch w;
    w.feed(in.substr(0, cut));
    CAF_CHECK_EQUAL(w.alternate(), cut == in.size());
    w.feed(in.substr(cut));
    CAF_CHECK(w.alternate());
    w.feed("\x1b[?1l\x1b[47l\x1b[104;7l\x1b[?10490l\x1b[1049;?1l"); // others
    CAF_CHECK(w.alternate());
    w.feed(out.substr(0, std::min(cut, out.size())));
    w.feed(out.substr(std::min(cut, out.size())));
    CAF_CHECK(!w.alternate());
  }
}
