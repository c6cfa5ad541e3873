// What must hold: in every state, and in every state where nothing must happen any more. What must never be done is
// checked where it would be done (session_shell.cpp, other_shells.cpp, worker_side.cpp).
#include <algorithm>

#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

std::string name_of(const world& w, std::size_t i) {
  return "session " + id_of(i).value + " (" + w.about->kinds[i] + ")";
}

bool same(const facts& a, const facts& b) {
  auto questions = [](const facts& f) {
    std::string all;
    for (const auto& q : f.questions)
      all += q.id + ",";
    return all;
  };
  return a.pinned == b.pinned && a.wanted == b.wanted && a.now == b.now && a.sentence == b.sentence && a.run == b.run &&
         a.held == b.held && a.removed == b.removed && a.worker == b.worker && a.last_event == b.last_event &&
         a.begun == b.begun && a.ready == b.ready && a.turn == b.turn && a.ended == b.ended &&
         a.end_reason == b.end_reason && a.exit_status == b.exit_status && questions(a) == questions(b) &&
         a.work == b.work && a.attached == b.attached && a.replies == b.replies && a.taken == b.taken &&
         a.unsent == b.unsent && a.answers == b.answers && a.restarts == b.restarts && a.again == b.again &&
         a.woken == b.woken && a.note == b.note && a.last_words == b.last_words && a.used_at == b.used_at &&
         a.interrupted_at == b.interrupted_at && a.replied == b.replied && a.told_by == b.told_by &&
         a.heard == b.heard && a.frozen == b.frozen && a.cleared == b.cleared && a.name == b.name && a.spec == b.spec &&
         a.key == b.key;
}

std::string words(const facts& f) {
  return "wanted " + std::to_string(static_cast<int>(f.wanted)) + " " + troupe::name_of(f.now) + " run " +
         std::to_string(f.run) + " held " + std::to_string(f.held) + " begun " + std::to_string(f.begun) + " ready " +
         std::to_string(f.ready) + " turn " + std::to_string(f.turn) + " ended " + std::to_string(f.ended) + " '" +
         f.end_reason + "' questions " + std::to_string(f.questions.size()) + " attached " +
         std::to_string(f.attached) + " work " + std::to_string(f.work.size()) + " replies " +
         std::to_string(f.replies.size()) + " restarts " + std::to_string(f.restarts.size()) + " event " +
         std::to_string(f.last_event) + " exit " + std::to_string(f.exit_status) + " '" + f.sentence + "' note '" +
         f.note + "' last words '" + f.last_words + "'";
}

/// STATE-2: what the live machine knows is what the two files, with the lines that wait to be written, fold to.
std::string fold_differs(const world& w, std::size_t i) {
  const auto& side = *w.sessions[i].actor;
  if (!side.running || w.sessions[i].disk->removed)
    return {};
  auto f = w.sessions[i].disk->known;
  std::size_t at = 0;
  const auto& tail = w.sessions[i].disk->tail;
  auto fold_to = [&](std::uint64_t n) {
    for (; at < tail.size() && tail[at].n <= n; ++at)
      fold(f, tail[at]);
  };
  for (const auto& t : side.queue)
    if (const auto* e = std::get_if<sm::effect>(&t))
      if (const auto* r = std::get_if<sm::record>(e)) {
        fold_to(r->entry.seen);
        auto entry = r->entry;
        entry.n = 0;
        fold(f, entry);
      }
  fold_to(side.m.known.last_event);
  if (same(f, side.m.known))
    return {};
  return "STATE-2: the files of " + name_of(w, i) + " fold to\n    " + words(f) + "\n  and its machine knows\n    " +
         words(side.m.known);
}

/// A timer that no longer counts changes nothing.
std::string stale_timer_acts(const world& w, std::size_t i) {
  const auto& side = *w.sessions[i].actor;
  if (!side.running)
    return {};
  for (auto which : {sm::timer::unheld, sm::timer::restart, sm::timer::rest, sm::timer::row, sm::timer::end}) {
    auto now = which == sm::timer::rest ? side.m.rest_generation : side.m.generation;
    if (now == 0)
      continue;
    auto step = stepped(w, side.m, sm::elapsed{which, now - 1});
    if (!step.effects.empty() || step.to.at.index() != side.m.at.index())
      return "a timer that no longer counts moves " + name_of(w, i);
  }
  return {};
}

bool owned(const world& w, const process& p) {
  if (w.pool->m.spares.count(p.id) != 0)
    return true;
  for (const auto& c : w.sessions) {
    bool mine = c.actor->running && std::visit(
                                        [&](const auto& at) {
                                          if constexpr (requires { at.worker; })
                                            return at.worker.worker == p.id;
                                          else
                                            return false;
                                        },
                                        c.actor->m.at);
    if (mine)
      return true;
  }
  return false;
}

std::string waiting_for(const world& w, std::size_t i) {
  const auto& a = *w.sessions[i].actor;
  auto who = name_of(w, i);
  if (a.dispatchers + a.quiet_waiters + a.replies_open + a.others_open + a.answers_open != 0)
    return "every wait ends: a front end waits for " + who + " and nothing comes any more";
  if (!a.asked.empty() || a.claim_open)
    return "every wait ends: " + who + " asked and is never answered";
  bool rests = std::holds_alternative<sm::absent>(a.m.at) || sm::listens(a.m) ||
               (w.about->to_assignment && std::holds_alternative<sm::queued>(a.m.at));
  if (a.running && !rests)
    return "every wait ends: " + who + " is '" + sm::look(a.m).process + "' and nothing comes any more";
  return {};
}

std::string worker_missing(const world& w, std::size_t i) {
  const auto& a = *w.sessions[i].actor;
  const auto* l = std::get_if<sm::live>(&a.m.at);
  const auto* f = std::get_if<sm::frozen>(&a.m.at);
  if (!l && !f)
    return {};
  const auto& p = *w.workers[*find_worker(w, l ? l->worker.worker : f->worker.worker)];
  if (p.alive && p.frozen != (f != nullptr))
    return "BEYOND-3: " + name_of(w, i) + " is taken for " + (f ? "frozen" : "awake") + " and is not";
  if (!p.alive)
    return "every wait ends: the worker of " + name_of(w, i) + " is gone and nobody told it";
  if (!p.started)
    return "every wait ends: " + name_of(w, i) + " is taken for alive and its harness was never started";
  if (w.about->kinds[i] == "agent" && p.turn.empty() && !p.work && a.m.known.now == task::working)
    return "every wait ends: " + name_of(w, i) + " is taken for working and nothing runs";
  return {};
}

/// A dispatch ends in exactly one of started, failed with its cause, stopped.
std::string dispatch_lost(const world& w, std::size_t i) {
  const auto& a = *w.sessions[i].actor;
  const auto& past = *w.sessions[i].past;
  const auto& f = a.m.known;
  if (!a.running || (w.about->to_assignment && std::holds_alternative<sm::queued>(a.m.at)))
    return {};
  bool alive = sm::listens(a.m);
  if (f.now == task::failed && f.sentence.empty())
    return "POOL-3: " + name_of(w, i) + " failed without a cause";
  if (!past.started && !f.settled())
    return "POOL-3: " + name_of(w, i) + " was dispatched and is neither started nor failed nor stopped";
  if (past.removal_due)
    return "REST-2: " + name_of(w, i) + " was removed and is still there";
  if (past.stop_stands && alive)
    return "REST-2: " + name_of(w, i) + " was stopped and runs";
  if (past.stop_stands && !f.settled())
    return "REST-2: " + name_of(w, i) + " was stopped and is shown as " + troupe::name_of(f.now);
  if (past.respawn_due && !alive && f.now != task::failed)
    return "SUP-11: a respawn of " + name_of(w, i) + " was promised and is forgotten";
  if (!alive && f.wanted == intent::run && (f.now == task::working || f.now == task::needs_input))
    return "REST-1: " + name_of(w, i) + " has no worker, work to do, and nobody starts one";
  return {};
}

std::string reply_lost(const world& w, std::size_t i) {
  const auto& a = *w.sessions[i].actor;
  const auto& past = *w.sessions[i].past;
  if (!a.running || past.stop_stands || a.m.known.now == task::failed || w.about->kinds[i] == "exec")
    return {};
  if (!a.m.known.questions.empty()) // it waits for the turn, and that for somebody who answers
    return {};
  for (const auto& key : past.promised)
    if (past.sent.count(key) == 0)
      return "REST-5: reply " + key + " to " + name_of(w, i) + " was promised and reached nobody";
  if (!a.m.known.replies.empty())
    return "REST-5: reply " + a.m.known.replies.front().key + " to " + name_of(w, i) +
           " is shown as undelivered for ever";
  return {};
}

std::string at_supervisor(const world& w) {
  for (std::size_t at = 0; at < w.workers.size(); ++at)
    if (w.workers[at]->alive && !owned(w, *w.workers[at]))
      return "KEEP-8: worker " + std::to_string(at + 1) + " lives and nobody owns it";
  for (std::size_t i = 0; i < w.sessions.size(); ++i)
    for (const auto& fault : {waiting_for(w, i), worker_missing(w, i), dispatch_lost(w, i), reply_lost(w, i)})
      if (!fault.empty())
        return fault;
  if (w.about->credentials && !w.store->m.waiting.empty())
    return "every wait ends: somebody waits for a snapshot that never comes";
  return {};
}

} // namespace

std::string broken(const world& w) {
  if (!w.fault.empty())
    return w.fault;
  for (std::size_t i = 0; i < w.sessions.size(); ++i) {
    if (auto fault = fold_differs(w, i); !fault.empty())
      return fault;
    if (auto fault = stale_timer_acts(w, i); !fault.empty())
      return fault;
  }
  return {};
}

std::string unsettled(const world& w) {
  if (!w.up) {
    for (const auto& p : w.workers)
      if (p->alive && p->session < 0)
        return "POOL-7: a spare outlives its supervisor";
    return {};
  }
  if (w.boss->leaving)
    return "SUP-4: the supervisor says that it leaves and stays";
  return at_supervisor(w);
}

} // namespace troupe::search
