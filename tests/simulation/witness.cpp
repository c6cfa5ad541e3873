// The safety properties, each where it can break first.
#include "tests/simulation/witness.hpp"

#include <algorithm>

#include "tests/simulation/world.hpp"

namespace troupe::simulation {

std::string witness::wanted(const session_id& id) const {
  auto at = wanted_.find(id);
  return at == wanted_.end() ? std::string() : at->second;
}

void witness::recorded(const ledger_entry& e) {
  const auto& what = e.what;
  if (what == "dispatched") {
    auto& used = keys_[e.facts.at("key")];
    if (!used.session.empty() && e.t - used.at < 24 * 3'600'000)
      around_.told.broken("SUP-11 one key one session", used.session.value + " and " + e.session.value);
    used.session = e.session;
    used.at = e.t;
    used.all.insert(e.session);
  } else if (what == "claimed" || what == "start" || what == "restart") {
    check_launch(e);
    if (what == "claimed" && e.facts.at("warm") == "true")
      check_version(e);
  } else if (what == "pin") {
    pinned_[e.session] = e.facts.at("pinned") == "true";
  } else if (what == "reap") {
    bool for_memory = e.facts.count("why") != 0;
    for_memory_[e.session] = for_memory;
    if (pinned_[e.session] && !for_memory)
      around_.told.broken("KEEP-1 nothing pinned is reaped", e.session.value);
  }
  if (what == "dispatched" || what == "reply" || what == "wake" || what == "respawn" || what == "stop" ||
      what == "remove")
    wanted_[e.session] = what;
}

/// REST-2, F-07: no line that starts something follows a stop.
void witness::check_launch(const ledger_entry& e) {
  auto last = wanted(e.session);
  if (last == "stop" || last == "remove")
    around_.told.broken("REST-2 no stop is undone", e.session.value + ": '" + e.what + "' follows '" + last + "'");
}

/// POOL-4: also when the programs were replaced and the supervisor of before runs still (SUP-6).
void witness::check_version(const ledger_entry& e) {
  for (const auto& w : around_.workers)
    if (std::to_string(w->id.value) == e.facts.at("worker") && w->version != version_)
      around_.told.broken("POOL-4 a spare is of the supervisor's version",
                          name_of(w->id) + " is of version " + w->version + " instead of " + version_);
}

void witness::told_to_assign(const assign_worker& x) {
  auto [at, fresh] = given_.emplace(x.worker, x.job.session);
  if (!fresh)
    around_.told.broken("POOL-6 a spare serves one session",
                        name_of(x.worker) + " is given to " + at->second.value + " and " + x.job.session.value);
  for (const auto& [name, value] : x.job.env)
    if (name == "SHELL" && (keys_.count(value) == 0 || keys_.at(value).all.count(x.job.session) == 0))
      around_.told.broken("F-13 a spare carries nothing over",
                          x.job.session.value + " gets the environment of " + value);
  const auto& held = x.job.credentials.credentials;
  for (const auto& c : held)
    if (c.secret != held.front().secret || held.size() != 2)
      around_.told.broken("CRED-6 no half a credential", x.job.session.value);
}

/// F-23: what works for its session is never killed for being slow, only when somebody wants its end.
void witness::kills(const worker& w, const kill_worker& x) {
  if (!w.alive || !w.job || !w.started || !w.end_reason.empty() || asked_to_end_.count(w.id) != 0)
    return;
  auto last = wanted(w.job->session);
  if (last != "stop" && last != "remove" && last != "respawn")
    around_.told.broken("F-23 slow is not dead",
                        name_of(w.id) + " works for " + w.job->session.value + " and is killed: " + x.why);
}

void witness::assigned(const worker& w, const assignment& job) {
  for (const auto& other : around_.workers)
    if (other.get() != &w && other->holds(job.session))
      around_.told.broken("STATE-4 one live worker a session",
                          name_of(w.id) + " and " + name_of(other->id) + " hold " + job.session.value);
}

void witness::told_to_end(const end_worker& x) {
  if (x.reason != "reap")
    asked_to_end_.insert(x.worker);
}

void witness::harness_starts(const worker& w) {
  started_.insert(w.job->session);
}

void witness::prompted(const worker& w, const std::string& key) {
  if (!prompts_.insert({w.job->session, key}).second)
    around_.told.broken("REST-5 no prompt reaches the agent twice",
                        w.job->session.value + " hears '" + key + "' again");
}

void witness::answered_question(const worker& w, const std::string& question) {
  if (!questions_.insert({w.job->session, question}).second)
    around_.told.broken("BEYOND-7 a question is answered once", w.job->session.value + " " + question);
}

namespace {

/// What the worker's session is at; empty when nothing keeps it but time.
std::string doing(const worker& w) {
  if (w.turn || !w.inside.queue.empty())
    return "a turn runs";
  if (!w.inside.asked.empty())
    return "it waits for an answer";
  if (!w.inside.work.empty() || !w.declared.empty())
    return "work is active";
  return w.terminals > 0 ? "a terminal is attached" : "";
}

} // namespace

/// BEYOND-3: only at turn boundaries, never with active work.
void witness::freezes(const worker& w) {
  if (auto why = doing(w); !why.empty())
    around_.told.broken("BEYOND-3 nothing is frozen that is at work", w.job->session.value + ": " + why);
}

/// KEEP-1, KEEP-5: what a worker that lets itself be reaped was doing.
void witness::ends(const worker& w, const end_worker& x) {
  if (x.reason != "reap" || !w.job)
    return;
  auto why = doing(w);
  bool for_memory = for_memory_[w.job->session]; // SUP-8: whatever the rest clock says
  if (why.empty() && !for_memory && around_.mono() - w.last_event_at < around_.idle_ms)
    why = "it has been at rest for " + std::to_string(around_.mono() - w.last_event_at) + " ms only";
  if (!why.empty())
    around_.told.broken("KEEP-1 nothing is reaped that is to be kept", w.job->session.value + ": " + why);
}

void witness::wrote(const worker& w, const event& e) {
  if (e.what == "assigned")
    held_.insert(w.job->session);
  auto& latest = latest_run_[w.job->session];
  if (e.run < latest)
    around_.told.broken("F-24 one process writes a transcript",
                        "run " + std::to_string(e.run) + " writes after run " + std::to_string(latest));
  latest = std::max(latest, e.run);
}

void witness::dispatch_granted(const std::string& key, const session_id& id) {
  auto at = keys_.find(key);
  auto lines = lines_of(around_.files, id);
  bool gone = std::any_of(lines.begin(), lines.end(), [](const auto& e) { return e.what == "removed"; });
  if (at == keys_.end() || at->second.all.count(id) == 0 || (held_.count(id) == 0 && !gone && wanted(id) != "remove"))
    around_.told.broken("SUP-11 ok means that a worker holds it", id.value + " for key " + key);
}

} // namespace troupe::simulation
