// The properties of a world at rest.
#include "tests/simulation/properties.hpp"

#include <algorithm>

#include "tests/simulation/run.hpp"

namespace troupe::simulation {

namespace {

namespace sm = session_machine;

std::string list(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& w : words)
    out += (out.empty() ? "" : ", ") + w;
  return out;
}

/// The worker that holds the session and listens, frozen or not; null for none.
const worker_address* worker_of(const sm::state& s) {
  if (const auto* l = std::get_if<sm::live>(&s.at))
    return &l->worker;
  const auto* f = std::get_if<sm::frozen>(&s.at);
  return f ? &f->worker : nullptr;
}

/// The names of what differs between two accounts of one session.
std::vector<std::string> differences(const facts& a, const facts& b) {
  std::vector<std::string> out;
  auto compare = [&](const char* name, bool same) {
    if (!same)
      out.emplace_back(name);
  };
  compare("task", a.now == b.now);
  compare("intent", a.wanted == b.wanted);
  compare("name", a.name == b.name);
  compare("pinned", a.pinned == b.pinned);
  compare("run", a.run == b.run);
  compare("held", a.held == b.held);
  compare("worker", a.worker == b.worker);
  compare("last event", a.last_event == b.last_event);
  compare("begun", a.begun == b.begun);
  compare("ready", a.ready == b.ready);
  compare("turn", a.turn == b.turn);
  compare("ended", a.ended == b.ended);
  compare("frozen", a.frozen == b.frozen);
  compare("cleared", a.cleared == b.cleared);
  compare("end reason", a.end_reason == b.end_reason);
  compare("exit status", a.exit_status == b.exit_status);
  compare("questions", a.questions == b.questions);
  compare("work", a.work == b.work);
  compare("attached", a.attached == b.attached);
  compare("worktree", a.tree == b.tree && a.kept == b.kept && a.force == b.force && a.used_by == b.used_by);
  compare("replies", a.replies == b.replies);
  compare("taken", a.taken == b.taken);
  compare("sentence", a.sentence == b.sentence);
  compare("unsent", a.unsent == b.unsent);
  compare("answers", a.answers == b.answers);
  compare("again", a.again == b.again && a.woken == b.woken);
  compare("evidence", a.told_by == b.told_by && a.told_at == b.told_at);
  return out;
}

struct judge {
  day& d;
  const session_state& s;
  [[nodiscard]] const facts& f() const { return s.m.known; }
  [[nodiscard]] std::string name() const { return f().id.value; }
  void broken(const char* rule, const std::string& text) const { d.around.told.broken(rule, name() + ": " + text); }

  void no_wait_is_left() const {
    auto process = sm::look(s.m).process;
    bool at_rest = std::holds_alternative<sm::absent>(s.m.at) || sm::listens(s.m);
    if (!at_rest || s.waiting || !s.queue.empty())
      broken("every wait ends",
             "its process is still '" + process + "'" + (s.waiting ? ", the ledger is awaited" : ""));
    if (!s.dispatchers.empty() || !s.quiet_waiters.empty() || !s.answers.empty() || !s.works.empty())
      broken("every wait ends", "a request to it is unanswered");
  }

  /// CRED-6, BEYOND-6: nobody goes on with what was signed out, nor with what another login has replaced.
  void credentials_are_new() const {
    auto* w = f().is_exec() || !worker_of(s.m) ? nullptr : d.around.holder(f().id);
    if (!w || w->hung || w->over)
      return;
    const auto& held = w->job->credentials.credentials;
    if (!held.empty() && held != d.around.files.credentials.credentials)
      broken("CRED-6 nobody keeps what was signed out", "its worker holds " + held.front().secret);
  }

  /// A dispatch ends in exactly one of started, failed with cause, stopped.
  void dispatch_has_ended() const {
    bool here = sm::listens(s.m);
    if (!here && !f().settled() && f().now != task::idle)
      broken("REST-1 nothing is forgotten", "it is '" + troupe::name_of(f().now) + "' and nobody works on it");
    if (!d.around.seen.ever_started(f().id) && (!f().settled() || f().now == task::completed))
      broken("SUP-11 a dispatch ends in one way", "it never started and is '" + troupe::name_of(f().now) + "'");
    if (f().now == task::failed && f().sentence.empty())
      broken("F-08 a failure has its cause", "it says nothing");
  }

  void process_is_there() const {
    const auto* l = worker_of(s.m);
    auto* holder = d.around.holder(f().id);
    if (l && (!holder || holder->id != l->worker))
      broken("KEEP-8 a live session has its worker", name_of(l->worker) + " does not hold it");
    if (l && holder && holder->frozen != std::holds_alternative<sm::frozen>(s.m.at))
      broken("BEYOND-3 a row shows who is frozen", name_of(holder->id) + (holder->frozen ? " is frozen" : " is not"));
    if (l && holder && !holder->started)
      broken("SUP-11 a dispatch ends in one way", name_of(holder->id) + " holds it and was never started");
    if (!l && holder)
      broken("KEEP-8 every process has an owner", name_of(holder->id) + " works for a session without a process");
    if (l && holder && sm::look(s.m).output != holder->said)
      broken("VIEW-8 a row says what its job says", "its job has said '" + holder->said + "'");
    if (l && f().wanted != intent::run)
      broken("REST-2 no stop is undone", "a stop is wanted and its worker lives");
  }

  void one_fold() const {
    facts fresh;
    fresh.id = f().id;
    fold(fresh, lines_of(d.around.files, f().id), d.around.files.transcripts[f().id]);
    if (auto all = differences(f(), fresh); !all.empty())
      broken("STATE-2 one fold", "the actor and the disk differ in " + list(all));
    auto at = d.supervisor().desk().rows.find(f().id);
    if (at == d.supervisor().desk().rows.end() || !(at->second == sm::look(s.m)))
      broken("F-16 a row shows what is", "the front end has another one");
  }

  void replies_arrived() const {
    auto at = d.around.seen.promised().find(f().id);
    if (at == d.around.seen.promised().end() || f().is_exec())
      return;
    bool excused = f().wanted != intent::run || f().now == task::failed;
    bool busy = f().turn && sm::listens(s.m);
    for (const auto& key : at->second) {
      if (d.around.seen.was_prompted(f().id, key) || (busy && f().taken.count(key) != 0))
        continue;
      bool kept = f().taken.count(key) != 0 ||
                  std::any_of(f().replies.begin(), f().replies.end(), [&](const auto& r) { return r.key == key; });
      if (!kept || !excused)
        broken("REST-5 no reply is lost", key + (kept ? " is kept and nobody delivers it" : " is gone"));
    }
  }
};

void check_owners(day& d) {
  std::set<worker_id> owned;
  if (d.running()) {
    for (const auto& [id, x] : d.supervisor().pool().m.spares)
      owned.insert(id);
    for (const auto* s : d.supervisor().sessions())
      if (const auto* l = worker_of(s->m))
        owned.insert(l->worker);
  }
  for (const auto& w : d.around.workers) {
    bool orphan = w->alive && owned.count(w->id) == 0 && !(!d.running() && w->job);
    if (orphan)
      d.around.told.broken("KEEP-8 every process has an owner", name_of(w->id) + " is nobody's");
    if (w->leftovers && d.running())
      d.around.told.broken("KEEP-8 nothing of a tree is left", "of " + name_of(w->id));
  }
}

/// CRED-6: at rest the store holds what the vault holds, or nothing.
void check_credentials(day& d) {
  const auto& at = d.supervisor().credentials().m.at;
  const auto* v = std::get_if<credential_machine::valid>(&at);
  if (std::holds_alternative<credential_machine::refreshing>(at) ||
      std::holds_alternative<credential_machine::looking>(at))
    d.around.told.broken("every wait ends", "a refresh is in flight");
  if (v && v->held.credentials != d.around.files.credentials.credentials)
    d.around.told.broken("CRED-6 nobody keeps what was signed out",
                         "the store holds " + v->held.credentials.front().secret);
}

/// CRED-5: whose credentials were turned down has others, or knows that there are none.
void check_refusals(day& d) {
  for (const auto& w : d.around.workers)
    if (w->alive && !w->over && w->inside.refused != 0)
      d.around.told.broken("every wait ends", name_of(w->id) + " waits for other credentials");
}

/// ISO-2, F-18, SEC-4: the worktree of a session that is there is there, and one that was removed leaves none.
void check_trees(day& d) {
  for (const auto& [path, tree] : d.around.files.trees) {
    if (tree.owner.empty())
      continue;
    auto lines = lines_of(d.around.files, tree.owner);
    bool gone = std::any_of(lines.begin(), lines.end(), [](const auto& e) { return e.what == "removed"; });
    if (gone && tree.there)
      d.around.told.broken("ISO-2 a removed session leaves no worktree", path);
    if (!gone && !tree.there)
      d.around.told.broken("ISO-2 a session that is listed has its worktree", path);
  }
}

void check_pool(day& d) {
  const auto& m = d.supervisor().pool().m;
  if (!m.running.empty() || !m.waiting.empty())
    d.around.told.broken("POOL-3 permits come back", std::to_string(m.running.size()) + " are held, " +
                                                         std::to_string(m.waiting.size()) + " are waited for");
}

} // namespace

void check_order(day& d) {
  d.crowd.check_patience();
  if (d.crowd.waiting() > 0)
    d.around.told.broken("every wait ends", std::to_string(d.crowd.waiting()) + " requests are unanswered");
  check_owners(d);
  if (!d.running())
    return;
  for (const auto* s : d.supervisor().sessions()) {
    judge j{d, *s};
    j.no_wait_is_left();
    j.dispatch_has_ended();
    j.process_is_there();
    j.one_fold();
    j.credentials_are_new();
    j.replies_arrived();
  }
  check_credentials(d);
  check_refusals(d);
  check_trees(d);
  check_pool(d);
}

void check_pulls(day& d) {
  if (!d.running() || !d.around.busy_forge)
    return;
  for (const auto* s : d.supervisor().sessions())
    for (const auto& p : s->m.known.pulls)
      if (auto at = d.around.told_of.find(p.url); at == d.around.told_of.end() || at->second != p.state)
        d.around.told.broken("PR-1 a row shows what gh told last",
                             s->m.known.id.value + " shows " + p.url + " as " + p.state);
}

} // namespace troupe::simulation
