// A PTY's screen.
#include "runtime/worker/terminal/screen.hpp"

#include <algorithm>
#include <array>

#include <vterm.h>

namespace troupe {

struct screen_callbacks {
  static int property(VTermProp prop, VTermValue* value, void* user) {
    auto* s = static_cast<screen*>(user);
    if (prop == VTERM_PROP_CURSORVISIBLE)
      s->cursor_visible_ = value->boolean;
    else if (prop == VTERM_PROP_ALTSCREEN)
      s->alternate_ = value->boolean;
    return 1;
  }
  static void output(const char* bytes, std::size_t n, void* user) {
    auto* s = static_cast<screen*>(user);
    if (s->reply_)
      s->reply_({bytes, n});
  }
};

namespace {

const VTermScreenCallbacks callbacks = [] {
  VTermScreenCallbacks c{};
  c.settermprop = screen_callbacks::property;
  return c;
}();

/// Modes that a joining terminal must be told of. Cursor visibility and the alternate screen are told by the cells'
/// side.
constexpr std::array joined_modes{1, 5, 7, 9, 45, 66, 1000, 1002, 1003, 1004, 1005, 1006, 1007, 1015, 1016, 2004};

void put_character(std::string& out, std::uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | c >> 6);
    out += static_cast<char>(0x80 | (c & 63));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | c >> 12);
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  } else {
    out += static_cast<char>(0xf0 | c >> 18);
    out += static_cast<char>(0x80 | (c >> 12 & 63));
    out += static_cast<char>(0x80 | (c >> 6 & 63));
    out += static_cast<char>(0x80 | (c & 63));
  }
}

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

std::string sgr(const VTermScreenCell& cell) {
  std::string out = "\x1b[0";
  const auto& a = cell.attrs;
  if (a.bold)
    out += ";1";
  if (a.italic)
    out += ";3";
  if (a.underline)
    out += a.underline == 1 ? ";4" : ";4:" + std::to_string(a.underline);
  if (a.blink)
    out += ";5";
  if (a.reverse)
    out += ";7";
  if (a.strike)
    out += ";9";
  put_colour(out, cell.fg, true);
  put_colour(out, cell.bg, false);
  return out + "m";
}

bool blank(const VTermScreenCell& c) {
  return c.chars[0] == 0 && VTERM_COLOR_IS_DEFAULT_BG(&c.bg) && !c.attrs.reverse && !c.attrs.underline &&
         !c.attrs.strike;
}

/// How many bytes at the end belong to a UTF-8 character that is not whole yet.
std::size_t unfinished(std::string_view s) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(3, s.size()); ++back) {
    auto c = static_cast<unsigned char>(s[s.size() - back]);
    if ((c & 0xc0) == 0x80)
      continue;
    std::size_t need = c >= 0xf0 && c < 0xf8 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
    return c < 0xf8 && need > back ? back : 0;
  }
  return 0;
}

std::string place(int row, int col) {
  return "\x1b[" + std::to_string(row + 1) + ";" + std::to_string(col + 1) + "H";
}

} // namespace

screen::screen(const output_ring& ring, std::uint16_t rows, std::uint16_t cols)
    : ring_(ring), rows_(rows), cols_(cols), parsed_(ring.begin()) {}

screen::~screen() {
  if (vt_)
    vterm_free(vt_);
}

/// libvterm costs some 300 kB: an idle session that nobody has looked at goes without.
void screen::wake() {
  if (vt_)
    return;
  vt_ = vterm_new(rows_, cols_);
  vterm_set_utf8(vt_, 1);
  vterm_output_set_callback(vt_, screen_callbacks::output, this);
  cells_ = vterm_obtain_screen(vt_);
  vterm_screen_enable_altscreen(cells_, 1);
  vterm_screen_set_callbacks(cells_, &callbacks, this);
  vterm_screen_reset(cells_, 1);
}

/// libvterm 0.1 loses a character that is cut between two writes: an unfinished one at the end waits for its rest.
void screen::write(std::string_view bytes) {
  scan_.feed(bytes);
  while (!cut_.empty() && !bytes.empty() && unfinished(cut_) > 0) {
    cut_ += bytes.front();
    bytes.remove_prefix(1);
  }
  if (!cut_.empty() && unfinished(cut_) == 0) {
    vterm_input_write(vt_, cut_.data(), cut_.size());
    cut_.clear();
  }
  auto tail = unfinished(bytes);
  cut_ += bytes.substr(bytes.size() - tail);
  bytes.remove_suffix(tail);
  while (!bytes.empty()) { // it also chooses a run's character set by the run's first byte: runs are made alike
    auto high = [](char c) { return (static_cast<unsigned char>(c) & 0x80) != 0; };
    auto end = std::find_if(bytes.begin(), bytes.end(), [&](char c) { return high(c) != high(bytes.front()); });
    auto n = static_cast<std::size_t>(end - bytes.begin());
    vterm_input_write(vt_, bytes.data(), n);
    bytes.remove_prefix(n);
  }
}

void screen::feed(std::uint64_t until) {
  wake();
  while (parsed_ < until) {
    auto piece = ring_.read(parsed_);
    auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), until - parsed_));
    write({piece.data(), n});
    last_was_newline_ = piece[n - 1] == '\n';
    parsed_ += n;
  }
}

/// Jumps over whole plain lines up to two screens before `until`. The lines that are left scroll everything older away,
/// so that the screen is the same as if all had been parsed.
bool screen::skip(std::uint64_t until) {
  if (!scan_.ground() || scan_.peculiar() || !last_was_newline_ || alternate_)
    return false;
  std::string all; // contiguous copy: at most a ring
  for (auto at = parsed_; at < until;) {
    auto piece = ring_.read(at);
    auto n = static_cast<std::size_t>(std::min<std::uint64_t>(piece.size(), until - at));
    all.append(piece.data(), n);
    at += n;
  }
  auto last = all.rfind("\r\n");
  if (last == std::string::npos)
    return false;
  all.resize(last + 2);
  auto keep = all.size();
  for (int lines = 0; lines <= 2 * rows_ + 1; ++lines) {
    if (keep < 2)
      return false;
    auto before = all.rfind("\r\n", keep - 3);
    if (before == std::string::npos || keep < 3)
      return false;
    keep = before + 2;
  }
  if (!plain_lines_only(all))
    return false;
  parsed_ += keep;
  skipped_ += keep;
  return true;
}

void screen::catch_up() {
  auto until = ring_.end();
  if (until - parsed_ > ring_.capacity() / 2)
    skip(until);
  feed(until);
}

void screen::make_room(std::size_t n) {
  auto end = ring_.end();
  if (end + n <= parsed_ + ring_.capacity())
    return;
  if (!last_was_newline_ || !scan_.ground()) { // begin of a line, where skipping may start
    auto piece = ring_.read(parsed_);
    auto line = std::string_view(piece.data(), piece.size()).find('\n');
    feed(parsed_ + (line == std::string_view::npos ? piece.size() : line + 1));
  }
  if (!skip(end) || end + n > parsed_ + ring_.capacity()) // what is left to parse may be more than there is room for
    feed(end);
}

void screen::resize(std::uint16_t rows, std::uint16_t cols) {
  if (rows == rows_ && cols == cols_)
    return;
  catch_up();
  rows_ = rows;
  cols_ = cols;
  vterm_set_size(vt_, rows, cols);
}

std::string screen::repaint() {
  catch_up();
  std::string out = "\x1b[0m\x1b[r\x1b[?6l\x1b[4l\x1b(B\x0f";
  out += alternate_ ? "\x1b[?1049h" : "\x1b[?1049l";
  out += "\x1b[?7h\x1b[2J\x1b[H";
  std::string pen;
  for (int row = 0; row < rows_; ++row)
    out += row_text(row, &pen);
  out += "\x1b[0m";
  if (!scan_.region().empty())
    out += "\x1b[" + scan_.region() + "r";
  for (int mode : joined_modes) {
    bool on = mode == 7 ? !scan_.peculiar() || scan_.modes().count(7) != 0 : scan_.modes().count(mode) != 0;
    out += "\x1b[?" + std::to_string(mode) + (on ? "h" : "l");
  }
  out += scan_.application_keypad() ? "\x1b=" : "\x1b>";
  if (!scan_.title().empty())
    out += "\x1b]2;" + scan_.title() + "\x07";
  VTermPos at{};
  vterm_state_get_cursorpos(vterm_obtain_state(vt_), &at);
  out += place(at.row, at.col);
  return out + (cursor_visible_ ? "\x1b[?25h" : "\x1b[?25l");
}

std::string screen::row_text(int row, std::string* pen) {
  int width = 0;
  VTermScreenCell cell;
  for (int col = 0; col < cols_; ++col)
    if (vterm_screen_get_cell(cells_, {row, col}, &cell) && !blank(cell))
      width = col + 1;
  std::string out;
  if (width > 0 && pen)
    out += place(row, 0);
  for (int col = 0; col < width; col += std::max<int>(cell.width, 1)) {
    vterm_screen_get_cell(cells_, {row, col}, &cell);
    if (auto now = sgr(cell); pen && now != *pen) {
      out += now;
      *pen = now;
    }
    if (cell.chars[0] == 0)
      out += ' ';
    for (int i = 0; i < VTERM_MAX_CHARS_PER_CELL && cell.chars[i] != 0; ++i)
      if (cell.chars[i] != static_cast<std::uint32_t>(-1))
        put_character(out, cell.chars[i]);
  }
  return out;
}

std::string screen::text() {
  catch_up();
  std::string out;
  for (int row = 0; row < rows_; ++row) {
    auto line = row_text(row, nullptr);
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + "\n";
  }
  return out;
}

} // namespace troupe
