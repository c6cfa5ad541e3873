// The agent view's actor.
#include "actors/agent_view/agent_view.hpp"

namespace troupe {

agent_view_actor::behavior_type make_agent_view(agent_view_actor::stateful_pointer<agent_view_state> self,
                                                agent_view_setup setup) {
  auto& s = self->state;
  s.port = std::move(setup.port);
  s.now = std::move(setup.now);
  s.machine.set = std::move(setup.config);
  view::recall(s.machine, setup.remembered);
  return {
      [self](view_events& e) {
        view_wants wants;
        for (const auto& x : e.events)
          view::next(self->state.machine, x, self->state.now(), wants.intents);
        self->send(self->state.port, std::move(wants));
      },
      [self](screen_asked&) {
        const auto& m = self->state.machine;
        return screen_told{std::make_shared<const view::screen>(view::show(m)), view::next_change(m)};
      },
  };
}

} // namespace troupe
