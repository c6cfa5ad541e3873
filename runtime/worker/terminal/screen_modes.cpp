// Modes of a terminal that outlive a repaint.
#include "runtime/worker/terminal/screen_modes.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool is_mouse(int mode) { return mode == 9 || (mode >= 1000 && mode <= 1003); }
bool is_mouse_coding(int mode) { return mode == 1005 || mode == 1006 || mode == 1015 || mode == 1016; }

std::string private_mode(int mode, bool on) { return "\x1b[?" + std::to_string(mode) + (on ? "h" : "l"); }

} // namespace

void screen_modes::set_private(int mode, bool on) {
  if (is_mouse(mode)) { // the last one set rules, and resetting any turns the mouse off
    mouse_ = on ? mode : 0;
  } else if (is_mouse_coding(mode)) {
    mouse_coding_ = on ? mode : mouse_coding_ == mode ? 0 : mouse_coding_;
  } else if (mode == 66) {
    keypad_ = on;
  } else if (on) {
    on_.insert(mode);
  } else {
    on_.erase(mode);
    if (mode == 69)
      left_ = right_ = 0;
  }
}

void screen_modes::set_ansi(int mode, bool on) {
  if (mode == 4)
    insert_ = on;
  else if (mode == 20)
    newline_ = on;
}

void screen_modes::set_region(int top, int bottom) {
  top = std::clamp(top, 1, rows_);
  bottom = bottom <= 0 ? rows_ : std::min(bottom, rows_);
  bool whole = top >= bottom || (top == 1 && bottom == rows_);
  top_ = whole ? 0 : top;
  bottom_ = whole ? 0 : bottom;
}

void screen_modes::set_margins(int left, int right) {
  left_ = left;
  right_ = right;
}

void screen_modes::set_title(std::string_view text) {
  title_.clear();
  for (char c : text.substr(0, 1024))
    if (static_cast<unsigned char>(c) >= 0x20 && c != 0x7f)
      title_ += c;
}

void screen_modes::set_keyboard(const control_sequence& s) {
  constexpr std::size_t deepest = 16;
  if (s.final == 'm') {
    if (s.leader == '>' && s.at(0, 0) == 4)
      other_keys_ = s.at(1, 0);
    return;
  }
  keys_used_ = true;
  if (s.leader == '>') {
    if (key_flags_.size() < deepest)
      key_flags_.push_back(s.at(0, 0));
  } else if (s.leader == '<') {
    auto n = static_cast<std::size_t>(std::max(s.at(0, 1), 1));
    key_flags_.resize(key_flags_.size() - std::min(n, key_flags_.size()));
  } else {
    if (key_flags_.empty())
      key_flags_.push_back(0);
    auto& now = key_flags_.back();
    int how = s.at(1, 1), flags = s.at(0, 0);
    now = how == 2 ? now | flags : how == 3 ? now & ~flags : flags;
  }
}

void screen_modes::soft_reset() {
  for (int mode : {1, 5, 6, 69})
    on_.erase(mode);
  on_.insert(7);
  insert_ = newline_ = keypad_ = false;
  top_ = bottom_ = left_ = right_ = 0;
  charsets_.fill('B');
  shifted_ = 0;
}

void screen_modes::hard_reset() {
  auto rows = rows_;
  bool used = keys_used_;
  int other = other_keys_;
  *this = screen_modes(rows);
  keys_used_ = used; // a terminal told of them must be told that they are gone
  other_keys_ = other >= 0 ? 0 : -1;
}

/// As xterm does, a new size takes the region away.
void screen_modes::resize(int rows) {
  rows_ = rows;
  top_ = bottom_ = left_ = right_ = 0;
}

bool screen_modes::plain() const {
  return bottom_ == 0 && !insert_ && has(7) && !has(6) && !has(69) && charsets_[0] == 'B' && shifted_ == 0;
}

std::string_view screen_modes::cleared() {
  return "\x1b[0m\x1b[?69l\x1b[?6l\x1b[r\x1b[4l\x1b[20l\x1b(B\x1b)B\x1b*B\x1b+B\x0f\x1b[?7h";
}

std::string screen_modes::moving() const {
  std::string out;
  if (bottom_ != 0)
    out += "\x1b[" + std::to_string(top_) + ";" + std::to_string(bottom_) + "r";
  if (has(69))
    out += private_mode(69, true);
  if (right_ != 0)
    out += "\x1b[" + std::to_string(left_) + ";" + std::to_string(right_) + "s";
  if (has(6))
    out += private_mode(6, true);
  return out;
}

std::string screen_modes::keyboard() const {
  std::string out;
  if (keys_used_)
    out += "\x1b[=" + std::to_string(key_flags_.empty() ? 0 : key_flags_.back()) + ";1u";
  if (other_keys_ >= 0)
    out += "\x1b[>4;" + std::to_string(other_keys_) + "m";
  return out;
}

std::string screen_modes::still() const {
  std::string out;
  for (int mode : {9, 1000, 1002, 1003, 1005, 1006, 1015, 1016}) // first all off: in some terminals one stands for all
    out += private_mode(mode, false);
  for (int mode : {1, 5, 7, 45, 1004, 1007, 2004})
    out += private_mode(mode, has(mode));
  for (int mode : {mouse_, mouse_coding_})
    if (mode != 0)
      out += private_mode(mode, true);
  out += keypad_ ? "\x1b=" : "\x1b>";
  out += insert_ ? "\x1b[4h" : "";
  out += newline_ ? "\x1b[20h" : "";
  for (std::size_t i = 0; i < charsets_.size(); ++i)
    if (charsets_[i] != 'B')
      out += std::string("\x1b") + "()*+"[i] + charsets_[i];
  out += shifted_ == 1 ? "\x0e" : shifted_ == 2 ? "\x1bn" : shifted_ == 3 ? "\x1bo" : "";
  if (shape_ != 0)
    out += "\x1b[" + std::to_string(shape_) + " q";
  if (!title_.empty())
    out += "\x1b]2;" + title_ + "\x07";
  return out + keyboard();
}

} // namespace troupe
