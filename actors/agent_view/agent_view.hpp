// The agent view's actor: the shell around the machine. Whoever hosts it (a terminal, a test, nobody) is its port.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "caf/allowed_unsafe_message_type.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

#include "actors/agent_view/machine.hpp"
#include "actors/caf_seams.hpp"

namespace troupe {

/// Keys, changes and ticks, in the order in which they came.
struct view_events {
  std::vector<view::event> events;
};
/// What the port is to do, and whether the screen may have changed.
struct view_wants {
  std::vector<view::intent> intents;
};
struct screen_asked {
  std::uint32_t version = 1;
};
/// The screen, and when it changes by itself: milliseconds, 0 for never.
struct screen_told {
  std::shared_ptr<const view::screen> now;
  std::int64_t changes_in = 0;
};

} // namespace troupe

CAF_BEGIN_TYPE_ID_BLOCK(troupe_view, caf::id_block::troupe::end + 100)
CAF_ADD_TYPE_ID(troupe_view, (troupe::view_events))
CAF_ADD_TYPE_ID(troupe_view, (troupe::view_wants))
CAF_ADD_TYPE_ID(troupe_view, (troupe::screen_asked))
CAF_ADD_TYPE_ID(troupe_view, (troupe::screen_told))
CAF_END_TYPE_ID_BLOCK(troupe_view)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::view_events)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::view_wants)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::screen_asked)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::screen_told)

namespace troupe {

/// Carries out what the view wants.
using view_port_actor = caf::typed_actor<
    // Do these, in this order; the screen may have changed.
    caf::reacts_to<view_wants>>;

/// One view of all sessions.
using agent_view_actor = caf::typed_actor<
    // Take these in.
    caf::reacts_to<view_events>,
    // Give the screen.
    caf::replies_to<screen_asked>::with<screen_told>>;

struct agent_view_setup {
  view::config config;
  std::string remembered; ///< what an earlier run persisted
  view_port_actor port;
  std::function<wall_ms()> now;
};

struct agent_view_state {
  static inline const char* name = "troupe.agent_view";
  explicit agent_view_state(agent_view_actor::pointer s) : self(s) {}
  agent_view_actor::pointer self;
  view_port_actor port;
  std::function<wall_ms()> now;
  view::state machine;
};
static_assert(!std::is_aggregate_v<agent_view_state>);

agent_view_actor::behavior_type make_agent_view(agent_view_actor::stateful_pointer<agent_view_state> self,
                                                agent_view_setup setup);

} // namespace troupe
