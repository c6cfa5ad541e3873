// The warm pool actor: the shell around pool_machine.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "actors/warm_pool/machine.hpp"

namespace troupe {

struct warm_pool_state {
  static inline const char* name = "troupe.warm_pool";
  explicit warm_pool_state(warm_pool_actor::pointer s) : self(s) {}

  warm_pool_actor::pointer self;
  pool_machine::policy policy;
  worker_host_actor host;
  journal_keeper_actor keeper;
  supervisor_actor supervisor;
  std::function<std::int64_t()> now; ///< milliseconds of a clock that does not jump
  std::function<double()> jitter;    ///< 0 to 1
  std::function<wall_ms()> wall;
  pool_machine::state m;
  std::map<session_id, std::deque<caf::typed_response_promise<granted_worker>>> claims; ///< the oldest first
  std::map<worker_id, worker_address> addresses;
  /// Launched for a session that waits, and why no spare fits.
  std::map<worker_id, std::pair<session_id, std::string>> cold;
  std::vector<caf::typed_response_promise<close_pool>> closers;
  std::uint64_t cause = 0;                      ///< the ledger line that makes the pool start what it starts next
  std::map<worker_id, std::uint64_t> last_line; ///< the latest one about each of its workers

  void advance(const pool_machine::event_& e);
  void act(const pool_machine::launch& e);
  void act(const pool_machine::grant& e);
  void act(const pool_machine::refuse& e);
  void act(const pool_machine::retire& e);
  void act(const pool_machine::arm& e);
  void act(const pool_machine::permit& e);
  caf::typed_response_promise<granted_worker> next_claim(const session_id& by);
  void launched(worker_id who, bool spare, const worker_address& where);
  void not_launched(worker_id who, bool spare, const caf::error& err);
  /// Writes a line about a worker; `then` gets its number.
  void note(std::string what, worker_id who, std::uint64_t because, std::map<std::string, std::string> facts,
            std::function<void(std::uint64_t)> then);
};
static_assert(!std::is_aggregate_v<warm_pool_state>);

struct warm_pool_setup {
  pool_machine::policy policy;
  std::uint64_t epoch = 0;
  worker_host_actor host;
  journal_keeper_actor keeper;
  supervisor_actor supervisor;
  std::function<std::int64_t()> now;
  std::function<double()> jitter;
  std::function<wall_ms()> wall;
};

warm_pool_actor::behavior_type make_warm_pool(warm_pool_actor::stateful_pointer<warm_pool_state> self,
                                              warm_pool_setup setup);

} // namespace troupe
