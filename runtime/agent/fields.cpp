// Typed looks into JSON.
#include "runtime/agent/fields.hpp"

#include <algorithm>

namespace troupe::agent {
namespace {

std::optional<std::string> from_base64(std::string_view text) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  while (!text.empty() && text.back() == '=')
    text.remove_suffix(1);
  std::string bytes;
  unsigned bits = 0;
  int have = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos)
      return std::nullopt;
    bits = (bits << 6 | static_cast<unsigned>(digit)) & 0xffffff;
    have += 6;
    if (have < 8)
      continue;
    have -= 8;
    bytes.push_back(static_cast<char>(bits >> have & 0xff));
  }
  return bytes;
}

} // namespace

const json* field(const json& object, const char* name) {
  if (!object.is_object())
    return nullptr;
  const auto found = object.find(name);
  return found == object.end() ? nullptr : &*found;
}

std::optional<std::string> text_field(const json& object, const char* name) {
  const auto* value = field(object, name);
  if (value == nullptr || !value->is_string())
    return std::nullopt;
  return value->get_ref<const std::string&>();
}

std::int64_t number_field(const json& object, const char* name, std::int64_t otherwise) {
  const auto* value = field(object, name);
  return value != nullptr && value->is_number_integer() ? value->get<std::int64_t>() : otherwise;
}

bool flag_field(const json& object, const char* name) {
  const auto* value = field(object, name);
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

std::optional<std::string> bytes_of(const json& value) {
  if (value.is_string())
    return value.get_ref<const std::string&>();
  const auto encoded = text_field(value, "b64");
  return encoded ? from_base64(*encoded) : std::nullopt;
}

namespace {

/// `NAME=value` one after the other, each ended by a zero byte.
environment from_block(std::string_view block) {
  environment env;
  while (!block.empty()) {
    const auto end = std::min(block.find('\0'), block.size());
    const auto pair = block.substr(0, end);
    if (const auto split = pair.find('='); split != std::string_view::npos && split > 0)
      env.emplace_back(pair.substr(0, split), pair.substr(split + 1));
    block.remove_prefix(std::min(end + 1, block.size()));
  }
  return env;
}

} // namespace

std::optional<environment> environment_of(const json& value) {
  if (!value.is_array()) {
    const auto block = bytes_of(value);
    return block ? std::optional(from_block(*block)) : std::nullopt;
  }
  environment env;
  for (const auto& pair : value) {
    if (!pair.is_array() || pair.size() != 2)
      return std::nullopt;
    auto name = bytes_of(pair[0]);
    auto content = bytes_of(pair[1]);
    if (!name || !content || name->empty() || name->find('=') != std::string::npos)
      return std::nullopt;
    env.emplace_back(std::move(*name), std::move(*content));
  }
  return env;
}

std::string to_line(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string value_of(const environment& env, std::string_view name) {
  for (auto each = env.rbegin(); each != env.rend(); ++each)
    if (each->first == name)
      return each->second;
  return {};
}

} // namespace troupe::agent
