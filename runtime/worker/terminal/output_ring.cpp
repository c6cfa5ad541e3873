// The ring of a PTY's output.
#include "runtime/worker/terminal/output_ring.hpp"

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr std::size_t page = 4096;
constexpr char magic[8] = {'t', 'r', 'o', 'u', 'p', 'e', 'r', '1'};

struct header {
  char magic[8];
  std::uint64_t capacity;
  std::uint64_t end;
};

std::uint64_t* end_of(char* base) {
  return &reinterpret_cast<header*>(base)->end;
}

bool sound(const header& h, std::uint64_t size) {
  return std::memcmp(h.magic, magic, sizeof magic) == 0 && h.capacity >= page && (h.capacity & (h.capacity - 1)) == 0 &&
         h.capacity <= (1U << 30) && size >= page + h.capacity;
}

/// Reads and checks the header: a file may be anything, and only a checked size is mapped.
bool read_header(int fd, header& h) {
  struct stat st {};
  return ::fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && ::pread(fd, &h, sizeof h, 0) == sizeof h &&
         sound(h, static_cast<std::uint64_t>(st.st_size));
}

/// Maps header and bytes, and the bytes once more behind themselves, so that any piece of the ring is contiguous.
char* map(int fd, std::size_t capacity, int protection) {
  auto whole = page + 2 * capacity;
  void* at = ::mmap(nullptr, whole, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (at == MAP_FAILED)
    return nullptr;
  auto* base = static_cast<char*>(at);
  if (::mmap(base, page + capacity, protection, MAP_SHARED | MAP_FIXED, fd, 0) != MAP_FAILED &&
      ::mmap(base + page + capacity, capacity, protection, MAP_SHARED | MAP_FIXED, fd, page) != MAP_FAILED)
    return base;
  ::munmap(at, whole);
  return nullptr;
}

} // namespace

output_ring::output_ring(output_ring&& other) noexcept
    : base_(std::exchange(other.base_, nullptr)), capacity_(other.capacity_) {}

output_ring& output_ring::operator=(output_ring&& other) noexcept {
  std::swap(base_, other.base_);
  std::swap(capacity_, other.capacity_);
  return *this;
}

output_ring::~output_ring() {
  if (base_)
    ::munmap(base_, page + 2 * capacity_);
}

output_ring output_ring::create(const std::string& path, failure& error, std::size_t capacity) {
  output_ring out;
  int fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
  header h{};
  struct stat st {};
  bool fresh = fd >= 0 && ::fstat(fd, &st) == 0 && st.st_size == 0;
  if (fd >= 0 && !fresh && !read_header(fd, h)) {
    auto aside = path + ".bad";
    ::rename(path.c_str(), aside.c_str());
    ::close(fd);
    fd = ::open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    fresh = true;
    error = {errc::disk, "is no output of Troupe's: " + path + ", set aside as " + aside};
  }
  if (fresh) {
    std::memcpy(h.magic, magic, sizeof magic);
    h.capacity = capacity;
    h.end = 0;
  }
  out.capacity_ = h.capacity;
  bool sized = fd >= 0 && (!fresh || (::ftruncate(fd, static_cast<off_t>(page + h.capacity)) == 0 &&
                                      ::pwrite(fd, &h, sizeof h, 0) == sizeof h));
  out.base_ = sized ? map(fd, h.capacity, PROT_READ | PROT_WRITE) : nullptr;
  if (!out.base_)
    error = {errc::disk, "output cannot be kept: " + path + ": " + std::strerror(errno)};
  if (fd >= 0)
    ::close(fd);
  return out;
}

output_ring output_ring::open(const std::string& path, failure& error) {
  output_ring out;
  int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
  header h{};
  if (fd < 0 || !read_header(fd, h)) {
    error = {errc::disk, fd < 0 ? "output cannot be read: " + path + ": " + std::strerror(errno)
                                : "is no output of Troupe's: " + path};
  } else {
    out.capacity_ = h.capacity;
    out.base_ = map(fd, h.capacity, PROT_READ);
  }
  if (fd >= 0)
    ::close(fd);
  return out;
}

std::uint64_t output_ring::end() const {
  return std::atomic_ref(*end_of(base_)).load(std::memory_order_acquire);
}

std::span<char> output_ring::writable() {
  auto at = end() & (capacity_ - 1);
  return {base_ + page + at, capacity_ - at};
}

void output_ring::commit(std::size_t n) {
  std::atomic_ref(*end_of(base_)).store(end() + n, std::memory_order_release);
}

std::span<const char> output_ring::read(std::uint64_t offset) const {
  auto at = offset & (capacity_ - 1);
  return {base_ + page + at, static_cast<std::size_t>(std::min<std::uint64_t>(end() - offset, capacity_))};
}

} // namespace troupe
