// Unix sockets without an event loop.
#include "runtime/io/sockets.hpp"

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <optional>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "runtime/io/unique_fd.hpp"

namespace troupe {

namespace {

/// The address of `path`; one too long for the kernel goes through a descriptor of its folder, which `keep` holds open.
bool address_of(const std::string& path, sockaddr_un& out, unique_fd& keep) {
  out = {};
  out.sun_family = AF_UNIX;
  auto shown = path;
  if (shown.size() >= sizeof out.sun_path) {
    auto slash = path.rfind('/');
    keep.reset(::open(path.substr(0, slash).c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
    shown = "/proc/self/fd/" + std::to_string(keep.get()) + path.substr(slash);
  }
  if (shown.size() >= sizeof out.sun_path)
    return false;
  std::memcpy(out.sun_path, shown.c_str(), shown.size() + 1);
  return true;
}

const sockaddr* plain(const sockaddr_un& a) {
  return reinterpret_cast<const sockaddr*>(&a);
}

} // namespace

int listen_on(const std::string& path, failure& error) {
  auto fresh = path + ".new";
  sockaddr_un address;
  unique_fd folder, fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  ::unlink(fresh.c_str());
  if (!address_of(fresh, address, folder)) {
    error = {errc::bad_request, "socket name is too long: " + path + "\nname a shorter folder: TROUPE_SOCKET_DIR"};
    return -1;
  }
  // The mode of a socket is that of its name: no umask, which all threads share, needs to change.
  bool bound = fd && ::fchmod(fd.get(), 0600) == 0 && ::bind(fd.get(), plain(address), sizeof address) == 0;
  // The name appears only when the socket accepts.
  if (!bound || ::listen(fd.get(), 1024) != 0 || ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = {errc::disk, "socket cannot be made: " + path + ": " + std::strerror(errno)};
    return -1;
  }
  return fd.release();
}

int connect_to(const std::string& path) {
  sockaddr_un address;
  unique_fd folder, fd(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (!address_of(path, address, folder)) {
    errno = ENAMETOOLONG;
    return -1;
  }
  int result;
  do
    result = ::connect(fd.get(), plain(address), sizeof address);
  while (result != 0 && errno == EINTR);
  if (result != 0)
    return -1;
  if (!same_user(fd.get())) {
    errno = EPERM;
    return -1;
  }
  return fd.release();
}

bool is_dead_socket(const std::string& path) {
  return !unique_fd(connect_to(path)) && errno == ECONNREFUSED;
}

namespace {

std::optional<ucred> peer_of(int socket) {
  ucred who{};
  socklen_t size = sizeof who;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &who, &size) == 0 ? std::optional(who) : std::nullopt;
}

} // namespace

bool same_user(int socket) {
  auto peer = peer_of(socket);
  return peer && peer->uid == ::getuid();
}

std::int32_t peer_process(int socket) {
  auto peer = peer_of(socket);
  return peer ? peer->pid : 0;
}

} // namespace troupe
