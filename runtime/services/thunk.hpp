// How the Asio thread answers an actor: a piece of code that the actor runs in its own context. Never leaves the
// process.
#pragma once

#include <functional>

#include "caf/allowed_unsafe_message_type.hpp"
#include "caf/type_id.hpp"

#include "actors/caf_seams.hpp"
#include "actors/type_ids.hpp"

namespace troupe {

struct thunk {
  std::function<void()> run;
};

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_services, caf::id_block::troupe::end)
CAF_ADD_TYPE_ID(troupe_services, (troupe::thunk))
CAF_END_TYPE_ID_BLOCK(troupe_services)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::thunk)

namespace troupe {

/// The configuration of an actor system that has services.
struct service_config : actor_config {
  service_config() { add_message_types<caf::id_block::troupe_services>(); }
};

} // namespace troupe
