// The session actor's shell.
#include "actors/session/session.hpp"

#include <algorithm>

#include "actors/warm_pool/profiles.hpp"
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
  shown = now;
  self->send(around->desk, row_changed{now});
  self->send(around->supervisor_handle, row_changed{now});
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

/// ENV-1: read at each launch, so that what was changed meanwhile counts, as far as the user trusts it.
void session_state::settle() {
  settled = {};
  if (around->settle)
    settled = around->settle(m.known.id, m.known.spec, env);
  else
    settled.env = env.empty() ? around->fallback : env;
}

bool session_state::act(const sm::claim&) {
  account.given = false; // by the worker to come
  const auto& spec = m.known.spec;
  auto why = around->admit(spec);
  if (why.code == errc::ok) {
    settle();
    why = settled.refused;
  }
  if (why.code != errc::ok) { // behind the effects at hand: a machine's step is never taken within another
    queue.push_back([this, why] {
      advance(sm::not_granted{why.text, why.code});
      return waiting; // by what that has begun
    });
    return false;
  }
  bool warmable = spec.harness == "native" || driver().warm;
  auto wanted = wanted_profile(spec, settled.env, around->warmed.version, warmable);
  self->request(around->pool, deadline::claim, claim_worker{m.known.id, std::move(wanted), cause, warmable})
      .then(
          [this](granted_worker& g) {
            warm = g.warm;
            advance(sm::granted{g.worker, g.warm, g.differs});
          },
          [this](caf::error& err) {
            auto fault = failure_of(err);
            advance(sm::not_granted{fault.text, fault.code});
          });
  return false;
}

/// CRED-2: the snapshot is taken now, and lives in the assignment alone.
bool session_state::act(const sm::assign& e) {
  if (m.known.is_exec()) {
    assign_with(e, {});
    return false;
  }
  self->request(around->credentials, deadline::local, snapshot_wanted{m.known.id})
      .then(
          [this, e, run = m.known.run](snapshot& s) {
            if (run == m.known.run)
              assign_with(e, std::move(s));
          },
          [this, run = m.known.run](caf::error& err) { not_assigned(run, err); });
  return false;
}

void session_state::not_assigned(std::uint32_t run, const caf::error& err) {
  auto why = failure_of(err);
  if (run == m.known.run) // an older run's end has been told by its worker's
    advance(sm::not_held{why.text, why.code, run});
}

/// BEYOND-6: what a worker holds may be from before a login or a logout that no supervisor was there for, or the
/// renewal of it has failed.
void session_state::catch_up() {
  if (!m.known.is_exec())
    self->request(around->credentials, deadline::local, snapshot_wanted{m.known.id})
        .then([this](snapshot& s) { renew(std::move(s)); },
              [this](caf::error&) {
                if (account.held < account.current)
                  catch_up_later(); // else it is asked again before its next turn
              });
}

/// As long as its worker lives and is behind, with growing distance.
void session_state::catch_up_later() {
  constexpr std::uint32_t most_doublings = 6;
  std::chrono::seconds distance(std::int64_t{5} << std::min(account.tries++, most_doublings));
  self->delayed_send(self, distance, timer_due{credentials_late, m.known.run});
}

namespace {

/// What of the stored credentials goes to this session (CRED-7, CRED-8).
snapshot part_for(const launch_settings& settled, snapshot all) {
  std::erase_if(all.credentials, [&](const credential& c) {
    return settled.keeps_back.count(c.variable) != 0 || (!settled.hands_all && settled.hands.count(c.variable) == 0);
  });
  return all;
}

} // namespace

/// BEYOND-6: a worker that holds an older snapshot gets this one; none in it: it drops what it holds.
void session_state::renew(snapshot fresh) {
  account.current = std::max(account.current, fresh.epoch);
  if (m.known.is_exec() || !account.given || fresh.epoch <= account.sent)
    return;
  if (!sm::holds_credentials(m)) {
    if (std::holds_alternative<sm::ending>(m.at))
      catch_up_later(); // it may refuse to end
    return;
  }
  send_credentials(std::move(fresh));
}

void session_state::send_credentials(snapshot fresh) {
  account.sent = fresh.epoch;
  auto worker = m.known.worker.worker;
  self->request(around->host, deadline::worker, renew_worker{worker, part_for(settled, std::move(fresh))})
      .then([this, worker, epoch = account.sent](worker_renewed&) { renewed(worker, epoch); },
            [this, worker, epoch = account.sent](caf::error&) { not_renewed(worker, epoch); });
}

/// CRED-5: its agent was turned down with credentials that have not expired, and waits for newer ones, or for the word
/// that there are none: the same ones again.
void session_state::replace_refused(std::uint64_t epoch) {
  if (m.known.is_exec() || !account.given)
    return;
  self->request(around->credentials, deadline::ending, snapshot_wanted{m.known.id, epoch})
      .then(
          [this, epoch](snapshot& s) {
            if (s.epoch > account.sent)
              renew(std::move(s));
            else if (s.epoch == epoch && sm::holds_credentials(m))
              send_credentials(std::move(s));
          },
          [](caf::error&) { /* none any more: that is announced to all */ });
}

void session_state::renewed(worker_id worker, std::uint64_t epoch) {
  if (worker != m.known.worker.worker)
    return;
  account.held = epoch; // in the order in which they were sent
  account.tries = 0;
  if (account.sent < account.current)
    catch_up(); // what was announced while it could not be sent
}

void session_state::not_renewed(worker_id worker, std::uint64_t epoch) {
  if (worker != m.known.worker.worker || epoch != account.sent)
    return; // newer ones are under way
  account.sent = account.held;
  catch_up_later();
}

void session_state::assign_with(const sm::assign& e, snapshot credentials) {
  assignment job;
  job.session = m.known.id;
  job.run = m.known.run;
  job.seen = cause;
  job.epoch = around->epoch;
  job.spec = m.known.spec;
  job.env = settled.env;
  job.settings = settled.settings;
  job.definition = settled.definition;
  job.isolation = settled.isolation;
  job.tree = m.known.tree;
  if (job.spec.effort.empty())
    job.spec.effort = settled.effort;
  job.credentials = part_for(settled, std::move(credentials));
  account = {true, job.credentials.epoch, job.credentials.epoch, std::max(account.current, job.credentials.epoch), 0};
  if (job.spec.kind == "agent" && !job.spec.command.empty())
    job.driver = driver().text;
  job.directory = around->sessions + "/" + m.known.id.value;
  job.control_socket = around->control_socket;
  job.supervisor = around->supervisor;
  job.resume = e.resume;
  job.interrupted = e.interrupted;
  job.too_old = e.too_old;
  job.waiting = static_cast<std::uint32_t>(m.known.replies.size());
  job.ignored_work = around->ignored_work;
  auto meant = intent_of(job, warm && driver().warm && !job.spec.command.empty());
  job.variables = meant.variables;
  self->request(around->host, warm ? deadline::warm : deadline::worker, assign_worker{e.worker.worker, std::move(job)})
      .then(
          [this, meant](receipt& got) {
            auto check = compare(meant, got);
            check.notes = settled.notes;
            advance(sm::held{got, std::move(check)});
          },
          [this, run = m.known.run](caf::error& err) { not_assigned(run, err); });
  if (account.held < account.current)
    catch_up(); // announced while the snapshot was on its way here
}

const driver_facts& session_state::driver() const {
  static const driver_facts none;
  auto at = around->drivers.find(m.known.spec.harness);
  return at == around->drivers.end() ? none : at->second;
}

bool session_state::act(const sm::ask_permit&) {
  self->send(around->pool, permit_wanted{m.known.id});
  return false;
}

bool session_state::act(const sm::return_permit&) {
  self->send(around->pool, permit_back{m.known.id});
  return false;
}

bool session_state::act(const sm::start& e) {
  self->send(around->host, start_worker{e.worker.worker, m.known.run});
  return false;
}

bool session_state::act(const sm::deliver& e) {
  auto pass_on = [this, e] {
    self->request(around->host, deadline::worker, deliver_reply{e.worker.worker, e.key, e.text, cause})
        .then([](reply_taken&) { /* its `taken` event tells the machine */ },
              [](caf::error&) { /* kept: the next worker gets it (REST-5) */ });
  };
  if (m.known.is_exec()) {
    pass_on();
    return false;
  }
  // BEYOND-6: no turn begins with older credentials; where there are none any more, the agent says so
  self->request(around->credentials, deadline::local, snapshot_wanted{m.known.id})
      .then(
          [this, pass_on](snapshot& s) {
            renew(std::move(s));
            pass_on();
          },
          [pass_on](caf::error&) { pass_on(); });
  return false;
}

bool session_state::act(const sm::give& e) {
  auto promise = std::move(answers.front());
  answers.pop_front();
  self->request(around->host, deadline::worker, give_answer{e.worker.worker, e.key, e.question, e.choice, e.by, cause})
      .then([promise](answer_taken& a) mutable { promise.deliver(std::move(a)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return false;
}

bool session_state::act(const sm::turn_away& e) {
  answers.front().deliver(make_error(e.code, e.text));
  answers.pop_front();
  return false;
}

bool session_state::act(const sm::declare& e) {
  auto promise = std::move(works.front());
  works.pop_front();
  self->request(around->host, deadline::worker, note_work{e.worker.worker, e.begins, e.work, e.title})
      .then([promise](work_declared& w) mutable { promise.deliver(std::move(w)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return false;
}

bool session_state::act(const sm::steer& e) {
  auto promise = std::move(steers.front());
  steers.pop_front();
  self->request(around->host, deadline::steering, steer_worker{e.worker.worker, e.action, e.name, e.value, e.by})
      .then([promise](steered& s) mutable { promise.deliver(std::move(s)); },
            [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return false;
}

bool session_state::act(const sm::freeze& e) {
  self->request(around->host, deadline::worker, freeze_worker{e.worker.worker, e.seen})
      .then([](worker_frozen&) { /* its `frozen` event tells the machine */ },
            [this, w = e.worker.worker](caf::error& err) {
              advance(sm::not_frozen{failure_of(err).text, w});
            });
  return false;
}

bool session_state::act(const sm::thaw& e) {
  self->send(around->host, thaw_worker{e.worker.worker, e.why});
  return false;
}

bool session_state::act(const sm::end& e) {
  self->request(around->host, deadline::worker, end_worker{e.worker.worker, e.reason, e.seen})
      .then([](ending_worker&) { /* worker_exited follows */ },
            [this, w = e.worker.worker](caf::error& err) {
              advance(sm::end_refused{failure_of(err).text, w});
            });
  return false;
}

bool session_state::act(const sm::kill& e) {
  self->send(around->host, kill_worker{e.worker.worker, m.known.id, around->sessions + "/" + m.known.id.value, e.why});
  return false;
}

bool session_state::act(const sm::adopt& e) {
  adopt_worker ask{e.worker, m.known.id, around->sessions + "/" + m.known.id.value, m.known.last_event};
  self->request(around->host, deadline::worker, std::move(ask))
      .then(
          [this](worker_adopted& a) {
            adoption_open = false;
            for (auto& untold : a.untold)
              advance(sm::happened{std::move(untold)});
            if (a.state == "gone") {
              advance(sm::not_adopted{true, a.why});
            } else {
              env = std::move(a.job.env);
              account = {true, a.job.credentials.epoch, a.job.credentials.epoch, account.current, 0};
              settle(); // which credentials are its own
              advance(sm::adopted{a.last});
              catch_up();
            }
            tell_exits();
          },
          [this](caf::error& err) {
            adoption_open = false;
            auto why = failure_of(err);
            advance(sm::not_adopted{why.code == errc::worker_gone, why.text});
            tell_exits();
          });
  adoption_open = true;
  return false;
}

/// The end of a worker comes behind the answer to its adoption, which brings what it wrote last.
void session_state::tell_exits() {
  if (adoption_open)
    return;
  for (auto& e : std::exchange(exits, {}))
    advance(sm::gone{e.worker, e.evidence});
}

bool session_state::act(const sm::arm& e) {
  self->delayed_send(self, std::chrono::milliseconds(e.ms),
                     timer_due{static_cast<std::uint32_t>(e.which), e.generation});
  return false;
}

bool session_state::act(const sm::answer_dispatch& e) {
  for (auto& p : dispatchers) {
    if (e.code == errc::ok)
      p.deliver(dispatched{m.known.id, m.known.name, m.known.spec.harness, warm, false});
    else
      p.deliver(make_error(e.code, e.text));
  }
  dispatchers.clear();
  return false;
}

bool session_state::act(const sm::refuse&) {
  return false;
} // `serve` has answered it

bool session_state::act(const sm::clear&) {
  auto go_on = [this] {
    waiting = false;
    run();
  };
  self->request(around->host, deadline::worker, clear_session{m.known.id, around->sessions + "/" + m.known.id.value})
      .then([go_on](session_cleared&) { go_on(); }, [go_on](caf::error&) { go_on(); });
  return true;
}

bool session_state::act(const sm::look_at_memory&) {
  self->request(around->machine, deadline::local, memory_asked{})
      .then([this](memory_state& now) { advance(sm::memory_seen{now.low}); },
            [this](caf::error&) { advance(sm::memory_seen{false}); });
  return false;
}

bool session_state::act(const sm::remove_tree& e) {
  self->request(around->repository, deadline::repository, remove_worktree{m.known.id, e.tree, e.force})
      .then([this](worktree_removed& how) { advance(sm::tree_removed{std::move(how)}); },
            [this, path = e.tree.path](caf::error& err) {
              advance(sm::tree_removed{
                  {false, "its worktree " + path + " could not be looked at: " + failure_of(err).text, {}, {}}});
            });
  return false;
}

/// BEYOND-9: what its machine knows, and what the repository says.
caf::result<losses> session_state::tell_losses() {
  auto promise = self->make_response_promise<losses>();
  losses own;
  const auto& f = m.known;
  if (f.turn && !f.is_exec())
    own.running.emplace_back("the turn that runs");
  for (const auto& w : f.work)
    own.running.push_back(w.kind + " " + w.title);
  for (const auto& r : f.replies)
    own.replies.push_back(r.text);
  if (f.tree.path.empty() || f.tree.inode == 0) {
    promise.deliver(std::move(own));
    return promise;
  }
  self->request(around->repository, deadline::repository, inspect_worktree{f.id, f.tree})
      .then(
          [promise, own](losses& there) mutable {
            there.running = std::move(own.running);
            there.replies = std::move(own.replies);
            promise.deliver(std::move(there));
          },
          [promise, own](caf::error& err) mutable {
            own.keeps = failure_of(err).text;
            promise.deliver(std::move(own));
          });
  return promise;
}

/// PR-1: with the environment that it would be launched with now, and nothing of its directory (services/repository).
caf::result<pull_request> session_state::ask_about(const std::string& url) {
  auto promise = self->make_response_promise<pull_request>();
  const auto& f = m.known;
  bool linked = std::any_of(f.pulls.begin(), f.pulls.end(), [&](const auto& p) { return p.url == url; });
  auto now = around->settle ? around->settle(f.id, f.spec, env) : launch_settings{};
  if (!linked || f.removed || !now.asks_pulls) {
    promise.deliver(make_error(errc::wrong_state, "this session does not ask about " + url));
    return promise;
  }
  if (!around->settle)
    now.env = env;
  if (now.env.empty() || now.refused.code != errc::ok)
    now.env = around->fallback; // what it has kept may hold variables of a project that is not trusted any more
  std::vector<std::string> folders{f.spec.cwd, f.tree.path, f.tree.repository, around->sessions + "/" + f.id.value};
  self->request(around->repository, deadline::repository, ask_pull{f.id, url, std::move(now.env), std::move(folders)})
      .then(
          [this, promise](pull_request& p) mutable {
            advance(sm::pull_told{p});
            promise.deliver(std::move(p));
          },
          [promise](caf::error& err) mutable { promise.deliver(std::move(err)); });
  return promise;
}

bool session_state::act(const sm::quiet& e) {
  for (; quiet_told < quiet_due; ++quiet_told) {
    auto& first = quiet_waiters.front();
    if (first.removal && !e.kept.empty())
      first.promise.deliver(make_error(errc::kept, e.kept));
    else
      first.promise.deliver(done{m.known.id, first.removal ? e.note : std::string()});
    quiet_waiters.pop_front();
  }
  return false;
}

bool session_state::act(const sm::vanish&) {
  auto now = sm::look(m);
  now.gone = true;
  self->send(around->desk, row_changed{now});
  self->send(around->supervisor_handle, row_changed{std::move(now)});
  self->quit();
  return false;
}

bool session_state::act(const sm::forget&) {
  drop_session last{m.known.id, {}};
  if (!m.known.is_exec())
    last.epitaph.push_back(epitaph_of(m.known));
  self->send(around->keeper, std::move(last));
  return act(sm::vanish{});
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
        if (sm::holds_credentials(self->state.m))
          self->state.catch_up(); // what it holds may have expired meanwhile: the store's timer slept too
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
          if (t.generation == s.m.known.run && s.account.held < s.account.current)
            s.catch_up();
          return;
        }
        s.advance(sm::elapsed{static_cast<sm::timer>(t.which), t.generation});
      },
  };
}

} // namespace troupe
