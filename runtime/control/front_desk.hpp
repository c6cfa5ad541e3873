// The front desk: the actor behind the control socket. Turns JSON-RPC methods into messages, and changes into
// notifications.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "messages/json.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/control/roster_view.hpp"
#include "runtime/services/agent_catalog.hpp"
#include "runtime/services/consents.hpp"
#include "runtime/services/directory_settings.hpp"
#include "runtime/services/thunk.hpp"

namespace troupe {

using connection_id = std::uint64_t;

/// Whom an answer goes to.
struct caller {
  connection_id from = 0;
  json id;                  ///< null: a notification, which nobody answers
  std::int32_t process = 0; ///< that has connected; 0: inside this program, which embeds the supervisor
};

/// One request of one connection.
struct front_call : caller {
  std::string method;
  json params;
};

/// How the desk speaks to connections. Each is called in the desk's context and must hand over to the loop by itself.
struct front_lines {
  std::function<void(connection_id, std::string line)> send; ///< a change or an answer
  std::function<void(connection_id)> answered;               ///< one request less waits
  std::function<void()> open;                                ///< requests may be read
  std::function<void(std::uint32_t code)> leave;             ///< flush and exit
  std::function<void(hand_over estate)> make_room{};         ///< flush, and let the next version go on
};

struct front_desk_setup {
  supervisor_actor supervisor;
  credential_store_actor credentials;
  front_lines lines;
  settings chosen;
  std::shared_ptr<directory_settings> directories;
  std::string version, origin, socket, log, sessions;
  std::int32_t pid = 0;
  std::uint64_t epoch = 0;
  std::function<wall_ms()> now;
  std::function<void(const row&)>
      notify{}; ///< a session needs somebody, has finished or has failed (VIEW-7); may be empty
  std::shared_ptr<agent_catalog> catalog{};
  std::shared_ptr<consents> given{};
};

using real_front_desk = front_desk_actor::extend<caf::reacts_to<thunk>>;

struct front_desk_state {
  static inline const char* name = "troupe.front_desk";
  explicit front_desk_state(real_front_desk::pointer s) : self(s) {}
  real_front_desk::pointer self;
  front_desk_setup setup;
  roster_view rows;
  wall_ms started = 0;
  std::map<connection_id, bool> subscribers;  ///< whether to all rows
  std::size_t counted = 0;                    ///< of them, as the supervisor knows
  std::map<connection_id, session_id> inside; ///< who has connected from a session's own processes; empty: from none
  struct waiter {
    caller call;
    std::vector<session_id> ids;
    std::uint64_t ticket;
  };
  std::vector<waiter> waiters;
  std::uint64_t next_ticket = 1;
  std::vector<std::string> problems;

  /// Runs one request. In the actor's context.
  void take(const front_call& call);
  /// A connection has ended, or the number of connections has changed.
  void gone(connection_id who);
  void count(std::uint32_t connections);
  /// Tells the supervisor how many subscribe, where that is another number.
  void count_subscribers();

  /// Runs it; a field that is wrong refuses the call.
  void guarded(const caller& call, const std::function<void()>& what);
  void respond(const caller& call, const json& result);
  void respond_text(const caller& call, std::string result);
  void refuse(const caller& call, const failure& why, json extra = json::object());
  void refuse_code(const caller& call, int code, const std::string& text, json extra = json::object());
  bool resolve(const front_call& call, session_id& id);
  /// The session whose process has connected; empty: none (SEC-1).
  const session_id& insider(const front_call& call);
  /// Refuses what may not be asked from inside a session; true: it may.
  bool may(const front_call& call);
  void changed(const row& now);
  void consider_waiters();
  void dismiss_waiters();
  bool answer_waiter(const waiter& w);
};
static_assert(!std::is_aggregate_v<front_desk_state>);

real_front_desk::behavior_type make_front_desk(real_front_desk::stateful_pointer<front_desk_state> self,
                                               front_desk_setup setup);

/// A chain of ledger lines as sentences, the newest first (BEYOND-1). Pure.
json sentences(const std::vector<ledger_entry>& chain);
/// What a session is now, who says so and since when, in the same form without a number (BEYOND-8). Pure.
json state_sentence(const row& now);

/// Checks a dispatch and completes it from the settings: kind, harness, command, directory (which must exist, be one,
/// and be enterable), lengths, trust, permission mode and model (ENV-9, ENV-10). Where nobody has named a harness it is
/// the first that is ready: the built-in one if `native_ready`, else an installed agent. Throws field_error for a
/// field, fills `error` for the rest. Gives the message.
dispatch read_dispatch(const json& params, const settings& chosen, const directory_settings& directories,
                       bool native_ready, failure& error);
/// The session that is to be copied, and its name.
struct fork_source {
  session_id id;
  std::string name;
};
/// The dispatch of a copy of the conversation at `from` (BG-2): harness, directory, mode, model and definition are its
/// own; the prompt may be empty. Throws and fills `error` likewise.
dispatch read_fork(const json& params, const fork_source& of, const place& from, const settings& chosen,
                   const directory_settings& directories, failure& error);

} // namespace troupe
