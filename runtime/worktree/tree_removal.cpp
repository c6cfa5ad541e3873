// Removing by descriptor.
#include "runtime/worktree/tree_removal.hpp"

#include <cerrno>
#include <cstring>
#include <functional>
#include <memory>
#include <vector>

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace troupe {

namespace {

struct entry {
  std::string name;
  bool folder;
};

/// What is in a folder. The listing is complete before anything of it is touched.
std::vector<entry> entries_of(int folder) {
  std::vector<entry> out;
  auto fd = ::openat(folder, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* all = fd < 0 ? nullptr : ::fdopendir(fd);
  if (!all) {
    if (fd >= 0)
      ::close(fd);
    return out;
  }
  while (const auto* e = ::readdir(all)) {
    std::string name(static_cast<const char*>(e->d_name));
    if (name == "." || name == "..")
      continue;
    struct stat what {};
    if (::fstatat(folder, name.c_str(), &what, AT_SYMLINK_NOFOLLOW) == 0)
      out.push_back({std::move(name), S_ISDIR(what.st_mode)});
  }
  ::closedir(all);
  return out;
}

} // namespace

unique_fd open_within(int parent, const std::string& name) {
  open_how how{};
  how.flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_XDEV | RESOLVE_NO_MAGICLINKS;
  auto open = [&] { return static_cast<int>(::syscall(SYS_openat2, parent, name.c_str(), &how, sizeof how)); };
  int fd = open();
  if (fd < 0 && errno == EACCES) { // a folder that its owner may not read: Go's module cache, and the like
    struct stat what {};
    if (::fstatat(parent, name.c_str(), &what, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(what.st_mode) &&
        ::fchmodat(parent, name.c_str(), 0700, 0) == 0)
      fd = open();
    else
      errno = EACCES;
  }
  return unique_fd(fd);
}

unique_fd open_folder(const std::string& root, const std::string& below) {
  unique_fd at(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  for (std::size_t from = 0; at && from < below.size();) {
    auto end = std::min(below.find('/', from), below.size());
    if (end > from)
      at = unique_fd(
          ::openat(at.get(), below.substr(from, end - from).c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC));
    from = end + 1;
  }
  return at;
}

bool is_folder(int fd, std::uint64_t device, std::uint64_t inode) {
  struct stat what {};
  return fd >= 0 && ::fstat(fd, &what) == 0 && S_ISDIR(what.st_mode) && what.st_dev == device && what.st_ino == inode;
}

std::string mount_within(int folder) {
  for (const auto& e : entries_of(folder)) {
    if (!e.folder)
      continue;
    auto below = open_within(folder, e.name);
    if (!below) {
      if (errno == EXDEV)
        return e.name;
      continue; // it cannot be emptied either, and that is told then
    }
    if (auto found = mount_within(below.get()); !found.empty())
      return e.name + "/" + found;
  }
  return {};
}

bool empty_folder(int folder, std::string& left) {
  bool empty = true;
  auto stays = [&](const std::string& name, int error) {
    empty = false;
    if (left.empty())
      left = name + ": " + std::strerror(error);
  };
  struct stat own {};
  if (::fstat(folder, &own) == 0 && (own.st_mode & 0300) != 0300)
    ::fchmod(folder, 0700);
  for (const auto& e : entries_of(folder)) {
    if (!e.folder) {
      if (::unlinkat(folder, e.name.c_str(), 0) != 0 && errno != ENOENT)
        stays(e.name, errno);
      continue;
    }
    std::string deeper;
    if (!remove_folder(folder, e.name, deeper)) {
      empty = false;
      if (left.empty())
        left = deeper;
    }
  }
  return empty;
}

bool remove_folder(int parent, const std::string& name, std::string& left) {
  auto folder = open_within(parent, name);
  if (!folder) {
    if (errno == ENOENT)
      return true;
    left = name + ": " + (errno == EXDEV ? "a file system is mounted there" : std::strerror(errno));
    return false;
  }
  std::string deeper;
  if (!empty_folder(folder.get(), deeper)) {
    left = name + "/" + deeper;
    return false;
  }
  if (::unlinkat(parent, name.c_str(), AT_REMOVEDIR) == 0 || errno == ENOENT)
    return true;
  left = name + ": " + std::strerror(errno);
  return false;
}

} // namespace troupe
