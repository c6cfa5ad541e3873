// Bytes and fields in JSON.
#include <algorithm>

#include "messages/json_parts.hpp"
#include "messages/json_writer.hpp"

namespace troupe {

namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

bool is_utf8(std::string_view s) {
  for (std::size_t i = 0; i < s.size();) {
    auto c = static_cast<unsigned char>(s[i]);
    std::size_t more = c < 0x80                ? 0
                       : c >= 0xc2 && c < 0xe0 ? 1
                       : c >= 0xe0 && c < 0xf0 ? 2
                       : c >= 0xf0 && c < 0xf5 ? 3
                                               : 9;
    if (more == 9 || i + more >= s.size())
      return false;
    for (std::size_t k = 1; k <= more; ++k)
      if ((static_cast<unsigned char>(s[i + k]) & 0xc0) != 0x80)
        return false;
    auto second = more > 0 ? static_cast<unsigned char>(s[i + 1]) : 0;
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) ||
        (c == 0xf4 && second > 0x8f))
      return false;
    i += more + 1;
  }
  return true;
}

std::string encode64(std::string_view in) {
  std::string out;
  for (std::size_t i = 0; i < in.size(); i += 3) {
    std::uint32_t v = 0;
    for (std::size_t k = 0; k < 3; ++k)
      v = v << 8 | (i + k < in.size() ? static_cast<unsigned char>(in[i + k]) : 0U);
    for (std::size_t k = 0; k < 4; ++k)
      out += i + k <= in.size() ? alphabet[v >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string decode64(std::string_view in) {
  std::string out;
  std::uint32_t v = 0;
  int bits = 0;
  for (char c : in) {
    if (c == '=')
      break;
    auto at = alphabet.find(c);
    if (at == std::string_view::npos)
      throw field_error("b64 is no base 64");
    v = v << 6 | static_cast<std::uint32_t>(at);
    if ((bits += 6) >= 8)
      out += static_cast<char>(v >> (bits -= 8) & 0xff);
  }
  return out;
}

} // namespace

const json* find(const json& object, const char* name) {
  if (!object.is_object())
    throw field_error(std::string("an object with '") + name + "' is needed");
  auto at = object.find(name);
  return at == object.end() || at->is_null() ? nullptr : &*at;
}

void wrong(const char* name, const char* wanted) {
  throw field_error(std::string("field '") + name + "' must be " + wanted);
}

void put(json& to, const char* name, const std::string& value) {
  if (!value.empty())
    to[name] = bytes_to_json(value);
}

void put(json& to, const char* name, std::uint64_t value) {
  if (value != 0)
    to[name] = value;
}

/// What is kept as JSON text travels as JSON.
void put_data(json& to, const char* name, const std::string& text) {
  if (text.empty())
    return;
  if (auto value = json::parse(text, nullptr, false); !value.is_discarded())
    to[name] = std::move(value);
}

json texts(const std::vector<std::string>& xs) {
  auto out = json::array();
  for (const auto& x : xs)
    out.push_back(bytes_to_json(x));
  return out;
}

environment environment_from_block(std::string_view block) {
  environment out;
  while (!block.empty()) {
    auto end = std::min(block.find('\0'), block.size());
    auto pair = block.substr(0, end);
    if (auto split = pair.find('='); split != std::string_view::npos)
      out.emplace_back(pair.substr(0, split), pair.substr(split + 1));
    block.remove_prefix(std::min(end + 1, block.size()));
  }
  return out;
}

void append_json_string(std::string& to, std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef", named = "\b\t\n\v\f\r", letters = "btn_fr";
  to += '"';
  while (!text.empty()) {
    auto plain = text.begin();
    while (plain != text.end() && static_cast<unsigned char>(*plain) >= 0x20 && *plain != '"' && *plain != '\\')
      ++plain;
    auto length = static_cast<std::size_t>(plain - text.begin());
    to += text.substr(0, length);
    if (plain == text.end())
      break;
    auto at = named.find(*plain);
    if (at != std::string_view::npos && letters[at] != '_')
      (to += '\\') += letters[at];
    else if (static_cast<unsigned char>(*plain) >= 0x20)
      (to += '\\') += *plain;
    else
      ((to += "\\u00") += digits[static_cast<unsigned char>(*plain) >> 4]) += digits[*plain & 15];
    text.remove_prefix(length + 1);
  }
  to += '"';
}

void append_json_bytes(std::string& to, std::string_view bytes) {
  if (is_utf8(bytes)) {
    append_json_string(to, bytes);
    return;
  }
  json_object o(to);
  append_json_string(o.at("b64"), encode64(bytes));
}

json bytes_to_json(std::string_view bytes) {
  if (is_utf8(bytes))
    return json(bytes);
  return json{{"b64", encode64(bytes)}};
}

std::string bytes_from_json(const json& value) {
  if (value.is_string())
    return value.get<std::string>();
  if (value.is_object() && value.contains("b64") && value["b64"].is_string())
    return decode64(value["b64"].get_ref<const std::string&>());
  throw field_error("a string or {\"b64\": ...} is needed");
}

std::string required_text(const json& object, const char* name) {
  const auto* at = find(object, name);
  if (!at)
    throw field_error(std::string("field '") + name + "' is missing");
  return optional_text(object, name);
}

std::string optional_text(const json& object, const char* name, std::string otherwise) {
  const auto* at = find(object, name);
  if (!at)
    return otherwise;
  if (!at->is_string() && !at->is_object())
    wrong(name, "a string");
  return bytes_from_json(*at);
}

std::int64_t optional_number(const json& object, const char* name, std::int64_t otherwise) {
  const auto* at = find(object, name);
  if (!at)
    return otherwise;
  if (!at->is_number_integer())
    wrong(name, "a whole number");
  return at->get<std::int64_t>();
}

std::uint64_t required_unsigned(const json& object, const char* name) {
  const auto* at = find(object, name);
  if (!at || !at->is_number_unsigned())
    wrong(name, "a whole number from 0");
  return at->get<std::uint64_t>();
}

bool optional_flag(const json& object, const char* name, bool otherwise) {
  const auto* at = find(object, name);
  if (!at)
    return otherwise;
  if (!at->is_boolean())
    wrong(name, "true or false");
  return at->get<bool>();
}

std::vector<std::string> optional_texts(const json& object, const char* name) {
  const auto* at = find(object, name);
  if (!at)
    return {};
  if (!at->is_array())
    wrong(name, "a list of strings");
  return list<std::string>(*at, bytes_from_json);
}

std::string to_line(const json& x) {
  return x.dump(-1, ' ', false, json::error_handler_t::replace);
}

} // namespace troupe
