// The supervisor actor's shell.
#include "actors/supervisor/supervisor.hpp"

#include <algorithm>

#include "caf/exit_reason.hpp"
#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace sm = supervisor_machine;

namespace {
/// Which timer is due.
enum class timer : std::uint32_t { linger, retire, make_room };
} // namespace

/// However it ends, no session stays behind without it.
supervisor_state::~supervisor_state() {
  for (const auto& [id, handle] : roster)
    caf::anon_send_exit(handle, caf::exit_reason::kill);
}

void supervisor_state::advance(const sm::event_& e) {
  auto step = sm::next(std::move(m), e, setup.around->now(), setup.policy);
  m = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit([this](const auto& x) { act(x); }, effect);
}

session_actor supervisor_state::spawn_session(const session_id& id) {
  std::shared_ptr<const session_surroundings> around = setup.around;
  auto handle = self->spawn(make_session_actor, id, around);
  roster[id] = handle;
  return handle;
}

void supervisor_state::act(const sm::admit& e) {
  auto promise = asked_promise;
  self->request(spawn_session(e.session), deadline::dispatch, std::move(asked))
      .then([promise](dispatched& d) mutable { promise.deliver(std::move(d)); },
            [this, promise, id = e.session](caf::error& err) mutable {
              if (failure_of(err).code == errc::disk)
                advance(sm::not_recorded{id});
              promise.deliver(std::move(err));
            });
}

void supervisor_state::act(const sm::repeat& e) {
  auto promise = asked_promise;
  auto at = roster.find(e.session);
  if (at == roster.end()) { // its row is gone already: it ran, and it counted once
    promise.deliver(dispatched{e.session, {}, {}, false, true});
    return;
  }
  self->request(at->second, deadline::dispatch, std::move(asked))
      .then([promise](dispatched& d) mutable { promise.deliver(std::move(d)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
}

void supervisor_state::act(const sm::refuse& e) {
  refusal.push_back(make_error(e.code, e.text));
}

void supervisor_state::act(const sm::arm_linger& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms),
                     timer_due{static_cast<std::uint32_t>(timer::linger), e.generation});
}

void supervisor_state::note(std::string what, std::map<std::string, std::string> facts) {
  ledger_entry line;
  line.t = setup.around->now();
  line.what = std::move(what);
  line.facts = std::move(facts);
  caf::anon_send(setup.around->keeper, append{std::move(line)});
}

void supervisor_state::act(const sm::retire& e) {
  self->request(roster[e.who], deadline::local, retire_session{e.who, "memory"})
      .then([](done&) { /* its row tells of the end */ },
            [this, who = e.who](caf::error&) { advance(sm::retire_refused{who}); });
}

void supervisor_state::act(const sm::look_at_memory&) {
  self->request(setup.around->machine, deadline::local, memory_asked{})
      .then([this](memory_state& now) { advance(sm::memory_looked{now.pressed}); },
            [this](caf::error&) { advance(sm::memory_looked{false}); });
}

void supervisor_state::act(const sm::arm_retire& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms),
                     timer_due{static_cast<std::uint32_t>(timer::retire), e.generation});
}

void supervisor_state::act(const sm::arm_make_room& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms), timer_due{static_cast<std::uint32_t>(timer::make_room), 0});
}

void supervisor_state::act(const sm::drain& e) {
  ledger_entry line;
  line.t = setup.around->now();
  line.what = "supervisor_stopping";
  line.facts = {{"keep_workers", e.keep_workers ? "true" : "false"}};
  if (!e.successor.empty())
    line.facts["successor"] = e.successor;
  stopped = static_cast<std::uint32_t>(busy.size());
  follow(pull_watch::watched_by{0});
  // One that is being dispatched or woken may have no row yet that says so: all of the roster is asked.
  auto asked_to_end = e.keep_workers ? decltype(roster){} : roster;
  auto stop_all = [this, asked_to_end](std::uint64_t by_line) { // F-07: written before it is carried out
    for (const auto& [id, session] : asked_to_end)
      self->request(session, deadline::ending, stop_session{id, "daemon stop", by_line})
          .then([this](done&) { advance(sm::session_ended{}); }, [this](caf::error&) { advance(sm::session_ended{}); });
  };
  self->request(setup.around->keeper, deadline::local, append{std::move(line)})
      .then([stop_all](appended& a) { stop_all(a.n); }, [stop_all](caf::error&) { stop_all(0); });
}

/// Ends the spares, says goodbye to the workers, and goes on.
void supervisor_state::part(std::function<void(std::uint32_t ended)> then) {
  auto goodbye = [this, then] {
    self->request(setup.around->host, deadline::worker, say_goodbye{})
        .then([then](say_goodbye& g) { then(g.ended); }, [then](caf::error&) { then(0); });
  };
  self->request(setup.around->pool, deadline::worker, close_pool{})
      .then([goodbye](close_pool&) { goodbye(); }, [goodbye](caf::error&) { goodbye(); });
}

void supervisor_state::act(const sm::leave&) {
  part([this](std::uint32_t ended) {
    auto kept = static_cast<std::uint32_t>(busy.size());
    kept -= std::min(kept, ended);
    for (auto& p : std::exchange(stoppers, {}))
      p.deliver(supervisor_stopped{stopped - kept, kept});
    self->send(setup.around->desk, leaving{});
  });
}

/// SUP-6: the ledger is complete and the environments are collected before the next version is told of.
void supervisor_state::act(const sm::make_room&) {
  heirs = roster.size() + 1;
  follow(pull_watch::watched_by{0});
  auto collected = [this] {
    if (--heirs > 0)
      return;
    part([this](std::uint32_t) {
      auto finish = [this] { self->send(setup.around->desk, std::move(estate)); };
      self->request(setup.around->keeper, deadline::local, flush_journal{})
          .then([finish](flush_journal&) { finish(); }, [finish](caf::error&) { finish(); });
    });
  };
  for (const auto& [id, handle] : roster)
    self->request(handle, deadline::local, environment_asked{id})
        .then(
            [this, collected](kept_environment& x) {
              if (!x.env.empty())
                estate.environments.push_back(std::move(x));
              collected();
            },
            [collected](caf::error&) { collected(); });
  collected();
}

void supervisor_state::load(journal& j) {
  problems = std::move(j.problems);
  gone = std::move(j.gone);
  for (const auto& e : j.keys)
    keys_found[e.facts.at("key")] = {e.facts.at("digest"), e.session, e.t};
  for (auto& s : j.sessions) {
    for (const auto& e : s.entries)
      if (e.what == "dispatched")
        keys_found[e.facts.at("key")] = {e.facts.at("digest"), s.id, e.t};
    restoring.insert(s.id);
  }
  for (auto& s : j.sessions)
    self->send(spawn_session(s.id), restore{std::move(s.entries), std::move(s.events), std::move(s.problems),
                                            s.worker_alive, std::move(s.output), std::move(setup.environments[s.id])});
  setup.environments.clear();
  ledger_entry line;
  line.t = setup.around->now();
  line.what = "supervisor_started";
  line.facts = {{"epoch", std::to_string(setup.around->epoch)},
                {"version", setup.version},
                {"pid", std::to_string(setup.pid)},
                {"origin", setup.origin}};
  auto written = [this](std::uint64_t n) {
    started_line = n;
    recorded = true;
    opened();
  };
  self->request(setup.around->keeper, deadline::local, append{std::move(line)})
      .then([written](appended& a) { written(a.n); }, [written](caf::error&) { written(0); });
}

void supervisor_state::opened() {
  if (!recorded || !restoring.empty() || !std::holds_alternative<sm::starting>(m.at))
    return;
  advance(sm::opened{std::move(keys_found)});
  self->send(setup.around->pool, open_pool{started_line});
  self->send(setup.around->machine, watch_machine{});
  self->send(setup.around->desk, roster_loaded{std::move(problems), std::move(gone)});
}

/// Another session that works in the worktree of this one; empty: none does.
std::string supervisor_state::user_of_tree(const session_id& of) const {
  auto at = places.find(of);
  if (at == places.end() || at->second.tree.empty())
    return {};
  auto within = [tree = at->second.tree + "/"](const std::string& path) { return (path + "/").starts_with(tree); };
  auto other = std::find_if(places.begin(), places.end(), [&](const auto& p) {
    return p.first != of && (within(p.second.cwd) || within(p.second.tree));
  });
  return other == places.end() ? std::string() : other->first.value;
}

/// ISO-3: as its files show it, stopped; what is written to it next starts it.
caf::result<done> supervisor_state::resume(resume_session& x) {
  auto promise = self->make_response_promise<done>();
  if (roster.count(x.id) != 0) {
    promise.deliver(
        make_error(errc::wrong_state, "session " + x.id.value + " is there already\nsee it: troupe agents"));
    return promise;
  }
  self->request(setup.around->keeper, deadline::local, revive_session{x.id, x.by})
      .then(
          [this, promise, env = x.env](session_history& h) mutable {
            auto id = h.id;
            if (roster.count(id) == 0)
              self->send(
                  spawn_session(id),
                  restore{std::move(h.entries), std::move(h.events), std::move(h.problems), false, {}, std::move(env)});
            promise.deliver(done{id});
          },
          [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

void supervisor_state::changed(const row& now) {
  if (now.gone) {
    roster.erase(now.id);
    places.erase(now.id);
  } else {
    places[now.id] = {now.cwd, now.tree.inode != 0 ? now.tree.path : std::string()};
  }
  bool was = busy.count(now.id) != 0, is = !now.gone && sm::keeps_open(now);
  if (was != is) {
    if (is)
      busy.insert(now.id);
    else
      busy.erase(now.id);
    advance(sm::busy_now{busy.size()});
  }
  if (pull_watch::is_news(pulls, now))
    follow(pull_watch::row_now{now.id, now.gone ? std::vector<pull_request>() : now.pulls});
  advance(sm::row_now{now});
  if (restoring.erase(now.id) != 0)
    opened();
}

supervisor_status supervisor_state::status(const pool_status& pool) const {
  struct word {
    const char* operator()(const sm::starting&) const { return "starting"; }
    const char* operator()(const sm::serving&) const { return "serving"; }
    const char* operator()(const sm::draining&) const { return "draining"; }
    const char* operator()(const sm::handing_over&) const { return "handing over"; }
    const char* operator()(const sm::stopped&) const { return "stopped"; }
  };
  supervisor_status out{std::visit(word{}, m.at),
                        pool.mood,
                        static_cast<std::uint32_t>(busy.size()),
                        static_cast<std::uint32_t>(roster.size()),
                        pool.spares,
                        {}};
  for (const auto& id : busy)
    out.holds.push_back("session " + id.value);
  if (m.front_ends > 0)
    out.holds.push_back(std::to_string(m.front_ends) + " front end" + (m.front_ends == 1 ? "" : "s"));
  if (!setup.policy.on_demand)
    out.holds.push_back("started by hand");
  return out;
}

namespace {

/// Passes a request on to its session; the session answers.
template <class Answer, class Message>
caf::result<Answer> pass(supervisor_actor::stateful_pointer<supervisor_state> self, Message& x,
                         std::chrono::seconds patience = deadline::ending) {
  auto promise = self->make_response_promise<Answer>();
  auto at = self->state.roster.find(x.id);
  if (at == self->state.roster.end()) {
    promise.deliver(make_error(errc::no_such_session,
                               "there is no session '" + x.id.value + "'\nlist them: troupe agents --json --all"));
    return promise;
  }
  self->request(at->second, patience, std::move(x))
      .then([promise](Answer& a) mutable { promise.deliver(std::move(a)); },
            [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
  return promise;
}

template <class Message>
void tell(supervisor_actor::stateful_pointer<supervisor_state> self, const session_id& id, Message& x) {
  auto at = self->state.roster.find(id);
  if (at != self->state.roster.end())
    self->send(at->second, std::move(x));
}

} // namespace

supervisor_actor::behavior_type make_supervisor(supervisor_actor::stateful_pointer<supervisor_state> self,
                                                supervisor_setup setup) {
  self->state.setup = std::move(setup);
  return {
      // What comes most often is first: CAF compares a message with one after the other.
      [self](row_changed& r) { self->state.changed(r.now); },
      [self](worker_event& e) { tell(self, session_id(e.session), e); },
      [self](worker_output& e) { tell(self, session_id(e.session), e); },
      [self](worker_ready& w) { self->send(self->state.setup.around->pool, w); },
      [self](load_journal& l) {
        self->request(self->state.setup.around->keeper, deadline::ending, l)
            .then([self](journal& j) { self->state.load(j); },
                  [self](caf::error&) { self->send(self->state.setup.around->desk, leaving{1}); });
      },
      [self](dispatch& d) -> caf::result<dispatched> {
        auto& s = self->state;
        s.asked_promise = self->make_response_promise<dispatched>();
        sm::dispatch_asked e{d.key, d.digest, s.setup.fresh_id()};
        while (s.roster.count(e.fresh) != 0)
          e.fresh = s.setup.fresh_id();
        s.asked = std::move(d);
        s.advance(e);
        for (auto& err : std::exchange(s.refusal, {}))
          s.asked_promise.deliver(err);
        return s.asked_promise;
      },
      [self](stop_session& x) { return pass<done>(self, x); },
      [self](remove_session& x) {
        x.used_by = self->state.user_of_tree(x.id);
        return pass<done>(self, x, deadline::removing);
      },
      [self](respawn_session& x) { return pass<done>(self, x); },
      [self](rename_session& x) { return pass<done>(self, x); },
      [self](pin_session& x) { return pass<done>(self, x); },
      [self](reply_to& x) { return pass<replied>(self, x); },
      [self](answer_question& x) { return pass<answer_taken>(self, x); },
      [self](find_place& x) { return pass<place>(self, x); },
      [self](declare_work& x) { return pass<work_declared>(self, x); },
      [self](steer_session& x) { return pass<steered>(self, x); },
      [self](losses_asked& x) { return pass<losses>(self, x, deadline::removing); },
      [self](resume_session& x) { return self->state.resume(x); },
      [self](archive_asked& x) -> caf::result<archive> {
        auto promise = self->make_response_promise<archive>();
        self->request(self->state.setup.around->keeper, deadline::local, x)
            .then([promise](archive& a) mutable { promise.deliver(std::move(a)); },
                  [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
        return promise;
      },
      [self](why& x) -> caf::result<reasons> {
        auto promise = self->make_response_promise<reasons>();
        self->request(self->state.setup.around->keeper, deadline::local, chain_asked{x.id})
            .then([promise](reasons& r) mutable { promise.deliver(std::move(r)); },
                  [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
        return promise;
      },
      [self](status_asked& a) -> caf::result<supervisor_status> {
        auto promise = self->make_response_promise<supervisor_status>();
        self->request(self->state.setup.around->pool, deadline::local, a)
            .then([self, promise](pool_status& p) mutable { promise.deliver(self->state.status(p)); },
                  [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
        return promise;
      },
      [self](stop_supervisor& x) -> caf::result<supervisor_stopped> {
        auto promise = self->make_response_promise<supervisor_stopped>();
        auto& s = self->state;
        s.stoppers.push_back(promise);
        s.advance(sm::stop_asked{x.any, x.keep_workers, s.roster.size()});
        for (auto& err : std::exchange(s.refusal, {})) {
          s.stoppers.pop_back();
          promise.deliver(err);
        }
        return promise;
      },
      [self](front_ends& f) { self->state.advance(sm::front_ends_now{f.count}); },
      [self](roster_watched& w) {
        if (std::holds_alternative<sm::serving>(self->state.m.at))
          self->state.follow(pull_watch::watched_by{w.by});
      },
      [self](memory_state& now) {
        if (now.pressed)
          self->state.advance(sm::memory_short{});
      },
      [self](machine_slept& s) {
        self->state.note("slept", {{"ms", std::to_string(s.ms)}});
        for (const auto& [id, handle] : self->state.roster)
          self->send(handle, s);
      },
      [self](snapshot_changed& x) {
        for (const auto& [id, handle] : self->state.roster)
          self->send(handle, x);
      },
      [self](executable_replaced& x) { self->state.advance(sm::replaced{x.version}); },
      [self](worker_exited& e) {
        if (e.session.empty())
          self->send(self->state.setup.around->pool, std::move(e));
        else
          tell(self, session_id(e.session), e);
      },
      [self](permit_given& p) {
        if (self->state.roster.count(p.to) == 0)
          self->send(self->state.setup.around->pool, permit_back{p.to});
        else
          tell(self, session_id(p.to), p);
      },
      [self](timer_due& t) {
        if (t.which == pull_watch_due)
          self->state.follow(pull_watch::due{t.generation});
        else if (t.which == static_cast<std::uint32_t>(timer::retire))
          self->state.advance(sm::retire_late{t.generation});
        else if (t.which == static_cast<std::uint32_t>(timer::make_room))
          self->state.advance(sm::make_room_due{});
        else
          self->state.advance(sm::linger_over{t.generation});
      },
  };
}

} // namespace troupe
