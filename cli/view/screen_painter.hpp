// Screens as the bytes that turn the one before into the next. termpaint 0.3.0 repaints everything each time once its
// surface has been resized (the flag for it is never cleared), so that what is shown is compared here. No I/O.
#pragma once

#include <string>
#include <vector>

#include "actors/agent_view/screen.hpp"
#include "cli/view/palette.hpp"

namespace troupe {

class screen_painter {
public:
  struct options {
    bool ascii = false; ///< signs that the terminal lacks are replaced
    bool links = true;  ///< OSC 8
  };
  explicit screen_painter(options o) : options_(o) {}
  void set_palette(palette p);
  void resize(int rows, int columns);
  /// What is on the terminal is not known any more.
  void forget() { known_ = false; }
  /// The bytes that make `now` of what was painted last; none when nothing differs.
  std::string paint(const view::screen& now);

private:
  struct cell {
    std::string text = " "; ///< a character; empty: the right half of a wide one before it
    view::ink as = view::ink::plain;
    bool chosen = false;
    std::string link{};
    bool operator==(const cell&) const = default;
  };
  using cells = std::vector<cell>;
  [[nodiscard]] cells cells_of(const view::line& l) const;
  static bool unsure(const cells& now, int at);
  void paint_row(int row, const cells& now, std::string& out);
  void put(const cell& c, std::string& out);
  options options_;
  palette palette_{colour_depth::none, false};
  std::vector<cells> shown_;
  view::screen last_;
  std::string pen_, link_; ///< of what is written next
  int rows_ = 24, columns_ = 80;
  bool known_ = false;
};

} // namespace troupe
