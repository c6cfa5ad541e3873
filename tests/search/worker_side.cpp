// A worker process, by the rules of runtime/worker/worker.cpp: its lock, its transcript, its prompts, its end. And the
// host's end of its channel.
#include <algorithm>

#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

bool is_exec(const world& w, const process& p) {
  return w.about->kinds[static_cast<std::size_t>(p.session)] == "exec";
}

files& disk_of(world& w, const process& p) {
  return w.sessions[static_cast<std::size_t>(p.session)].disk.edit();
}

event line(const char* what, std::string id = {}, std::string detail = {}) {
  event e;
  e.what = what;
  e.id = std::move(id);
  e.detail = std::move(detail);
  return e;
}

void respond(process& p, answer_words a) {
  if (p.fuse != 0 && !p.orphan)
    p.answers.push_back(std::move(a));
}

/// Sends the next prompt when the agent is free.
void next_prompt(world& w, std::uint8_t at) {
  const auto& p = *w.workers[at];
  if (!p.open || !p.turn.empty() || p.prompts.empty() || p.end_reason)
    return;
  auto key = p.prompts.front();
  auto& mine = w.workers[at].edit();
  mine.prompts.erase(mine.prompts.begin());
  mine.turn = key;
  emit(w, at, line("sent", key));
}

void take_prompt(world& w, std::uint8_t at, const std::string& key) {
  emit(w, at, line("taken", key));
  w.workers[at].edit().prompts.push_back(key);
  next_prompt(w, at);
}

/// The kernel's lock of the session's folder (STATE-4).
bool locked(const world& w, std::uint8_t session) {
  return std::any_of(w.workers.begin(), w.workers.end(),
                     [&](const auto& p) { return p->alive && p->session == static_cast<std::int8_t>(session); });
}

void hears_assign(world& w, std::uint8_t at, const to_worker& words) {
  auto& p = w.workers[at].edit();
  if (p.session >= 0 || locked(w, words.session)) {
    respond(p, {request_kind::assign, false, errc::refused, "has a session, or its lock is held"});
    return;
  }
  p.session = static_cast<std::int8_t>(words.session);
  p.relayed = disk_of(w, p).last;
  p.run = words.run;
  p.interrupted = words.interrupted;
  emit(w, at, line("assigned"));
  respond(w.workers[at].edit(), {request_kind::assign, true, errc::ok, {}, words.run});
}

void hears_start(world& w, std::uint8_t at, const to_worker& words) {
  auto& p = w.workers[at].edit();
  if (p.session < 0 || p.started || words.run != p.run || p.end_reason)
    return;
  p.started = true;
  auto& past = w.sessions[static_cast<std::size_t>(p.session)].past.edit();
  past.started = true;
  emit(w, at, line("started"));
  if (is_exec(w, p))
    return;
  const auto& disk = *w.sessions[static_cast<std::size_t>(p.session)].disk;
  if (disk.taken.count("first") == 0) {
    take_prompt(w, at, "first");
    return;
  }
  auto unsent = disk.unsent;
  if (p.interrupted)
    take_prompt(w, at, "restart-" + std::to_string(p.run));
  auto& mine = w.workers[at].edit();
  mine.prompts.insert(mine.prompts.end(), unsent.begin(), unsent.end());
}

void hears_deliver(world& w, std::uint8_t at, const to_worker& words) {
  const auto& p = *w.workers[at];
  if (p.session < 0 || !p.started || p.end_reason || is_exec(w, p))
    return;
  thaw(w, at);
  if (disk_of(w, p).taken.count(words.key) == 0)
    take_prompt(w, at, words.key);
}

/// As worker::freeze decides: only between turns, and only when the supervisor knows all that has happened.
void hears_freeze(world& w, std::uint8_t at, const to_worker& words) {
  auto& p = w.workers[at].edit();
  bool may = p.session >= 0 && p.started && !p.end_reason && !is_exec(w, p);
  bool rests = may && p.terminals == 0 && p.turn.empty() && p.prompts.empty() && p.questions.empty() && !p.work;
  if (!may || (!p.frozen && (!rests || words.since < disk_of(w, p).last))) {
    respond(p, {request_kind::freeze, false, errc::refused, "a later event came first"});
    return;
  }
  p.frozen = true;
  emit(w, at, line("frozen"));
  respond(w.workers[at].edit(), {request_kind::freeze, true, errc::ok, {}, 0});
}

void hears_give(world& w, std::uint8_t at) {
  thaw(w, at);
  auto& p = w.workers[at].edit();
  if (p.questions.empty()) {
    respond(p, {request_kind::give, false, errc::answered, "no question is open"});
    return;
  }
  auto q = p.questions.front();
  p.questions.erase(p.questions.begin());
  emit(w, at, line("answered", q, "a front end"));
  respond(w.workers[at].edit(), {request_kind::give, true, errc::ok, {}, 0});
}

void hears_end(world& w, std::uint8_t at, const to_worker& words) {
  auto& p = w.workers[at].edit();
  bool later = p.session >= 0 && words.since < disk_of(w, p).last;
  if (words.key == "reap" && (later || p.terminals > 0 || !p.turn.empty())) { // KEEP-5
    respond(p, {request_kind::end, false, errc::refused, "a later event came first"});
    return;
  }
  if (words.key == "reap" && (!p.questions.empty() || p.work || !p.prompts.empty()))
    blame(w, "KEEP-1: a worker with work, a question or a prompt is reaped");
  if (!p.end_reason)
    p.end_reason = words.key;
  thaw(w, at);
  respond(w.workers[at].edit(), {request_kind::end, true, errc::ok, {}, 0});
}

} // namespace

void emit(world& w, std::uint8_t at, event e) {
  auto& p = w.workers[at].edit();
  if (p.fuse == 0)
    return; // killed by now
  auto& disk = disk_of(w, p);
  e.n = ++disk.last;
  e.run = p.run;
  disk.tail.push_back(e);
  disk.transcript = std::make_shared<line_of<event>>(line_of<event>{e, disk.transcript});
  if (e.what == "taken") {
    if (!disk.taken.insert(e.id).second)
      blame(w, "REST-5: a reply is taken twice");
    disk.unsent.push_back(e.id);
  } else if (e.what == "sent") {
    std::erase(disk.unsent, e.id);
    if (++w.sessions[static_cast<std::size_t>(p.session)].past.edit().sent[e.id] > 1)
      blame(w, "REST-5: a prompt is sent to the agent twice");
  }
  if (p.fuse > 0 && --p.fuse == 0)
    return; // written, and not told any more
  if (p.orphan)
    return;
  p.relayed = e.n;
  p.told.emplace_back(std::move(e));
}

void thaw(world& w, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  if (std::exchange(p.frozen, false))
    emit(w, at, line("thawed"));
}

/// The host reads in the transcript what the supervisor has not been told.
void relay_rest(world& w, std::uint8_t at, std::size_t session) {
  auto& p = w.workers[at].edit();
  std::vector<event> later;
  for (auto l = w.sessions[session].disk->transcript; l && l->what.n > p.relayed; l = l->before)
    later.insert(later.begin(), l->what);
  for (auto& e : later) {
    p.relayed = e.n;
    p.told.emplace_back(std::move(e));
  }
}

std::uint8_t launch_worker(world& w, worker_id id, bool warm) {
  w.workers.emplace_back();
  auto& p = w.workers.back().edit();
  p.id = id;
  p.warm = warm;
  p.ready = !warm;
  return static_cast<std::uint8_t>(w.workers.size() - 1);
}

void send(world& w, std::uint8_t at, to_worker words, request_kind kind) {
  auto& p = w.workers[at].edit();
  bool asked = words.what != to_worker::kind::start && words.what != to_worker::kind::deliver &&
               words.what != to_worker::kind::thaw;
  if (words.what == to_worker::kind::assign)
    p.label = static_cast<std::int8_t>(words.session);
  if (words.what == to_worker::kind::hello) {
    p.label = static_cast<std::int8_t>(words.session);
    p.known = p.alive;
  }
  if (!p.alive && words.what == to_worker::kind::hello) {
    p.relayed = words.since;
  }
  if (!p.alive) {
    if (asked)
      p.answers.push_back({kind, false, errc::worker_gone, "the worker has ended"});
  } else if (words.what == to_worker::kind::hello) {
    p.hello = {std::move(words)};
  } else {
    p.inbox.push_back(std::move(words));
  }
}

void ask(world& w, std::size_t i, std::uint8_t at, request_kind kind, to_worker words) {
  w.sessions[i].actor.edit().asked.push_back({kind, at, w.sessions[i].actor->m.known.run});
  w.workers[at].edit().label = static_cast<std::int8_t>(i);
  send(w, at, std::move(words), kind);
}

/// Whether the answers on their way are one for each request of that kind.
bool answered(const process& p, const request& r, const std::vector<request>& asked) {
  auto on_way = std::count_if(p.answers.begin(), p.answers.end(), [&](const auto& a) { return a.kind == r.kind; });
  return on_way >= std::count_if(asked.begin(), asked.end(),
                                 [&](const auto& x) { return x.kind == r.kind && x.worker == r.worker; });
}

/// The process is gone; its host hears what it had said, then that its requests fail, then its end.
void end_process(world& w, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  if (!p.alive)
    return;
  p.alive = false;
  p.orphan = false;
  p.inbox.clear();
  p.hello.clear();
  p.turn.clear();
  p.prompts.clear();
  p.questions.clear();
  p.terminals = 0;
  p.work = p.frozen = false;
  if (!w.up || !p.known)
    return;
  if (p.label >= 0)
    for (const auto& r : w.sessions[static_cast<std::size_t>(p.label)].actor->asked)
      if (r.worker == at && !answered(p, r, w.sessions[static_cast<std::size_t>(p.label)].actor->asked))
        p.answers.push_back({r.kind, false, errc::worker_gone, "the worker has ended"});
  bool adopting = std::any_of(p.answers.begin(), p.answers.end(),
                              [](const auto& a) { return a.kind == request_kind::adopt && !a.ok; });
  if (p.session >= 0 && !adopting) // else the answer brings it
    relay_rest(w, at, static_cast<std::size_t>(p.session));
  p.told.emplace_back(exit_news{});
}

void kill_process(world& w, std::size_t i, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  p.label = static_cast<std::int8_t>(i);
  if (p.known)
    end_process(w, at);
  else
    p.told.emplace_back(exit_news{}); // its end was told before anybody asked for it
}

void worker_hears(world& w, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  auto words = p.inbox.front();
  p.inbox.erase(p.inbox.begin());
  switch (words.what) {
  case to_worker::kind::assign:
    return hears_assign(w, at, words);
  case to_worker::kind::start:
    return hears_start(w, at, words);
  case to_worker::kind::deliver:
    return hears_deliver(w, at, words);
  case to_worker::kind::give:
    return hears_give(w, at);
  case to_worker::kind::end:
    return hears_end(w, at, words);
  case to_worker::kind::freeze:
    return hears_freeze(w, at, words);
  case to_worker::kind::thaw:
    return thaw(w, at);
  case to_worker::kind::hello:
    return;
  }
}

/// A newer supervisor takes the channel over; what the older one had sent is not heard any more (SUP-1).
void worker_hears_hello(world& w, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  auto words = p.hello.front();
  p.hello.clear();
  if (p.orphan)
    p.inbox.clear();
  p.orphan = false;
  if (p.session < 0) // POOL-7: claimed and never assigned, it is nobody's
    return end_process(w, at);
  respond(p, {request_kind::adopt, true, errc::ok, {}, p.run, p.session >= 0});
  p.relayed = words.since;
  relay_rest(w, at, static_cast<std::size_t>(p.session));
}

void agent_ready(world& w, std::uint8_t at) {
  w.workers[at].edit().open = true;
  emit(w, at, line("ready", {}, "agent-session"));
  next_prompt(w, at);
}

void turn_ends(world& w, std::uint8_t at, bool badly) {
  auto& p = w.workers[at].edit();
  auto key = std::exchange(p.turn, {});
  auto open = std::exchange(p.questions, {});
  for (const auto& q : open)
    emit(w, at, line("answered", q, "the end of the turn"));
  emit(w, at, line("turn_ended", key, badly ? "error" : "end_turn"));
  next_prompt(w, at);
}

/// A shell job's command ends by itself, and its tree with it (KEEP-8).
void job_ends(world& w, std::uint8_t at) {
  auto e = line("ended", {}, "exited");
  emit(w, at, e);
  w.workers[at].edit().over = true;
  end_process(w, at);
}

/// It was asked to end: the turn is cancelled, the tree ends, the process exits.
void tree_ends(world& w, std::uint8_t at) {
  const auto& p = *w.workers[at];
  if (p.session >= 0) {
    if (!p.turn.empty()) {
      auto key = std::exchange(w.workers[at].edit().turn, {});
      emit(w, at, line("turn_ended", key, "cancelled"));
    }
    emit(w, at, line("ended", *w.workers[at]->end_reason, "exited"));
  }
  end_process(w, at);
}

} // namespace troupe::search
