// Unix sockets without an event loop: for the thin client too.
#pragma once

#include <cstdint>
#include <string>

#include "messages/errors.hpp"

namespace troupe {

/// Binds and listens, mode 0600; replaces a leftover file. Gives the descriptor (O_CLOEXEC, non-blocking), or -1 and
/// the failure. Paths too long for the kernel go through /proc/self/fd/N/NAME (FILES-1).
int listen_on(const std::string& path, failure& error);
/// Connects (a Unix connect does not wait). A blocking descriptor, or -1 with errno. The peer's uid is checked: EPERM
/// (SEC-3).
int connect_to(const std::string& path);
/// Whether that is a socket's file that nobody listens behind.
bool is_dead_socket(const std::string& path);
/// Whether the peer of this socket is our own user (SO_PEERCRED).
bool same_user(int socket);
/// The process that has connected, or listens, at the other end, as the kernel knows it; 0 where it tells none (SEC-1).
std::int32_t peer_process(int socket);

} // namespace troupe
