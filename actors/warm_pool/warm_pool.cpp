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

void warm_pool_state::note(std::string what, worker_id who, std::uint64_t because,
                           std::map<std::string, std::string> facts, std::function<void(std::uint64_t)> then) {
  ledger_entry e;
  e.t = wall();
  e.what = std::move(what);
  e.cause = because;
  e.facts = std::move(facts);
  e.facts["worker"] = std::to_string(who.value);
  self->request(keeper, deadline::local, append{std::move(e)})
      .then([then](appended& a) { then(a.n); },
            [](caf::error&) { /* the keeper has logged it; nothing waits for it */ });
}

void warm_pool_state::act(const pm::launch& e) {
  note("spawned", e.who, cause, {{"profile", e.wanted.harness}, {"spare", e.spare ? "true" : "false"}},
       [this, e](std::uint64_t n) {
         if (e.spare && m.spares.count(e.who) != 0)
           last_line[e.who] = n;
       });
  self->request(host, deadline::local, launch_worker{e.who, e.spare, e.wanted})
      .then([this, e](worker_address& where) { launched(e.who, e.spare, where); },
            [this, e](caf::error& err) { not_launched(e.who, e.spare, err); });
}

/// The session's oldest claim that waits. One session may have two under way: of a stop and a respawn at once, say.
caf::typed_response_promise<granted_worker> warm_pool_state::next_claim(const session_id& by) {
  auto at = claims.find(by);
  auto promise = std::move(at->second.front());
  at->second.pop_front();
  if (at->second.empty())
    claims.erase(at);
  return promise;
}

void warm_pool_state::launched(worker_id who, bool spare, const worker_address& where) {
  if (spare) {
    addresses[who] = where;
    return;
  }
  auto at = cold.find(who);
  if (at == cold.end())
    return;
  auto [by, differs] = std::move(at->second);
  cold.erase(at);
  next_claim(by).deliver(granted_worker{where, false, std::move(differs)});
}

void warm_pool_state::not_launched(worker_id who, bool spare, const caf::error& err) {
  if (failure_of(err).code == errc::timed_out) // it may still come: then it is nobody's (KEEP-8)
    self->send(host, kill_worker{who, {}, {}, "was not launched in time"});
  if (spare) {
    advance(pm::exited{who, failure_of(err).text});
    return;
  }
  auto at = cold.find(who);
  if (at == cold.end())
    return;
  auto by = at->second.first;
  cold.erase(at);
  next_claim(by).deliver(err);
}

void warm_pool_state::act(const pm::grant& e) {
  if (!e.warm) {
    cold[e.who] = {e.to, e.differs}; // the launch's answer brings the address
    return;
  }
  auto where = addresses.extract(e.who);
  last_line.erase(e.who);
  next_claim(e.to).deliver(granted_worker{where.mapped(), true});
}

void warm_pool_state::act(const pm::refuse& e) {
  next_claim(e.to).deliver(make_error(errc::draining, e.why));
}

void warm_pool_state::act(const pm::retire& e) {
  note("kill", e.who, last_line[e.who], {{"why", e.why}}, [this, who = e.who](std::uint64_t n) {
    if (m.spares.count(who) != 0)
      last_line[who] = n;
  });
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
      [self](open_pool& o) {
        self->state.cause = o.cause;
        self->state.advance(pm::open{});
      },
      [self](claim_worker& c) -> caf::result<granted_worker> {
        auto promise = self->make_response_promise<granted_worker>();
        self->state.claims[c.by].push_back(promise);
        self->state.cause = c.cause;
        self->state.advance(pm::claimed{c.by, c.wanted, c.warmable});
        return promise;
      },
      [self](permit_wanted& p) { self->state.advance(pm::permit_asked{p.by}); },
      [self](permit_back& p) { self->state.advance(pm::permit_returned{p.by}); },
      [self](worker_ready& w) {
        self->state.advance(pm::spare_ready{w.worker, w.version});
      },
      [self](worker_exited& w) {
        auto& s = self->state;
        if (s.addresses.erase(w.worker) != 0)
          s.note("worker_ended", w.worker, s.last_line[w.worker], {{"evidence", w.evidence}, {"observed", "true"}},
                 [&s](std::uint64_t n) { s.cause = n; });
        s.last_line.erase(w.worker);
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
