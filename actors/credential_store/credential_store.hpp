// The credential store actor: the shell around credential_machine.
#pragma once

#include <functional>
#include <map>

#include "actors/caf_seams.hpp"
#include "actors/credential_store/machine.hpp"
#include "actors/interfaces.hpp"

namespace troupe {

struct credential_store_state {
  static inline const char* name = "troupe.credential_store";
  explicit credential_store_state(credential_store_actor::pointer s) : self(s) {}
  credential_store_actor::pointer self;
  vault_actor vault;
  std::function<wall_ms()> now;
  std::function<void(snapshot)> changed; ///< tells those who run with an older one; may be empty
  credential_machine::state m;
  std::uint64_t next_ticket = 1;
  std::map<std::uint64_t, caf::typed_response_promise<snapshot>> waiting;

  void advance(const credential_machine::event_& e);
  void act(const credential_machine::load& e);
  void act(const credential_machine::give& e);
  void act(const credential_machine::refuse& e);
  void act(const credential_machine::refresh& e);
  void act(const credential_machine::announce& e);
  void act(const credential_machine::arm& e);
};
static_assert(!std::is_aggregate_v<credential_store_state>);

/// `epoch`: the supervisor's; snapshots of a later one have higher epochs (BEYOND-6).
credential_store_actor::behavior_type
make_credential_store(credential_store_actor::stateful_pointer<credential_store_state> self, vault_actor vault,
                      std::function<wall_ms()> now, std::uint64_t epoch = 0,
                      std::function<void(snapshot)> changed = {});

} // namespace troupe
