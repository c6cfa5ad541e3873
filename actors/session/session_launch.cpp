// How a session gets its worker: claim, settings, credentials, assignment; and how that worker keeps up with the
// credentials.
#include "actors/session/session.hpp"

#include <algorithm>

#include "actors/warm_pool/profiles.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

namespace troupe {

namespace sm = session_machine;

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
  job.sentence_ms = around->policy.sentence;
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

} // namespace troupe
