// A session's shell: its queue of effects, its requests, its timers.
#include <algorithm>

#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

/// One effect each. What it promises is checked against the disk where it starts (write, then act).
struct actor {
  world& w;
  std::size_t i;
  session_actor_side& side() const { return w.sessions[i].actor.edit(); }
  const files& disk() const { return *w.sessions[i].disk; }
  std::uint8_t place(const worker_address& at) const { return *find_worker(w, at.worker); }

  void operator()(const sm::record&) const {} // waits for the keeper: write_line
  void operator()(const sm::claim&) const {
    if (w.sessions[i].past->stop_stands)
      blame(w, "REST-2: a worker is claimed for a session that was stopped");
    auto& s = side();
    if (std::exchange(s.claim_open, true))
      blame(w, "POOL-6: a second claim while the first is unanswered");
    s.to_pool.push_back(pm::claimed{id_of(i), {"native", "1"}});
  }
  void operator()(const sm::assign& e) const {
    if (disk().known.worker.worker != e.worker.worker)
      blame(w, "STATE-2: a worker is assigned that the ledger does not name");
    if (w.about->credentials && w.about->kinds[i] == "agent")
      ask_store(w, i, e); // CRED-2
    else
      assign_now(w, i, e);
  }
  void operator()(const sm::ask_permit&) const {
    if (!w.about->to_assignment)
      about_permit(pm::permit_asked{id_of(i)});
  }
  void operator()(const sm::return_permit&) const { about_permit(pm::permit_returned{id_of(i)}); }
  /// Where permits are never short, their order says nothing, and the pool hears of them at once.
  void about_permit(const pm::event_& e) const {
    if (w.about->most_starting >= w.sessions.size() && side().to_pool.empty())
      to_pool(w, e);
    else
      side().to_pool.push_back(e);
  }
  void operator()(const sm::start& e) const {
    if (w.sessions[i].past->stop_stands)
      blame(w, "REST-2: a stopped session's harness is started");
    send(w, place(e.worker), {to_worker::kind::start, static_cast<std::uint8_t>(i), side().m.known.run, 0, {}, false},
         request_kind::give);
  }
  void operator()(const sm::deliver& e) const {
    send(w, place(e.worker), {to_worker::kind::deliver, static_cast<std::uint8_t>(i), 0, 0, e.key, false},
         request_kind::give);
  }
  void operator()(const sm::give& e) const {
    ask(w, i, place(e.worker), request_kind::give,
        {to_worker::kind::give, static_cast<std::uint8_t>(i), 0, 0, e.key, false});
  }
  void operator()(const sm::turn_away&) const { --side().answers_open; }
  void operator()(const sm::declare&) const {} // no program declares anything here
  void operator()(const sm::steer&) const {}   // nobody cancels a turn here
  void operator()(const sm::freeze& e) const {
    if (!disk().known.resting())
      blame(w, "BEYOND-3: a session is frozen that is not at rest");
    ask(w, i, place(e.worker), request_kind::freeze,
        {to_worker::kind::freeze, static_cast<std::uint8_t>(i), 0, e.seen, {}, false});
  }
  void operator()(const sm::thaw& e) const {
    send(w, place(e.worker), {to_worker::kind::thaw, static_cast<std::uint8_t>(i), 0, 0, {}, false},
         request_kind::give);
  }
  void operator()(const sm::clear&) const {} // what agents leave is not modelled
  void operator()(const sm::end& e) const {
    if (e.reason == "reap")
      check_reaped();
    if ((e.reason == "stop" || e.reason == "remove") && !w.sessions[i].past->stop_stands)
      blame(w, "STATE-2: a stop is carried out that the ledger does not have");
    ask(w, i, place(e.worker), request_kind::end,
        {to_worker::kind::end, static_cast<std::uint8_t>(i), 0, e.seen, e.reason, false});
  }
  void check_reaped() const {
    if (disk().ledger->what.facts.count("why") != 0) {
      if (!disk().known.resting())
        blame(w, "SUP-8: a session gives its process back for memory and is not idle");
    } else if (!disk().known.at_rest()) {
      blame(w, "KEEP-1: a session is reaped that is not at rest");
    }
  }
  void operator()(const sm::kill& e) const { kill_process(w, i, place(e.worker)); }
  void operator()(const sm::adopt& e) const {
    ask(w, i, place(e.worker), request_kind::adopt,
        {to_worker::kind::hello, static_cast<std::uint8_t>(i), 0, side().m.known.last_event, {}, false});
  }
  void operator()(const sm::arm& e) const {
    (e.which == sm::timer::rest ? side().rest : side().armed) = {e.which, e.generation};
  }
  void operator()(const sm::answer_dispatch& e) const {
    if (side().dispatchers == 0)
      return;
    side().dispatchers = 0;
    if (e.code == errc::ok) {
      if (!disk().known.held)
        blame(w, "SUP-11: ok is told before the ledger has the assignment");
      w.sessions[i].past.edit().told_held = true;
    } else if (e.text.empty()) {
      blame(w, "a dispatch fails without a cause");
    }
  }
  void operator()(const sm::refuse&) const {} // the request at hand was answered when it came
  /// Where memory never runs short, the answer is always the same and comes at once.
  void operator()(const sm::look_at_memory&) const {
    if (w.about->allowed.count(chance::shortage) != 0)
      side().memory_asked = true;
    else
      to_session(w, i, sm::memory_seen{false});
  }
  void operator()(const sm::quiet&) const {
    side().quiet_waiters = 0;
    if (std::exchange(side().boss_waits, false))
      w.boss.edit().rows.emplace_back(static_cast<std::uint8_t>(i), row_word::has_ended);
  }
  void operator()(const sm::remove_tree&) const {} // no session of these has a worktree
  void operator()(const sm::vanish&) const { side().quits = true; }
  void operator()(const sm::forget&) const { side().quits = true; }
  void operator()(const promised_reply& p) const {
    --side().replies_open;
    const auto& known = disk().known;
    bool kept = known.taken.count(p.key) != 0 ||
                std::any_of(known.replies.begin(), known.replies.end(), [&](const auto& r) { return r.key == p.key; });
    if (!kept)
      blame(w, "REST-5: a reply is told as kept that the ledger does not have");
    w.sessions[i].past.edit().promised.insert(p.key);
  }
  void operator()(const promised_done&) const { --side().others_open; }
};

/// The actor ends once its queue is empty; what it had sent stays on its way.
void quit(world& w, std::size_t i) {
  auto& s = w.sessions[i].actor.edit();
  if (s.dispatchers + s.quiet_waiters + s.replies_open + s.others_open + s.answers_open != 0)
    blame(w, "a session goes and leaves somebody without an answer");
  if (s.boss_waits)
    w.boss.edit().rows.emplace_back(static_cast<std::uint8_t>(i), row_word::has_ended);
  auto sent = std::move(s.to_pool);
  s = session_actor_side{};
  s.to_pool = std::move(sent);
}

void hear_assigned(world& w, std::size_t i, const answer_words& a) {
  if (a.ok)
    to_session(w, i, sm::held{{id_of(i), a.run, "/", "", 0}});
  else
    to_session(w, i, sm::not_held{a.why, a.code, a.run});
}

/// What it wrote and did not live to tell comes with the word that it is gone.
void hear_not_adopted(world& w, std::size_t i, std::uint8_t at, const answer_words& a) {
  std::vector<event> untold;
  for (auto l = w.sessions[i].disk->transcript; l && l->what.n > w.workers[at]->relayed; l = l->before)
    untold.insert(untold.begin(), l->what);
  for (auto& e : untold)
    to_session(w, i, sm::happened{std::move(e)});
  to_session(w, i, sm::not_adopted{a.code == errc::worker_gone, a.why});
}

} // namespace

/// Where a crash may still come between a line and what follows it, each line is a step of its own.
bool ledger_is_slow(const world& w) {
  return w.about->slow_ledger || w.left[static_cast<std::size_t>(chance::crash)] > 0;
}

void run_queue(world& w, std::size_t i) {
  while (!w.sessions[i].actor->queue.empty()) {
    const auto& front = w.sessions[i].actor->queue.front();
    const auto* e = std::get_if<sm::effect>(&front);
    if (e && std::holds_alternative<sm::record>(*e)) {
      if (ledger_is_slow(w))
        return; // the keeper's answer is awaited
      write_line(w, i);
      continue;
    }
    auto next = front;
    auto& queue = w.sessions[i].actor.edit().queue;
    queue.erase(queue.begin());
    actor act{w, i};
    if (e)
      std::visit(act, std::get<sm::effect>(next));
    else if (const auto* reply = std::get_if<promised_reply>(&next))
      act(*reply);
    else
      act(promised_done{});
  }
  if (w.sessions[i].actor->quits)
    quit(w, i);
}

void to_session(world& w, std::size_t i, const sm::event_& e) {
  if (!w.sessions[i].actor->running)
    return; // a message to one that is gone
  auto& side = w.sessions[i].actor.edit();
  auto step = stepped(w, side.m, e);
  side.m = std::move(step.to);
  for (auto& effect : step.effects)
    side.queue.emplace_back(std::move(effect));
  run_queue(w, i);
  show_row(w, i);
}

void hear_grant(world& w, std::size_t i) {
  auto& side = w.sessions[i].actor.edit();
  auto g = side.grants.front();
  side.grants.erase(side.grants.begin());
  if (!g.refused.empty()) {
    side.claim_open = false;
    to_session(w, i, sm::not_granted{g.refused, g.code});
  } else {
    side.claim_open = false;
    to_session(w, i, sm::granted{{w.workers[g.worker]->id, {"boot", 100 + g.worker, 1}, "s"}, g.warm});
  }
}

void assign_now(world& w, std::size_t i, const sm::assign& e) {
  auto run = w.sessions[i].actor->m.known.run;
  ask(w, i, *find_worker(w, e.worker.worker), request_kind::assign,
      {to_worker::kind::assign, static_cast<std::uint8_t>(i), run, 0, {}, e.interrupted});
}

void go_on_with(world& w, std::size_t i, const snapshot&) {
  auto& side = w.sessions[i].actor.edit();
  auto e = *std::exchange(side.wants_snapshot, std::nullopt);
  if (side.wants_for == side.m.known.run)
    assign_now(w, i, e);
}

void go_on_without(world& w, std::size_t i, const std::string& why) {
  auto& side = w.sessions[i].actor.edit();
  side.wants_snapshot.reset();
  to_session(w, i, sm::not_held{why, errc::no_credentials, side.wants_for});
}

void hear_answer(world& w, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  auto a = p.answers.front();
  p.answers.erase(p.answers.begin());
  if (p.label < 0)
    return;
  auto i = static_cast<std::size_t>(p.label);
  auto& asked = w.sessions[i].actor.edit().asked;
  auto open =
      std::find_if(asked.begin(), asked.end(), [&](const request& r) { return r.kind == a.kind && r.worker == at; });
  if (open == asked.end())
    return; // given up: its deadline has passed
  if (a.kind != request_kind::adopt)
    a.run = open->run;
  asked.erase(open);
  if (a.kind == request_kind::assign)
    hear_assigned(w, i, a);
  else if (a.kind == request_kind::end && !a.ok)
    to_session(w, i, sm::end_refused{a.why, w.workers[at]->id});
  else if (a.kind == request_kind::freeze && !a.ok)
    to_session(w, i, sm::not_frozen{a.why, w.workers[at]->id});
  else if (a.kind == request_kind::adopt && a.ok)
    to_session(w, i, sm::adopted{0});
  else if (a.kind == request_kind::adopt)
    hear_not_adopted(w, i, at, a);
  else if (a.kind == request_kind::give)
    --w.sessions[i].actor.edit().answers_open;
  tell_exits(w, i);
}

/// The end of a worker comes behind the answer to its adoption, which brings what it wrote last.
void tell_exits(world& w, std::size_t i) {
  const auto& asked = w.sessions[i].actor->asked;
  if (std::any_of(asked.begin(), asked.end(), [](const auto& r) { return r.kind == request_kind::adopt; }))
    return;
  for (auto who : std::exchange(w.sessions[i].actor.edit().exits, {}))
    to_session(w, i, sm::gone{who, "killed"});
}

void hear_news(world& w, std::uint8_t at) {
  auto& p = w.workers[at].edit();
  auto what = p.told.front();
  p.told.erase(p.told.begin());
  if (const auto* e = std::get_if<event>(&what)) {
    if (p.label >= 0)
      to_session(w, static_cast<std::size_t>(p.label), sm::happened{*e});
  } else if (std::holds_alternative<ready_news>(what)) {
    to_pool(w, pm::spare_ready{p.id});
  } else {
    p.known = false;
    if (p.label >= 0) {
      w.sessions[static_cast<std::size_t>(p.label)].actor.edit().exits.push_back(p.id);
      tell_exits(w, static_cast<std::size_t>(p.label));
    } else
      to_pool(w, pm::exited{p.id, "killed"});
  }
}

void write_line(world& w, std::size_t i) {
  auto& queue = w.sessions[i].actor.edit().queue;
  auto e = std::get<sm::record>(std::get<sm::effect>(queue.front())).entry;
  queue.erase(queue.begin());
  auto& disk = w.sessions[i].disk.edit();
  e.n = disk.ledger ? disk.ledger->what.n + 1 : 1;
  disk.exists = true;
  while (!disk.tail.empty() && disk.tail.front().n <= e.seen) {
    fold(disk.known, disk.tail.front());
    disk.tail.erase(disk.tail.begin());
  }
  fold(disk.known, e);
  disk.removed = disk.known.removed;
  disk.ledger = std::make_shared<line_of<ledger_entry>>(line_of<ledger_entry>{e, disk.ledger});
  auto& past = w.sessions[i].past.edit();
  if (e.what == "stop" || e.what == "remove")
    past.stop_stands = true, past.respawn_due = false, past.removal_due = past.removal_due || e.what == "remove";
  else if (e.what == "reply" || e.what == "respawn" || e.what == "wake")
    past.stop_stands = false;
  if (e.what == "respawn")
    past.respawn_due = true;
  else if (e.what == "claimed")
    past.respawn_due = false;
}

} // namespace troupe::search
