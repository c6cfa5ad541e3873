// Where things are (FILES-1), and files that survive a power cut whole (FILES-2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "messages/errors.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// The folders of one instance. All absolute, bytes.
struct paths {
  std::string config;  ///< settings.json, credentials.json, trust.json
  std::string state;   ///< ledger, log, locks, sessions
  std::string sockets; ///< control socket and the workers' (TROUPE_SOCKET_DIR, else `state`)
  [[nodiscard]] std::string control_socket() const { return sockets + "/supervisor.sock"; }
  [[nodiscard]] std::string worker_socket(std::uint64_t worker) const {
    return sockets + "/workers/" + std::to_string(worker) + ".sock";
  }
  [[nodiscard]] std::string supervisor_lock() const { return state + "/supervisor.lock"; }
  [[nodiscard]] std::string start_lock() const { return state + "/start.lock"; }
  [[nodiscard]] std::string ledger() const { return state + "/ledger.jsonl"; }
  [[nodiscard]] std::string log() const { return state + "/supervisor.log"; }
  [[nodiscard]] std::string session(const std::string& id) const { return state + "/sessions/" + id; }
};

/// From TROUPE_HOME, else XDG_CONFIG_HOME and XDG_STATE_HOME, else HOME (FILES-1). Fails when none is set or one is
/// relative.
std::optional<paths> find_paths(failure& error);
/// Makes the folders, 0700. Refuses one that is a link, another user's, or open to others (SEC-3); names the remedy.
bool make_folders(const paths& where, failure& error);
/// Makes one folder 0700 and checks it the same way.
bool make_private_folder(const std::string& path, failure& error);

/// Replaces a file so that a power cut leaves the old or the new one (temporary file, fsync, rename, fsync of the
/// folder), 0600. `durable` false leaves out the syncs: safe from the death of any process only.
bool replace_file(const std::string& path, std::string_view content, bool durable, failure& error);
/// The whole file; none where it does not exist (error stays ok) or cannot be read (error says why).
std::optional<std::string> read_file(const std::string& path, failure& error);
/// Renames a bad file to NAME.bad-TIME, so that it costs nothing else (F-06). Gives the new name.
std::string set_aside(const std::string& path);
/// Takes the exclusive lock of an open file; waits up to `seconds` for it (by SIGALRM: for programs with one thread
/// only, unless it is 0). False when another holds it still (errno is EWOULDBLOCK or EINTR) or on failure.
bool take_lock(int fd, unsigned seconds);
/// Takes an exclusive lock that the kernel frees when the process dies; waits like `take_lock`. Empty when another
/// holds it still (error stays ok) or on failure.
unique_fd lock_file(const std::string& path, unsigned seconds, failure& error);
/// The same for a private folder itself, without waiting: one file less to make. A missing folder is made.
unique_fd lock_folder(const std::string& path, failure& error);
/// How long a command waits for another that starts the supervisor, and a supervisor for one that leaves.
constexpr unsigned start_lock_seconds = 60, leaving_seconds = 30;
/// The same for start.lock, with an error that says what to look at.
unique_fd lock_start(const paths& where, failure& error);
/// The folder of this program's own executable, and a program of Troupe's beside it or in ../libexec/troupe.
std::string own_program(std::string_view name);

} // namespace troupe
