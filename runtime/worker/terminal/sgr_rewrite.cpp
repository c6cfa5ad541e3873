// SGR in libvterm's terms.
#include "runtime/worker/terminal/sgr_rewrite.hpp"

namespace troupe {

namespace {

constexpr std::size_t most_numbers = 12; ///< libvterm 0.1 has room for 16

/// How many numbers the attribute at `i` takes.
std::size_t length(const control_sequence& s, std::size_t i) {
  std::size_t n = 1;
  while (i + n < s.numbers.size() && s.numbers[i + n - 1].more)
    ++n;
  int what = s.at(i, 0);
  if (n == 1 && (what == 38 || what == 48 || what == 58)) {
    int how = s.at(i + 1, -1);
    n = how == 5 ? 3 : how == 2 ? 5 : 1;
  }
  return std::min(n, s.numbers.size() - i);
}

bool special(int what) {
  return what == 2 || what == 8 || (what >= 10 && what <= 20) || what == 22 || what == 28 || what == 58 || what == 59;
}

std::string written(const control_sequence& s, std::size_t from, std::size_t n) {
  std::string out;
  for (std::size_t i = from; i < from + n; ++i) {
    out += std::to_string(s.at(i, 0));
    if (i + 1 < from + n)
      out += s.numbers[i].more ? ':' : ';';
  }
  return out;
}

/// The attribute `what` where it means faint, conceal or what ends them; empty for what is dropped.
std::string in_font(int what, unsigned& font) {
  std::string first;
  if (what == 2)
    font |= 1;
  else if (what == 8)
    font |= 2;
  else if (what == 22) {
    font &= ~1U;
    first = "22;";
  } else if (what == 28)
    font &= ~2U;
  else
    return {};
  return first + std::to_string(10 + font);
}

} // namespace

bool sgr_is_plain(const control_sequence& s) {
  if (s.numbers.size() > most_numbers)
    return false;
  for (std::size_t i = 0; i < s.numbers.size(); i += length(s, i))
    if (special(s.at(i, 0)))
      return false;
  return true;
}

std::string rewritten_sgr(const control_sequence& s, unsigned font) {
  std::string out;
  for (std::size_t i = 0; i < s.numbers.size();) {
    int what = s.at(i, 0);
    auto n = length(s, i);
    if (what == 0)
      font = 0;
    auto text = special(what) ? in_font(what, font) : n <= most_numbers ? written(s, i, n) : std::string();
    if (!text.empty())
      out += "\x1b[" + text + "m";
    i += n;
  }
  return out;
}

} // namespace troupe
