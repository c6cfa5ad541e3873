// What a terminal that joins later must be told and libvterm does not tell: private modes, mouse, keyboard, character
// sets, scroll region, title. Rules where terminals differ: xterm's.
#pragma once

#include <array>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

class screen_modes {
public:
  explicit screen_modes(int rows) : rows_(rows) {}

  void set_private(int mode, bool on);
  void set_ansi(int mode, bool on);
  /// CSI top ; bottom r. A region that is none stands for the whole screen.
  void set_region(int top, int bottom);
  void set_margins(int left, int right);
  /// ESC ( X and its like; `which` is G0 to G3.
  void set_charset(std::size_t which, char set) { charsets_.at(which) = set; }
  void shift(std::size_t which) { shifted_ = which; }
  void set_keypad(bool application) { keypad_ = application; }
  void set_title(std::string_view text);
  void set_cursor_shape(int n) { shape_ = n; }
  /// CSI > = < ... u (the kitty keyboard protocol) and CSI > 4 ; n m (modifyOtherKeys).
  void set_keyboard(const control_sequence& s);
  void soft_reset();
  void hard_reset();
  void resize(int rows);

  /// Whether lines of plain text do to the screen what they seem to: scroll it as a whole.
  [[nodiscard]] bool plain() const;
  [[nodiscard]] bool has(int mode) const { return on_.contains(mode); }
  [[nodiscard]] bool has_region() const { return bottom_ != 0; }
  [[nodiscard]] const std::string& title() const { return title_; }
  /// Row and column that the cursor's addresses count from: other than 0 in origin mode only.
  [[nodiscard]] int origin_row() const { return has(6) && bottom_ != 0 ? top_ - 1 : 0; }
  [[nodiscard]] int origin_column() const { return has(6) && has(69) && right_ != 0 ? left_ - 1 : 0; }

  /// Sequences that move the cursor: region, margins, origin.
  [[nodiscard]] std::string moving() const;
  /// Sequences that leave the cursor where it is.
  [[nodiscard]] std::string still() const;
  /// Puts a terminal in any state into the state that painting starts from.
  static std::string_view cleared();

private:
  [[nodiscard]] std::string keyboard() const;
  int rows_;
  std::set<int> on_{7};
  bool insert_ = false, newline_ = false, keypad_ = false;
  int mouse_ = 0, mouse_coding_ = 0, shape_ = 0;
  int top_ = 0, bottom_ = 0, left_ = 0, right_ = 0; ///< 1-based, 0: the whole screen
  std::array<char, 4> charsets_{'B', 'B', 'B', 'B'};
  std::size_t shifted_ = 0;
  std::vector<int> key_flags_;
  bool keys_used_ = false;
  int other_keys_ = -1;
  std::string title_;
};

} // namespace troupe
