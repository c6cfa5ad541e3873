// What a session's terminal output may do with the clipboard of the terminal that it is shown on: never read it, and
// write it only where the setting `attach.clipboard` says so (SEC-2). All else goes through byte by byte.
#pragma once

#include <string>
#include <string_view>

namespace troupe {

class clipboard_guard {
public:
  explicit clipboard_guard(bool writes) : writes_(writes) {}
  /// The bytes without OSC 52 as far as it is not allowed; any cut of the input gives the same in the end.
  std::string pass(std::string_view bytes);

private:
  enum class at { ground, escape, c1, number, selection, data, dropping, dropping_escape, dropping_c1 };
  void take(char c, std::string& out);
  void release(std::string& out);
  bool writes_;
  at at_ = at::ground;
  std::string held_; ///< of a sequence whose kind is not known yet
};

} // namespace troupe
