// Who is at the other end of a Unix socket.
#include "runtime/io/peer_process.hpp"

#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/io/unique_fd.hpp"

namespace troupe {

namespace {

/// From /proc/PID/stat, which everybody may read. 0: gone.
std::int32_t parent_of(std::int32_t pid) {
  char path[32], text[512];
  std::snprintf(path, sizeof path, "/proc/%d/stat", pid);
  unique_fd fd(::open(path, O_RDONLY | O_CLOEXEC));
  auto n = fd ? ::read(fd.get(), text, sizeof text - 1) : -1;
  if (n <= 0)
    return 0;
  text[n] = '\0';
  const char* behind = std::strrchr(text, ')'); // a program's name may hold anything
  int parent = 0;
  char state = 0;
  return behind && std::sscanf(behind + 1, " %c %d", &state, &parent) == 2 ? parent : 0;
}

} // namespace

std::int32_t peer_process(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? who.pid : 0;
}

std::vector<std::int32_t> ancestors_of(std::int32_t pid) {
  constexpr std::size_t most = 256;
  std::vector<std::int32_t> out;
  for (auto at = parent_of(pid); at > 1 && out.size() < most; at = parent_of(at))
    out.push_back(at);
  return out;
}

} // namespace troupe
