// One terminal: libvterm's cells and cursor, and the modes that libvterm does not tell. Takes any bytes; hands libvterm
// only what it handles well.
#pragma once

#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <vterm.h>

#include "runtime/worker/terminal/cell_painter.hpp"
#include "runtime/worker/terminal/screen_modes.hpp"
#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

class terminal_state final : sequence_sink {
public:
  /// At least 1 row and 2 columns: libvterm has no place for a wide character in one.
  terminal_state(int rows, int cols);
  ~terminal_state() override;
  terminal_state(const terminal_state&) = delete;
  terminal_state& operator=(const terminal_state&) = delete;

  void feed(std::string_view bytes) { reader_.feed(bytes); }
  void resize(int rows, int cols);
  /// Takes libvterm's answers while bytes are fed.
  void on_reply(std::function<void(std::string_view)> reply) { reply_ = std::move(reply); }
  /// Whether lines of plain text that fill the screen twice leave nothing of what stands there now.
  [[nodiscard]] bool plain() const { return reader_.ground() && modes_.plain() && !alternate_ && !single_shift_; }
  [[nodiscard]] std::string repaint();
  [[nodiscard]] std::string text();
  [[nodiscard]] const std::string& title() const { return modes_.title(); }
  [[nodiscard]] bool alternate() const { return alternate_; }
  /// From now on keeps the last `most` lines that leave the main screen. `midway`: what is fed began somewhere in the
  /// output; when it then leaves an alternate screen that it never entered, all before that was of that screen.
  void keep_history(std::size_t most, bool midway);
  /// The lines kept and those of the main screen, but for the last `shown`: each painted from the left edge on.
  [[nodiscard]] std::vector<std::string> history(std::size_t shown);
  /// How many lines of the main screen are used, from the top.
  [[nodiscard]] std::size_t used();

private:
  friend struct vterm_callbacks;
  /// What ESC 7 keeps.
  struct saved_cursor {
    VTermPos at{};
    std::string pen = "\x1b[0m";
    bool visible = true;
  };
  void on_text(std::string_view run) override;
  void on_character(std::string_view utf8, char32_t c) override;
  void on_shift(char control) override;
  void on_escape(std::string_view bytes) override;
  void on_csi(const control_sequence& s) override;
  void on_string(char kind, std::string_view text) override;
  void on_plain_csi(const control_sequence& s);
  void on_private(const control_sequence& s);
  void set_private(int mode, bool on);
  void enter_alternate(int mode);
  void save();
  void reset();
  void designate(std::string_view bytes);
  void write(std::string_view bytes);
  void pass(const control_sequence& s);
  [[nodiscard]] VTermPos cursor() const;
  [[nodiscard]] unsigned font() const;
  [[nodiscard]] std::vector<std::string> painted();
  [[nodiscard]] std::vector<std::string> main_screen();
  int rows_, cols_;
  VTerm* vt_;
  VTermState* state_;
  VTermScreen* cells_;
  glyph_widths widths_;
  screen_modes modes_;
  sequence_reader reader_;
  std::function<void(std::string_view)> reply_;
  saved_cursor saved_;
  std::vector<std::string> main_rows_; ///< what the alternate screen covers
  std::deque<std::string> left_;       ///< the screen, at the top
  std::size_t most_left_ = 0;
  bool midway_ = false;
  int edge_row_ = -1; ///< the row whose last column was just written: the next character wraps
  int combined_ = 0;  ///< combining characters on the last cell
  bool visible_ = true, alternate_ = false, single_shift_ = false;
};

} // namespace troupe
