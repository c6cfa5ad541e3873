// Processes that outlive their turn.
#include "runtime/worker/acp/outliving_processes.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>

#include <unistd.h>

namespace troupe {
namespace {

constexpr std::size_t most_watched = 64; ///< each costs a descriptor, and nobody reads a longer list
constexpr auto settle_time = std::chrono::milliseconds(100);
constexpr std::size_t environ_limit = std::size_t{256} << 10;

std::string content_of(std::int32_t pid, const char* file, std::size_t limit) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/" + file, std::ios::binary);
  std::string text(limit, '\0');
  in.read(text.data(), static_cast<std::streamsize>(limit));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

/// The parent and the command's name of a process; false when it is gone.
bool read_stat(std::int32_t pid, std::int32_t& parent, std::string& name) {
  const auto stat = content_of(pid, "stat", 4096);
  const auto open = stat.find('('), close = stat.rfind(')');
  if (open == std::string::npos || close == std::string::npos || close + 4 >= stat.size())
    return false;
  name = stat.substr(open + 1, close - open - 1);
  parent = static_cast<std::int32_t>(std::strtol(stat.c_str() + close + 4, nullptr, 10)); // ") S PARENT"
  return true;
}

/// The kernel keeps 15 bytes of a command's name.
bool same_name(const std::string& listed, const std::string& name) {
  return listed.substr(0, 15) == name;
}

} // namespace

outliving_processes::outliving_processes(asio::io_context& loop, std::vector<std::string> ignored,
                                         std::function<void()> changed)
    : loop_(loop), timer_(loop), ignored_(std::move(ignored)), changed_(std::move(changed)) {}

outliving_processes::~outliving_processes() {
  *life_ = false;
}

void outliving_processes::take_baseline() {
  for (auto& each : descendants(getpid()))
    baseline_.insert(std::move(each));
}

void outliving_processes::set_declared(std::vector<std::int32_t> pids, const std::vector<work_item>& items) {
  declared_ = {pids.begin(), pids.end()};
  declared_ids_.clear();
  for (const auto& each : items)
    declared_ids_.push_back(each.id);
}

bool outliving_processes::counts(const process_identity& process, std::int32_t parent, const std::string& name,
                                 std::set<std::int32_t>& left_out) const {
  const bool ignored =
      left_out.contains(parent) || declared_.contains(process.pid) ||
      name == "troupe-model" ||    // the built-in agent's own, which comes and goes
      name == "troupe-worktree" || // this worker's own
      std::any_of(ignored_.begin(), ignored_.end(), [&](const auto& each) { return same_name(each, name); });
  if (ignored) {
    left_out.insert(process.pid);
    return false;
  }
  if (baseline_.contains(process))
    return false;
  if (declared_ids_.empty())
    return true;
  const auto env = '\0' + content_of(process.pid, "environ", environ_limit);
  const auto mark = env.find(std::string("\0TROUPE_TOOL_CALL=", 18));
  if (mark == std::string::npos)
    return true;
  const std::string value(env.c_str() + mark + 1);
  return std::none_of(declared_ids_.begin(), declared_ids_.end(), [&](const auto& id) {
    return value.ends_with("/" + id) || value.find("/" + id + "/") != std::string::npos; // of a subagent's call
  });
}

std::vector<work_item> outliving_processes::look(bool again) {
  std::set<std::int32_t> left_out;
  std::set<process_identity> found;
  std::int32_t parent = 0;
  std::string name;
  bool fresh = false;
  for (const auto& each : descendants(getpid())) {
    if (found.size() == most_watched)
      break;
    if (!read_stat(each.pid, parent, name) || !counts(each, parent, name, left_out))
      continue;
    const bool known = watched_.contains(each);
    if (!known)
      watch(each, name);
    if (const auto at = watched_.find(each); at != watched_.end()) {
      at->second.item.title = name;
      found.insert(each);
    }
    fresh = fresh || !known;
  }
  std::erase_if(watched_, [&](const auto& each) { return !found.contains(each.first); });
  if (fresh && again)
    settle();
  return known();
}

void outliving_processes::watch(const process_identity& process, const std::string& name) {
  auto fd = open_process(process);
  if (!fd)
    return;
  auto& one = watched_[process];
  one.item = {std::to_string(process.pid) + "-" + std::to_string(process.start), "process", name};
  one.watch = std::make_unique<exit_watch>(loop_, std::move(fd), [this, process, life = life_] {
    if (*life)
      one_ended(process);
  });
}

void outliving_processes::one_ended(const process_identity& process) {
  const auto at = watched_.find(process);
  if (at == watched_.end())
    return;
  at->second.gone = true; // dropped later: this is called from within its watch
  settle();
}

void outliving_processes::settle() {
  if (std::exchange(due_, true))
    return;
  timer_.expires_after(settle_time);
  timer_.async_wait([this, life = life_](const asio::error_code& error) {
    if (!*life || error)
      return;
    due_ = false;
    std::erase_if(watched_, [](const auto& each) { return each.second.gone; });
    changed_();
  });
}

std::vector<work_item> outliving_processes::known() const {
  std::vector<work_item> items;
  for (const auto& [process, each] : watched_)
    if (!each.gone)
      items.push_back(each.item);
  return items;
}

} // namespace troupe
