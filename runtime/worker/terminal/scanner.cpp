// Follows a terminal's byte stream.
#include "runtime/worker/terminal/scanner.hpp"

#include <algorithm>
#include <cstring>

namespace troupe {

void scanner::feed(std::string_view bytes) {
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    if (at_ == ground_state && utf8_left_ == 0) { // the common run of plain ASCII is passed over quickly
      while (i < bytes.size() && bytes[i] >= 0x20 && bytes[i] < 0x7f)
        ++i;
      if (i == bytes.size())
        return;
    }
    take(static_cast<unsigned char>(bytes[i]));
  }
}

void scanner::take(unsigned char c) {
  if (c == 0x18 || c == 0x1a) { // CAN and SUB end any sequence
    at_ = ground_state;
    return;
  }
  switch (at_) {
  case ground_state:
    take_ground(c);
    break;
  case escape:
    take_escape(c);
    break;
  case charset: // its final byte; anything but plain ASCII in G0 makes text other than it looks
    if (c != 'B')
      shifted_ = true;
    at_ = ground_state;
    break;
  case csi:
    if (c == 0x1b) {
      at_ = escape;
    } else if (c >= 0x40 && c <= 0x7e) {
      at_ = ground_state;
      end_csi(c);
    } else if (c >= 0x20 && parameters_.size() < 256) {
      parameters_ += static_cast<char>(c);
    }
    break;
  case text:
    if (c == 0x1b)
      at_ = text_escape;
    else if (c == 0x07)
      end_text();
    else if (text_.size() < 1024)
      text_ += static_cast<char>(c);
    break;
  case text_escape:
    end_text();
    if (c != '\\')
      take_escape(c);
    break;
  }
}

void scanner::end_text() {
  at_ = ground_state;
  if (text_.starts_with("]0;") || text_.starts_with("]2;"))
    title_ = text_.substr(3);
}

void scanner::take_ground(unsigned char c) {
  if (utf8_left_ > 0 && (c & 0xc0) == 0x80) {
    --utf8_left_;
    return;
  }
  utf8_left_ = c >= 0xf0 && c < 0xf8 ? 3 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xc0 && c < 0xe0 ? 1 : 0;
  if (c == 0x1b) {
    at_ = escape;
  } else if (c == 0x0e) {
    shifted_ = true;
  }
}

void scanner::take_escape(unsigned char c) {
  at_ = ground_state;
  switch (c) {
  case '[':
    at_ = csi;
    parameters_.clear();
    break;
  case ']':
  case 'P':
  case 'X':
  case '^':
  case '_':
    at_ = text;
    text_ = static_cast<char>(c);
    break;
  case '(':
  case ')':
  case '*':
  case '+':
  case '-':
  case '.':
  case '/':
  case '#':
  case '%':
  case ' ':
    at_ = charset;
    break;
  case 'c':
    reset();
    break;
  case '=':
    keypad_ = true;
    break;
  case '>':
    keypad_ = false;
    break;
  case 'n':
  case 'o':
  case 'N':
  case 'O':
  case '|':
  case '}':
  case '~':
    shifted_ = true;
    break;
  case 0x1b:
    at_ = escape;
    break;
  default:
    break;
  }
}

void scanner::end_csi(unsigned char final) {
  if (final == 'r' && (parameters_.empty() || parameters_.find_first_not_of("0123456789;") == std::string::npos)) {
    region_ = parameters_.find_first_not_of(";") != std::string::npos;
    region_text_ = region_ ? parameters_ : std::string();
  } else if ((final == 'h' || final == 'l') && !parameters_.empty() && parameters_[0] == '?') {
    set_private(final == 'h');
  } else if ((final == 'h' || final == 'l') && parameters_ == "4") {
    insert_ = final == 'h';
  } else if (final == 'p' && parameters_ == "!") {
    reset();
  }
}

void scanner::set_private(bool on) {
  for (std::size_t at = 1; at < parameters_.size();) {
    int mode = std::atoi(parameters_.c_str() + at);
    if (on)
      modes_.insert(mode);
    else
      modes_.erase(mode);
    if (mode == 7)
      no_wrap_ = !on;
    if (mode == 69 || mode == 6)
      margins_ = on || (mode == 69 ? modes_.count(6) : modes_.count(69)) != 0;
    at = std::min(parameters_.find(';', at), parameters_.size()) + 1;
  }
}

void scanner::reset() {
  modes_.clear();
  region_text_.clear();
  region_ = insert_ = shifted_ = margins_ = no_wrap_ = keypad_ = false;
}

namespace {

/// Length of the valid UTF-8 character at `p`, 0 when it is none.
std::size_t character(const char* p, const char* end) {
  auto c = static_cast<unsigned char>(*p);
  std::size_t n = c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 0;
  if (n == 0 || static_cast<std::size_t>(end - p) < n)
    return 0;
  for (std::size_t i = 1; i < n; ++i)
    if ((static_cast<unsigned char>(p[i]) & 0xc0) != 0x80)
      return 0;
  if (c == 0xc2 && static_cast<unsigned char>(p[1]) < 0xa0) // C1 controls
    return 0;
  return n;
}

/// How many bytes from `p` on are printable ASCII; eight at a time.
const char* pass_ascii(const char* p, const char* end) {
  while (end - p >= 8) {
    std::uint64_t v;
    std::memcpy(&v, p, 8);
    constexpr std::uint64_t high = 0x8080808080808080ULL, low = 0x0101010101010101ULL;
    auto below = (v - low * 0x20) & ~v & high; // a byte under 0x20
    auto del = v ^ (low * 0x7f);
    auto is_del = (del - low) & ~del & high; // a byte that is 0x7f
    if ((v & high) | below | is_del)
      break;
    p += 8;
  }
  while (p < end && *p >= 0x20 && *p < 0x7f)
    ++p;
  return p;
}

} // namespace

bool plain_lines_only(std::string_view bytes) {
  const char* p = bytes.data();
  const char* end = p + bytes.size();
  while (p < end) {
    p = pass_ascii(p, end);
    if (p == end)
      return false; // the last line is not whole
    if (*p == '\r') {
      if (end - p < 2 || p[1] != '\n')
        return false;
      p += 2;
      if (p == end)
        return true;
    } else if (*p == '\t') {
      ++p;
    } else if (auto n = character(p, end); n > 0) {
      p += n;
    } else {
      return false;
    }
  }
  return bytes.empty();
}

} // namespace troupe
