// Matching with one point to go back to for each kind of star, so that no pattern takes exponential time.
#include "runtime/agent/glob_match.hpp"

#include <algorithm>

namespace troupe::agent {
namespace {

constexpr std::size_t most_choices = 64;
constexpr auto none = std::string_view::npos;

/// One character of the text against one item of the pattern; gives the item's length, 0 where it does not fit.
std::size_t fits_one(char c, std::string_view pattern, bool parts) {
  if (parts && c == '/')
    return pattern[0] == '/' ? 1 : 0;
  if (pattern[0] == '?')
    return 1;
  if (pattern[0] == '\\' && pattern.size() > 1)
    return pattern[1] == c ? 2 : 0;
  const auto end = pattern[0] == '[' ? pattern.find(']', 2) : none;
  if (end == none)
    return pattern[0] == c ? 1 : 0;
  const bool inverted = pattern[1] == '!' || pattern[1] == '^';
  bool in = false;
  for (std::size_t i = inverted ? 2 : 1; i < end; ++i) {
    if (i + 2 < end && pattern[i + 1] == '-') {
      in = in || (c >= pattern[i] && c <= pattern[i + 2]);
      i += 2;
    } else {
      in = in || c == pattern[i];
    }
  }
  return in != inverted ? end + 1 : 0;
}

bool match(std::string_view text, std::string_view pattern, bool parts) {
  std::size_t t = 0, p = 0, star_t = none, star_p = 0, deep_t = none, deep_p = 0;
  for (;;) {
    const auto rest = pattern.substr(std::min(p, pattern.size()));
    if (parts && rest.starts_with("**")) {
      deep_t = t;
      deep_p = p;
      star_t = none;
      p += rest.starts_with("**/") ? 3 : 2;
      continue;
    }
    if (rest.starts_with("*")) {
      star_t = t;
      star_p = ++p;
      continue;
    }
    if (t == text.size() && rest.empty())
      return true;
    if (t < text.size() && !rest.empty())
      if (const auto n = fits_one(text[t], rest, parts)) {
        ++t;
        p += n;
        continue;
      }
    if (star_t != none && star_t < text.size() && !(parts && text[star_t] == '/')) {
      t = ++star_t;
      p = star_p;
      continue;
    }
    if (deep_t == none)
      return false;
    // `**/` goes on at the next part, a bare `**` at the next character.
    const bool whole_parts = pattern.substr(deep_p).starts_with("**/");
    auto next = whole_parts ? text.find('/', deep_t) : deep_t;
    if (next == none || next >= text.size())
      return false;
    deep_t = t = next + 1;
    star_t = none;
    p = deep_p + (whole_parts ? 3 : 2);
  }
}

} // namespace

bool fits(std::string_view path, std::string_view pattern) {
  return match(path, pattern, true);
}

bool fits_text(std::string_view text, std::string_view pattern) {
  return match(text, pattern, false);
}

std::vector<std::string> with_choices(std::string_view pattern) {
  std::vector<std::string> open{std::string(pattern)}, done;
  while (!open.empty() && open.size() + done.size() <= most_choices) {
    auto one = std::move(open.back());
    open.pop_back();
    const auto from = one.find('{'), to = from == std::string::npos ? from : one.find('}', from);
    const auto comma = to == std::string::npos ? to : one.find(',', from);
    if (to == std::string::npos || comma > to) {
      done.push_back(std::move(one));
      continue;
    }
    for (auto at = from + 1; at <= to;) {
      const auto end = std::min(one.find(',', at), to);
      open.push_back(one.substr(0, from) + one.substr(at, end - at) + one.substr(to + 1));
      at = end + 1;
    }
  }
  return done;
}

bool fits_file(std::string_view path, std::string_view pattern) {
  const bool last_part = pattern.find('/') == std::string_view::npos;
  const auto text = last_part ? path.substr(path.rfind('/') + 1) : path;
  const auto all = with_choices(pattern);
  return std::any_of(all.begin(), all.end(), [&](const std::string& one) { return fits(text, one); });
}

std::string normal_path(const std::string& path) {
  std::vector<std::string_view> parts;
  const std::string_view all = path;
  for (std::size_t at = 0; at < all.size();) {
    const auto end = std::min(all.find('/', at), all.size());
    const auto part = all.substr(at, end - at);
    at = end + 1;
    if (part == ".." && !parts.empty())
      parts.pop_back();
    else if (!part.empty() && part != "." && part != "..")
      parts.push_back(part);
  }
  std::string out;
  for (const auto& part : parts)
    out.append("/").append(part);
  return out.empty() ? "/" : out;
}

} // namespace troupe::agent
