// The supervisor actor: the shell around supervisor_machine. Owns the roster and passes messages on by session id.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "actors/session/session.hpp"
#include "actors/supervisor/machine.hpp"
#include "actors/supervisor/pull_watch.hpp"

namespace troupe {

/// Makes an id that the roster does not hold.
using id_source = std::function<session_id()>;

struct supervisor_setup {
  supervisor_machine::policy policy;
  pull_watch::policy pulls{};
  std::shared_ptr<session_surroundings> around; ///< its `pool` and `supervisor_handle` are set by this actor's maker
  id_source fresh_id;
  std::string origin, version;
  std::int32_t pid = 0;
  std::map<session_id, environment> environments; ///< from the supervisor that handed over to this one (SUP-6)
};

/// Which timer looks for the next pull request to ask about; beside those of supervisor_machine.
constexpr std::uint32_t pull_watch_due = 1000;

struct supervisor_state {
  static inline const char* name = "troupe.supervisor";
  explicit supervisor_state(supervisor_actor::pointer s) : self(s) {}
  supervisor_state(const supervisor_state&) = delete;
  supervisor_state& operator=(const supervisor_state&) = delete;
  ~supervisor_state();
  supervisor_actor::pointer self;
  supervisor_setup setup;
  supervisor_machine::state m;
  pull_watch::state pulls;
  std::map<session_id, session_actor> roster;
  std::set<session_id> busy;
  struct whereabouts {
    std::string cwd, tree; ///< where it was sent; the worktree that Troupe made for it
  };
  std::map<session_id, whereabouts> places; ///< of all that are listed
  std::set<session_id> restoring;           ///< whose first row has not come yet
  std::map<std::string, supervisor_machine::key_use> keys_found;
  std::vector<std::string> problems;
  std::vector<row> gone;
  std::uint32_t stopped = 0;
  std::uint64_t started_line = 0; ///< the ledger's, of this supervisor's start
  bool recorded = false;          ///< that line is written, or cannot be
  dispatch asked;                 ///< the dispatch at hand, while its step is carried out
  caf::typed_response_promise<dispatched> asked_promise;
  std::vector<caf::typed_response_promise<supervisor_stopped>> stoppers;
  std::vector<caf::error> refusal;
  hand_over estate;      ///< what the next version is given
  std::size_t heirs = 0; ///< sessions whose environment has not come yet

  void advance(const supervisor_machine::event_& e);
  void act(const supervisor_machine::admit& e);
  void act(const supervisor_machine::repeat& e);
  void act(const supervisor_machine::refuse& e);
  void act(const supervisor_machine::arm_linger& e);
  void act(const supervisor_machine::drain& e);
  void act(const supervisor_machine::leave& e);
  void act(const supervisor_machine::make_room& e);
  void act(const supervisor_machine::retire& e);
  void act(const supervisor_machine::look_at_memory& e);
  void act(const supervisor_machine::arm_retire& e);
  void act(const supervisor_machine::arm_make_room& e);
  void follow(const pull_watch::event_& e);
  void act(const pull_watch::ask& e);
  void act(const pull_watch::tell& e);
  void act(const pull_watch::arm& e);
  void part(std::function<void(std::uint32_t ended)> then);
  void note(std::string what, std::map<std::string, std::string> facts);
  void load(journal& j);
  void opened();
  void changed(const row& now);
  [[nodiscard]] std::string user_of_tree(const session_id& of) const;
  caf::result<done> resume(resume_session& x);
  supervisor_status status(const pool_status& pool) const;
  session_actor spawn_session(const session_id& id);
};
static_assert(!std::is_aggregate_v<supervisor_state>);

supervisor_actor::behavior_type make_supervisor(supervisor_actor::stateful_pointer<supervisor_state> self,
                                                supervisor_setup setup);

} // namespace troupe
