// The session actor's shell.
#include "actors/session/session.hpp"

#include <algorithm>
#include <utility>

#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace sm = session_machine;

void session_state::advance(const sm::event_& e) {
  auto step = sm::next(std::move(m), e, around->now(), around->policy);
  m = std::move(step.to);
  for (auto& effect : step.effects) {
    if (auto* line = std::get_if<sm::record>(&effect); line && line->first_cause)
      line->entry.cause = because;
    queue.push_back([this, effect = std::move(effect), waited = quiet_told + quiet_waiters.size()]() mutable {
      quiet_due = waited;
      return std::visit([this](auto& x) { return act(x); }, effect);
    });
  }
  show();
  run();
}

template <class T>
void session_state::serve(caf::typed_response_promise<T> promise, const sm::event_& e, std::function<T()> then) {
  auto step = sm::next(m, e, around->now(), around->policy);
  for (const auto& effect : step.effects)
    if (const auto* no = std::get_if<sm::refuse>(&effect)) {
      promise.deliver(make_error(no->code, no->text));
      return;
    }
  advance(e);
  later([promise, then]() mutable { promise.deliver(then()); });
}

void session_state::later(std::function<void()> act) {
  queue.push_back([act = std::move(act)] {
    act();
    return false;
  });
  run();
}

void session_state::run() {
  while (!waiting && !queue.empty()) {
    auto act = std::move(queue.front());
    queue.pop_front();
    waiting = act();
  }
}

void session_state::show() {
  auto now = sm::look(m);
  if (now == shown || now.gone) // a removal is shown when the ledger has it
    return;
  auto before = std::exchange(shown, now);
  self->send(around->desk, row_changed{now});
  self->send(around->supervisor_handle, row_changed{now});
  // What a job puts out is kept in its own file alone (ENV-5): the cache neither has it nor is written for it.
  bool speaks = before.output != now.output;
  before.output.clear();
  now.output.clear();
  if (speaks && now == before)
    return;
  self->send(around->keeper, cache_row{std::move(now), m.known.last_entry, m.known.last_event});
}

bool session_state::act(sm::record& e) {
  if (!e.first_cause)
    e.entry.cause = cause;
  unsaved = std::move(e);
  return save();
}

bool session_state::save() {
  // The keeper answers each line once, however slow the disk: whoever asked hears of its own deadline, and a line that
  // is merely late is never written twice.
  self->request(around->keeper, caf::infinite, append{unsaved.entry})
      .then(
          [this](appended& a) {
            cause = a.n;
            m.known.last_entry = a.n;
            waiting = false;
            run();
          },
          [this](caf::error& err) { not_written(err); });
  return true;
}

/// Without a ledger nothing may be promised or begun. A session that has no line yet has never been; for any other,
/// what waits behind the line waits on, and the line is tried again: none is left out.
void session_state::not_written(const caf::error& err) {
  if (unsaved.entry.what == "dispatched") {
    waiting = false;
    queue.clear();
    auto why = failure_of(err);
    advance(sm::unwritten{why.text, why.code});
    return;
  }
  queue.push_front([this] { return save(); });
  self->delayed_send(self, std::chrono::seconds(1), timer_due{ledger_retry, 0});
}

void session_state::take(dispatch& d, caf::typed_response_promise<dispatched> promise) {
  auto& f = m.known;
  if (f.held) {
    promise.deliver(dispatched{f.id, f.name, f.spec.harness, warm, true});
    return;
  }
  env = std::move(d.env);
  dispatchers.push_back(promise);
  if (f.key.empty()) {
    ledger_entry e;
    e.t = around->now();
    e.what = "dispatched";
    e.session = f.id;
    e.facts = {{"key", d.key}, {"digest", d.digest}, {"origin", d.origin}};
    e.spec.push_back(std::move(d.spec));
    fold(f, e);
    queue.push_back([this, line = sm::record{std::move(e), true}]() mutable { return act(line); });
  }
  advance(sm::begin{});
}

void session_state::wake_with(const environment& fresh) {
  if (env.empty())
    env = fresh;
}

session_actor::behavior_type make_session_actor(session_actor::stateful_pointer<session_state> self, session_id id,
                                                std::shared_ptr<const session_surroundings> around) {
  auto& st = self->state;
  st.around = std::move(around);
  st.m.known.id = std::move(id);
  return {
      [self](dispatch& d) -> caf::result<dispatched> {
        auto promise = self->make_response_promise<dispatched>();
        self->state.take(d, promise);
        return promise;
      },
      [self](restore& r) {
        auto& s = self->state;
        fold(s.m.known, r.entries, r.events);
        for (const auto& e : r.entries)
          s.cause = e.n;
        s.m.known.problems = std::move(r.problems);
        s.env = std::move(r.env);
        if (!r.output.empty())
          s.advance(sm::put_out{std::move(r.output), s.m.known.worker.worker});
        s.advance(sm::restored{s.m.known.run > 0 && (!s.m.known.ended || r.worker_alive)});
      },
      [self](stop_session& r) -> caf::result<done> {
        auto promise = self->make_response_promise<done>();
        self->state.quiet_waiters.push_back({promise, false});
        self->state.because = r.cause;
        self->state.advance(sm::asked_stop{r.by});
        self->state.because = 0;
        return promise;
      },
      [self](remove_session& r) -> caf::result<done> {
        auto promise = self->make_response_promise<done>();
        self->state.quiet_waiters.push_back({promise, true});
        self->state.advance(sm::asked_remove{r.by, r.force, r.used_by});
        return promise;
      },
      [self](losses_asked&) { return self->state.tell_losses(); },
      [self](respawn_session& r) -> caf::result<done> {
        auto promise = self->make_response_promise<done>();
        if (!r.env.empty())
          self->state.env = r.env;
        self->state.serve<done>(promise, sm::asked_respawn{r.by}, [self] { return done{self->state.m.known.id}; });
        return promise;
      },
      [self](rename_session& r) -> caf::result<done> {
        auto promise = self->make_response_promise<done>();
        self->state.serve<done>(promise, sm::asked_rename{r.name}, [self] { return done{self->state.m.known.id}; });
        return promise;
      },
      [self](pin_session& r) -> caf::result<done> {
        auto promise = self->make_response_promise<done>();
        self->state.serve<done>(promise, sm::asked_pin{r.pinned}, [self] { return done{self->state.m.known.id}; });
        return promise;
      },
      [self](reply_to& r) -> caf::result<replied> {
        auto promise = self->make_response_promise<replied>();
        auto& s = self->state;
        s.wake_with(r.env);
        auto outcome = sm::listens(s.m) ? "delivered" : "saved";
        s.serve<replied>(promise, sm::asked_reply{r.key, r.text}, [outcome] { return replied{outcome}; });
        return promise;
      },
      [self](answer_question& r) -> caf::result<answer_taken> {
        auto promise = self->make_response_promise<answer_taken>();
        auto& s = self->state;
        const auto& given = s.m.known.answers;
        auto known = std::find_if(given.begin(), given.end(), [&](const auto& a) { return a.taken && a.key == r.key; });
        if (known != given.end()) { // SUP-11: repeated after a lost connection, it counts once
          if (known->asked == r.choice)
            promise.deliver(answer_taken{known->question, known->choice});
          else
            promise.deliver(make_error(errc::key_reused,
                                       "this key has been used for another answer\nsend it with a key of its own"));
          return promise;
        }
        if (sm::listens(s.m) || std::holds_alternative<sm::adopting>(s.m.at)) {
          s.answers.push_back(promise);
          s.advance(sm::asked_answer{r.key, r.question, r.choice, r.by});
        } else {
          s.serve<answer_taken>(promise, sm::asked_answer{r.key, r.question, r.choice, r.by},
                                [] { return answer_taken{}; });
        }
        return promise;
      },
      [self](find_place& r) -> caf::result<place> {
        auto& s = self->state;
        if (r.wake) {
          s.wake_with(r.env);
          s.advance(sm::asked_wake{});
        }
        auto seen = sm::look(s.m);
        bool reachable = seen.process == "alive" || seen.process == "frozen" || seen.process == "ending";
        return place{s.m.known.is_exec() ? "pty" : "conversation",
                     seen.state,
                     seen.process,
                     s.around->sessions + "/" + s.m.known.id.value,
                     reachable ? s.m.known.worker.socket : std::string(),
                     s.m.known.details,
                     s.m.known.spec,
                     s.m.known.conversation,
                     s.m.known.copies};
      },
      [self](steer_session& r) -> caf::result<steered> {
        auto promise = self->make_response_promise<steered>();
        auto& s = self->state;
        sm::asked_steer asked{r.action, r.name, r.value, r.by};
        if (sm::listens(s.m) && !s.m.known.is_exec()) {
          s.steers.push_back(promise);
          s.advance(asked);
        } else {
          s.serve<steered>(promise, asked, [] { return steered{}; });
        }
        return promise;
      },
      [self](declare_work& r) -> caf::result<work_declared> {
        auto promise = self->make_response_promise<work_declared>();
        auto& s = self->state;
        sm::asked_work asked{r.begins, r.work, r.title};
        if (sm::listens(s.m)) {
          s.works.push_back(promise);
          s.advance(asked);
        } else {
          s.serve<work_declared>(promise, asked, [] { return work_declared{}; });
        }
        return promise;
      },
      [self](permit_given&) { self->state.advance(sm::permitted{}); },
      [self](retire_session& r) -> caf::result<done> {
        auto promise = self->make_response_promise<done>();
        self->state.serve<done>(promise, sm::asked_retire{r.why}, [self] { return done{self->state.m.known.id}; });
        return promise;
      },
      [self](environment_asked&) {
        return kept_environment{self->state.m.known.id, self->state.env};
      },
      [self](machine_slept& s) {
        self->state.advance(sm::slept{s.ms, s.since});
        self->state.obey(self->state.credentials.woke(self->state.standing()));
      },
      [self](snapshot_changed& x) {
        auto& s = self->state;
        bool any = !x.now.credentials.empty();
        auto epoch = x.now.epoch;
        s.renew(std::move(x.now));
        if (any)
          s.advance(sm::signed_in{epoch});
      },
      [self](refresh_pull& r) { return self->state.ask_about(r.url); },
      [self](pull_news& n) { self->state.advance(sm::pull_told{std::move(n.now)}); },
      [self](worker_event& e) {
        auto& s = self->state;
        if (e.what.what == "credentials_refused" && e.worker == s.m.known.worker.worker)
          s.replace_refused(static_cast<std::uint64_t>(e.what.value));
        s.advance(sm::happened{std::move(e.what)});
      },
      [self](worker_output& e) {
        self->state.advance(sm::put_out{std::move(e.line), e.worker});
      },
      [self](worker_exited& e) {
        self->state.exits.push_back(std::move(e));
        self->state.tell_exits();
      },
      [self](timer_due& t) {
        auto& s = self->state;
        if (t.which == ledger_retry) {
          s.waiting = false;
          s.run();
          return;
        }
        if (t.which == credentials_late) {
          if (t.generation == s.m.known.run)
            s.obey(s.credentials.due());
          return;
        }
        s.advance(sm::elapsed{static_cast<sm::timer>(t.which), t.generation});
      },
  };
}

} // namespace troupe
