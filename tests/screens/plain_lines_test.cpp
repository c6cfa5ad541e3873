// A PTY's bytes as plain lines.
#define CAF_SUITE plain_lines
#include <random>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/worker/terminal/plain_lines.hpp"

using namespace troupe;

namespace {
std::string lines(std::string_view bytes) {
  plain_lines p;
  auto out = p.feed(bytes);
  return out + p.finish();
}
} // namespace

// LOG-1
CAF_TEST(escapes are dropped and carriage returns write over) {
  CAF_CHECK_EQUAL(lines("\x1b[1mbold\x1b[0m\r\nplain\r\n"), "bold\nplain\n");
  CAF_CHECK_EQUAL(lines("10%\r50%\r100%\r\n"), "100%\n");
  CAF_CHECK_EQUAL(lines("abc\b\bX\r\n"), "aXc\n");
  CAF_CHECK_EQUAL(lines("a\x1b]0;title\x07"
                        "b\x1b]0;t\x1b\\c\r\n"),
                  "abc\n");
  CAF_CHECK_EQUAL(lines("long line\rshort\x1b[K\r\n"), "short\n");
  CAF_CHECK_EQUAL(lines("\x1b(Bno newline"), "no newline\n");
}

// LOG-1
CAF_TEST(characters are written over whole and what leaves a line ends it) {
  CAF_CHECK_EQUAL(lines("⠋ building\r✓ built   \r\n"), "✓ built   \n");
  CAF_CHECK_EQUAL(lines("step 1\x1b[2K\x1b[1Gstep 2\r\n"), "step 2\n");
  CAF_CHECK_EQUAL(lines("abc\x1b[1K\rX\n"), "X  \n");
  CAF_CHECK_EQUAL(lines("one\n two\x1b[2A\x1b[2Kthree\n"), "one\n two\nthree\n");
  CAF_CHECK_EQUAL(lines("\x1b[3;1Htop\x1b[4;1H\x1b[2Jnext"), "top\nnext\n");
  CAF_CHECK_EQUAL(lines("a\x1b[999999999Gb\n").size(), 1001u);
  CAF_CHECK_EQUAL(lines("no UTF-8: \xff\xc3\n"), "no UTF-8: \xef\xbf\xbd\xef\xbf\xbd\n");
}

namespace {

/// What a ring says last that was given all of it.
struct job_output {
  std::string path = "/tmp/troupe-last-line-" + std::to_string(::getpid());
  output_ring ring;
  std::uint64_t run = 0; ///< where the run at hand began
  job_output() {
    failure error;
    ::unlink(path.c_str());
    ring = output_ring::create(path, error, 65536);
    CAF_REQUIRE(ring.valid());
  }
  ~job_output() { ::unlink(path.c_str()); }
  std::string after(std::string_view bytes) {
    while (!bytes.empty()) {
      auto room = ring.writable();
      auto n = std::min(room.size(), bytes.size());
      std::copy_n(bytes.begin(), n, room.begin());
      ring.commit(n);
      bytes.remove_prefix(n);
    }
    return last_line(ring, run);
  }
};

} // namespace

// VIEW-8
CAF_TEST(the last line is the last one that says something) {
  job_output job;
  CAF_CHECK_EQUAL(job.after(""), "");
  CAF_CHECK_EQUAL(job.after("\x1b[32mok\x1b[0m 12 tests\r\n"), "ok 12 tests");
  CAF_CHECK_EQUAL(job.after("\r\n-----\r\n   \r\n}\r\n"), "ok 12 tests");
  CAF_CHECK_EQUAL(job.after("  10%\r  20%"), "20%");
  CAF_CHECK_EQUAL(job.after("\r\nGo on? [y/N] "), "Go on? [y/N]");          // it waits there
  CAF_CHECK_EQUAL(lines_at_end(job.ring, 0, 24), "  20%\nGo on? [y/N] \n"); // and the lines of a peek have it too
  CAF_CHECK_EQUAL(job.after("\r\n残り28ページ\r\n"), "残り28ページ");
  CAF_CHECK_EQUAL(job.after(std::string(500, 'x') + "\r\n"), std::string(240, 'x'));
  std::string wide;
  for (int i = 0; i < 500; ++i)
    wide += "ä";
  CAF_CHECK_EQUAL(job.after(wide), wide.substr(0, 480)); // no character is cut
}

// VIEW-8
CAF_TEST(what a program draws on the whole screen is no line) {
  job_output job;
  job.after("starting\r\n");
  CAF_CHECK_EQUAL(job.after("\x1b[?1049h\x1b[H\x1b[2Jfile\x1b[24;1H1,1 All"), "");
  CAF_CHECK_EQUAL(job.after("\x1b[?1049l\x1b[23;1H"), "starting");
  CAF_CHECK_EQUAL(job.after("saved\r\n"), "saved");
  CAF_CHECK_EQUAL(job.after("\x1b[?1049h" + std::string(9000, 'x') + "\r\nmenu\x1b[?1049l"), ""); // entered long ago
  CAF_CHECK_EQUAL(job.after("\x1b[2A\x1b[2Kpulling 1 of 2\r\n\x1b[2Kpulling 2 of 2\r\n"), "pulling 2 of 2");
}

// VIEW-8
CAF_TEST(the last line is of the run at hand and never the end of half a line) {
  job_output job;
  job.after("of before\r\n");
  job.run = job.ring.end();
  CAF_CHECK_EQUAL(job.after(""), "");
  CAF_CHECK_EQUAL(job.after("\r\n"), "");
  CAF_CHECK_EQUAL(job.after(std::string(20'000, 'x')), ""); // nobody knows how it began
  CAF_CHECK_EQUAL(job.after("\r\nnew\r\n" + std::string(100'000, '-')), "");
  std::mt19937 r(1);
  for (int i = 0; i < 2000; ++i) {
    std::string noise(r() % 300, ' ');
    for (char& c : noise)
      c = static_cast<char>(r() % 3 == 0 ? "\x1b[;?hHKm\r\n1049"[r() % 15] : static_cast<char>(r()));
    auto line = job.after(noise);
    CAF_REQUIRE(line.find_first_of("\x1b\r\n") == std::string::npos && line.size() <= 4 * 240);
    plain_lines again; // it is UTF-8: it comes out as it went in
    CAF_REQUIRE(line.empty() || again.feed(line + "\n") == line + "\n");
  }
}

// LOG-1
CAF_TEST(any cut gives the same) {
  std::mt19937 r(1);
  std::string bytes = "\x1b[1;31mred\x1b[0m\r\n\x1b]2;x\x07t\xc3\xa4xt\r\n10%\r20%\r\n";
  for (int i = 0; i < 500; ++i) {
    plain_lines p;
    std::string out;
    for (std::size_t at = 0; at < bytes.size();) {
      auto n = std::min<std::size_t>(1 + r() % 4, bytes.size() - at);
      out += p.feed(std::string_view(bytes).substr(at, n));
      at += n;
    }
    CAF_REQUIRE_EQUAL(out + p.finish(), lines(bytes));
  }
}
