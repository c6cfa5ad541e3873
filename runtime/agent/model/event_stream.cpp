// A message: total length, length of the headers, CRC of both; headers; payload; CRC of all before it.
#include "runtime/agent/model/event_stream.hpp"

#include <array>
#include <optional>

namespace troupe::agent {
namespace {

constexpr std::size_t prelude = 12, trailer = 4;

std::uint32_t number_at(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < 4; ++i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

/// How long a header's value is, by its type; none where the bytes run out or the type is unknown.
std::optional<std::size_t> length_of(unsigned char type, std::string_view rest) {
  constexpr std::array<std::size_t, 10> fixed{0, 0, 1, 2, 4, 8, 0, 0, 8, 16};
  if (type >= fixed.size())
    return std::nullopt;
  if (type != 6 && type != 7)
    return fixed[type];
  if (rest.size() < 2)
    return std::nullopt;
  return std::size_t{2} + (static_cast<unsigned char>(rest[0]) << 8 | static_cast<unsigned char>(rest[1]));
}

bool read_headers(std::string_view block, std::map<std::string, std::string>& into) {
  while (!block.empty()) {
    const std::size_t name = static_cast<unsigned char>(block[0]);
    if (block.size() < name + 2)
      return false;
    const auto type = static_cast<unsigned char>(block[name + 1]);
    const auto rest = block.substr(name + 2);
    const auto length = length_of(type, rest);
    if (!length || rest.size() < *length)
      return false;
    if (type == 7)
      into[std::string(block.substr(1, name))] = rest.substr(2, *length - 2);
    block = rest.substr(*length);
  }
  return true;
}

} // namespace

std::uint32_t crc32(std::string_view bytes) {
  static const auto table = [] {
    std::array<std::uint32_t, 256> made{};
    for (std::uint32_t i = 0; i < made.size(); ++i) {
      auto value = i;
      for (int bit = 0; bit < 8; ++bit)
        value = (value & 1) != 0 ? value >> 1 ^ 0xedb88320 : value >> 1;
      made[i] = value;
    }
    return made;
  }();
  std::uint32_t sum = 0xffffffff;
  for (const unsigned char c : bytes)
    sum = table[(sum ^ c) & 0xff] ^ sum >> 8;
  return ~sum;
}

bool event_stream_reader::feed(std::string_view bytes, const std::function<void(const aws_message&)>& message) {
  if (broken_)
    return false;
  held_.append(bytes);
  std::size_t at = 0;
  while (!broken_ && held_.size() - at >= prelude) {
    const auto all = std::string_view(held_).substr(at);
    const auto total = number_at(all, 0), headers = number_at(all, 4);
    broken_ = number_at(all, 8) != crc32(all.substr(0, 8)) || total > longest || total < prelude + trailer ||
              headers > total - prelude - trailer;
    if (broken_ || all.size() < total)
      break;
    aws_message one;
    broken_ = number_at(all, total - trailer) != crc32(all.substr(0, total - trailer)) ||
              !read_headers(all.substr(prelude, headers), one.headers);
    if (broken_)
      break;
    one.payload = all.substr(prelude + headers, total - prelude - trailer - headers);
    at += total;
    message(one);
  }
  held_.erase(0, at);
  return !broken_;
}

} // namespace troupe::agent
