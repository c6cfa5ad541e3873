// JSON as text, written piece by piece. For what is said for each event of each session: no tree is built, which takes
// ten times as long as the text itself. Names are literals that need no escape.
#pragma once

#include <charconv>
#include <concepts>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe {

/// Appends `text` as a JSON string. It must be UTF-8.
void append_json_string(std::string& to, std::string_view text);
/// Appends a string where the bytes are UTF-8, else {"b64": "..."} (FILES-3).
void append_json_bytes(std::string& to, std::string_view bytes);

/// One object: opened by the constructor, closed by the destructor.
class json_object {
public:
  explicit json_object(std::string& to) : to_(to) { to_ += '{'; }
  ~json_object() { to_ += '}'; }
  json_object(const json_object&) = delete;
  json_object& operator=(const json_object&) = delete;

  void bytes(std::string_view name, std::string_view value) { append_json_bytes(at(name), value); }
  /// Left out where it is empty.
  void some_bytes(std::string_view name, std::string_view value) {
    if (!value.empty())
      bytes(name, value);
  }
  template <std::integral T>
  void number(std::string_view name, T value) {
    char digits[24];
    auto end = std::to_chars(digits, digits + sizeof digits, value).ptr;
    at(name).append(digits, end);
  }
  /// Left out where it is 0.
  template <std::integral T>
  void some_number(std::string_view name, T value) {
    if (value != 0)
      number(name, value);
  }
  void flag(std::string_view name, bool value) { at(name) += value ? "true" : "false"; }
  void texts(std::string_view name, const std::vector<std::string>& values) {
    list(name, values, [](std::string& to, const std::string& value) { append_json_bytes(to, value); });
  }
  /// A list whose items `append(text, item)` appends.
  template <class Items, class Append>
  void list(std::string_view name, const Items& items, Append append) {
    at(name) += '[';
    bool first = true;
    for (const auto& item : items) {
      if (!std::exchange(first, false))
        to_ += ',';
      append(to_, item);
    }
    to_ += ']';
  }
  /// The place of a field's value, which the caller appends.
  std::string& at(std::string_view name) {
    if (!std::exchange(first_, false))
      to_ += ',';
    (((to_ += '"') += name) += "\":");
    return to_;
  }

private:
  std::string& to_;
  bool first_ = true;
};

} // namespace troupe
