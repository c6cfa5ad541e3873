// The processes below a tool: how they are started, found and ended. A tool's tree is its session and process group,
// their descendants, and what carries its mark in the environment (daemons that left the session).
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/fields.hpp"

namespace troupe::agent {

constexpr const char* mark_variable = "TROUPE_TOOL_CALL"; ///< holds the mark, in each tool's environment

/// One line of /proc/PID/stat.
struct process_row {
  pid_t pid = 0, parent = 0, group = 0, session = 0;
  char state = '?';
  std::uint64_t start = 0; ///< clock ticks since boot: with the pid it names a process for ever
};

/// The process of that id; pid 0 when there is none.
process_row process_of(pid_t pid);
/// This boot's id; empty where the kernel tells none.
std::string boot_id();

/// Starts a program as the leader of a new session, standard input empty, output and errors to `output`, signals as by
/// default. Gives its process id, or a negative errno.
pid_t start_in_session(const std::vector<std::string>& arguments, const environment& env, const std::string& cwd,
                       int output);
/// The same with each stream of its own; `input` -1: empty.
pid_t start_in_session(const std::vector<std::string>& arguments, const environment& env, const std::string& cwd,
                       int input, int output, int errors);
/// The program along the environment's PATH, or at that path where the name has a slash; empty where there is none.
std::string find_program(const environment& env, const std::string& name);
/// The environment's shell: bash along its PATH, /bin/bash, else /bin/sh.
std::string find_shell(const environment& env);

/// Those who belong to the tool started as `leader` with `mark`; never this process, zombies only where they are our
/// children and were not reaped yet.
std::vector<process_row> tree_of(const process_row& leader, std::string_view mark);
/// All below this process, the adopted too.
std::vector<process_row> all_below();
/// Those in the process group of `leader`.
std::vector<process_row> group_of(pid_t leader);

/// Ends processes: SIGTERM, after a grace SIGKILL, and tells when none is left, or when SIGKILL did not help within
/// two seconds. Destroying it stops it.
class tree_ending {
public:
  using members = std::function<std::vector<process_row>()>; ///< asked anew each time: a dying tree still forks
  tree_ending(event_loop& events, members who, milliseconds grace, event_loop::task done);
  ~tree_ending();
  tree_ending(const tree_ending&) = delete;
  tree_ending& operator=(const tree_ending&) = delete;

private:
  void look();
  void again();
  event_loop& events_;
  members who_;
  event_loop::task done_;
  int signal_;
  std::vector<pid_t> told_;
  std::chrono::steady_clock::time_point kill_at_, give_up_at_;
  event_loop::ticket timer_ = 0, round_ = 0;
};

} // namespace troupe::agent
