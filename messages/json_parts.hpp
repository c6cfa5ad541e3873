// What the sources of the messages' JSON share; nobody else includes it.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "messages/json.hpp"

namespace troupe {

/// The member of that name; null where it is missing or null itself. Throws field_error for what is no object.
const json* find(const json& object, const char* name);
/// Throws field_error: that field must be what is wanted.
[[noreturn]] void wrong(const char* name, const char* wanted);
/// Sets a member where there is something to say.
void put(json& to, const char* name, const std::string& value);
void put(json& to, const char* name, std::uint64_t value);
/// What is kept as JSON text travels as JSON.
void put_data(json& to, const char* name, const std::string& text);
json texts(const std::vector<std::string>& xs);
/// As the kernel hands it over: environment_from_block is the inverse.
std::string block_of(const environment& x);

// Text at the end of `to`, without a tree in between.
void append(std::string& to, const dispatch_spec& x);
void append(std::string& to, const worktree& x);

template <class T>
std::string text_of(const T& x) {
  std::string out;
  append(out, x);
  return out;
}

template <class T, class F>
std::vector<T> list(const json& x, F read) {
  if (!x.is_array())
    throw field_error("a list is needed");
  std::vector<T> out;
  for (const auto& item : x)
    out.push_back(read(item));
  return out;
}

template <class T, class F>
std::vector<T> optional_list(const json& x, const char* name, F read) {
  const auto* at = find(x, name);
  return at ? list<T>(*at, read) : std::vector<T>{};
}

} // namespace troupe
