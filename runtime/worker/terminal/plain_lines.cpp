// A PTY's bytes as lines without escapes.
#include "runtime/worker/terminal/plain_lines.hpp"

namespace troupe {

std::string plain_lines::feed(std::string_view bytes) {
  std::string out;
  for (char c : bytes)
    take(static_cast<unsigned char>(c), out);
  return out;
}

std::string plain_lines::finish() {
  if (line_.empty())
    return {};
  auto out = line_ + "\n";
  line_.clear();
  column_ = 0;
  return out;
}

void plain_lines::put(char c) {
  if (column_ < line_.size())
    line_[column_] = c;
  else
    line_ += c;
  ++column_;
}

void plain_lines::take(unsigned char c, std::string& out) {
  switch (at_) {
  case ground:
    if (c == 0x1b) {
      at_ = escape;
    } else if (c == '\n') {
      out += line_ + "\n";
      line_.clear();
      column_ = 0;
    } else if (c == '\r') {
      column_ = 0;
    } else if (c == '\b') {
      column_ -= column_ > 0;
    } else if (c == '\t' || c >= 0x20) {
      if (c != 0x7f)
        put(static_cast<char>(c));
    }
    break;
  case escape:
    at_ = c == '['                                                   ? csi
          : c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_' ? text
          : c >= 0x20 && c <= 0x2f                                   ? one_more
          : c == 0x1b                                                ? escape
                                                                     : ground;
    break;
  case one_more:
    at_ = c >= 0x20 && c <= 0x2f ? one_more : ground;
    break;
  case csi:
    if (c == 0x1b) {
      at_ = escape;
    } else if (c >= 0x40 && c <= 0x7e) {
      at_ = ground;
      if (c == 'K') // what a progress line erases is gone
        line_.erase(column_);
    }
    break;
  case text:
    if (c == 0x1b)
      at_ = text_escape;
    else if (c == 0x07)
      at_ = ground;
    break;
  case text_escape:
    at_ = ground;
    break;
  }
}

} // namespace troupe
