// The native agent's background shells, as another process finds them: by the records it has left, and by the kernel's
// word on who is alive.
#include <algorithm>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "messages/json.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/process_table.hpp"

namespace troupe {

namespace {

constexpr const char* mark_variable = "TROUPE_TOOL_CALL"; ///< holds a shell's mark, in its processes' environment
constexpr std::size_t record_bytes = std::size_t{1} << 20;

struct record {
  process_identity leader;
  std::string mark;
};

std::vector<record> records_in(const std::string& folder) {
  std::vector<record> out;
  DIR* dir = ::opendir(folder.c_str());
  while (auto* entry = dir ? ::readdir(dir) : nullptr) {
    std::string name = entry->d_name;
    if (!name.ends_with(".json"))
      continue;
    auto line = json::parse(process_table::slurp(folder + "/" + name, record_bytes), nullptr, false);
    try {
      out.push_back({identity_from_json(line), optional_text(line, "mark")});
    } catch (const field_error&) { // half a record, or none
    }
  }
  if (dir)
    ::closedir(dir);
  return out;
}

bool belongs(const process_table::line& p, const record& shell) {
  return p.start >= shell.leader.start &&
         (p.session == shell.leader.pid || p.group == shell.leader.pid ||
          (!shell.mark.empty() && process_table::variable(p.pid, mark_variable) == shell.mark));
}

} // namespace

std::pair<std::string, std::string> owner_of(std::int32_t pid) {
  const auto env = process_table::environment_of(pid);
  return {process_table::value_in(env, "TROUPE_SESSION_ID"), process_table::value_in(env, "TROUPE_SESSION_DIR")};
}

std::vector<process_identity> kept_shells(const std::string& session, const std::string& directory) {
  auto shells = records_in(directory + "/shells");
  std::erase_if(shells, [&](const record& r) {
    return !alive(r.leader) || owner_of(r.leader.pid) != std::pair(session, directory);
  });
  if (shells.empty())
    return {};
  auto all = process_table::read();
  std::set<std::int32_t> members;
  for (const auto& p : all)
    if (std::any_of(shells.begin(), shells.end(), [&](const record& r) { return belongs(p, r); }))
      members.insert(p.pid);
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& p : all)
      grown |= members.contains(p.parent) && members.insert(p.pid).second;
  }
  std::vector<process_identity> out;
  for (const auto& p : all)
    if (members.contains(p.pid) && p.pid != ::getpid())
      out.push_back({boot_id(), p.pid, p.start});
  return out;
}

} // namespace troupe
