// The colours of each kind of text.
#include "cli/view/palette.hpp"

#include <algorithm>
#include <array>
#include <cstdlib>

namespace troupe {

namespace {

constexpr int own = -1; ///< the terminal's own colour

struct colours {
  int dark, light; ///< 0xRRGGBB
  int named;       ///< one of sixteen
  bool bold = false;
};

colours colours_of(view::ink as) {
  using view::ink;
  switch (as) {
  case ink::plain:
    return {own, own, own};
  case ink::dim:
    return {0x878d99, 0x6b7280, 8};
  case ink::strong:
    return {own, own, own, true};
  case ink::accent:
    return {0xd79965, 0xa8500a, 6};
  case ink::working:
    return {0x7fb0dd, 0x1d5fb4, 4};
  case ink::waiting:
    return {0xe6c36a, 0x8a5d00, 3};
  case ink::good:
  case ink::added:
    return {0x9bc07f, 0x23752f, 2};
  case ink::bad:
  case ink::removed:
    return {0xe5746f, 0xb3261e, 1};
  case ink::off:
    return {0x8b8f98, 0x6b7280, 8};
  case ink::merged:
    return {0xbb95d4, 0x7b2fb0, 5};
  case ink::code:
    return {0xc9b98f, 0x6d5200, 6};
  }
  return {own, own, own};
}

/// The nearest of the 240 colours that terminals agree on: a cube of six by six by six, and 24 greys.
int nearest_indexed(int rgb) {
  auto channel = [&](int shift) { return rgb >> shift & 0xff; };
  auto step = [](int v) { return v < 48 ? 0 : v < 115 ? 1 : (v - 35) / 40; };
  auto level = [](int n) { return n == 0 ? 0 : 55 + 40 * n; };
  int r = channel(16), g = channel(8), b = channel(0);
  auto distance = [&](int x, int y, int z) { return (x - r) * (x - r) + (y - g) * (y - g) + (z - b) * (z - b); };
  int grey = std::clamp(((r + g + b) / 3 - 3) / 10, 0, 23), shade = 8 + 10 * grey;
  int in_cube = distance(level(step(r)), level(step(g)), level(step(b)));
  return distance(shade, shade, shade) < in_cube ? 232 + grey : 16 + 36 * step(r) + 6 * step(g) + step(b);
}

std::string coloured(int base, int rgb, colour_depth depth) {
  auto n = [](int v) { return std::to_string(v); };
  if (depth == colour_depth::indexed)
    return ";" + n(base + 8) + ";5;" + n(nearest_indexed(rgb));
  return ";" + n(base + 8) + ";2;" + n(rgb >> 16) + ";" + n(rgb >> 8 & 0xff) + ";" + n(rgb & 0xff);
}

} // namespace

std::string palette::sgr(view::ink as, bool chosen) const {
  auto c = colours_of(as);
  bool rich = depth_ == colour_depth::indexed || depth_ == colour_depth::rgb;
  std::string out = "0";
  if (c.bold || (chosen && !rich))
    out += ";1";
  if (depth_ == colour_depth::sixteen && c.named != own)
    out += ";" + std::to_string(c.named < 8 ? 30 + c.named : 82 + c.named);
  if (int rgb = light_ ? c.light : c.dark; rich && rgb != own)
    out += coloured(30, rgb, depth_);
  if (rich && chosen)
    out += coloured(40, light_ ? 0xe4e7ec : 0x2d323c, depth_);
  return out;
}

bool is_light(const char* text, unsigned size) {
  std::string answer(text, size);
  if (!answer.starts_with("rgb:"))
    return false;
  std::array<double, 3> part{};
  auto rest = answer.substr(4);
  for (auto& p : part) {
    auto end = std::min(rest.find('/'), rest.size());
    auto digits = rest.substr(0, end);
    if (digits.empty() || digits.size() > 4)
      return false;
    p = static_cast<double>(std::strtoul(digits.c_str(), nullptr, 16)) / ((1u << (4 * digits.size())) - 1);
    rest.erase(0, std::min(end + 1, rest.size()));
  }
  return 0.299 * part[0] + 0.587 * part[1] + 0.114 * part[2] > 0.5;
}

} // namespace troupe
