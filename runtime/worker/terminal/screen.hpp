// A PTY's screen: libvterm behind the ring, fed only when somebody looks or the ring is about to overwrite what was not
// parsed (see docs/architecture.md: always-on parsing halves throughput). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "runtime/worker/terminal/output_ring.hpp"
#include "runtime/worker/terminal/scanner.hpp"

struct VTerm;
struct VTermScreen;

namespace troupe {

class screen {
public:
  /// `ring` outlives it. Parses from the ring's beginning on.
  screen(const output_ring& ring, std::uint16_t rows, std::uint16_t cols);
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  /// Parses all that the ring holds.
  void catch_up();
  /// To be called before `n` bytes are committed to the ring: makes sure that nothing unparsed is overwritten. Skips
  /// whole lines of plain text when the result is provably the same, else parses.
  void make_room(std::size_t n);
  void resize(std::uint16_t rows, std::uint16_t cols);
  /// An escape stream that makes a terminal of this size show this screen: cells, cursor, modes, title. Catches up
  /// first.
  std::string repaint();
  /// The rows as plain text, trimmed at the right. Catches up first.
  std::string text();
  /// Takes libvterm's answers to queries (DA, DSR); they go to the program when no terminal is attached to answer
  /// itself.
  void on_reply(std::function<void(std::string_view)> reply) { reply_ = std::move(reply); }
  [[nodiscard]] std::uint64_t parsed() const { return parsed_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; } ///< bytes that needed no parsing, for benchmarks
  [[nodiscard]] std::uint16_t rows() const { return rows_; }
  [[nodiscard]] std::uint16_t cols() const { return cols_; }

private:
  friend struct screen_callbacks;
  void wake();
  void feed(std::uint64_t until);
  void write(std::string_view bytes);
  bool skip(std::uint64_t until);
  std::string row_text(int row, std::string* sgr_state);
  const output_ring& ring_;
  std::uint16_t rows_, cols_;
  VTerm* vt_ = nullptr;
  VTermScreen* cells_ = nullptr;
  scanner scan_;
  std::uint64_t parsed_, skipped_ = 0;
  std::function<void(std::string_view)> reply_;
  std::string cut_;
  bool cursor_visible_ = true, alternate_ = false, last_was_newline_ = true;
};

} // namespace troupe
