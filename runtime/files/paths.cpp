// Where things are, and files that survive a power cut whole.
#include "runtime/files/paths.hpp"

#include <cerrno>
#include <climits>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <ctime>

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

std::string variable(const char* name) {
  const char* value = std::getenv(name);
  return value ? value : "";
}

failure with_errno(const std::string& what, const std::string& path) {
  return {errc::disk, what + ": " + path + ": " + std::strerror(errno)};
}

bool write_all(int fd, std::string_view content) {
  while (!content.empty()) {
    auto n = ::write(fd, content.data(), content.size());
    if (n < 0 && errno == EINTR)
      continue;
    if (n <= 0)
      return false;
    content.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string folder_of(const std::string& path) {
  return path.substr(0, path.rfind('/'));
}

bool make_parents(const std::string& path) {
  for (auto at = path.find('/', 1); at != std::string::npos; at = path.find('/', at + 1))
    if (::mkdir(path.substr(0, at).c_str(), 0700) != 0 && errno != EEXIST)
      return false;
  return true;
}

} // namespace

std::optional<paths> find_paths(failure& error) {
  auto home = variable("TROUPE_HOME"), sockets = variable("TROUPE_SOCKET_DIR");
  paths out;
  if (!home.empty()) {
    out = {home, home, home};
  } else {
    auto user = variable("HOME"), config = variable("XDG_CONFIG_HOME"), state = variable("XDG_STATE_HOME");
    if (user.empty() && (config.empty() || state.empty())) {
      error = {errc::directory, "neither TROUPE_HOME nor HOME is set\nset one: export HOME=/your/home"};
      return {};
    }
    out.config = (config.empty() ? user + "/.config" : config) + "/troupe";
    out.state = (state.empty() ? user + "/.local/state" : state) + "/troupe";
    out.sockets = out.state;
  }
  if (!sockets.empty())
    out.sockets = sockets;
  for (auto* path : {&out.config, &out.state, &out.sockets}) {
    while (path->size() > 1 && path->back() == '/')
      path->pop_back();
    if (path->front() != '/') {
      error = {errc::directory, "not an absolute path: " + *path +
                                    "\nset TROUPE_HOME, XDG_STATE_HOME and TROUPE_SOCKET_DIR to absolute ones"};
      return {};
    }
  }
  return out;
}

bool make_private_folder(const std::string& path, failure& error) {
  struct stat st {};
  if (::mkdir(path.c_str(), 0700) != 0 && errno == ENOENT && make_parents(path))
    ::mkdir(path.c_str(), 0700);
  if (::lstat(path.c_str(), &st) != 0) {
    error = with_errno("directory cannot be made", path);
    return false;
  }
  std::string why = S_ISLNK(st.st_mode)         ? "is a link"
                    : !S_ISDIR(st.st_mode)      ? "is no directory"
                    : st.st_uid != ::getuid()   ? "belongs to another user"
                    : (st.st_mode & 07077) != 0 ? "is open to others"
                                                : "";
  if (why.empty())
    return true;
  error = {errc::directory, "directory is not safe: " + path + " " + why + "\n" +
                                (why == "is open to others" ? "make it yours alone: chmod 700 " + path
                                                            : "move it away, or set TROUPE_HOME to another")};
  return false;
}

bool make_folders(const paths& where, failure& error) {
  return make_private_folder(where.config, error) && make_private_folder(where.state, error) &&
         make_private_folder(where.sockets, error) && make_private_folder(where.state + "/sessions", error) &&
         make_private_folder(where.sockets + "/workers", error);
}

bool replace_file(const std::string& path, std::string_view content, bool durable, failure& error) {
  auto fresh = path + ".new";
  unique_fd fd(::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd || !write_all(fd.get(), content) || (durable && ::fsync(fd.get()) != 0) ||
      ::rename(fresh.c_str(), path.c_str()) != 0) {
    error = with_errno("file cannot be written", path);
    ::unlink(fresh.c_str());
    return false;
  }
  if (durable) {
    unique_fd folder(::open(folder_of(path).c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (folder)
      ::fsync(folder.get());
  }
  return true;
}

std::optional<std::string> read_file(const std::string& path, failure& error) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  if (!fd) {
    if (errno != ENOENT)
      error = with_errno("file cannot be read", path);
    return {};
  }
  std::string out;
  struct stat st {};
  if (::fstat(fd.get(), &st) == 0 && st.st_size > 0)
    out.reserve(static_cast<std::size_t>(st.st_size));
  char block[65536];
  for (;;) {
    auto n = ::read(fd.get(), block, sizeof block);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      error = with_errno("file cannot be read", path);
      return {};
    }
    if (n == 0)
      return out;
    out.append(block, static_cast<std::size_t>(n));
  }
}

std::string set_aside(const std::string& path) {
  auto base = path + ".bad-" + std::to_string(std::time(nullptr)), aside = base;
  for (int i = 1; ::access(aside.c_str(), F_OK) == 0; ++i)
    aside = base + "." + std::to_string(i);
  ::rename(path.c_str(), aside.c_str());
  return aside;
}

namespace {

/// Ends a blocking call of this thread after some seconds: the signal's handler does nothing, the call gives EINTR.
class wake_up {
public:
  explicit wake_up(unsigned seconds) {
    struct sigaction none {};
    none.sa_handler = [](int) {}; // no SA_RESTART
    ::sigaction(SIGALRM, &none, &old_);
    ::alarm(seconds);
  }
  ~wake_up() {
    ::alarm(0);
    ::sigaction(SIGALRM, &old_, nullptr);
  }
  wake_up(const wake_up&) = delete;
  wake_up& operator=(const wake_up&) = delete;

private:
  struct sigaction old_ {};
};

} // namespace

bool take_lock(int fd, unsigned seconds) {
  if (::flock(fd, LOCK_EX | LOCK_NB) == 0)
    return true;
  if (errno != EWOULDBLOCK || seconds == 0)
    return false;
  wake_up limit(seconds);
  return ::flock(fd, LOCK_EX) == 0;
}

unique_fd lock_file(const std::string& path, unsigned seconds, failure& error) {
  unique_fd fd(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!fd) {
    error = with_errno("lock cannot be opened", path);
    return {};
  }
  if (take_lock(fd.get(), seconds))
    return fd;
  if (errno != EWOULDBLOCK && errno != EINTR)
    error = with_errno("lock cannot be taken", path);
  return {};
}

unique_fd lock_folder(const std::string& path, failure& error) {
  auto open = [&] { return ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC); };
  unique_fd fd(open());
  if (!fd && errno == ENOENT && make_private_folder(path, error))
    fd.reset(open());
  if (fd && take_lock(fd.get(), 0))
    return fd;
  if (error.code == errc::ok && (!fd || errno != EWOULDBLOCK))
    error = with_errno(fd ? "directory cannot be locked" : "directory cannot be opened", path);
  return {};
}

unique_fd lock_start(const paths& where, failure& error) {
  auto lock = lock_file(where.start_lock(), start_lock_seconds, error);
  if (!lock && error.code == errc::ok)
    error = {errc::timed_out,
             "another command has been starting the background service for too long\nlook at: " + where.log()};
  return lock;
}

std::string own_program(std::string_view name) {
  char self[PATH_MAX];
  auto n = ::readlink("/proc/self/exe", self, sizeof self);
  auto folder = folder_of(std::string(self, n > 0 ? static_cast<std::size_t>(n) : 0));
  auto beside = folder + "/" + std::string(name);
  if (::access(beside.c_str(), X_OK) == 0)
    return beside;
  for (const auto* other : {"/../libexec/troupe/", "/../../bin/"})
    if (auto file = folder + other + std::string(name); ::access(file.c_str(), X_OK) == 0)
      return file;
  return beside;
}

} // namespace troupe
