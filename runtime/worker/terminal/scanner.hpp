// Follows a terminal's byte stream just closely enough to know what libvterm does not tell: whether the parser is in
// its ground state, which private modes are set, and whether anything is on that makes skipping plain lines unsafe. Any
// cut gives the same.
#pragma once

#include <cstdint>
#include <set>
#include <string>
#include <string_view>

namespace troupe {

class scanner {
public:
  void feed(std::string_view bytes);
  /// Between characters and sequences.
  [[nodiscard]] bool ground() const { return at_ == ground_state && utf8_left_ == 0; }
  /// Whether skipping plain lines may change the screen: a scroll region, insert mode, shifted character sets, margins,
  /// no wrap.
  [[nodiscard]] bool peculiar() const { return region_ || insert_ || shifted_ || margins_ || no_wrap_; }
  /// Private modes that are set (CSI ? N h) and matter to a terminal that joins later.
  [[nodiscard]] const std::set<int>& modes() const { return modes_; }
  [[nodiscard]] bool application_keypad() const { return keypad_; }
  /// The window's title, by OSC 0 or 2 (libvterm 0.1 loses one that is cut).
  [[nodiscard]] const std::string& title() const { return title_; }
  /// The last CSI top;bottom r, empty when the region is the whole screen.
  [[nodiscard]] const std::string& region() const { return region_text_; }

private:
  enum state { ground_state, escape, csi, text, text_escape, charset };
  void take(unsigned char c);
  void take_ground(unsigned char c);
  void take_escape(unsigned char c);
  void end_csi(unsigned char final);
  void set_private(bool on);
  void end_text();
  void reset();
  state at_ = ground_state;
  int utf8_left_ = 0;
  std::string parameters_;
  std::set<int> modes_;
  std::string region_text_, text_, title_;
  bool region_ = false, insert_ = false, shifted_ = false, margins_ = false, no_wrap_ = false, keypad_ = false;
};

/// Whether `bytes` are whole lines of plain text: printable characters, tabs, valid UTF-8, each line ended by CR LF.
bool plain_lines_only(std::string_view bytes);

} // namespace troupe
