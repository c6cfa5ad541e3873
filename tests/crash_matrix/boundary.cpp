// Boundaries by system call, descriptor and what is in the buffer.
#include "tests/crash_matrix/boundary.hpp"

#include <algorithm>
#include <climits>
#include <csignal>
#include <map>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <linux/sched.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

namespace troupe::crash {

namespace {

constexpr std::size_t longest_look = 65536; ///< bytes of a message that are looked at

bool read_memory(pid_t process, std::uint64_t from, void* into, std::size_t size) {
  iovec ours{into, size}, theirs{reinterpret_cast<void*>(from), size};
  return size > 0 && ::process_vm_readv(process, &ours, 1, &theirs, 1, 0) == static_cast<ssize_t>(size);
}

std::string bytes_at(pid_t process, std::uint64_t from, std::size_t size) {
  std::string out(std::min(size, longest_look), '\0');
  return read_memory(process, from, out.data(), out.size()) ? out : std::string();
}

std::string text_at(pid_t process, std::uint64_t from) {
  char block[PATH_MAX] = {};
  iovec ours{block, sizeof block - 1}, theirs{reinterpret_cast<void*>(from), sizeof block - 1};
  ::process_vm_readv(process, &ours, 1, &theirs, 1, 0); // stops at the first page that is not there
  return block;
}

std::string gathered(pid_t process, std::uint64_t at, std::size_t count, std::size_t most) {
  std::vector<iovec> parts(std::min<std::size_t>(count, 64));
  std::string out;
  if (!read_memory(process, at, parts.data(), parts.size() * sizeof(iovec)))
    return out;
  for (const auto& p : parts)
    out += bytes_at(process, reinterpret_cast<std::uint64_t>(p.iov_base), std::min(p.iov_len, most - out.size()));
  return out;
}

/// The bytes that a call gives away or has taken in.
std::string message_of(pid_t process, const system_call& c) {
  auto most = c.done ? static_cast<std::size_t>(c.result) : longest_look;
  if (c.number == SYS_writev || c.number == SYS_readv)
    return gathered(process, c.arguments[1], c.arguments[2], most);
  if (c.number == SYS_sendmsg || c.number == SYS_recvmsg) {
    msghdr head{};
    if (!read_memory(process, c.arguments[1], &head, sizeof head))
      return {};
    return gathered(process, reinterpret_cast<std::uint64_t>(head.msg_iov), head.msg_iovlen, most);
  }
  return bytes_at(process, c.arguments[1], std::min<std::size_t>(c.done ? most : c.arguments[2], longest_look));
}

std::string_view member(std::string_view line, std::string_view name) {
  auto key = "\"" + std::string(name) + "\":\"";
  auto at = line.rfind(key);
  if (at == std::string_view::npos)
    return {};
  auto rest = line.substr(at + key.size());
  return rest.substr(0, rest.find('"'));
}

/// What a message says, by its first line.
std::string said_in(const std::string& message) {
  auto line = std::string_view(message).substr(0, message.find('\n'));
  auto method = member(line, "method");
  if (method == "worker/event")
    return "event " + std::string(member(line, "what"));
  if (!method.empty())
    return std::string(method);
  return line.find("\"error\":{") != std::string_view::npos ? "an error" : "an answer";
}

std::string target_of(pid_t process, std::uint64_t fd) {
  char path[PATH_MAX] = {};
  auto link = "/proc/" + std::to_string(process) + "/fd/" + std::to_string(fd);
  return ::readlink(link.c_str(), path, sizeof path - 1) > 0 ? path : "";
}

/// A file by what it is for: numbers of workers and ids of sessions are left out.
std::string file_name(const std::string& path) {
  auto name = path.substr(path.rfind('/') + 1);
  if (path.find("/workers/") != std::string::npos)
    return "a worker's socket";
  if (path.ends_with("/sessions/" + name))
    return "a session's folder";
  return name;
}

bool is_home_file(const std::string& path) {
  return path.starts_with('/') && !path.starts_with("/dev/") && !path.starts_with("/proc/") &&
         path.find(".log") == std::string::npos;
}

std::string written(pid_t process, const system_call& c) {
  auto target = target_of(process, c.arguments[0]);
  if (target.starts_with("socket:"))
    return "send " + said_in(message_of(process, c));
  if (!is_home_file(target))
    return {};
  if (target.ends_with(".jsonl"))
    return file_name(target.substr(0, target.size() - 6)) + " " + std::string(member(message_of(process, c), "what"));
  return "write " + file_name(target);
}

std::string taken_in(pid_t process, const system_call& c) {
  if (c.result < 0 || !target_of(process, c.arguments[0]).starts_with("socket:"))
    return {};
  return c.result == 0 ? "receive an end" : "receive " + said_in(message_of(process, c));
}

bool makes_process(pid_t process, const system_call& c) {
  std::uint64_t flags = c.arguments[0];
  if (c.number == SYS_vfork)
    return true;
  if (c.number == SYS_clone3 && !read_memory(process, c.arguments[0], &flags, sizeof flags))
    return false;
  return (flags & CLONE_VFORK) != 0;
}

std::string in_front_of(pid_t process, const system_call& c) {
  switch (c.number) {
  case SYS_write:
  case SYS_writev:
  case SYS_sendto:
  case SYS_sendmsg:
    return written(process, c);
  case SYS_clone:
  case SYS_clone3:
  case SYS_vfork:
    return makes_process(process, c) ? "start a process" : "";
  case SYS_kill:
    return c.arguments[1] != 0 ? "signal a process" : "";
  case SYS_pidfd_send_signal:
    return c.arguments[1] != 0 ? "signal a process" : "";
  case SYS_rename:
    return "rename to " + file_name(text_at(process, c.arguments[1]));
  case SYS_unlink:
  case SYS_rmdir:
    return "remove " + file_name(text_at(process, c.arguments[0]));
  case SYS_unlinkat:
    return "remove " + file_name(text_at(process, c.arguments[1]));
  case SYS_mkdir:
    return "make " + file_name(text_at(process, c.arguments[0]));
  case SYS_openat: {
    auto path = (c.arguments[2] & O_CREAT) != 0 ? text_at(process, c.arguments[1]) : std::string();
    return is_home_file(path) ? "open " + file_name(path) : "";
  }
  case SYS_bind:
    return "bind a socket";
  case SYS_connect:
    return "connect to a worker";
  case SYS_flock:
    return "take a lock";
  case SYS_exit_group:
    return "exit";
  default:
    return {};
  }
}

std::string behind(pid_t process, const system_call& c) {
  switch (c.number) {
  case SYS_read:
  case SYS_readv:
  case SYS_recvfrom:
  case SYS_recvmsg:
    return taken_in(process, c);
  case SYS_accept:
  case SYS_accept4:
    return c.result >= 0 ? "accept a connection" : "";
  case SYS_clone:
  case SYS_clone3:
  case SYS_vfork:
    return c.result > 0 && makes_process(process, c) ? "a process was started" : "";
  case SYS_waitid: {
    siginfo_t who{};
    bool told = c.result == 0 && c.arguments[2] != 0 && read_memory(process, c.arguments[2], &who, sizeof who);
    return told && who.si_pid != 0 ? "reap a child" : "";
  }
  default:
    return {};
  }
}

} // namespace

std::string name_boundary(pid_t process, const system_call& call) {
  return call.done ? behind(process, call) : in_front_of(process, call);
}

} // namespace troupe::crash
