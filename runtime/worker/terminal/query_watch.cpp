// Questions in a terminal's output.
#include "runtime/worker/terminal/query_watch.hpp"

#include <algorithm>

#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

bool query_watch::feed(std::string_view fresh) {
  bool found = false;
  for (std::size_t i = 0; i < fresh.size(); ++i) {
    if (at_ == state::ground) {
      i = std::min(fresh.find('\x1b', i), fresh.size());
      if (i == fresh.size())
        break;
    }
    found = take(fresh[i]) || found;
  }
  return found;
}

bool query_watch::take(char c) {
  if (c == 0x1b) {
    bool ended = at_ == state::string && dollar_; // ESC \ ends a DCS
    at_ = state::escape;
    dollar_ = false;
    return ended;
  }
  if (c == 0x18 || c == 0x1a) {
    at_ = state::ground;
    return false;
  }
  switch (at_) {
  case state::escape:
    private_ = names_alternate_ = false;
    mode_ = 0;
    at_ = c == '[' ? state::csi : c == 'P' ? state::string : state::ground;
    return c == 'Z';
  case state::csi:
    take_parameter(c);
    if (c < 0x40 || c == 0x7f)
      return false;
    at_ = state::ground;
    if (names_alternate_ && (c == 'h' || c == 'l'))
      alternate_ = c == 'h';
    return c == 'c' || c == 'n' || (c == 'p' && dollar_);
  case state::string:
    dollar_ = dollar_ || c == '$';
    return false;
  default:
    return false;
  }
}

/// One byte of a CSI sequence; the final one ends the last number.
void query_watch::take_parameter(char c) {
  dollar_ = dollar_ || c == '$';
  private_ = private_ || c == '?';
  if (c >= '0' && c <= '9') {
    mode_ = std::min(mode_ * 10 + (c - '0'), 9999);
    return;
  }
  names_alternate_ = names_alternate_ || (private_ && is_alternate_screen(mode_));
  mode_ = 0;
}

} // namespace troupe
