// The simulated services as actors: each turns a message into a call on the world, and answers when the world has done
// it. And the front desk, which speaks for all front ends.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <vector>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "tests/simulation/world.hpp"

#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe::simulation {

/// Shared by the services of one supervisor; cleared when it dies, so that its last words reach nobody.
struct stage {
  world* around = nullptr;
};
using stage_ptr = std::shared_ptr<stage>;

worker_host_actor::behavior_type make_host(worker_host_actor::pointer self, stage_ptr on);
journal_keeper_actor::behavior_type make_keeper(journal_keeper_actor::pointer self, stage_ptr on);
machine_actor::behavior_type make_machine(machine_actor::pointer self, stage_ptr on);
vault_actor::behavior_type make_vault(vault_actor::pointer self, stage_ptr on);
repository_actor::behavior_type make_repository(repository_actor::pointer self, stage_ptr on);

struct desk_state {
  static inline const char* name = "simulated front desk";
  explicit desk_state(front_desk_actor::pointer s) : self(s) {}
  front_desk_actor::pointer self;
  stage_ptr on;
  supervisor_actor supervisor;
  std::map<session_id, row> rows;
  bool open = false, left = false;
  std::optional<hand_over> estate; ///< it left in favour of a newer version

  /// Sends a front end's request; `done` hears the answer, or the failure when it is null.
  template <class Answer, class Message>
  void ask(Message m, std::chrono::seconds patience, std::function<void(const Answer*, const failure&)> done) {
    self->context(nullptr); // asked from outside of any step
    self->request(supervisor, patience, std::move(m))
        .then(
            [done, stage = on](Answer& a) {
              if (stage->around)
                done(&a, {});
            },
            [done, stage = on](caf::error& e) {
              if (stage->around)
                done(nullptr, failure_of(e));
            });
  }
};
static_assert(!std::is_aggregate_v<desk_state>);

front_desk_actor::behavior_type make_desk(front_desk_actor::stateful_pointer<desk_state> self, stage_ptr on);

} // namespace troupe::simulation
