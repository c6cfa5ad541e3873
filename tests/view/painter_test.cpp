// The painter: whatever screens follow each other, the terminal holds the last one, and little is sent where little
// differs.
#define CAF_SUITE view_painter
#include <memory>
#include <random>

#include <vterm.h>

#include "actors/agent_view/text.hpp"
#include "caf/test/unit_test.hpp"
#include "cli/view/screen_painter.hpp"

using namespace troupe;

namespace {

constexpr int rows = 12, columns = 40;

class terminal {
public:
  terminal() : vt_(::vterm_new(rows, columns), ::vterm_free) {
    ::vterm_set_utf8(vt_.get(), 1);
    screen_ = ::vterm_obtain_screen(vt_.get());
    ::vterm_screen_reset(screen_, 1);
  }
  void write(const std::string& bytes) { ::vterm_input_write(vt_.get(), bytes.data(), bytes.size()); }
  [[nodiscard]] std::string line(int row) const {
    std::string out;
    for (int x = 0; x < columns;) {
      VTermScreenCell cell{};
      ::vterm_screen_get_cell(screen_, {row, x}, &cell);
      for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; ++i)
        append(out, cell.chars[i]);
      if (cell.chars[0] == 0)
        out += ' ';
      bold_ = bold_ || cell.attrs.bold;
      x += std::max<int>(cell.width, 1);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    return out;
  }
  [[nodiscard]] VTermScreenCell cell(int row, int column) const {
    VTermScreenCell out{};
    ::vterm_screen_get_cell(screen_, {row, column}, &out);
    return out;
  }

private:
  static void append(std::string& out, std::uint32_t c) {
    if (c < 0x80) {
      out += static_cast<char>(c);
    } else if (c < 0x800) {
      out += static_cast<char>(0xc0 | c >> 6);
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
      out += static_cast<char>(0xe0 | c >> 12);
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    } else {
      out += static_cast<char>(0xf0 | c >> 18);
      out += static_cast<char>(0x80 | (c >> 12 & 0x3f));
      out += static_cast<char>(0x80 | (c >> 6 & 0x3f));
      out += static_cast<char>(0x80 | (c & 0x3f));
    }
  }
  std::unique_ptr<VTerm, void (*)(VTerm*)> vt_;
  VTermScreen* screen_;
  mutable bool bold_ = false;
};

std::string wanted(const view::line& l) {
  std::string text;
  for (const auto& s : l.spans)
    text += s.text;
  text.erase(text.find_last_not_of(' ') + 1);
  return text;
}

} // namespace

// VIEW-9
CAF_TEST(the terminal always holds the last screen) {
  static const std::vector<std::string> texts{
      "", "a", "hello there", "日本語", "wide 日 in it", "   spaces   ", "✻✽∙✓", "e\xcc\x81x", "0123456789"};
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 r(seed);
    screen_painter painter({false, true});
    painter.set_palette({colour_depth::rgb, false});
    painter.resize(rows, columns);
    terminal t;
    view::screen now;
    now.lines.resize(rows);
    for (int step = 0; step < 60; ++step) {
      for (unsigned i = r() % 4; i > 0; --i) {
        auto& l = now.lines[r() % rows];
        l.spans.clear();
        l.chosen = r() % 4 == 0;
        for (unsigned k = r() % 4; k > 0; --k)
          l.spans.push_back(
              {texts[r() % texts.size()], static_cast<view::ink>(r() % 8), r() % 5 == 0 ? "https://e.x/" : ""});
      }
      now.cursor_row = static_cast<int>(r() % rows) - 1;
      if (r() % 20 == 0)
        painter.forget();
      t.write(painter.paint(now));
      for (int row = 0; row < rows; ++row)
        CAF_REQUIRE_EQUAL(t.line(row), wanted(now.lines[static_cast<std::size_t>(row)]));
      CAF_REQUIRE(painter.paint(now).empty());
    }
  }
}

// VIEW-2: terminals do not agree on how wide an emoji of several code points is
CAF_TEST(nothing behind an emoji is shifted whatever the terminal makes of it) {
  for (const std::string emoji : {"👍🏽", "❤️", "🇩🇪", "👩‍💻", "👨‍👩‍👧‍👦", "日"}) {
    screen_painter painter({false, true});
    painter.resize(rows, columns);
    terminal t;
    view::screen now;
    now.lines = {{{{emoji + "X", view::ink::plain}, {"Y" + emoji + "Z", view::ink::good}}}};
    t.write(painter.paint(now));
    CAF_CHECK_EQUAL(t.cell(0, 2).chars[0], std::uint32_t{'X'});
    CAF_CHECK_EQUAL(t.cell(0, 3).chars[0], std::uint32_t{'Y'});
    CAF_CHECK_EQUAL(t.cell(0, 6).chars[0], std::uint32_t{'Z'});
  }
}

// VIEW-9
CAF_TEST(one word that differs costs its own bytes) {
  screen_painter painter({false, true});
  painter.resize(rows, columns);
  view::screen now;
  now.lines.assign(rows, {{{"session one is working on it", view::ink::plain}}});
  painter.paint(now);
  now.lines[3].spans[0].text = "session two is working on it";
  auto bytes = painter.paint(now);
  CAF_CHECK(bytes.size() < 30);
  CAF_CHECK(bytes.find("two") != std::string::npos);
}

// CLI-5
CAF_TEST(without colour nothing but bold is set) {
  palette none(colour_depth::none, false), sixteen(colour_depth::sixteen, false), many(colour_depth::indexed, true);
  CAF_CHECK_EQUAL(none.sgr(view::ink::bad, false), "0");
  CAF_CHECK_EQUAL(none.sgr(view::ink::bad, true), "0;1");
  CAF_CHECK_EQUAL(sixteen.sgr(view::ink::bad, false), "0;31");
  CAF_CHECK_EQUAL(many.sgr(view::ink::bad, false).substr(0, 7), "0;38;5;");
  CAF_CHECK(is_light("rgb:ffff/ffff/ffff", 18) && !is_light("rgb:1e/21/27", 12) && !is_light("nonsense", 8));
}
