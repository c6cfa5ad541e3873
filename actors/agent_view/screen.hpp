// What a terminal shows, line by line, in names of colours rather than colours: the machines' last word, and all that
// the painter needs. Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace troupe::view {

/// What a piece of text is, for the painter's palette.
enum class ink {
  plain,
  dim,     ///< less important: ages, hints, what rests
  strong,  ///< names, headings
  accent,  ///< the program's own colour: prompt, chips, keys
  working, ///< states (VIEW-2)
  waiting,
  good,
  bad,
  off,
  merged,
  code, ///< transcript: code, and the two sides of a difference
  added,
  removed,
};

struct span {
  std::string text; ///< visible(), one line
  ink as = ink::plain;
  std::string link{}; ///< http(s) address behind it (OSC 8)
  bool operator==(const span&) const = default;
};

struct line {
  std::vector<span> spans;
  bool chosen = false; ///< lies on the selection's background over the whole width
  bool operator==(const line&) const = default;
};

struct screen {
  std::vector<line> lines;                ///< from the top, at most as many as the terminal has
  int cursor_row = -1, cursor_column = 0; ///< -1: no cursor is shown
  std::string title;                      ///< the terminal's own
  std::string spoken{};                   ///< where one is, for those who hear it
  bool operator==(const screen&) const = default;
};

} // namespace troupe::view
