// A PTY's bytes as lines without escapes, for `troupe logs` (LOG-1). Knows no screen: a carriage return starts the line
// anew, a backspace steps back, sequences are dropped. Any cut of the input gives the same.
#pragma once

#include <string>
#include <string_view>

namespace troupe {

class plain_lines {
public:
  /// Takes bytes in; gives the lines that are now whole, each with its newline.
  std::string feed(std::string_view bytes);
  /// Gives the unfinished last line, with a newline, if there is one.
  std::string finish();

private:
  enum state { ground, escape, csi, text, text_escape, one_more };
  void take(unsigned char c, std::string& out);
  void put(char c);
  state at_ = ground;
  std::string line_;
  std::size_t column_ = 0; ///< byte position in line_ where the next character goes
};

} // namespace troupe
