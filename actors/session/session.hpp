// The session actor: the shell around session_machine. It translates messages to events and effects to messages; the
// one thing it adds is order: no effect starts before the ledger line ahead of it is written.
#pragma once

#include <algorithm>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "actors/session/machine.hpp"
#include "actors/session/renewal.hpp"

namespace troupe {

/// What the settings of its directory make of a session's launch (ENV-1).
struct launch_settings {
  environment env;
  std::string settings, definition; ///< JSON, for the agent; may be empty
  std::string isolation;            ///< how its worktree is made, JSON; empty: it gets none (ISO-1)
  std::string effort;               ///< where the dispatch did not name one (ENV-8)
  bool hands_all = true;            ///< else only the credentials in `hands` go along (CRED-7)
  std::set<std::string> hands;
  std::map<std::string, std::string> keeps_back; ///< credentials that stay, and the endpoint they would go to (CRED-8)
  std::vector<std::string> notes;                ///< shown on the row
  bool asks_pulls = true;                        ///< `gh` may be asked about its pull requests (PR-1)
  failure refused;                               ///< the session is not started
};

/// What a session needs to know of how an ACP agent is driven.
struct driver_facts {
  std::string text;  ///< what its worker needs, a JSON object
  bool warm = false; ///< a spare may run it ahead of time (POOL-9)
};

/// What every session of one supervisor shares. Immutable after the start.
struct session_surroundings {
  session_machine::policy policy;
  profile warmed;
  std::uint64_t epoch = 0;
  std::string sessions; ///< the folder that holds the sessions' folders
  std::string control_socket;
  std::string supervisor;                      ///< the supervisor's own program
  std::vector<std::string> ignored_work;       ///< activeWork.ignore
  std::map<std::string, driver_facts> drivers; ///< of ACP agents, by name
  environment fallback;                        ///< HOME, USER, SHELL, PATH, LANG of the supervisor's shell (ENV-5)
  /// What a launch gets from the directory's settings; reads files. Empty: none. `env`: empty where no shell has woken
  /// it.
  std::function<launch_settings(const session_id&, const dispatch_spec&, const environment& env)> settle;
  /// Why a task is not started at all; errc::ok where it is. May read files.
  std::function<failure(const dispatch_spec&)> admit = [](const dispatch_spec&) { return failure{}; };
  std::function<wall_ms()> now;
  journal_keeper_actor keeper;
  worker_host_actor host;
  warm_pool_actor pool;
  credential_store_actor credentials;
  machine_actor machine;
  repository_actor repository;
  front_desk_actor desk;
  supervisor_actor supervisor_handle;
};

/// Which timer tries a line again that the ledger did not take; beside those of session_machine::timer.
constexpr std::uint32_t ledger_retry = 1000;
/// And which offers newer credentials again to a worker that has not taken them.
constexpr std::uint32_t credentials_late = 1002;

struct session_state {
  static inline const char* name = "troupe.session";
  explicit session_state(session_actor::pointer s) : self(s) {}

  using todo = std::function<bool()>; ///< gives true when the queue must wait for it
  session_actor::pointer self;
  std::shared_ptr<const session_surroundings> around;
  session_machine::state m;
  environment env;
  launch_settings settled; ///< of the run at hand
  renewal credentials;     ///< how far its worker is with them
  bool warm = false;
  row shown;
  std::deque<todo> queue;
  bool waiting = false;             ///< for the keeper
  session_machine::record unsaved;  ///< the line that it was given last
  bool adoption_open = false;       ///< its answer is awaited
  std::vector<worker_exited> exits; ///< told while it was
  std::uint64_t cause = 0;          ///< the ledger line before
  std::uint64_t because = 0;        ///< the line that the request at hand comes from; 0: a person
  std::vector<caf::typed_response_promise<dispatched>> dispatchers;
  struct quiet_waiter {
    caf::typed_response_promise<done> promise;
    bool removal; ///< it waits for the removal, which may be refused
  };
  std::deque<quiet_waiter> quiet_waiters;
  /// How many of them have been told, and how many had come when the effect at hand was decided: a `quiet` that waits
  /// behind a ledger line says nothing to who asks for a stop meanwhile.
  std::size_t quiet_told = 0, quiet_due = 0;

  void advance(const session_machine::event_& e);
  /// The same for a request: a refusal goes to `promise`, anything else is answered by `then` once the ledger has it.
  template <class T>
  void serve(caf::typed_response_promise<T> promise, const session_machine::event_& e, std::function<T()> then);
  void later(std::function<void()> act);
  void run();
  bool save(); ///< hands `unsaved` to the keeper
  void not_written(const caf::error& err);
  void show();
  void take(dispatch& d, caf::typed_response_promise<dispatched> promise);
  void wake_with(const environment& fresh);
  [[nodiscard]] renewal_standing standing() const;
  void obey(renewal_order what, snapshot at_hand = {});
  void renew(snapshot fresh);
  void replace_refused(std::uint64_t epoch);
  [[nodiscard]] launch_settings settled_now() const;
  [[nodiscard]] const driver_facts& driver() const;

  // One effect each.
  bool act(session_machine::record& e); ///< it is moved from
  bool act(const session_machine::claim& e);
  bool act(const session_machine::assign& e);
  void assign_with(const session_machine::assign& e, snapshot fresh);
  void tell_exits();
  void not_assigned(std::uint32_t run, const caf::error& err);
  bool act(const session_machine::ask_permit& e);
  bool act(const session_machine::return_permit& e);
  bool act(const session_machine::start& e);
  bool act(const session_machine::deliver& e);
  bool act(const session_machine::give& e);
  bool act(const session_machine::turn_away& e);
  bool act(const session_machine::declare& e);
  bool act(const session_machine::steer& e);
  bool act(const session_machine::freeze& e);
  bool act(const session_machine::thaw& e);
  bool act(const session_machine::end& e);
  bool act(const session_machine::kill& e);
  bool act(const session_machine::adopt& e);
  bool act(const session_machine::arm& e);
  bool act(const session_machine::answer_dispatch& e);
  bool act(const session_machine::refuse& e);
  bool act(const session_machine::clear& e);
  bool act(const session_machine::look_at_memory& e);
  bool act(const session_machine::remove_tree& e);
  bool act(const session_machine::quiet& e);
  caf::result<losses> tell_losses();
  caf::result<pull_request> ask_about(const std::string& url);
  bool act(const session_machine::vanish& e);
  bool act(const session_machine::forget& e);

  std::deque<caf::typed_response_promise<answer_taken>>
      answers; ///< in the order of their `give` and `turn_away` effects
  std::deque<caf::typed_response_promise<work_declared>> works; ///< in the order of their `declare` effects
  std::deque<caf::typed_response_promise<steered>> steers;      ///< in the order of their `steer` effects
};
static_assert(!std::is_aggregate_v<session_state>);

session_actor::behavior_type make_session_actor(session_actor::stateful_pointer<session_state> self, session_id id,
                                                std::shared_ptr<const session_surroundings> around);

} // namespace troupe
