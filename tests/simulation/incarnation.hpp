// One supervisor of the simulated world: the real deciding actors and the simulated services, on CAF's testing
// scheduler, put together as runtime/supervisor/main.cpp does. It may be killed between any two messages.
#pragma once

#include <memory>

#include "actors/credential_store/credential_store.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "actors/warm_pool/warm_pool.hpp"
#include "tests/simulation/services.hpp"

#include "caf/scheduler/test_coordinator.hpp"

namespace troupe::simulation {

/// What the settings of the simulated user say, in milliseconds where they are times.
struct simulated_settings {
  std::size_t pool_size = 1, most_starting = 2;
  std::int64_t linger = 60'000;
  std::int64_t freeze = 300'000; ///< 0: never
  bool on_demand = true;
};

class incarnation {
public:
  /// Takes the next epoch and begins to load what is on the disk. `environments`: from the one before, where that has
  /// handed over (SUP-6).
  incarnation(world& around, const simulated_settings& chosen, std::map<session_id, environment> environments = {});
  /// Kills all of it; nothing that it had not done by then is done.
  ~incarnation();
  incarnation(const incarnation&) = delete;
  incarnation& operator=(const incarnation&) = delete;

  [[nodiscard]] std::size_t jobs() const { return sched_.jobs.size(); }
  /// Lets the actor at this place of the queue take one message.
  void run_one(std::size_t which);
  /// Milliseconds until the next timer of the actors; -1: none is armed.
  [[nodiscard]] std::int64_t next_timer() const;
  /// Fires the next timer and moves the world's time to it.
  void fire_next_timer();

  void sign_out() { caf::anon_send(around_->credentials, troupe::sign_out{"a person"}); }
  void credentials_changed() { caf::anon_send(around_->credentials, load_credentials{}); }
  void front_ends_now(std::uint32_t n) { caf::anon_send(supervisor_, front_ends{n}); }

  void watched_by(std::uint32_t n) { caf::anon_send(supervisor_, roster_watched{n}); }

  void memory_is_short() { caf::anon_send(supervisor_, memory_state{true, true, "much stall"}); }
  void machine_has_slept(std::int64_t ms, wall_ms since) { caf::anon_send(supervisor_, machine_slept{ms, since}); }
  void program_is_replaced() { caf::anon_send(supervisor_, executable_replaced{std::to_string(world_.installed)}); }

  [[nodiscard]] desk_state& desk() { return *desk_; }
  [[nodiscard]] const supervisor_state& supervisor() const;
  [[nodiscard]] const warm_pool_state& pool() const;
  [[nodiscard]] const credential_store_state& credentials() const;
  /// The machine of each live session.
  [[nodiscard]] std::vector<const session_state*> sessions() const;

  std::uint64_t messages = 0;

private:
  void spawn_services(std::uint64_t epoch);
  void spawn_deciders(const simulated_settings& chosen, std::map<session_id, environment> environments);
  void move_time();
  void drain(bool timers);

  world& world_;
  stage_ptr stage_;
  caf::actor_system system_;
  caf::scheduler::test_coordinator& sched_;
  std::shared_ptr<session_surroundings> around_ = std::make_shared<session_surroundings>();
  supervisor_actor supervisor_;
  vault_actor vault_;
  front_desk_actor desk_handle_;
  desk_state* desk_ = nullptr;
  caf::actor_clock::time_point zero_; ///< what the actors' clock showed at the start
  std::int64_t born_;                 ///< and the world's
};

} // namespace troupe::simulation
