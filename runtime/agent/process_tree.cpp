// /proc, posix_spawn and pidfds.
#include "runtime/agent/process_tree.hpp"

#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <spawn.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>
}

namespace troupe::agent {
namespace {

std::string read_whole(const std::string& path) {
  const unique_fd fd(open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK));
  std::string content;
  char buffer[4096];
  for (ssize_t n = 0; fd && (n = read(fd.get(), buffer, sizeof buffer)) > 0;)
    content.append(buffer, static_cast<std::size_t>(n));
  return content;
}

process_row parse_stat(const std::string& stat) {
  process_row row;
  const auto name_end = stat.rfind(')'); // a program's name may hold anything
  if (name_end == std::string::npos)
    return row;
  unsigned long long start = 0;
  const int seen = std::sscanf(stat.c_str() + name_end + 1,
                               " %c %d %d %d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
                               &row.state, &row.parent, &row.group, &row.session, &start);
  if (seen != 5)
    return {};
  row.pid = std::atoi(stat.c_str());
  row.start = start;
  return row;
}

std::vector<process_row> all_processes() {
  std::vector<process_row> rows;
  const std::unique_ptr<DIR, int (*)(DIR*)> folder(opendir("/proc"), closedir);
  while (const auto* entry = folder ? readdir(folder.get()) : nullptr) {
    if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
      continue;
    const auto row = parse_stat(read_whole(std::string("/proc/") + entry->d_name + "/stat"));
    // A zombie is gone, but for our own: that one counts until it was reaped and its status is known.
    const bool gone = row.state == 'X' || (row.state == 'Z' && row.parent != getpid());
    if (row.pid != 0 && !gone)
      rows.push_back(row);
  }
  return rows;
}

bool carries(pid_t pid, std::string_view mark) {
  const auto env = read_whole("/proc/" + std::to_string(pid) + "/environ");
  const auto wanted = std::string(mark_variable) + "=" + std::string(mark) + '\0';
  const auto at = env.find(wanted);
  return at != std::string::npos && (at == 0 || env[at - 1] == '\0');
}

/// `roots` and whatever descends from them, out of `all`.
std::vector<process_row> with_descendants(const std::vector<process_row>& all, std::set<pid_t> roots) {
  for (bool grown = true; grown;) {
    grown = false;
    for (const auto& row : all)
      if (roots.contains(row.parent))
        grown |= roots.insert(row.pid).second;
  }
  std::vector<process_row> members;
  for (const auto& row : all)
    if (roots.contains(row.pid) && row.pid != getpid())
      members.push_back(row);
  return members;
}

void signal_row(const process_row& row, int signal) {
  const unique_fd pidfd(pidfd_open(row.pid, 0));
  if (pidfd && process_of(row.pid).start == row.start) // opened first, compared then: a reused id is never hit
    pidfd_send_signal(pidfd.get(), signal, nullptr, 0);
}

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> all;
  for (const auto& text : texts)
    all.push_back(const_cast<char*>(text.c_str()));
  all.push_back(nullptr);
  return all;
}

} // namespace

process_row process_of(pid_t pid) {
  return parse_stat(read_whole("/proc/" + std::to_string(pid) + "/stat"));
}

std::string boot_id() {
  auto id = read_whole("/proc/sys/kernel/random/boot_id");
  while (!id.empty() && id.back() == '\n')
    id.pop_back();
  return id;
}

pid_t start_in_session(const std::vector<std::string>& arguments, const environment& env, const std::string& cwd,
                       int output) {
  return start_in_session(arguments, env, cwd, -1, output, output);
}

pid_t start_in_session(const std::vector<std::string>& arguments, const environment& env, const std::string& cwd,
                       int input, int output, int errors) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  if (input < 0)
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
  else
    posix_spawn_file_actions_adddup2(&actions, input, 0);
  posix_spawn_file_actions_adddup2(&actions, output, 1);
  posix_spawn_file_actions_adddup2(&actions, errors, 2);
  posix_spawn_file_actions_addchdir_np(&actions, cwd.c_str());
  posix_spawnattr_t attributes;
  posix_spawnattr_init(&attributes);
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  posix_spawnattr_setsigmask(&attributes, &none);
  posix_spawnattr_setsigdefault(&attributes, &all);
  posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
  std::vector<std::string> variables;
  for (const auto& [name, value] : env)
    variables.push_back(name + "=" + value);
  pid_t pid = -1;
  const int failed = posix_spawn(&pid, arguments.front().c_str(), &actions, &attributes, pointers(arguments).data(),
                                 pointers(variables).data());
  posix_spawn_file_actions_destroy(&actions);
  posix_spawnattr_destroy(&attributes);
  return failed != 0 ? -failed : pid;
}

std::string find_program(const environment& env, const std::string& name) {
  if (name.find('/') != std::string::npos)
    return access(name.c_str(), X_OK) == 0 ? name : "";
  const auto path = value_of(env, "PATH");
  for (std::size_t at = 0; at < path.size();) {
    const auto end = std::min(path.find(':', at), path.size());
    const auto candidate = path.substr(at, end - at) + "/" + name;
    if (candidate.front() == '/' && end > at && access(candidate.c_str(), X_OK) == 0)
      return candidate;
    at = end + 1;
  }
  return {};
}

std::string find_shell(const environment& env) {
  const auto found = find_program(env, "bash");
  if (!found.empty())
    return found;
  return access("/bin/bash", X_OK) == 0 ? "/bin/bash" : "/bin/sh";
}

std::vector<process_row> tree_of(const process_row& leader, std::string_view mark) {
  const auto all = all_processes();
  std::set<pid_t> roots;
  for (const auto& row : all) {
    if (row.start < leader.start || row.pid == getpid())
      continue;
    if (row.session == leader.pid || row.group == leader.pid || carries(row.pid, mark))
      roots.insert(row.pid);
  }
  return with_descendants(all, std::move(roots));
}

std::vector<process_row> all_below() {
  return with_descendants(all_processes(), {getpid()});
}

std::vector<process_row> group_of(pid_t leader) {
  std::vector<process_row> members;
  for (const auto& row : all_processes())
    if (row.group == leader)
      members.push_back(row);
  return members;
}

tree_ending::tree_ending(event_loop& events, members who, milliseconds grace, event_loop::task done)
    : events_(events), who_(std::move(who)), done_(std::move(done)), signal_(grace.count() > 0 ? SIGTERM : SIGKILL),
      kill_at_(std::chrono::steady_clock::now() + grace), give_up_at_(kill_at_ + milliseconds{2000}) {
  round_ = events_.on_reaped([this] { again(); });
  again();
}

tree_ending::~tree_ending() {
  events_.cancel(timer_);
  events_.forget(round_);
}

void tree_ending::again() {
  events_.cancel(timer_);
  timer_ = events_.after(milliseconds{0}, [this] { look(); });
}

void tree_ending::look() {
  const auto now = std::chrono::steady_clock::now();
  const auto left = who_();
  if (left.empty() || now >= give_up_at_) {
    events_.forget(round_);
    const auto done = std::move(done_); // it may destroy this
    return done();
  }
  if (now >= kill_at_ && std::exchange(signal_, SIGKILL) != SIGKILL)
    told_.clear();
  for (const auto& row : left) {
    if (std::find(told_.begin(), told_.end(), row.pid) != told_.end())
      continue;
    told_.push_back(row.pid);
    signal_row(row, signal_);
    if (signal_ == SIGTERM)
      signal_row(row, SIGCONT); // a stopped process does not see SIGTERM
  }
  // The end of a process that is not our child is told by nobody, so look again soon as well.
  timer_ = events_.after(milliseconds{25}, [this] { look(); });
}

} // namespace troupe::agent
