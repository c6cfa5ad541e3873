// A PTY's screen: libvterm behind the ring, fed only when somebody looks or the ring is about to overwrite what was not
// parsed (see docs/architecture.md: always-on parsing halves throughput). One thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/worker/terminal/output_ring.hpp"
#include "runtime/worker/terminal/query_watch.hpp"

namespace troupe {

class terminal_state;

class screen {
public:
  static constexpr std::uint16_t most_rows = 1000, most_cols = 1000;

  /// `ring` outlives it. Parses from the ring's beginning on; queries in what it holds already are never answered.
  /// A size is kept within 1x2 and most_rows x most_cols.
  screen(const output_ring& ring, std::uint16_t rows, std::uint16_t cols);
  ~screen();
  screen(const screen&) = delete;
  screen& operator=(const screen&) = delete;

  /// Parses all that the ring holds, but for plain lines that leave no trace on the screen.
  void catch_up() { feed_to(ring_.end()); }
  /// Parses up to an offset in the ring.
  void feed_to(std::uint64_t offset);
  /// To be called before `n` bytes are committed to the ring: makes sure that nothing unparsed is overwritten. Skips
  /// whole lines of plain text when the result is provably the same, else parses, and the reader waits.
  void make_room(std::size_t n);
  void resize(std::uint16_t rows, std::uint16_t cols);
  /// An escape stream that makes a terminal of this size show this screen: cells, cursor, pen, modes, title; under an
  /// alternate screen also the main one (ATT-1). Catches up first. Meant for a terminal in any state.
  std::string repaint();
  /// The last `most` lines above what the main screen shows, oldest first, each painted from the left edge on; no query
  /// and no other sequence is in them (ATT-1). They come from what the ring holds. None while a program that fills the
  /// screen has written so much that nothing is known of what was before it. Catches up first.
  std::vector<std::string> history(std::size_t most);
  /// The rows as plain text, trimmed at the right, each with a newline. Catches up first.
  std::string text();
  /// The window's title (OSC 0 or 2) as far as parsed.
  [[nodiscard]] const std::string& title() const;

  /// Takes the answers to queries (DA, DSR and the like) when nobody else answers.
  void on_reply(std::function<void(std::string_view)> reply) { reply_ = std::move(reply); }
  /// Whether queries in output from now on are answered here: yes while no terminal is attached. Output before the
  /// change is parsed first under the old rule, so that no query is answered twice. At the beginning: yes.
  void answer_queries(bool yes);
  /// Takes each committed piece in order; whether it ends a query, so that `catch_up` is due when nobody is attached.
  /// Plain text, colours and titles are none, in any cut.
  bool may_hold_query(std::string_view fresh) { return watch_.feed(fresh); }
  /// Whether a program fills the screen, as far as `may_hold_query` has taken the output; nothing is parsed for it.
  [[nodiscard]] bool filled() const { return watch_.alternate(); }

  [[nodiscard]] std::uint64_t parsed() const { return parsed_; }
  [[nodiscard]] std::uint64_t skipped() const { return skipped_; } ///< bytes that needed no parsing, for benchmarks
  [[nodiscard]] std::uint16_t rows() const { return rows_; }
  [[nodiscard]] std::uint16_t cols() const { return cols_; }

private:
  terminal_state& awake();
  void feed(std::uint64_t until);
  std::string_view unparsed(std::uint64_t until) const;
  bool skip(std::uint64_t until);
  void advance(std::uint64_t until, std::size_t room);
  const output_ring& ring_;
  std::uint16_t rows_, cols_;
  std::unique_ptr<terminal_state> terminal_; ///< some 300 kB: a session that nobody has looked at goes without
  query_watch watch_;
  std::uint64_t parsed_, live_from_, skipped_ = 0;
  std::function<void(std::string_view)> reply_;
  bool answering_ = true;
};

} // namespace troupe
