// The way down to a directory, folder by folder.
#include "runtime/files/folder_access.hpp"

#include <array>
#include <cerrno>
#include <cstdio>

#include <dirent.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

/// All in the first line, since that is what a row shows. By numbers: a static program knows no names.
failure closed(const std::string& folder) {
  const auto me = std::to_string(::geteuid());
  std::string text = "directory may not be entered: user " + me + " needs the permission to enter " + folder;
  struct stat st {};
  const bool seen = ::stat(folder.c_str(), &st) == 0;
  if (seen) {
    std::array<char, 16> mode{};
    std::snprintf(mode.data(), mode.size(), "%04o", static_cast<unsigned>(st.st_mode & 07777));
    text += " (of user " + std::to_string(st.st_uid) + ", mode " + mode.data() + ")";
  }
  const bool own = seen && st.st_uid == ::geteuid();
  text += ", by " + (own ? std::string("chmod u+rx ") : "setfacl -m u:" + me + ":rx ") + folder;
  return {errc::directory, text + "\ngrant it, and try again; or name another directory: --cwd DIR"};
}

/// A folder that may be entered by its mode, and that the system keeps to itself all the same.
failure protected_by_system(const std::string& path) {
#ifdef __APPLE__
  constexpr const char* where = "allow troupe-supervisor in System Settings, Privacy & Security, Full Disk Access";
#else
  constexpr const char* where = "a security module or a mount refuses it to the background service: see ls -ldZ";
#endif
  return {errc::directory, "directory is protected: " + path + ": Operation not permitted: " + where +
                               "\ngrant it, and try again; or name another directory: --cwd DIR"};
}

failure fault_of(const std::string& path, const std::string& folder, int error) {
  return error == EACCES ? closed(folder) : error == EPERM ? protected_by_system(path) : failure{};
}

bool is_folder(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) != 0 || S_ISDIR(st.st_mode); // what cannot be seen may be one
}

} // namespace

failure folder_fault(const std::string& path) {
  for (std::size_t at = 1; at <= path.size() && at != 0; at = path.find('/', at) + 1) {
    const auto folder = at == 1 ? "/" : path.substr(0, at - 1);
    if (::access(folder.c_str(), X_OK) != 0) {
      const int why = errno;
      return is_folder(folder) ? fault_of(path, folder, why) : failure{};
    }
  }
  if (::access(path.c_str(), X_OK) != 0) {
    const int why = errno;
    return is_folder(path) ? fault_of(path, path, why) : failure{};
  }
  auto* listing = ::opendir(path.c_str());
  const int why = listing != nullptr ? 0 : errno;
  if (listing != nullptr)
    ::closedir(listing);
  return why == EPERM ? protected_by_system(path) : failure{}; // one that may be entered only is good enough
}

} // namespace troupe
