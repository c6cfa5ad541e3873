// Processes: who they are, how they are started, watched and ended as a tree. Linux only.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>

#include "messages/ids.hpp"
#include "messages/session.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// This boot's id; empty where the kernel tells none. Read once.
const std::string& boot_id();
/// The identity of a live process; none where it does not exist or is a zombie (F-05).
std::optional<process_identity> identify(std::int32_t pid);
/// Whether that very process is alive (a zombie is not).
bool alive(const process_identity& process);
/// A pidfd of that very process: opened first, then compared by start time, so that a reused id is never hit. Empty
/// when it is gone.
unique_fd open_process(const process_identity& process);
/// Sends a signal to that very process; false when it is gone.
bool signal_process(const process_identity& process, int signal);

/// The environment of this process.
environment own_environment();

/// What to start. Descriptors above those named here, and above 2, are closed in the child.
struct spawn_request {
  std::string program;                ///< looked up in `path_of(env)` when it has no slash
  std::vector<std::string> arguments; ///< with argument 0
  environment env;
  std::string cwd;                      ///< bytes; empty: inherited
  std::string terminal;                 ///< path of a PTY's slave: new session, controlling terminal, fds 0 to 2
  std::vector<std::pair<int, int>> fds; ///< (ours, child's); applied in order
  bool new_session = false;
};

/// Starts a process by posix_spawn. Gives its process id, or a negative errno.
std::int32_t spawn(const spawn_request& request);

/// How a child ended.
struct exit_status {
  bool known = false; ///< false: not our child, nobody can tell
  bool signalled = false;
  int value = 0; ///< exit status, or signal
};
/// "exited 0", "killed by signal 9", "status unknown: not our child".
std::string to_text(const exit_status& status);

/// Calls `gone` once when a process ends (pidfd); reaps nothing. Destroying it cancels.
class exit_watch {
public:
  exit_watch(asio::io_context& loop, unique_fd pidfd, std::function<void()> gone);
  exit_watch(const exit_watch&) = delete;
  exit_watch& operator=(const exit_watch&) = delete;
  ~exit_watch();

private:
  std::shared_ptr<asio::posix::stream_descriptor> fd_;
};

/// Collects children of this process. One a loop, on the loop's thread. A child's id is safe to use until its watcher
/// has been told: only this class reaps it.
class reaper {
public:
  /// Which children are collected. `all`: the adopted ones too (subreaper), by SIGCHLD; one a process, and only where
  /// the process is Troupe's own. `watched`: those that `watch` names and no other, by pidfd; no signal is touched.
  enum class reach { all, watched };
  explicit reaper(asio::io_context& loop, reach which = reach::all);
  ~reaper();
  /// Calls `done` once, from the loop, when the child `pid` has ended and was reaped. To be called before the loop runs
  /// again after the spawn: an end that nobody watches is reaped and forgotten.
  void watch(std::int32_t pid, std::function<void(exit_status)> done);
  /// Called after each round of reaping, for those who wait for a tree to be empty; `all` only. May be empty.
  void on_round(std::function<void()> round) { round_ = std::move(round); }

private:
  void arm();
  void collect();
  asio::io_context& loop_;
  std::optional<asio::signal_set> signals_;
  std::map<std::int32_t, std::function<void(exit_status)>> watched_;
  std::map<std::int32_t, std::unique_ptr<exit_watch>> by_pidfd_;
  std::function<void()> round_;
};

/// All live descendants of `root` (not itself), parents first; zombies are left out. While some of them end, others may
/// be left out; for a subreaper an empty answer is exact.
std::vector<process_identity> descendants(std::int32_t root);
/// Takes a child and all below it out of what `descendants` finds: it was started on behalf of others (SUP-12).
void disown_tree(std::int32_t pid);
/// All processes whose environment holds TROUPE_SESSION_ID=`session` and TROUPE_SESSION_DIR=`directory`, but not `self`
/// (KEEP-8).
std::vector<process_identity> processes_of_session(const std::string& session, const std::string& directory);

/// The session that a process belongs to by its environment: TROUPE_SESSION_ID and TROUPE_SESSION_DIR; empty for none.
std::pair<std::string, std::string> owner_of(std::int32_t pid);
/// The background shells that the native agent of a session has on record in `directory`/shells and that live, each
/// with all that it has started (REST-7). By identity, and only what carries the session's mark: nobody else's process
/// is ever taken for one.
std::vector<process_identity> kept_shells(const std::string& session, const std::string& directory);

/// Makes this process an undumpable subreaper, with core limit 0, deaf to SIGPIPE.
void become_subreaper();

} // namespace troupe
