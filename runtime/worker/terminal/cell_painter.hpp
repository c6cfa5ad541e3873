// Turns libvterm's cells into the escapes that paint them. Knows characters' widths by asking libvterm itself, as its
// cells do not tell a wide character whose other half was overwritten.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include <vterm.h>

namespace troupe {

/// Columns a character takes in libvterm: 0 (combining), 1 or 2. Remembers the last few hundred.
class glyph_widths {
public:
  glyph_widths();
  ~glyph_widths();
  glyph_widths(const glyph_widths&) = delete;
  glyph_widths& operator=(const glyph_widths&) = delete;
  int of(char32_t c);

private:
  VTerm* probe_;
  struct known {
    char32_t c = 0;
    int width = 1;
  };
  std::array<known, 256> known_{};
};

class cell_painter {
public:
  cell_painter(const VTermScreen* cells, int cols, glyph_widths& widths)
      : cells_(cells), cols_(cols), widths_(widths) {}
  /// Paints a line that is leaving the screen: its row 0. `line` has `cols` cells.
  cell_painter(const VTermScreenCell* line, int cols, glyph_widths& widths)
      : line_(line), cols_(cols), widths_(widths) {}
  /// Places the cursor and paints one row; empty for a blank row. The screen was cleared before.
  std::string row(int row);
  /// The row as plain text, trimmed at the right.
  std::string text(int row);
  /// Paints the character that ends at the right edge, so that the next one wraps.
  std::string last_of(int row);

private:
  struct shown {
    VTermScreenCell cell;
    int width;
  };
  shown at(int row, int col);
  void put(std::string& out, const VTermScreenCell& cell);
  const VTermScreen* cells_ = nullptr;
  const VTermScreenCell* line_ = nullptr;
  int cols_;
  glyph_widths& widths_;
};

/// The SGR that gives this cell's look. libvterm knows neither faint nor conceal: they travel in its font number
/// (see screen.cpp), 1 and 2.
std::string sgr(const VTermScreenCell& cell);
/// The SGR of the pen that the next character gets.
std::string pen_sgr(const VTermState* state);
/// CUP to a 0-based place.
std::string place(int row, int col);

} // namespace troupe
