// One supervisor put together: lock, log, services, actors, the thread that does, and the control socket. The program
// troupe-supervisor and the embedding API run the same one.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "caf/actor_system.hpp"

#include "actors/session/session.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/control/control_server.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/host/executable_watch.hpp"
#include "runtime/host/host_bench.hpp"
#include "runtime/host/log.hpp"
#include "runtime/host/loop_scheduler.hpp"
#include "runtime/host/notifier.hpp"
#include "runtime/services/repository.hpp"
#include "runtime/services/vault.hpp"

namespace troupe {

/// The right to be the supervisor of a directory. The kernel frees it with the process, or with this object.
struct tenancy {
  unique_fd lock;
  std::uint64_t epoch = 0; ///< higher than every one before (SUP-1)
};

/// What one version leaves to the next in the same process (SUP-6).
struct succession {
  tenancy right;
  unique_fd listening;
  std::vector<kept_environment> environments;
};

/// The right that an earlier version held in this process: its lock goes on, its epoch ends. None on failure.
std::optional<tenancy> inherit_directory(const paths& where, unique_fd lock, failure& error);

/// Takes the lock of a directory whose folders exist, and counts its epoch up. None where another supervisor holds it
/// (`error` stays ok) or on failure. Waits up to `seconds` for one that leaves (lock_file's bound on threads holds).
std::optional<tenancy> take_directory(const paths& where, unsigned seconds, failure& error);

/// Front ends inside this process have connection numbers from here on; the control socket's are below.
constexpr connection_id first_local = connection_id{1} << 63;

/// How a supervisor speaks to the program that it is part of. Each may be empty, and must return at once.
struct local_ends {
  std::function<void(connection_id, std::string line)> line;       ///< an answer or a change, from the loop's thread
  std::function<void()> opened;                                    ///< requests are served from now on, from the loop's
  std::function<void(const session_id&, std::uint64_t n)> written; ///< a transcript has event `n`, from the loop's
};

/// What a supervisor is put together from.
struct host_setup {
  paths where;
  tenancy right;
  unique_fd listening; ///< the control socket, bound already; empty: none
  std::string origin;  ///< which command or program started it (SUP-9)
  std::string version;
  bool on_demand = true; ///< false: never leaves by itself (SUP-3)
  bool echo = false;     ///< the log goes to standard error too
  environment shell;     ///< what it was started with: credentials, and what a session falls back to (ENV-5)
  std::string worker_program, agent_program;
  std::string supervisor_program; ///< what a worker starts when its channel closes (SUP-12); empty: nothing
  hosted_agents agents;           ///< of the program that embeds it
  std::string settings;           ///< JSON that goes over settings.json; empty: none
  local_ends ends;
  bool guest = false; ///< inside a program that has children and signals of its own: only workers are reaped, by pidfd
  bool follow_program = false;                      ///< makes room for a newer `supervisor_program` (SUP-6)
  std::map<session_id, environment> environments{}; ///< from the version before this one
};

/// Everything of one supervisor. Made, run and destroyed on one thread, which is the loop's while `run` runs.
/// Destroying it is like the death of its process, for workers as for front ends, except that this one goes on.
class supervisor_host {
public:
  explicit supervisor_host(host_setup setup);
  supervisor_host(const supervisor_host&) = delete;
  supervisor_host& operator=(const supervisor_host&) = delete;
  ~supervisor_host();

  /// Serves until the supervisor leaves; gives its exit code.
  int run();
  /// Asks it to leave, workers kept or ended (SUP-4). From any thread, while it runs.
  void ask_stop(bool keep_workers);
  /// Runs a request of a front end inside this process; the answer comes by `local_ends`. From any thread.
  void call(front_call what);
  /// Such a front end is gone. From any thread.
  void hang_up(connection_id who);
  /// After `run`: what the next version of the program is to go on with, if it is to.
  [[nodiscard]] std::optional<succession>& next() { return succession_; }
  [[nodiscard]] asio::io_context& loop() { return loop_; }
  [[nodiscard]] event_log& log() { return log_; }

private:
  [[nodiscard]] loop_scheduler& scheduler();
  [[nodiscard]] std::string greeting() const;
  [[nodiscard]] std::string beside_worker(const char* program) const;
  void spawn_services();
  void spawn_deciders();
  void spawn_machine();
  void spawn_pool();
  void spawn_desk();
  void listen_to_workers();
  void at_desk(std::function<void()> act);
  void when_seen(const session_id& session, std::function<void()> done);
  void clear_dead_sockets(bool again);
  void open();
  void leave(std::uint32_t code);
  void make_room(hand_over estate);

  host_setup setup_;
  event_log log_;
  settings chosen_;
  loop_config config_;
  caf::actor_system system_;
  asio::io_context loop_{1};
  asio::steady_timer clearing_{loop_};
  reaper children_;
  std::shared_ptr<directory_settings> directories_;
  std::optional<control_server> server_;
  std::shared_ptr<host_bench> bench_;
  std::shared_ptr<session_surroundings> around_ = std::make_shared<session_surroundings>();
  std::shared_ptr<credential_vault> vault_store_;
  vault_actor vault_;
  std::shared_ptr<agent_catalog> catalog_;
  supervisor_actor supervisor_;
  real_front_desk desk_;
  front_desk_state* desk_state_ = nullptr; ///< touched in the desk's own context only
  std::optional<executable_watch> executable_;
  std::optional<notifier> notifier_;
  std::optional<succession> succession_;
  int code_ = 0;
};

} // namespace troupe
