// From cells to escapes.
#include "runtime/worker/terminal/cell_painter.hpp"

#include <algorithm>

#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

namespace {

constexpr auto other_half = static_cast<std::uint32_t>(-1);

void put_colour(std::string& out, const VTermColor& c, bool front) {
  if (front ? VTERM_COLOR_IS_DEFAULT_FG(&c) : VTERM_COLOR_IS_DEFAULT_BG(&c))
    return;
  auto base = front ? 30 : 40;
  if (VTERM_COLOR_IS_INDEXED(&c)) {
    int n = c.indexed.idx;
    out += n < 8    ? ";" + std::to_string(base + n)
           : n < 16 ? ";" + std::to_string(base + 60 + n - 8)
                    : ";" + std::to_string(base + 8) + ";5;" + std::to_string(n);
  } else {
    out += ";" + std::to_string(base + 8) + ";2;" + std::to_string(c.rgb.red) + ";" + std::to_string(c.rgb.green) +
           ";" + std::to_string(c.rgb.blue);
  }
}

/// A cell with nothing in it: only its background shows.
VTermScreenCell empty(const VTermColor& bg) {
  VTermScreenCell c{};
  c.width = 1;
  c.fg.type = VTERM_COLOR_DEFAULT_FG;
  c.bg = bg;
  return c;
}

bool blank(const VTermScreenCell& c) {
  return c.chars[0] == 0 && VTERM_COLOR_IS_DEFAULT_BG(&c.bg);
}

} // namespace

glyph_widths::glyph_widths() : probe_(vterm_new(1, 8)) {
  vterm_set_utf8(probe_, 1);
  vterm_screen_reset(vterm_obtain_screen(probe_), 1);
}

glyph_widths::~glyph_widths() {
  vterm_free(probe_);
}

int glyph_widths::of(char32_t c) {
  if (c < 0x300)
    return 1;
  auto& slot = known_[c % known_.size()];
  if (slot.c != c) {
    std::string bytes = "\r  ";
    put_utf8(bytes, c);
    vterm_input_write(probe_, bytes.data(), 3);
    vterm_input_write(probe_, bytes.data() + 3, bytes.size() - 3);
    VTermPos at{};
    vterm_state_get_cursorpos(vterm_obtain_state(probe_), &at);
    slot = {c, std::clamp(at.col - 2, 0, 2)};
  }
  return slot.width;
}

std::string place(int row, int col) {
  return "\x1b[" + std::to_string(row + 1) + ";" + std::to_string(col + 1) + "H";
}

std::string sgr(const VTermScreenCell& cell) {
  std::string out = "\x1b[0";
  const auto& a = cell.attrs;
  if (a.bold)
    out += ";1";
  if (a.font & 1)
    out += ";2";
  if (a.italic)
    out += ";3";
  if (a.underline != 0)
    out += a.underline == 1 ? ";4" : a.underline == 2 ? ";21" : ";4:3";
  if (a.blink)
    out += ";5";
  if (a.reverse)
    out += ";7";
  if (a.font & 2)
    out += ";8";
  if (a.strike)
    out += ";9";
  put_colour(out, cell.fg, true);
  put_colour(out, cell.bg, false);
  return out + "m";
}

std::string pen_sgr(const VTermState* state) {
  auto number = [&](VTermAttr attr) {
    VTermValue v{};
    vterm_state_get_penattr(state, attr, &v);
    return static_cast<unsigned>(v.number);
  };
  auto flag = [&](VTermAttr attr) {
    VTermValue v{};
    vterm_state_get_penattr(state, attr, &v);
    return v.boolean != 0 ? 1U : 0U;
  };
  VTermScreenCell c{};
  c.attrs.bold = flag(VTERM_ATTR_BOLD) & 1;
  c.attrs.underline = number(VTERM_ATTR_UNDERLINE) & 3;
  c.attrs.italic = flag(VTERM_ATTR_ITALIC) & 1;
  c.attrs.blink = flag(VTERM_ATTR_BLINK) & 1;
  c.attrs.reverse = flag(VTERM_ATTR_REVERSE) & 1;
  c.attrs.strike = flag(VTERM_ATTR_STRIKE) & 1;
  c.attrs.font = number(VTERM_ATTR_FONT) & 15;
  VTermValue colour{};
  vterm_state_get_penattr(state, VTERM_ATTR_FOREGROUND, &colour);
  c.fg = colour.color;
  vterm_state_get_penattr(state, VTERM_ATTR_BACKGROUND, &colour);
  c.bg = colour.color;
  return sgr(c);
}

/// What stands in a cell as terminals show it: halves of wide characters are blanks.
cell_painter::shown cell_painter::at(int row, int col) {
  shown s{};
  if (line_ != nullptr)
    s.cell = line_[col];
  else
    vterm_screen_get_cell(cells_, {row, col}, &s.cell);
  s.width = 1;
  auto first = s.cell.chars[0];
  if (first == 0 || first == other_half) {
    s.cell = empty(s.cell.bg);
  } else if (auto w = widths_.of(first); w == 2 && s.cell.width == 2) {
    s.width = 2;
  } else if (w != 1) {
    auto kept = s.cell;
    s.cell = empty(kept.bg);
    s.cell.chars[0] = ' ';
  }
  return s;
}

void cell_painter::put(std::string& out, const VTermScreenCell& cell) {
  if (cell.chars[0] == 0)
    out += ' ';
  for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; ++i)
    put_utf8(out, cell.chars[i]);
}

std::string cell_painter::row(int row) {
  std::string out, pen;
  int last = cols_;
  while (last > 0 && blank(at(row, last - 1).cell))
    --last;
  bool sure = false; // whether the cursor is surely where the next cell is painted
  for (int col = 0; col < last;) {
    auto s = at(row, col);
    if (!sure)
      out += col == 0 ? place(row, 0) : "\x1b[" + std::to_string(col + 1) + "G";
    if (auto now = sgr(s.cell); now != pen) {
      out += now;
      pen = now;
    }
    put(out, s.cell);
    col += s.width;
    sure = s.width == 1 && s.cell.chars[0] < 0x2e80; // terminals do not agree on the width of what lies beyond
  }
  return out;
}

std::string cell_painter::last_of(int row) {
  auto s = at(row, cols_ - 1);
  int col = cols_ - 1;
  if (cols_ > 1 && at(row, cols_ - 2).width == 2)
    s = at(row, --col);
  auto out = place(row, col) + sgr(s.cell);
  put(out, s.cell);
  return out;
}

std::string cell_painter::text(int row) {
  std::string out;
  for (int col = 0; col < cols_;) {
    auto s = at(row, col);
    put(out, s.cell);
    col += s.width;
  }
  out.erase(out.find_last_not_of(' ') + 1);
  return out;
}

} // namespace troupe
