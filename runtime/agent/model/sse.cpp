// Lines may end with CR, LF or both, and be cut anywhere.
#include "runtime/agent/model/sse.hpp"

namespace troupe::agent {

void sse_reader::feed(std::string_view bytes,
                      const std::function<void(const std::string&, const std::string&)>& event) {
  for (const char c : bytes) {
    if (skip_newline_ && c == '\n') {
      skip_newline_ = false;
      continue;
    }
    skip_newline_ = c == '\r';
    if (c != '\n' && c != '\r') {
      partial_.push_back(c);
      continue;
    }
    std::string_view line(partial_);
    if (first_ && line.starts_with("\xef\xbb\xbf"))
      line.remove_prefix(3);
    first_ = false;
    take(line, event);
    partial_.clear();
  }
}

void sse_reader::take(std::string_view line, const std::function<void(const std::string&, const std::string&)>& event) {
  if (line.empty()) {
    if (has_data_)
      event(name_, data_);
    name_.clear();
    data_.clear();
    has_data_ = false;
    return;
  }
  const auto colon = line.find(':');
  const auto field = line.substr(0, colon);
  auto value = colon == std::string_view::npos ? std::string_view() : line.substr(colon + 1);
  if (value.starts_with(" "))
    value.remove_prefix(1);
  if (field == "event") {
    name_ = value;
  } else if (field == "data") {
    if (has_data_)
      data_.push_back('\n');
    data_ += value;
    has_data_ = true;
  }
}

} // namespace troupe::agent
