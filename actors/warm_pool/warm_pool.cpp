// The warm pool actor's shell.
#include "actors/warm_pool/warm_pool.hpp"

#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace pm = pool_machine;

void warm_pool_state::advance(const pm::event_& e) {
  auto step = pm::next(std::move(m), e, now(), jitter(), policy);
  m = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit([this](const auto& x) { act(x); }, effect);
  if (m.spares.empty())
    for (auto& p : std::exchange(closers, {}))
      p.deliver(close_pool{});
}

void warm_pool_state::note(std::string what, worker_id who, const session_id& session,
                           std::map<std::string, std::string> facts) {
  ledger_entry e;
  e.t = wall();
  e.what = std::move(what);
  e.session = session;
  e.facts = std::move(facts);
  e.facts["worker"] = std::to_string(who.value);
  caf::anon_send(keeper, append{std::move(e)}); // about a process of ours only: nothing waits for it
}

void warm_pool_state::act(const pm::launch& e) {
  note("spawned", e.who, {}, {{"profile", e.wanted.harness}, {"spare", e.spare ? "true" : "false"}});
  self->request(host, deadline::local, launch_worker{e.who, e.spare, e.wanted})
      .then([this, e](worker_address& where) { launched(e.who, e.spare, where); },
            [this, e](caf::error& err) { not_launched(e.who, e.spare, err); });
}

void warm_pool_state::launched(worker_id who, bool spare, const worker_address& where) {
  if (spare) {
    addresses[who] = where;
    return;
  }
  auto at = cold.find(who);
  if (at == cold.end())
    return;
  auto claim = claims.extract(at->second);
  cold.erase(at);
  if (!claim.empty())
    claim.mapped().deliver(granted_worker{where, false});
}

void warm_pool_state::not_launched(worker_id who, bool spare, const caf::error& err) {
  if (spare) {
    advance(pm::exited{who, failure_of(err).text});
    return;
  }
  auto at = cold.find(who);
  if (at == cold.end())
    return;
  auto claim = claims.extract(at->second);
  cold.erase(at);
  if (!claim.empty())
    claim.mapped().deliver(err);
}

void warm_pool_state::act(const pm::grant& e) {
  if (!e.warm) {
    cold[e.who] = e.to; // the launch's answer brings the address
    return;
  }
  auto claim = claims.extract(e.to);
  auto where = addresses.extract(e.who);
  claim.mapped().deliver(granted_worker{where.mapped(), true});
}

void warm_pool_state::act(const pm::refuse& e) {
  auto claim = claims.extract(e.to);
  claim.mapped().deliver(make_error(errc::draining, e.why));
}

void warm_pool_state::act(const pm::retire& e) {
  self->send(host, kill_worker{e.who, {}, {}, e.why});
}

void warm_pool_state::act(const pm::arm& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms), timer_due{0, e.generation});
}

void warm_pool_state::act(const pm::permit& e) {
  self->send(supervisor, permit_given{e.to});
}

warm_pool_actor::behavior_type make_warm_pool(warm_pool_actor::stateful_pointer<warm_pool_state> self,
                                              warm_pool_setup setup) {
  auto& st = self->state;
  st.policy = setup.policy;
  st.m.next_worker = setup.epoch << 32 | 1;
  st.host = setup.host;
  st.keeper = setup.keeper;
  st.supervisor = setup.supervisor;
  st.now = setup.now;
  st.jitter = setup.jitter;
  st.wall = setup.wall;
  return {
      [self](open_pool&) { self->state.advance(pm::open{}); },
      [self](claim_worker& c) -> caf::result<granted_worker> {
        auto promise = self->make_response_promise<granted_worker>();
        self->state.claims[c.by] = promise;
        self->state.advance(pm::claimed{c.by, c.wanted});
        return promise;
      },
      [self](permit_wanted& p) { self->state.advance(pm::permit_asked{p.by}); },
      [self](permit_back& p) { self->state.advance(pm::permit_returned{p.by}); },
      [self](worker_ready& w) { self->state.advance(pm::spare_ready{w.worker}); },
      [self](worker_exited& w) {
        auto& s = self->state;
        if (s.addresses.erase(w.worker) != 0)
          s.note("worker_ended", w.worker, {}, {{"evidence", w.evidence}, {"observed", "true"}});
        s.advance(pm::exited{w.worker, w.evidence});
      },
      [self](close_pool&) -> caf::result<close_pool> {
        auto promise = self->make_response_promise<close_pool>();
        self->state.closers.push_back(promise);
        self->state.advance(pm::close{});
        return promise;
      },
      [self](status_asked&) {
        pool_status out{pm::describe(self->state.m.is), {}};
        struct word {
          const char* operator()(const pm::starting&) const { return "starting"; }
          const char* operator()(const pm::ready&) const { return "ready"; }
          const char* operator()(const pm::retired&) const { return "retired"; }
        };
        for (const auto& [id, x] : self->state.m.spares)
          ++out.spares[std::visit(word{}, x.at)];
        return out;
      },
      [self](timer_due& t) { self->state.advance(pm::tick{t.generation}); },
  };
}

} // namespace troupe
