// The port.
#include "cli/view/view_port.hpp"

#include "cli/view/view_program.hpp"

namespace troupe {

view_port_actor::behavior_type make_view_port(view_port_actor::stateful_pointer<view_port_state> self,
                                              view_program* program, std::function<agent_view_actor()> view) {
  program->ask_screen = [self, program, view = std::move(view)] {
    self->request(view(), deadline::local, screen_asked{})
        .then([program](screen_told& told) { program->show(told); },
              [program](caf::error&) { program->screen_failed(); });
  };
  return {[program](view_wants& wants) { program->take(std::move(wants)); }};
}

} // namespace troupe
