// A PTY's bytes as plain lines.
#define CAF_SUITE plain_lines
#include <random>

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
