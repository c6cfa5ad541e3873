// Server-sent events (WHATWG HTML, 9.2), as model providers stream. Pure.
#pragma once

#include <functional>
#include <string>
#include <string_view>

namespace troupe::agent {

class sse_reader {
public:
  /// Calls `event(name, data)` for each whole event with data; `name` is empty where none was given.
  void feed(std::string_view bytes, const std::function<void(const std::string& name, const std::string& data)>& event);

private:
  void take(std::string_view line, const std::function<void(const std::string&, const std::string&)>& event);
  std::string partial_, name_, data_;
  bool has_data_ = false, skip_newline_ = false, first_ = true;
};

} // namespace troupe::agent
