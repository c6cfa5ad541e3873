// Digests that tell equal things from different ones between processes of one user. None is kept on disk with a value
// in it, and none withstands somebody who looks for a collision.
#pragma once

#include <cstdint>
#include <string_view>

#include "messages/session.hpp"

namespace troupe {

/// FNV-1a, 64 bit, of these bytes; `seed` goes on with an earlier one.
constexpr std::uint64_t digest_of(std::string_view bytes, std::uint64_t seed = 14695981039346656037ULL) {
  for (char c : bytes)
    seed = (seed ^ static_cast<unsigned char>(c)) * 1099511628211ULL;
  return seed;
}

/// Of an environment, whatever the order of its variables; never 0.
inline std::uint64_t digest_of(const environment& env) {
  std::uint64_t sum = 0;
  for (const auto& [name, value] : env)
    sum += digest_of(value, digest_of(name) + 1);
  return sum == 0 ? 1 : sum;
}

} // namespace troupe
