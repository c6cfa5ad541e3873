// Plain text at memory speed.
#include "runtime/worker/terminal/plain_text.hpp"

#include <cstdint>
#include <cstring>

#include "runtime/worker/terminal/sequences.hpp"

namespace troupe {

namespace {

/// Passes printable ASCII in blocks the compiler turns into vector code, then byte by byte.
const char* pass_ascii(const char* p, const char* end) {
  constexpr std::ptrdiff_t block = 32;
  while (end - p >= block) {
    unsigned odd = 0;
    for (std::ptrdiff_t i = 0; i < block; ++i) {
      auto c = static_cast<std::uint8_t>(p[i]);
      odd |= static_cast<std::uint8_t>(c - 0x20) > 0x5e;
    }
    if (odd)
      break;
    p += block;
  }
  while (p < end && static_cast<std::uint8_t>(*p - 0x20) <= 0x5e)
    ++p;
  return p;
}

/// Length of the valid character beyond ASCII at `p`, 0 when it is none or a control.
std::size_t character(const char* p, const char* end) {
  auto c = static_cast<std::uint8_t>(*p);
  std::size_t n = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
  if (n == 0 || static_cast<std::size_t>(end - p) < n)
    return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<std::uint8_t>(p[i]) & 0xc0) != 0x80)
      return 0;
  auto code = decode({p, n});
  return code >= 0xa0 && code != 0xfffd ? n : 0;
}

} // namespace

std::size_t plain_lines_at_front(std::string_view bytes) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  const char* whole = p;
  while (p < end) {
    p = pass_ascii(p, end);
    if (p == end)
      break;
    if (*p == '\r' && end - p >= 2 && p[1] == '\n') {
      p += 2;
      whole = p;
    } else if (*p == '\t') {
      ++p;
    } else if (auto n = *p & 0x80 ? character(p, end) : 0; n > 0) {
      p += n;
    } else {
      break;
    }
  }
  return static_cast<std::size_t>(whole - bytes.data());
}

std::size_t start_of_last(std::string_view bytes, std::size_t lines) {
  auto at = bytes.size();
  while (at > 0) {
    const auto* newline = static_cast<const char*>(::memrchr(bytes.data(), '\n', at - 1));
    if (newline == nullptr)
      return lines == 1 ? 0 : std::string_view::npos;
    at = static_cast<std::size_t>(newline - bytes.data()) + 1;
    if (--lines == 0)
      return at;
  }
  return std::string_view::npos;
}

} // namespace troupe
