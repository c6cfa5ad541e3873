// The credential store actor's shell.
#include "actors/credential_store/credential_store.hpp"

#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace cm = credential_machine;

void credential_store_state::advance(const cm::event_& e) {
  auto step = cm::next(std::move(m), e, now());
  m = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit([this](const auto& x) { act(x); }, effect);
}

void credential_store_state::act(const cm::load& e) {
  self->request(vault, deadline::local, load_credentials{})
      .then(
          [this, e](snapshot& s) {
            advance(cm::loaded{std::move(s), e.logouts});
          },
          [this, e](caf::error&) { advance(cm::not_loaded{e.logouts}); }); // the vault has logged the fault
}

void credential_store_state::act(const cm::give& e) {
  auto at = waiting.extract(e.ticket);
  if (!at.empty())
    at.mapped().deliver(e.what);
}

void credential_store_state::act(const cm::refuse& e) {
  auto at = waiting.extract(e.ticket);
  if (!at.empty())
    at.mapped().deliver(make_error(errc::no_credentials,
                                   "Could not resolve authentication method: " + e.why + "\nsign in: troupe login"));
}

void credential_store_state::act(const cm::refresh& e) {
  const auto& held = std::get<cm::refreshing>(m.at).held;
  self->request(vault, deadline::ending, refresh_credentials{held, e.refused})
      .then(
          [this, e](snapshot& s) {
            advance(cm::refreshed{std::move(s), e.flight});
          },
          [this, e](caf::error& err) {
            advance(cm::not_refreshed{failure_of(err).text, e.flight});
          });
}

void credential_store_state::act(const cm::announce& e) {
  if (changed)
    changed(e.what);
}

void credential_store_state::act(const cm::arm& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms), timer_due{0, e.generation});
}

credential_store_actor::behavior_type
make_credential_store(credential_store_actor::stateful_pointer<credential_store_state> self, vault_actor vault,
                      std::function<wall_ms()> now, std::uint64_t epoch, std::function<void(snapshot)> changed) {
  auto& st = self->state;
  st.vault = std::move(vault);
  st.now = std::move(now);
  st.changed = std::move(changed);
  st.m.epoch = epoch << 32;
  st.advance(cm::load_asked{});
  return {
      [self](snapshot_wanted& x) -> caf::result<snapshot> {
        auto promise = self->make_response_promise<snapshot>();
        auto& s = self->state;
        auto ticket = s.next_ticket++;
        s.waiting[ticket] = promise;
        s.advance(cm::asked{ticket, x.refused});
        return promise;
      },
      [self](load_credentials&) { self->state.advance(cm::load_asked{}); },
      [self](accounts_asked& a) -> caf::result<accounts> {
        auto promise = self->make_response_promise<accounts>();
        self->request(self->state.vault, deadline::local, a)
            .then([promise](accounts& x) mutable { promise.deliver(std::move(x)); },
                  [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
        return promise;
      },
      [self](sign_out&) -> caf::result<signed_out> {
        auto promise = self->make_response_promise<signed_out>();
        self->state.advance(cm::logged_out{}); // whatever becomes of the files, nobody is handed anything any more
        self->request(self->state.vault, deadline::ending, clear_credentials{})
            .then([promise](signed_out& x) mutable { promise.deliver(std::move(x)); },
                  [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
        return promise;
      },
      [self](timer_due& t) { self->state.advance(cm::due_now{t.generation}); },
  };
}

} // namespace troupe
