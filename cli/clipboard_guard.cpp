// OSC 52, taken out.
#include "cli/clipboard_guard.hpp"

#include <utility>

namespace troupe {

namespace {
constexpr char escape = '\x1b', bell = '\a', c1_lead = '\xc2', c1_string = '\x9d', c1_end = '\x9c';
constexpr std::size_t longest_head = 64; ///< ESC ] 5 2 ; and which clipboards

bool cancels(char c) {
  return c == bell || c == '\x18' || c == '\x1a';
}
} // namespace

void clipboard_guard::release(std::string& out) {
  out += std::exchange(held_, {});
  at_ = at::ground;
}

void clipboard_guard::take(char c, std::string& out) {
  switch (at_) {
  case at::ground:
    if (c != escape && c != c1_lead) {
      out += c;
      return;
    }
    held_ = c;
    at_ = c == escape ? at::escape : at::c1;
    return;
  case at::escape:
  case at::c1: {
    bool begins = c == (at_ == at::escape ? ']' : c1_string);
    if (begins) {
      held_ += c;
      at_ = at::number;
      return;
    }
    release(out);
    return take(c, out);
  }
  case at::number: {
    auto digits = std::string_view(held_).substr(2);
    if (c == ';' && digits == "52") {
      held_ += c;
      at_ = at::selection;
    } else if (c >= '0' && c <= '9' && digits.size() < 4) {
      held_ += c;
    } else {
      release(out);
      take(c, out);
    }
    return;
  }
  case at::selection:
    if (cancels(c) || c == escape || held_.size() > longest_head) { // nothing that a terminal would act on
      held_.clear();
      at_ = at::ground;
      if (c == escape)
        take(c, out);
      return;
    }
    held_ += c;
    if (c == ';')
      at_ = at::data;
    return;
  case at::data:
    if (writes_ && c != '?') {
      release(out);
      return take(c, out);
    }
    held_.clear();
    at_ = at::dropping;
    return take(c, out);
  case at::dropping:
    at_ = cancels(c) ? at::ground : c == escape ? at::dropping_escape : c == c1_lead ? at::dropping_c1 : at::dropping;
    return;
  case at::dropping_escape: // `ESC \` ends it; any other begins a new sequence
    at_ = at::ground;
    if (c != '\\') {
      take(escape, out);
      take(c, out);
    }
    return;
  case at::dropping_c1:
    at_ = c == c1_end ? at::ground : at::dropping;
    return;
  }
}

std::string clipboard_guard::pass(std::string_view bytes) {
  std::string out;
  out.reserve(bytes.size());
  for (char c : bytes)
    take(c, out);
  return out;
}

} // namespace troupe
