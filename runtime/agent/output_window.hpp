// A command's output within a limit: the beginning and the end of it, and how much lies between.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::agent {

constexpr std::size_t output_limit = 30'000; ///< bytes of a command's output that reach the conversation

/// Keeps the first and the last half of the limit, whatever passes through.
class output_window {
public:
  explicit output_window(std::size_t limit = output_limit) : half_(limit / 2) {}
  void append(std::string_view bytes);
  /// What was kept, with a line that counts what was left out; never cuts a UTF-8 character in two.
  [[nodiscard]] std::string text() const;

private:
  std::size_t half_;
  std::uint64_t total_ = 0;
  std::string head_, tail_;
};

/// `text` without a character cut at its end, and without one cut at its beginning.
std::string_view whole_end(std::string_view text);
std::string_view whole_start(std::string_view text);

} // namespace troupe::agent
