// One terminal behind libvterm.
#include "runtime/worker/terminal/terminal_state.hpp"

#include <algorithm>
#include <utility>

#include "runtime/worker/terminal/sgr_rewrite.hpp"

namespace troupe {

struct vterm_callbacks {
  static terminal_state& self(void* user) { return *static_cast<terminal_state*>(user); }
  /// A glyph in the last column leaves the cursor on it; libvterm does not tell this otherwise.
  static int damage(VTermRect r, void* user) {
    auto& t = self(user);
    if (r.end_col == t.cols_ && r.end_row - r.start_row == 1 && r.end_col - r.start_col <= 2) {
      VTermScreenCell cell{};
      vterm_screen_get_cell(t.cells_, {r.start_row, r.start_col}, &cell);
      if (cell.chars[0] != 0)
        t.edge_row_ = r.start_row;
    }
    return 1;
  }
  static int moved(VTermPos to, VTermPos, int, void* user) {
    auto& t = self(user);
    if (to.col != t.cols_ - 1 || to.row != t.edge_row_)
      t.edge_row_ = -1;
    return 1;
  }
  static int property(VTermProp prop, VTermValue* value, void* user) {
    if (prop == VTERM_PROP_CURSORVISIBLE)
      self(user).visible_ = value->boolean != 0;
    else if (prop == VTERM_PROP_ALTSCREEN)
      self(user).alternate_ = value->boolean != 0;
    return 1;
  }
  static int pushed(int cols, const VTermScreenCell* line, void* user) {
    auto& t = self(user);
    if (t.alternate_)
      return 1;
    t.left_.push_back(cell_painter(line, cols, t.widths_).row(0));
    if (t.left_.size() > t.most_left_)
      t.left_.pop_front();
    return 1;
  }
  static void output(const char* bytes, std::size_t n, void* user) {
    if (self(user).reply_)
      self(user).reply_({bytes, n});
  }
  static const VTermScreenCallbacks all, keeping;
};

const VTermScreenCallbacks vterm_callbacks::all = [] {
  VTermScreenCallbacks c{};
  c.damage = damage;
  c.movecursor = moved;
  c.settermprop = property;
  return c;
}();

const VTermScreenCallbacks vterm_callbacks::keeping = [] {
  auto c = all;
  c.sb_pushline = pushed;
  return c;
}();

terminal_state::terminal_state(int rows, int cols)
    : rows_(rows), cols_(cols), vt_(vterm_new(rows, cols)), state_(vterm_obtain_state(vt_)),
      cells_(vterm_obtain_screen(vt_)), modes_(rows), reader_(*this) {
  vterm_set_utf8(vt_, 1);
  vterm_output_set_callback(vt_, vterm_callbacks::output, this);
  vterm_screen_enable_altscreen(cells_, 1);
  vterm_screen_set_callbacks(cells_, &vterm_callbacks::all, this);
  vterm_screen_reset(cells_, 1);
  write("\x1b\x37"); // else ESC 8 gives black on black
}

terminal_state::~terminal_state() {
  vterm_free(vt_);
}

void terminal_state::write(std::string_view bytes) {
  vterm_input_write(vt_, bytes.data(), bytes.size());
}

VTermPos terminal_state::cursor() const {
  VTermPos at{};
  vterm_state_get_cursorpos(state_, &at);
  return at;
}

unsigned terminal_state::font() const {
  VTermValue v{};
  vterm_state_get_penattr(state_, VTERM_ATTR_FONT, &v);
  return static_cast<unsigned>(v.number);
}

void terminal_state::resize(int rows, int cols) {
  if (modes_.has_region() || modes_.has(69)) { // as xterm does; libvterm would keep a region that may lie outside
    auto at = cursor();
    write("\x1b[?69l\x1b[?6l\x1b[r" + place(at.row, at.col));
    modes_.set_private(69, false);
    modes_.set_private(6, false);
  }
  if (auto n = static_cast<std::size_t>(rows); main_rows_.size() > n)
    main_rows_.erase(main_rows_.begin(), main_rows_.end() - rows);
  rows_ = rows;
  cols_ = cols;
  modes_.resize(rows);
  edge_row_ = -1;
  vterm_set_size(vt_, rows, cols);
  saved_.at = {std::min(saved_.at.row, rows - 1), std::min(saved_.at.col, cols - 1)};
}

void terminal_state::on_text(std::string_view run) {
  combined_ = 0;
  single_shift_ = false;
  write(run);
}

/// One at a time: libvterm joins a combining character to the one before in other ways when both come in one piece. It
/// writes past its buffer at very many of them.
void terminal_state::on_character(std::string_view utf8, char32_t c) {
  constexpr int most_combined = 5; // as many as a cell of libvterm's holds
  combined_ = widths_.of(c) == 0 ? combined_ + 1 : 0;
  single_shift_ = false;
  if (combined_ <= most_combined)
    write(utf8);
}

void terminal_state::on_shift(char control) {
  modes_.shift(control == 0x0e ? 1 : 0);
  write({&control, 1});
}

void terminal_state::save() {
  saved_ = {cursor(), pen_sgr(state_), visible_};
  write("\x1b\x37");
}

void terminal_state::reset() {
  if (alternate_)
    write("\x1b[?1047l");
  main_rows_.clear();
  modes_.hard_reset();
  single_shift_ = false;
  edge_row_ = -1;
  write("\x1b"
        "c");
  save();
}

void terminal_state::designate(std::string_view bytes) {
  auto which = std::string_view("()*+").find(bytes[0]);
  if (bytes.size() != 2 || which == std::string_view::npos)
    return;
  char set = bytes[1] == '0' || bytes[1] == 'A' ? bytes[1] : 'B'; // others are those of other languages' keyboards
  modes_.set_charset(which, set);
  write(std::string("\x1b") + bytes[0] + set);
}

void terminal_state::on_escape(std::string_view bytes) {
  if (bytes == "#8")
    return write("\x1b#8");
  if (bytes.size() > 1)
    return designate(bytes);
  switch (char c = bytes[0]) {
  case '7':
    return save();
  case 'c':
    return reset();
  case '=':
  case '>':
    modes_.set_keypad(c == '=');
    break;
  case 'n':
  case 'o':
    modes_.shift(c == 'n' ? 2 : 3);
    break;
  case 'N':
  case 'O':
    single_shift_ = true;
    break;
  case 'Z':
    return write("\x1b[c");
  case '8':
  case 'D':
  case 'E':
  case 'H':
  case 'M':
    break;
  default:
    return;
  }
  write(std::string("\x1b") + std::string(bytes));
}

void terminal_state::on_string(char kind, std::string_view text) {
  if (kind == ']' && (text.starts_with("0;") || text.starts_with("2;")))
    modes_.set_title(text.substr(2));
  else if (kind == 'P' && text.starts_with("$q") && text.size() < 16)
    write("\x1bP" + std::string(text) + "\x1b\\");
}

/// libvterm has room for 16 numbers and counts in loops.
void terminal_state::pass(const control_sequence& s) {
  constexpr std::size_t most_numbers = 12;
  constexpr int largest = 9999;
  std::string out = "\x1b[";
  if (s.leader != 0)
    out += s.leader;
  for (std::size_t i = 0; i < std::min(s.numbers.size(), most_numbers); ++i) {
    out += i > 0 ? ";" : "";
    if (s.numbers[i].value >= 0)
      out += std::to_string(std::min(s.numbers[i].value, largest));
  }
  write(out + std::string(s.intermediates) + s.final);
}

void terminal_state::on_csi(const control_sequence& s) {
  if (s.leader == '?')
    return on_private(s);
  if (s.leader == 0)
    return on_plain_csi(s);
  if (s.final == 'u' || s.final == 'm')
    modes_.set_keyboard(s);
  else if (s.leader == '>' && s.final == 'c')
    pass(s);
}

void terminal_state::on_plain_csi(const control_sequence& s) {
  if (s.intermediates == "!" && s.final == 'p')
    modes_.soft_reset();
  else if (s.intermediates == " " && s.final == 'q')
    return modes_.set_cursor_shape(std::clamp(s.at(0, 0), 0, 6));
  if (!s.intermediates.empty())
    return pass(s);
  switch (s.final) {
  case 'm':
    return sgr_is_plain(s) ? write("\x1b[" + std::string(s.raw) + "m") : write(rewritten_sgr(s, font()));
  case 'r':
    modes_.set_region(s.at(0, 1), s.at(1, 0));
    break;
  case 's':
    if (!modes_.has(69))
      return save();
    modes_.set_margins(std::max(s.at(0, 1), 1), std::min(s.at(1, cols_), cols_));
    break;
  case 'u':
    return write("\x1b\x38");
  case 't':
    return;
  case 'J':
    if (s.at(0, 0) == 3)
      left_.clear();
    break;
  case 'h':
  case 'l':
    for (std::size_t i = 0; i < s.numbers.size(); ++i)
      modes_.set_ansi(s.at(i, 0), s.final == 'h');
    break;
  default:
    break;
  }
  pass(s);
}

void terminal_state::on_private(const control_sequence& s) {
  if (!s.intermediates.empty() || (s.final != 'h' && s.final != 'l'))
    return pass(s);
  for (std::size_t i = 0; i < s.numbers.size(); ++i)
    set_private(s.at(i, 0), s.final == 'h');
}

void terminal_state::set_private(int mode, bool on) {
  if (mode == 47) // libvterm knows the later name only
    mode = 1047;
  if (mode == 1047 || mode == 1049) {
    if (on && !alternate_)
      return enter_alternate(mode);
    if (!on)
      main_rows_.clear();
    if (!on && !alternate_ && std::exchange(midway_, false))
      left_.clear();
  }
  if (mode == 1048 && on)
    return save();
  modes_.set_private(mode, on);
  if (mode < 10'000)
    write("\x1b[?" + std::to_string(mode) + (on ? "h" : "l"));
}

void terminal_state::enter_alternate(int mode) {
  if (mode == 1049)
    save();
  main_rows_ = painted();
  write("\x1b[?1047h");
}

std::vector<std::string> terminal_state::painted() {
  cell_painter painter(cells_, cols_, widths_);
  std::vector<std::string> rows;
  for (int row = 0; row < rows_; ++row)
    rows.push_back(painter.row(row));
  return rows;
}

std::string terminal_state::repaint() {
  auto now = painted();
  std::string out(screen_modes::cleared());
  out += "\x1b[?1049l\x1b[0m\x1b[2J"; // leaving the alternate screen may bring a coloured pen back
  for (const auto& row : alternate_ ? main_rows_ : now)
    out += row;
  out += place(saved_.at.row, saved_.at.col) + saved_.pen + (saved_.visible ? "\x1b[?25h" : "\x1b[?25l") + "\x1b\x37";
  if (alternate_) {
    out += "\x1b[?1049h\x1b[0m\x1b[2J";
    for (const auto& row : now)
      out += row;
  }
  auto at = cursor();
  if (edge_row_ == at.row && at.col == cols_ - 1) {
    // the pending wrap survives no move: a region and its kin come before, and addresses count from its top
    auto last = cell_painter(cells_, cols_, widths_).last_of(at.row);
    auto address = last.find('H') + 1;
    bool half = last.starts_with(place(at.row, at.col - 1));
    out += modes_.moving() + place(at.row - modes_.origin_row(), at.col - half - modes_.origin_column()) +
           last.substr(address);
  } else {
    out += modes_.moving() + place(at.row - modes_.origin_row(), at.col - modes_.origin_column());
  }
  out += modes_.still() + pen_sgr(state_);
  return out + (visible_ ? "\x1b[?25h" : "\x1b[?25l");
}

void terminal_state::keep_history(std::size_t most, bool midway) {
  most_left_ = most;
  midway_ = midway;
  vterm_screen_set_callbacks(cells_, &vterm_callbacks::keeping, this);
}

/// Its rows as painted, without the empty ones at the end.
std::vector<std::string> terminal_state::main_screen() {
  auto rows = alternate_ ? main_rows_ : painted();
  while (!rows.empty() && rows.back().empty())
    rows.pop_back();
  return rows;
}

std::size_t terminal_state::used() {
  return main_screen().size();
}

std::vector<std::string> terminal_state::history(std::size_t shown) {
  std::vector<std::string> out(left_.begin(), left_.end());
  auto rows = main_screen();
  out.insert(out.end(), rows.begin(), rows.end());
  out.resize(out.size() - std::min(shown, out.size()));
  if (out.size() > most_left_)
    out.erase(out.begin(), out.end() - static_cast<std::ptrdiff_t>(most_left_));
  for (auto& line : out) // each begins with the place where it stood
    line.erase(0, line.empty() ? 0 : line.find('H') + 1);
  return out;
}

std::string terminal_state::text() {
  cell_painter painter(cells_, cols_, widths_);
  std::string out;
  for (int row = 0; row < rows_; ++row)
    out += painter.text(row) + "\n";
  return out;
}

} // namespace troupe
