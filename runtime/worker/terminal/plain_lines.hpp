// A PTY's bytes as lines without escapes, for `troupe logs` (LOG-1) and the rows of shell jobs (VIEW-8). Knows no
// screen: a carriage return starts the line anew, a backspace steps back, what leaves the line ends it, and other
// sequences are dropped. Any cut of the input gives the same.
#pragma once

#include <string>
#include <string_view>

#include "runtime/worker/terminal/output_ring.hpp"
#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

class plain_lines final : sequence_sink {
public:
  /// `drawn`: whether what a program draws while it fills the screen (the alternate one) is given too.
  explicit plain_lines(bool drawn = true) : reader_(*this), drawn_(drawn) {}
  plain_lines(const plain_lines&) = delete;
  plain_lines& operator=(const plain_lines&) = delete;

  /// Takes bytes in; gives the lines that are now whole, in UTF-8, each with its newline.
  std::string feed(std::string_view bytes);
  /// Gives the unfinished last line, with a newline, if there is one.
  std::string finish();
  /// Whether a program that fills the screen is at work, as far as its output tells: it is on the alternate screen.
  [[nodiscard]] bool fills_screen() const { return alternate_; }

private:
  void on_text(std::string_view run) override;
  void on_character(std::string_view utf8, char32_t c) override;
  void on_shift(char) override {}
  void on_escape(std::string_view bytes) override;
  void on_csi(const control_sequence& s) override;
  void on_string(char, std::string_view) override {}
  void put(char32_t c);
  void end_line();
  void leave_line();
  void erase(int which);
  void set_alternate(bool on);
  sequence_reader reader_;
  bool drawn_;
  std::string out_;
  std::u32string line_;
  std::size_t column_ = 0; ///< where in line_ the next character goes
  bool alternate_ = false;
};

/// The lines that `ring` holds from `offset` on, or the last of them that begin in its last `most_bytes`; each with a
/// newline, an unfinished one too. None while a program fills the screen: what that draws is no line.
std::string lines_at_end(const output_ring& ring, std::uint64_t offset, std::uint64_t most_bytes);
/// The last line that `ring` holds from `offset` on and that says something: it has a letter or a digit. At most 240
/// characters. Empty when there is none in the last 8 KiB, or when a program fills the screen.
std::string last_line(const output_ring& ring, std::uint64_t offset);

} // namespace troupe
