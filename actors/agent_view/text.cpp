// Text on a terminal.
#include "actors/agent_view/text.hpp"

#include <algorithm>

#include <utf8proc.h>

namespace troupe::view {

namespace {

bool is_ascii(char c) {
  return static_cast<unsigned char>(c) < 0x80;
}

/// The code point at the front of `text`, and how many bytes it has; U+FFFD for what is no UTF-8.
utf8proc_int32_t next_point(std::string_view text, std::size_t& bytes) {
  utf8proc_int32_t point = 0;
  auto n = ::utf8proc_iterate(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                              static_cast<utf8proc_ssize_t>(text.size()), &point);
  bytes = n > 0 ? static_cast<std::size_t>(n) : 1;
  return n > 0 ? point : 0xfffd;
}

int point_width(std::string_view text, std::size_t& bytes) {
  bytes = 1;
  if (is_ascii(text[0]))
    return 1;
  auto point = next_point(text, bytes);
  auto category = ::utf8proc_category(point);
  if (category == UTF8PROC_CATEGORY_MN || category == UTF8PROC_CATEGORY_ME || category == UTF8PROC_CATEGORY_CF)
    return 0;
  return std::max(::utf8proc_charwidth(point), 1);
}

/// The columns of the character at the front, as a reader sees one: a base with its accents, or an emoji with its
/// colour, its style or those it is joined with, which takes two columns however many code points it has.
int character_width(std::string_view text, std::size_t& bytes) {
  if (is_ascii(text[0]) && (text.size() == 1 || is_ascii(text[1]))) {
    bytes = 1;
    return 1;
  }
  auto out = point_width(text, bytes);
  auto end = character_after(text, 0);
  bool joins = false;
  for (std::size_t n = 0; bytes < end; bytes += n) {
    auto point = next_point(text.substr(bytes), n);
    bool emoji = point == 0xfe0f || (point >= 0x1f1e6 && point <= 0x1f1ff) || (point >= 0x1f3fb && point <= 0x1f3ff);
    joins = joins || point == 0x200d;
    auto more = emoji || joins ? 0 : point_width(text.substr(bytes), n);
    out = emoji ? 2 : out + more;
  }
  return out;
}

} // namespace

int width(std::string_view text) {
  int out = 0;
  for (std::size_t bytes = 0; !text.empty(); text.remove_prefix(bytes))
    out += character_width(text, bytes);
  return out;
}

std::size_t fitting(std::string_view text, int columns) {
  std::size_t at = 0;
  for (std::size_t bytes = 0; at < text.size(); at += bytes) {
    columns -= character_width(text.substr(at), bytes);
    if (columns < 0)
      break;
  }
  return at;
}

std::string clip(std::string_view text, int columns) {
  if (columns <= 0)
    return {};
  if (fitting(text, columns) == text.size())
    return std::string(text);
  return std::string(text.substr(0, fitting(text, columns - 1))) + "…";
}

std::string clip_front(std::string_view text, int columns) {
  if (columns <= 0)
    return {};
  if (fitting(text, columns) == text.size())
    return std::string(text);
  while (!text.empty() && width(text) > columns - 1)
    text.remove_prefix(character_after(text, 0));
  return "…" + std::string(text);
}

std::vector<std::string> wrap(std::string_view text, int columns) {
  std::vector<std::string> out;
  columns = std::max(columns, 1);
  for (;;) {
    auto line = text.substr(0, text.find('\n'));
    auto rest = line;
    do {
      auto fits = std::max(fitting(rest, columns), rest.empty() ? 0 : character_after(rest, 0));
      auto cut = fits;
      if (fits < rest.size() && rest[fits] != ' ')
        if (auto space = rest.substr(0, fits).rfind(' '); space != std::string_view::npos && space > 0)
          cut = space;
      out.emplace_back(rest.substr(0, cut));
      rest.remove_prefix(cut);
      if (!rest.empty())
        rest.remove_prefix(std::min(rest.find_first_not_of(' '), rest.size()));
    } while (!rest.empty());
    if (line.size() == text.size())
      return out;
    text.remove_prefix(line.size() + 1);
  }
}

std::size_t character_after(std::string_view text, std::size_t at) {
  if (at >= text.size())
    return text.size();
  std::size_t bytes = 0;
  auto before = next_point(text.substr(at), bytes);
  at += bytes;
  utf8proc_int32_t state = 0;
  while (at < text.size()) {
    if (is_ascii(text[at]))
      return at;
    auto point = next_point(text.substr(at), bytes);
    if (::utf8proc_grapheme_break_stateful(before, point, &state))
      return at;
    before = point;
    at += bytes;
  }
  return at;
}

std::size_t character_before(std::string_view text, std::size_t at) {
  at = std::min(at, text.size());
  std::size_t start = at; // a character cannot begin before the last line break or ASCII character but one
  while (start > 0 && (start == at || !is_ascii(text[start])))
    --start;
  for (auto here = start; here < at;) {
    start = here;
    here = character_after(text, here);
  }
  return start;
}

std::string folded(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t bytes = 0; !text.empty(); text.remove_prefix(bytes)) {
    bytes = 1;
    if (is_ascii(text[0])) {
      out += static_cast<char>(text[0] >= 'A' && text[0] <= 'Z' ? text[0] + 32 : text[0]);
      continue;
    }
    utf8proc_uint8_t encoded[4];
    auto n = ::utf8proc_encode_char(::utf8proc_tolower(next_point(text, bytes)), encoded);
    out.append(reinterpret_cast<const char*>(encoded), static_cast<std::size_t>(n));
  }
  return out;
}

} // namespace troupe::view
