// Questions in a terminal's output.
#include "runtime/worker/terminal/query_watch.hpp"

#include <algorithm>

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
    at_ = c == '[' ? state::csi : c == 'P' ? state::string : state::ground;
    return c == 'Z';
  case state::csi:
    dollar_ = dollar_ || c == '$';
    if (c < 0x40 || c == 0x7f)
      return false;
    at_ = state::ground;
    return c == 'c' || c == 'n' || (c == 'p' && dollar_);
  case state::string:
    dollar_ = dollar_ || c == '$';
    return false;
  default:
    return false;
  }
}

} // namespace troupe
