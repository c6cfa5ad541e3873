// Words for people.
#include "messages/wording.hpp"

#include <algorithm>
#include <cstdio>
#include <numeric>

namespace troupe {

namespace {

/// The code point at `at`, and its length; 0 for what is no UTF-8.
std::uint32_t code_point(std::string_view s, std::size_t at, std::size_t& n) {
  auto c = static_cast<unsigned char>(s[at]);
  n = c < 0x80 ? 1 : c >= 0xc2 && c < 0xe0 ? 2 : c >= 0xe0 && c < 0xf0 ? 3 : c >= 0xf0 && c < 0xf5 ? 4 : 1;
  if (n == 1)
    return c < 0x80 ? c : 0;
  std::uint32_t v = c & (0x3f >> (n - 1));
  for (std::size_t k = 1; k < n; ++k) {
    if (at + k >= s.size() || (static_cast<unsigned char>(s[at + k]) & 0xc0) != 0x80) {
      n = 1;
      return 0;
    }
    v = v << 6 | (static_cast<unsigned char>(s[at + k]) & 0x3f);
  }
  return v;
}

/// What changes how other text is read, or is not seen at all.
bool deceptive(std::uint32_t c) {
  return (c >= 0x80 && c < 0xa0) || c == 0xad || c == 0x34f || c == 0x61c || c == 0x115f || c == 0x1160 ||
         c == 0x180e || (c >= 0x200b && c <= 0x200f) || (c >= 0x2028 && c <= 0x202e) || (c >= 0x2060 && c <= 0x206f) ||
         c == 0x3164 || c == 0xfeff || c == 0xffa0 || (c >= 0xfff9 && c <= 0xfffb) || (c >= 0xe0000 && c <= 0xe0fff);
}

/// Signs that are drawn as pictures; between two of them a joiner makes one of both, and hides nothing.
bool pictured(std::uint32_t c) {
  return (c >= 0x1f000 && c <= 0x1faff) || (c >= 0x2600 && c <= 0x27bf) || (c >= 0x2b00 && c <= 0x2bff) || c == 0xfe0f;
}

bool joins_pictures(std::string_view s, std::size_t at, std::uint32_t before) {
  constexpr std::size_t joiner = 3;
  std::size_t n = 0;
  return pictured(before) && at + joiner < s.size() && pictured(code_point(s, at + joiner, n));
}

} // namespace

std::string visible(std::string_view s) {
  std::string out;
  out.reserve(s.size());
  std::uint32_t before = 0;
  for (std::size_t i = 0, n = 0; i < s.size(); i += n) {
    auto c = code_point(s, i, n);
    bool joined = c == 0x200d && joins_pictures(s, i, before);
    before = c;
    if (c == 0 && s[i] != 0) {
      out += "\xef\xbf\xbd";
    } else if (c < 0x20 && c != '\t') {
      out += '^';
      out += static_cast<char>(c + 0x40);
    } else if (c == 0x7f) {
      out += "^?";
    } else if (deceptive(c) && !joined) {
      char text[16];
      std::snprintf(text, sizeof text, "<U+%04X>", c);
      out += text;
    } else {
      out.append(s.substr(i, n));
    }
  }
  return out;
}

std::string visible_line(std::string_view s) {
  std::string joined;
  joined.reserve(s.size());
  for (char c : s) {
    bool space = c == ' ' || c == '\t' || c == '\n' || c == '\r';
    if (!space)
      joined += c;
    else if (!joined.empty() && joined.back() != ' ')
      joined += ' ';
  }
  if (!joined.empty() && joined.back() == ' ')
    joined.pop_back();
  return visible(joined);
}

std::string said_line(std::string_view sentence, std::string_view output) {
  auto said = visible_line(sentence), out = visible_line(output);
  return said + (said.empty() || out.empty() ? "" : " · ") + out;
}

std::string age(std::int64_t ms) {
  auto s = std::max<std::int64_t>(ms / 1000, 0);
  return s < 60       ? std::to_string(s) + "s"
         : s < 3600   ? std::to_string(s / 60) + "m"
         : s < 86'400 ? std::to_string(s / 3600) + "h"
                      : std::to_string(s / 86'400) + "d";
}

std::string nearest_word(const std::string& typed, const std::vector<std::string>& words) {
  std::string best;
  std::size_t least = std::max<std::size_t>(2, typed.size() / 3) + 1;
  for (const auto& word : words) {
    std::vector<std::size_t> line(word.size() + 1);
    std::iota(line.begin(), line.end(), 0);
    for (std::size_t i = 0; i < typed.size(); ++i) {
      auto diagonal = line[0];
      line[0] = i + 1;
      for (std::size_t k = 0; k < word.size(); ++k) {
        auto next = std::min({line[k + 1] + 1, line[k] + 1, diagonal + (typed[i] != word[k])});
        diagonal = line[k + 1];
        line[k + 1] = next;
      }
    }
    if (line.back() < least) {
      least = line.back();
      best = word;
    }
  }
  return best;
}

} // namespace troupe
