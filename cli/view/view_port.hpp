// The port: the actor through which the view reaches the program that hosts it.
#pragma once

#include "actors/agent_view/agent_view.hpp"

namespace troupe {

class view_program;

struct view_port_state {
  static inline const char* name = "troupe.view_port";
  explicit view_port_state(view_port_actor::pointer) {}
};

/// `program` outlives it.
view_port_actor::behavior_type make_view_port(view_port_actor::stateful_pointer<view_port_state> self,
                                              view_program* program, std::function<agent_view_actor()> view);

} // namespace troupe
