// Regular expressions (PCRE2), bounded in time and memory whatever the pattern: one that costs too much finds nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::agent {

/// A compiled expression. `^` and `$` are the bounds of a line; text that is no UTF-8 is searched all the same.
class pattern {
public:
  /// None with `error` set, which says where the expression is wrong.
  static std::optional<pattern> compile(const std::string& text, bool any_case, std::string& error);
  /// Where the first match at or after `from` begins and ends. None where there is none, or it cost too much.
  [[nodiscard]] std::optional<std::pair<std::size_t, std::size_t>> find(std::string_view text,
                                                                        std::size_t from = 0) const;

private:
  struct parts;
  explicit pattern(std::shared_ptr<parts> p) : parts_(std::move(p)) {}
  std::shared_ptr<parts> parts_;
};

} // namespace troupe::agent
