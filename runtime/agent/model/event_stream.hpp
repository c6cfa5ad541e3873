// The event stream encoding of AWS (application/vnd.amazon.eventstream). Pure.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace troupe::agent {

/// One message; only headers that are strings are kept.
struct aws_message {
  std::map<std::string, std::string> headers;
  std::string payload;
};

class event_stream_reader {
public:
  static constexpr std::uint32_t longest = std::uint32_t{24} << 20; ///< bytes of a message that are waited for
  /// Calls `message` for each whole one. False from the first byte on that does not fit: a wrong checksum or length.
  bool feed(std::string_view bytes, const std::function<void(const aws_message&)>& message);

private:
  std::string held_;
  bool broken_ = false;
};

/// CRC-32 as zlib and Ethernet have it.
std::uint32_t crc32(std::string_view bytes);

} // namespace troupe::agent
