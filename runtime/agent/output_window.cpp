// Head and tail of a stream.
#include "runtime/agent/output_window.hpp"

#include <algorithm>

namespace troupe::agent {
namespace {

bool continues(char c) {
  return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

std::size_t length_of(char first) {
  const auto c = static_cast<unsigned char>(first);
  return c < 0x80 ? 1 : c >= 0xf0 ? 4 : c >= 0xe0 ? 3 : c >= 0xc0 ? 2 : 1;
}

} // namespace

std::string_view whole_end(std::string_view text) {
  for (std::size_t back = 1; back <= std::min<std::size_t>(4, text.size()); ++back) {
    const char c = text[text.size() - back];
    if (!continues(c))
      return length_of(c) > back ? text.substr(0, text.size() - back) : text;
  }
  return text;
}

std::string_view whole_start(std::string_view text) {
  std::size_t skip = 0;
  while (skip < std::min<std::size_t>(3, text.size()) && continues(text[skip]))
    ++skip;
  return text.substr(skip);
}

void output_window::append(std::string_view bytes) {
  total_ += bytes.size();
  const auto first = std::min(bytes.size(), half_ - head_.size());
  head_.append(bytes.substr(0, first));
  bytes.remove_prefix(first);
  if (bytes.size() > half_)
    bytes.remove_prefix(bytes.size() - half_);
  tail_.append(bytes);
  if (tail_.size() > 2 * half_) // moved rarely, not for each piece
    tail_.erase(0, tail_.size() - half_);
}

std::string output_window::text() const {
  if (total_ <= 2 * half_)
    return head_ + tail_;
  const auto start = whole_end(head_);
  const auto end = whole_start(std::string_view(tail_).substr(tail_.size() - half_));
  const auto left_out = total_ - start.size() - end.size();
  return std::string(start) + "\n[... " + std::to_string(left_out) + " bytes left out ...]\n" + std::string(end);
}

} // namespace troupe::agent
