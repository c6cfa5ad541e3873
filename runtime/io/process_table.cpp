// /proc as a table.
#include "runtime/io/process_table.hpp"

#include <algorithm>
#include <charconv>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/unique_fd.hpp"

namespace troupe::process_table {

std::string slurp(const std::string& path, std::size_t most) {
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  std::string out;
  char block[4096];
  while (fd && out.size() < most) {
    auto n = ::read(fd.get(), block, sizeof block);
    if (n <= 0)
      break;
    out.append(block, static_cast<std::size_t>(n));
  }
  return out;
}

/// /proc/PID/stat: the name in parentheses may hold anything, so fields are counted from the last ')'.
std::optional<line> read(std::int32_t pid) {
  auto text = slurp("/proc/" + std::to_string(pid) + "/stat", 4096);
  auto at = text.rfind(')');
  if (at == std::string::npos)
    return {};
  line out;
  out.pid = pid;
  const char* p = text.data() + at + 1;
  const char* end = text.data() + text.size();
  for (int field = 3; p < end && field <= 22; ++field) {
    ++p;
    if (field == 3)
      out.state = *p;
    else if (field == 4)
      std::from_chars(p, end, out.parent);
    else if (field == 5)
      std::from_chars(p, end, out.group);
    else if (field == 6)
      std::from_chars(p, end, out.session);
    else if (field == 22)
      std::from_chars(p, end, out.start);
    p = std::find(p, end, ' ');
  }
  return out;
}

void each(const std::string& folder, const std::function<void(std::int32_t)>& f) {
  DIR* dir = ::opendir(folder.c_str());
  while (auto* entry = dir ? ::readdir(dir) : nullptr) {
    std::int32_t number = 0;
    auto* name_end = entry->d_name + std::strlen(entry->d_name);
    auto [rest, error] = std::from_chars(entry->d_name, name_end, number);
    if (error == std::errc() && rest == name_end)
      f(number);
  }
  if (dir)
    ::closedir(dir);
}

std::vector<line> read() {
  std::vector<line> out;
  each("/proc", [&](std::int32_t pid) {
    if (auto one = read(pid); one && !one->dead())
      out.push_back(*one);
  });
  return out;
}

std::vector<std::int32_t> ancestors_of(std::int32_t pid) {
  constexpr std::size_t most = 256;
  std::vector<std::int32_t> out;
  for (auto at = read(pid); at && at->parent > 1 && out.size() < most; at = read(at->parent))
    out.push_back(at->parent);
  return out;
}

std::string environment_of(std::int32_t pid) {
  struct stat what {};
  auto folder = "/proc/" + std::to_string(pid);
  if (::stat(folder.c_str(), &what) != 0 || what.st_uid != ::getuid())
    return {};
  return slurp(folder + "/environ", std::size_t{1} << 20);
}

std::string value_in(const std::string& environment, const std::string& name) {
  for (std::size_t at = 0; at < environment.size(); at = environment.find('\0', at) + 1) {
    if (environment.compare(at, name.size(), name) == 0 && environment[at + name.size()] == '=')
      return environment.c_str() + at + name.size() + 1;
    if (environment.find('\0', at) == std::string::npos)
      break;
  }
  return {};
}

std::string variable(std::int32_t pid, const std::string& name) {
  return value_in(environment_of(pid), name);
}

} // namespace troupe::process_table
