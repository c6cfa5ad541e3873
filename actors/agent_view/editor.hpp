// The input line: text of several lines with a cursor, long pastes folded into `[Pasted text #N]`, and a history. Pure.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/agent_view/screen.hpp"

namespace troupe::view {

class editor {
public:
  /// Whether the key belongs to editing and was taken. Up and down are taken while there is a line to go to.
  bool key(const std::string& name);
  /// Typed text. What would not be seen is left out.
  void insert(std::string_view text);
  /// Pasted text: more than a few lines are folded, and unfolded when the same comes again (VIEW-5).
  void paste(std::string_view text);
  void clear();
  void set(std::string text); ///< the cursor goes to the end
  [[nodiscard]] bool empty() const { return text_.empty(); }
  [[nodiscard]] const std::string& text() const { return text_; } ///< pastes folded
  [[nodiscard]] std::string whole() const;                        ///< pastes unfolded
  [[nodiscard]] std::size_t cursor() const { return cursor_; }
  [[nodiscard]] bool at_end() const { return cursor_ == text_.size(); }
  /// Keeps what was entered, for `older` and `newer`; what was being typed comes back behind the newest.
  void remember(const std::string& entered);
  bool older();
  bool newer();

  struct picture {
    std::vector<std::string> lines;
    int row = 0, column = 0; ///< of the cursor
  };
  /// Broken into lines of `columns`; at most `most` of them, around the cursor.
  [[nodiscard]] picture draw(int columns, int most) const;

private:
  [[nodiscard]] std::size_t before(std::size_t at) const;
  [[nodiscard]] std::size_t after(std::size_t at) const;
  [[nodiscard]] std::size_t word_before() const;
  [[nodiscard]] std::size_t word_after() const;
  [[nodiscard]] std::size_t line_start() const;
  [[nodiscard]] std::size_t line_end() const;
  void erase(std::size_t from, std::size_t to, bool keep);
  bool go_line(bool up);
  std::string text_;
  std::size_t cursor_ = 0;
  std::vector<std::string> pastes_; ///< [Pasted text #N] is element N - 1
  std::string cut_;                 ///< what Ctrl+K, Ctrl+U or Ctrl+W took last
  std::vector<std::string> history_;
  std::size_t at_ = 0; ///< in the history; its size: the text being typed
  std::string draft_;
};

} // namespace troupe::view
