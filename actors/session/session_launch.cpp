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
launch_settings session_state::settled_now() const {
  if (around->settle)
    return around->settle(m.known.id, m.known.spec, env);
  launch_settings out;
  out.env = env.empty() ? around->fallback : env;
  return out;
}

bool session_state::act(const sm::claim&) {
  credentials.parted();
  const auto& spec = m.known.spec;
  auto why = around->admit(spec);
  if (why.code == errc::ok) {
    settled = settled_now();
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

namespace {

/// What of the stored credentials goes to this session (CRED-7, CRED-8).
snapshot part_for(const launch_settings& settled, snapshot all) {
  std::erase_if(all.credentials, [&](const credential& c) {
    return settled.keeps_back.count(c.variable) != 0 || (!settled.hands_all && settled.hands.count(c.variable) == 0);
  });
  return all;
}

} // namespace

renewal_standing session_state::standing() const {
  return {sm::holds_credentials(m), std::holds_alternative<sm::ending>(m.at)};
}

/// Carries out what the machine of the renewal wants; what comes of it is told to that machine.
void session_state::obey(renewal_order what, snapshot at_hand) {
  auto worker = m.known.worker.worker;
  switch (what) {
  case renewal_order::none:
    break;
  case renewal_order::ask:
    self->request(around->credentials, deadline::local, snapshot_wanted{m.known.id})
        .then([this](snapshot& s) { renew(std::move(s)); }, [this](caf::error&) { obey(credentials.unanswered()); });
    break;
  case renewal_order::send: {
    auto epoch = at_hand.epoch;
    self->request(around->host, deadline::worker, renew_worker{worker, part_for(settled, std::move(at_hand))})
        .then(
            [this, worker, epoch](worker_renewed&) {
              if (worker == m.known.worker.worker)
                obey(credentials.taken(epoch));
            },
            [this, worker, epoch](caf::error&) {
              if (worker == m.known.worker.worker)
                obey(credentials.not_taken(epoch));
            });
    break;
  }
  case renewal_order::later:
    self->delayed_send(self, std::chrono::seconds(credentials.delay_s()), timer_due{credentials_late, m.known.run});
    break;
  }
}

/// BEYOND-6: a worker that holds an older snapshot gets this one; none in it: it drops what it holds.
void session_state::renew(snapshot fresh) {
  auto what = credentials.told(fresh.epoch, standing());
  obey(what, std::move(fresh));
}

/// CRED-5: its agent was turned down with credentials that have not expired.
void session_state::replace_refused(std::uint64_t epoch) {
  if (!credentials.may_ask())
    return;
  self->request(around->credentials, deadline::ending, snapshot_wanted{m.known.id, epoch})
      .then(
          [this, epoch](snapshot& s) {
            auto what = credentials.replaced(epoch, s.epoch, standing());
            obey(what, std::move(s));
          },
          [this](caf::error&) { obey(credentials.not_replaced()); });
}

void session_state::assign_with(const sm::assign& e, snapshot fresh) {
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
  job.credentials = part_for(settled, std::move(fresh));
  const auto epoch = job.credentials.epoch;
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
  if (!m.known.is_exec())
    obey(credentials.assigned(epoch));
}

const driver_facts& session_state::driver() const {
  static const driver_facts none;
  auto at = around->drivers.find(m.known.spec.harness);
  return at == around->drivers.end() ? none : at->second;
}

} // namespace troupe
