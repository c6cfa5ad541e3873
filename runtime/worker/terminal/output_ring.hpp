// The last 1 MiB of a PTY's output, in a memory-mapped file, so that it outlives the worker (KEEP-7) and costs an idle
// session nothing. Offsets are absolute: the number of bytes written since the session began.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>

#include "messages/errors.hpp"

namespace troupe {

class output_ring {
public:
  static constexpr std::size_t usual_capacity = std::size_t{1} << 20;

  output_ring() = default;
  output_ring(output_ring&& other) noexcept;
  output_ring& operator=(output_ring&& other) noexcept;
  ~output_ring();

  /// Opens `path` for writing, 0600, going on where an earlier run left off. A file that is no ring is set aside by the
  /// caller's name for it and made anew: `error` then says so, and the ring is usable. Not usable: `valid()` is false.
  /// `capacity` is a power of two, of a page at least; used for a new file only.
  static output_ring create(const std::string& path, failure& error, std::size_t capacity = usual_capacity);
  /// Opens `path` for reading. Empty, truncated and foreign files fail with a sentence.
  static output_ring open(const std::string& path, failure& error);

  [[nodiscard]] bool valid() const { return base_ != nullptr; }
  [[nodiscard]] std::size_t capacity() const { return capacity_; }
  /// The oldest byte that is kept, and one past the newest.
  [[nodiscard]] std::uint64_t begin() const { return end() > capacity_ ? end() - capacity_ : 0; }
  [[nodiscard]] std::uint64_t end() const;
  /// Contiguous room for the next bytes; writing there overwrites the oldest ones.
  std::span<char> writable();
  void commit(std::size_t n);
  /// All that is kept from `offset` (between begin and end) on, contiguous.
  [[nodiscard]] std::span<const char> read(std::uint64_t offset) const;

private:
  char* base_ = nullptr;
  std::size_t capacity_ = 0;
};

} // namespace troupe
