// Who is in a folder.
#include "runtime/worktree/occupants.hpp"

#include <climits>
#include <fstream>

#include <dirent.h>
#include <unistd.h>

namespace troupe {

std::vector<std::string> occupants_of(const std::string& folder) {
  constexpr std::size_t most = 8;
  std::vector<std::string> out;
  DIR* all = ::opendir("/proc");
  if (!all)
    return out;
  while (const auto* entry = ::readdir(all)) {
    std::string pid(static_cast<const char*>(entry->d_name));
    if (pid.find_first_not_of("0123456789") != std::string::npos || pid == std::to_string(::getpid()))
      continue;
    char at[PATH_MAX];
    auto n = ::readlink(("/proc/" + pid + "/cwd").c_str(), at, sizeof at);
    if (n <= 0 || !(std::string(at, static_cast<std::size_t>(n)) + "/").starts_with(folder + "/"))
      continue;
    std::string name;
    std::getline(std::ifstream("/proc/" + pid + "/comm"), name);
    out.push_back("process " + pid + " (" + name + ")");
    if (out.size() == most)
      break;
  }
  ::closedir(all);
  return out;
}

} // namespace troupe
