// Processes on Linux.
#include "runtime/io/process.hpp"

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstring>

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>
}

#include <asio/post.hpp>

#include "runtime/io/process_table.hpp"

extern char** environ;

namespace troupe {

namespace {

exit_status status_of(const siginfo_t& s) {
  return {true, s.si_code != CLD_EXITED, s.si_status};
}

/// The file that `program` names: itself when it has a slash, else the first executable one in PATH of `env`.
std::string find_program(const std::string& program, const environment& env) {
  if (program.find('/') != std::string::npos)
    return program;
  std::string path = "/usr/local/bin:/usr/bin:/bin";
  for (const auto& [name, value] : env)
    if (name == "PATH")
      path = value;
  for (std::size_t at = 0; at <= path.size();) {
    auto end = std::min(path.find(':', at), path.size());
    auto file = path.substr(at, end - at) + "/" + program;
    if (::access(file.c_str(), X_OK) == 0)
      return file;
    at = end + 1;
  }
  return program;
}

class spawn_plan {
public:
  spawn_plan() {
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawnattr_init(&attributes);
  }
  spawn_plan(const spawn_plan&) = delete;
  ~spawn_plan() {
    ::posix_spawn_file_actions_destroy(&actions);
    ::posix_spawnattr_destroy(&attributes);
  }
  void signals(short extra) {
    sigset_t all, none;
    ::sigfillset(&all);
    ::sigemptyset(&none);
    ::posix_spawnattr_setsigdefault(&attributes, &all);
    ::posix_spawnattr_setsigmask(&attributes, &none);
    ::posix_spawnattr_setflags(&attributes, static_cast<short>(POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | extra));
  }
  /// Sources are first copied above every target, so that no copy overwrites a source that is still needed.
  void descriptors(const std::vector<std::pair<int, int>>& fds) {
    int floor = 16;
    for (auto [ours, theirs] : fds)
      floor = std::max(floor, theirs + 1);
    for (auto [ours, theirs] : fds) {
      copies.emplace_back(::fcntl(ours, F_DUPFD_CLOEXEC, floor));
      ::posix_spawn_file_actions_adddup2(&actions, copies.back().get(), theirs);
      first_free = std::max(first_free, theirs + 1);
    }
    // Not all of ours are O_CLOEXEC: Asio accepts without it, and a spawn may come ahead of the handler. A child that
    // holds a connection of ours keeps its other end from seeing our death.
    ::posix_spawn_file_actions_addclosefrom_np(&actions, first_free);
  }
  posix_spawn_file_actions_t actions;
  posix_spawnattr_t attributes;
  std::vector<unique_fd> copies;
  int first_free = 3;
};

} // namespace

const std::string& boot_id() {
  static const std::string id = [] {
    auto text = process_table::slurp("/proc/sys/kernel/random/boot_id", 64);
    while (!text.empty() && text.back() == '\n')
      text.pop_back();
    return text;
  }();
  return id;
}

std::optional<process_identity> identify(std::int32_t pid) {
  auto line = process_table::read(pid);
  if (!line || line->dead())
    return {};
  return process_identity{boot_id(), pid, line->start};
}

bool alive(const process_identity& process) {
  return process.pid > 0 && identify(process.pid) == process;
}

unique_fd open_process(const process_identity& process) {
  if (process.pid <= 0)
    return {};
  unique_fd fd(::pidfd_open(process.pid, 0));
  if (fd && !alive(process))
    fd.reset();
  return fd;
}

bool signal_process(const process_identity& process, int signal) {
  auto fd = open_process(process);
  return fd && ::pidfd_send_signal(fd.get(), signal, nullptr, 0) == 0;
}

environment own_environment() {
  environment out;
  for (char** at = environ; *at; ++at) {
    std::string_view pair(*at);
    if (auto split = pair.find('='); split != std::string_view::npos)
      out.emplace_back(pair.substr(0, split), pair.substr(split + 1));
  }
  return out;
}

std::int32_t spawn(const spawn_request& r) {
  spawn_plan plan;
  plan.signals(r.new_session || !r.terminal.empty() ? POSIX_SPAWN_SETSID : 0);
  if (!r.terminal.empty()) { // the first open of a session leader without a terminal makes it the controlling one
    ::posix_spawn_file_actions_addopen(&plan.actions, 0, r.terminal.c_str(), O_RDWR, 0);
    ::posix_spawn_file_actions_adddup2(&plan.actions, 0, 1);
    ::posix_spawn_file_actions_adddup2(&plan.actions, 0, 2);
  }
  plan.descriptors(r.fds);
  if (!r.cwd.empty())
    ::posix_spawn_file_actions_addchdir_np(&plan.actions, r.cwd.c_str());
  std::vector<std::string> pairs;
  for (const auto& [name, value] : r.env)
    pairs.push_back(name + "=" + value);
  std::vector<char*> arguments, env;
  for (const auto& x : r.arguments)
    arguments.push_back(const_cast<char*>(x.c_str()));
  arguments.push_back(nullptr);
  for (const auto& x : pairs)
    env.push_back(const_cast<char*>(x.c_str()));
  env.push_back(nullptr);
  pid_t pid = 0;
  auto program = find_program(r.program, r.env);
  int error = ::posix_spawn(&pid, program.c_str(), &plan.actions, &plan.attributes, arguments.data(), env.data());
  return error == 0 ? pid : -error;
}

std::string to_text(const exit_status& s) {
  if (!s.known)
    return "status unknown: not our child";
  return (s.signalled ? "killed by signal " : "exited ") + std::to_string(s.value);
}

reaper::reaper(asio::io_context& loop, reach which) : loop_(loop) {
  if (which == reach::watched)
    return;
  signals_.emplace(loop, SIGCHLD);
  arm();
}

reaper::~reaper() = default;

void reaper::watch(std::int32_t pid, std::function<void(exit_status)> done) {
  if (signals_) {
    watched_[pid] = std::move(done);
    return;
  }
  unique_fd pidfd(::pidfd_open(pid, 0));
  auto line = process_table::read(pid);
  if (!pidfd || !line || line->parent != ::getpid()) { // reaped already by the program that we are a guest of
    asio::post(loop_, [done = std::move(done)] { done({}); });
    return;
  }
  auto ours = std::make_shared<unique_fd>(::fcntl(pidfd.get(), F_DUPFD_CLOEXEC, 0));
  by_pidfd_[pid] = std::make_unique<exit_watch>(loop_, std::move(pidfd), [this, pid, ours, done = std::move(done)] {
    auto self = by_pidfd_.extract(pid);
    siginfo_t s{};
    bool reaped = ::waitid(P_PIDFD, static_cast<id_t>(ours->get()), &s, WEXITED | WNOHANG) == 0 && s.si_pid != 0;
    done(reaped ? status_of(s) : exit_status{});
  });
}

void reaper::arm() {
  signals_->async_wait([this](const asio::error_code& error, int) {
    if (error)
      return;
    arm();
    collect();
  });
}

void reaper::collect() {
  for (;;) {
    siginfo_t s{};
    if (::waitid(P_ALL, 0, &s, WEXITED | WNOHANG) != 0 || s.si_pid == 0)
      break;
    auto at = watched_.extract(s.si_pid);
    if (!at.empty())
      at.mapped()(status_of(s));
  }
  if (round_)
    round_();
}

exit_watch::exit_watch(asio::io_context& loop, unique_fd pidfd, std::function<void()> gone)
    : fd_(std::make_shared<asio::posix::stream_descriptor>(loop, pidfd.release())) {
  fd_->async_wait(asio::posix::stream_descriptor::wait_read,
                  [keep = fd_, gone = std::move(gone)](const asio::error_code& error) {
                    if (!error)
                      gone();
                  });
}

exit_watch::~exit_watch() {
  asio::error_code ignored;
  fd_->cancel(ignored);
}

namespace {
std::vector<std::int32_t> disowned; ///< one thread only, as all of a worker
}

void disown_tree(std::int32_t pid) {
  disowned.push_back(pid);
}

namespace {

bool is_disowned(std::int32_t pid) {
  return std::find(disowned.begin(), disowned.end(), pid) != disowned.end();
}

/// The children that the kernel lists by thread. While siblings end, some may be left out; that there is none at all is
/// exact, and orphans are children of the next subreaper at once.
std::vector<std::int32_t> listed_children(std::int32_t pid) {
  std::vector<std::int32_t> out;
  auto folder = "/proc/" + std::to_string(pid) + "/task";
  process_table::each(folder, [&](std::int32_t thread) {
    auto text = process_table::slurp(folder + "/" + std::to_string(thread) + "/children", std::size_t{1} << 20);
    for (const char *p = text.data(), *end = p + text.size(); p < end;) {
      std::int32_t child = 0;
      p = std::from_chars(p, end, child).ptr + 1;
      if (child > 0)
        out.push_back(child);
    }
  });
  return out;
}

/// For kernels that list no children: reads all of /proc.
std::vector<std::int32_t> searched_children(std::int32_t pid) {
  std::vector<std::int32_t> out;
  for (const auto& p : process_table::read())
    if (p.parent == pid)
      out.push_back(p.pid);
  return out;
}

} // namespace

std::vector<process_identity> descendants(std::int32_t root) {
  static const bool listed = ::access("/proc/thread-self/children", R_OK) == 0;
  std::vector<process_identity> out;
  auto add = [&](std::int32_t parent) {
    for (auto pid : listed ? listed_children(parent) : searched_children(parent))
      if (!is_disowned(pid))
        if (auto who = identify(pid))
          out.push_back(*who);
  };
  add(root);
  for (std::size_t i = 0; i < out.size(); ++i)
    add(std::int32_t{out[i].pid});
  return out;
}

std::vector<process_identity> processes_of_session(const std::string& session, const std::string& directory) {
  std::vector<process_identity> out;
  for (const auto& p : process_table::read()) {
    process_identity who{boot_id(), p.pid, p.start};
    if (p.pid != ::getpid() && owner_of(p.pid) == std::pair(session, directory) && alive(who))
      out.push_back(std::move(who));
  }
  return out;
}

void become_subreaper() {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1);
  ::prctl(PR_SET_DUMPABLE, 0); // SEC-5: nobody looks into what holds credentials, and no core has them
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::signal(SIGPIPE, SIG_IGN);
}

} // namespace troupe
