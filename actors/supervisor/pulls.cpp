// The supervisor's shell around pull_watch: whose question it is, and who hears the answer (PR-1).
#include "actors/supervisor/supervisor.hpp"

#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace pw = pull_watch;

namespace {
constexpr std::chrono::seconds asking_patience{30}; ///< longer than `gh` has (services/repository)
} // namespace

void supervisor_state::follow(const pw::event_& e) {
  auto step = pw::next(std::move(pulls), e, setup.around->now(), setup.pulls);
  pulls = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit([this](const auto& x) { act(x); }, effect);
}

void supervisor_state::act(const pw::ask& e) {
  auto at = roster.find(e.who);
  if (at == roster.end())
    return follow(pw::failed{e.url, false}); // the last effect of its step
  self->request(at->second, asking_patience, refresh_pull{e.who, e.url})
      .then(
          [this, url = e.url](pull_request& p) {
            follow(pw::told{url, p.state});
          },
          [this, url = e.url](caf::error& err) {
            follow(pw::failed{url, failure_of(err).code != errc::wrong_state});
          });
}

void supervisor_state::act(const pw::tell& e) {
  if (auto at = roster.find(e.who); at != roster.end())
    self->send(at->second, pull_news{e.who, e.now});
}

void supervisor_state::act(const pw::arm& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms), timer_due{pull_watch_due, e.generation});
}

} // namespace troupe
