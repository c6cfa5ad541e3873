// Freezing by control group, else by signals.
#include "runtime/worker/tree_freeze.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <set>
#include <sstream>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/io/process_table.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;
constexpr auto patience = std::chrono::milliseconds(1000); ///< a busy machine takes its time to stop a process
constexpr const char* prefix = "troupe-";                  ///< of our control groups' names

std::string content_of(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf(); // stops without a word where a process is gone by now; an iterator would throw
  return text.str();
}

/// One write, as the kernel's files want it.
bool put(const std::string& path, const std::string& text) {
  unique_fd fd(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  return fd && ::write(fd.get(), text.data(), text.size()) == static_cast<ssize_t>(text.size());
}

/// The state letter; 0 when there is no such process.
char state_of(std::int32_t pid) {
  auto line = process_table::read(pid);
  return line ? line->state : '\0';
}

bool stopped(char state) {
  return state == 'T' || state == 't';
}

/// Whether a process that was told to stop may still do something: one in an uninterruptible wait (the parent of a
/// vfork, say) stops before it comes back from the kernel.
bool may_run(char state) {
  return state == 'R' || state == 'S';
}

/// Where the unified hierarchy is mounted, by /proc/self/mountinfo.
std::string mount_of_groups() {
  std::ifstream in("/proc/self/mountinfo");
  for (std::string line; std::getline(in, line);) {
    auto split = line.find(" - cgroup2 ");
    if (split == std::string::npos)
      continue;
    std::istringstream fields(line);
    std::string field;
    for (int i = 0; i < 5; ++i)
      fields >> field;
    return field;
  }
  return {};
}

/// A process's folder of the unified hierarchy (version 2); empty where there is none.
std::string group_of(std::int32_t pid) {
  static const auto top = mount_of_groups();
  std::ifstream in("/proc/" + std::to_string(pid) + "/cgroup");
  for (std::string line; !top.empty() && std::getline(in, line);)
    if (line.starts_with("0::/"))
      return line == "0::/" ? top : top + line.substr(3);
  return {};
}

} // namespace

void tree_freeze::leave() {
  thaw();
  if (!group_.empty())
    ::rmdir(group_.c_str());
}

bool tree_freeze::freeze() {
  if (frozen_)
    return true;
  frozen_ = true;
  by_group_ = freeze_group();
  if (!by_group_ && !stop_all())
    thaw();
  return frozen_;
}

void tree_freeze::thaw() {
  if (!std::exchange(frozen_, false))
    return;
  if (std::exchange(by_group_, false))
    put(group_ + "/cgroup.freeze", "0");
  for (auto p = stopped_.rbegin(); p != stopped_.rend(); ++p)
    signal_process(*p, SIGCONT);
  stopped_.clear();
}

/// Groups that dead workers have left; a populated one cannot be removed.
void tree_freeze::sweep() const {
  DIR* dir = ::opendir(parent_.c_str());
  while (auto* entry = dir ? ::readdir(dir) : nullptr)
    if (std::strncmp(entry->d_name, prefix, std::strlen(prefix)) == 0)
      ::rmdir((parent_ + "/" + entry->d_name).c_str());
  if (dir)
    ::closedir(dir);
}

/// Moves everything below this process into the group; who is born meanwhile is born there or found in the next round.
/// Who has been put elsewhere by somebody else stays there, and then signals have to do.
bool tree_freeze::gather() {
  std::set<process_identity> moved;
  int calm = 0;
  for (int round = 0; round < 20; ++round) {
    bool fresh = false;
    for (const auto& p : descendants(::getpid()))
      if (moved.insert(p).second) {
        auto now = group_of(p.pid);
        if (now != parent_ && now != group_ && alive(p))
          return false;
        if (!put(group_ + "/cgroup.procs", std::to_string(p.pid)) && alive(p))
          return false;
        fresh = true;
      }
    calm = fresh ? 0 : calm + 1;
    if (calm == 2)
      return true;
  }
  return false;
}

bool tree_freeze::freeze_group() {
  if (way_ == by::group_or_signals && parent_.empty())
    parent_ = group_of(::getpid());
  if (parent_.empty())
    return false;
  if (group_.empty()) {
    sweep();
    auto path = parent_ + "/" + prefix + std::to_string(::getpid());
    if (::mkdir(path.c_str(), 0755) != 0)
      return false;
    group_ = path;
  }
  unique_fd events(::open((group_ + "/cgroup.events").c_str(), O_RDONLY | O_CLOEXEC));
  if (!events || !gather() || !put(group_ + "/cgroup.freeze", "1"))
    return false;
  for (auto end = clock::now() + patience;
       content_of(group_ + "/cgroup.events").find("frozen 1") == std::string::npos;) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - clock::now()).count();
    pollfd changed{events.get(), POLLPRI, 0};
    if (left <= 0) {
      put(group_ + "/cgroup.freeze", "0");
      return false;
    }
    ::poll(&changed, 1, static_cast<int>(std::min<long>(left, 10)));
  }
  return true;
}

bool tree_freeze::stop_all() {
  std::set<process_identity> told;
  int calm = 0;
  for (auto end = clock::now() + patience; clock::now() < end;) {
    bool moving = false;
    for (const auto& p : descendants(::getpid())) { // parents first
      if (!told.contains(p)) {
        told.insert(p);
        if (stopped(state_of(p.pid)))
          continue;
        if (signal_process(p, SIGSTOP))
          stopped_.push_back(p);
        while (may_run(state_of(p.pid)) && clock::now() < end) // else it could still see its child stop
          ::sched_yield();
        moving = true;
      } else {
        moving = moving || may_run(state_of(p.pid));
      }
    }
    calm = moving ? 0 : calm + 1;
    if (calm == 2) // the kernel's list of children may leave one out while a sibling ends
      return true;
    ::poll(nullptr, 0, 1); // a signal is taken at the end of a time slice, at the latest
  }
  return false;
}

} // namespace troupe
