// A state as bytes, and the bytes as a digest of 128 bits: two states with one digest count as one.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

namespace troupe::search {

/// Writes numbers and texts one after the other; what is written first tells how much follows, so that no two states
/// share their bytes.
class writer {
public:
  void number(std::uint64_t n) {
    while (n >= 0x80) {
      bytes_.push_back(static_cast<char>(n | 0x80));
      n >>= 7;
    }
    bytes_.push_back(static_cast<char>(n));
  }
  void text(const std::string& s) {
    number(s.size());
    bytes_ += s;
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }

private:
  std::string bytes_;
};

struct digest {
  std::uint64_t a = 0, b = 0;
  bool operator==(const digest&) const = default;
};

inline std::uint64_t mixed(std::uint64_t x) {
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
  x = (x ^ (x >> 32)) * 0xd6e8feb86659fd93ULL;
  return x ^ (x >> 32);
}

inline digest digest_of(const std::string& bytes) {
  digest d{bytes.size(), ~bytes.size()};
  for (std::size_t at = 0; at < bytes.size(); at += 8) {
    std::uint64_t word = 0;
    for (std::size_t i = at; i < std::min(at + 8, bytes.size()); ++i)
      word = word << 8 | static_cast<unsigned char>(bytes[i]);
    d.a = mixed(d.a ^ word) + 0x9e3779b97f4a7c15ULL;
    d.b = mixed(d.b + word * 0xff51afd7ed558ccdULL) ^ (d.a >> 7);
  }
  return d;
}

} // namespace troupe::search

template <>
struct std::hash<troupe::search::digest> {
  std::size_t operator()(const troupe::search::digest& d) const noexcept { return d.a; }
};
