// The shells of pool, supervisor and credential store; a supervisor's beginning and its end.
#include <algorithm>

#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

constexpr wall_ms fresh_now = 1'000'000, due_now = 2'000'000, over_now = 3'000'000;
constexpr wall_ms first_expiry = 2'200'000, next_expiry = 9'000'000;

struct pool_actor_side {
  world& w;
  void operator()(const pm::launch& e) const {
    if (w.launch_fails && !e.spare)
      return;
    launch_worker(w, e.who, e.spare);
  }
  void operator()(const pm::grant& e) const {
    auto i = session_of(e.to);
    granted_words words{0, e.warm, {}};
    if (auto at = find_worker(w, e.who)) {
      words.worker = *at;
      if (std::exchange(w.workers[*at].edit().granted, true))
        blame(w, "POOL-6: one worker is granted twice");
    } else {
      words.refused = "a worker could not be started";
      words.code = errc::not_started;
    }
    if (w.sessions[i].actor->running && w.sessions[i].actor->claim_open)
      w.sessions[i].actor.edit().grants.push_back(words);
  }
  void operator()(const pm::refuse& e) const {
    auto i = session_of(e.to);
    if (w.sessions[i].actor->running)
      w.sessions[i].actor.edit().grants.push_back({0, false, e.why, errc::draining});
  }
  void operator()(const pm::retire& e) const { end_process(w, *find_worker(w, e.who)); }
  void operator()(const pm::arm& e) const { w.pool.edit().tick = e.generation; }
  void operator()(const pm::permit& e) const {
    auto i = session_of(e.to);
    if (w.sessions[i].actor->running)
      ++w.sessions[i].actor.edit().permits;
    else
      to_pool(w, pm::permit_returned{e.to});
  }
};

struct boss_side {
  world& w;
  void operator()(const vm::admit& e) const {
    auto i = session_of(e.session);
    w.sessions[i].actor.edit().running = true;
    dispatch_again(w, i);
  }
  void operator()(const vm::repeat& e) const { dispatch_again(w, session_of(e.session)); }
  void operator()(const vm::refuse&) const {}
  void operator()(const vm::arm_linger&) const {}
  void operator()(const vm::drain& e) const {
    w.boss.edit().kept = e.keep_workers;
    if (e.keep_workers)
      return;
    for (std::size_t i = 0; i < w.sessions.size(); ++i)
      if (w.sessions[i].actor->running) {
        w.sessions[i].actor.edit().boss_waits = true;
        to_session(w, i, sm::asked_stop{"daemon stop"});
      }
  }
  // A newer version is no part of these worlds, and whom a shortage of memory meets is drawn (step_kind::retire).
  void operator()(const vm::make_room&) const {}
  void operator()(const vm::retire&) const {}
  void operator()(const vm::look_at_memory&) const {}
  void operator()(const vm::arm_retire&) const {}
  void operator()(const vm::arm_make_room&) const {}
  void operator()(const vm::leave&) const {
    w.boss.edit().leaving = true;
    for (const auto& p : w.workers)
      if (!w.boss->kept && p->alive && p->label >= 0)
        blame(w, "SUP-4: the stop is reported while a worker of a session lives");
    to_pool(w, pm::close{});
  }
};

struct store_actor_side {
  world& w;
  void operator()(const cm::give& e) const {
    auto account = e.what.credentials.empty() ? 0 : e.what.credentials.front().secret.back() - '0';
    if (account != 0 && account <= w.signed_out)
      blame(w, "CRED-6: a credential is handed out that was signed out");
    if (e.what.expires != 0 && e.what.expires <= wall_of(w))
      blame(w, "CRED-4: a credential is handed out that has expired");
    bool refused = w.left[static_cast<std::size_t>(chance::no_refresh)] <
                   (w.about->allowed.count(chance::no_refresh) ? w.about->allowed.at(chance::no_refresh) : 0);
    if (e.what.expires != 0 && e.what.expires - wall_of(w) < cm::refresh_ahead_ms && !refused)
      blame(w, "CRED-2: a credential is handed out that expires within five minutes");
    answer(e.ticket, [&](std::size_t i) { go_on_with(w, i, e.what); });
  }
  void operator()(const cm::refuse& e) const {
    answer(e.ticket, [&](std::size_t i) { go_on_without(w, i, e.why); });
  }
  void operator()(const cm::load& e) const {
    w.store.edit().from_vault.emplace_back(cm::loaded{vault_holds(w), e.logouts});
  }
  void operator()(const cm::refresh& e) const {
    const auto& held = std::get<cm::refreshing>(w.store->m.at).held;
    for (const auto& r : w.store->refreshes)
      if (r.first.credentials == held.credentials)
        blame(w, "CRED-2: one token is refreshed twice at a time");
    w.store.edit().refreshes.emplace_back(held, e.flight);
  }
  void operator()(const cm::announce& e) const {
    auto account = e.what.credentials.empty() ? 0 : e.what.credentials.front().secret.back() - '0';
    if (account != 0 && account <= w.signed_out)
      blame(w, "CRED-6: a credential is announced that was signed out");
    for (std::size_t i = 0; account != 0 && i < w.sessions.size(); ++i)
      if (w.sessions[i].actor->running && w.sessions[i].actor->m.known.signed_out)
        to_session(w, i, sm::signed_in{e.what.epoch});
  }
  void operator()(const cm::arm& e) const { w.store.edit().timer = e.generation; }
  template <class Then>
  void answer(std::uint64_t ticket, Then then) const {
    for (std::size_t i = 0; i < w.sessions.size(); ++i)
      if (w.sessions[i].actor->wants_snapshot && w.sessions[i].actor->ticket == ticket)
        return then(i);
  }
};

} // namespace

session_id id_of(std::size_t session) {
  return {std::string(1, static_cast<char>('a' + session))};
}

std::size_t session_of(const session_id& id) {
  return static_cast<std::size_t>(id.value.front() - 'a');
}

wall_ms wall_of(const world& w) {
  return w.clock == 0 ? fresh_now : w.clock == 1 ? due_now : over_now;
}

std::optional<std::uint8_t> find_worker(const world& w, worker_id id) {
  for (std::size_t i = 0; i < w.workers.size(); ++i)
    if (w.workers[i]->id == id)
      return static_cast<std::uint8_t>(i);
  return std::nullopt;
}

void blame(world& w, const std::string& what) {
  if (w.fault.empty())
    w.fault = what;
}

void to_pool(world& w, const pm::event_& e) {
  auto& side = w.pool.edit();
  auto step = stepped(w, side.m, e);
  side.m = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit(pool_actor_side{w}, effect);
}

void to_boss(world& w, const vm::event_& e) {
  auto& side = w.boss.edit();
  auto step = vm::next(side.m, e, fresh_now, {60'000, 24 * 3'600'000, true});
  side.m = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit(boss_side{w}, effect);
}

void to_store(world& w, const cm::event_& e) {
  auto& side = w.store.edit();
  auto step = stepped(w, side.m, e);
  side.m = std::move(step.to);
  for (const auto& effect : step.effects)
    std::visit(store_actor_side{w}, effect);
}

void ask_store(world& w, std::size_t i, const sm::assign& e) {
  auto& side = w.sessions[i].actor.edit();
  side.wants_snapshot = e;
  side.wants_for = side.m.known.run;
  side.ticket = w.store.edit().next_ticket++;
  to_store(w, cm::asked{side.ticket});
}

/// The supervisor hears of a session's row, at once or when its message comes.
void show_row(world& w, std::size_t i) {
  const auto& side = *w.sessions[i].actor;
  auto now = static_cast<std::int8_t>(side.running && vm::keeps_open(sm::look(side.m)));
  if (now == side.shown)
    return;
  w.sessions[i].actor.edit().shown = now;
  w.boss.edit().rows.emplace_back(static_cast<std::uint8_t>(i), now == 1 ? row_word::keeps_open : row_word::rests);
}

void hear_row(world& w) {
  auto& boss = w.boss.edit();
  auto [who, word] = boss.rows.front();
  boss.rows.erase(boss.rows.begin());
  if (word == row_word::has_ended)
    return to_boss(w, vm::session_ended{});
  bool busy = word == row_word::keeps_open;
  bool was = boss.busy.count(who) != 0;
  if (busy)
    boss.busy.insert(who);
  else
    boss.busy.erase(who);
  if (was != busy)
    to_boss(w, vm::busy_now{boss.busy.size()});
}

/// The front end's dispatch reaches its session; `dispatched` is written unless it was.
void dispatch_again(world& w, std::size_t i) {
  auto& side = w.sessions[i].actor.edit();
  auto& f = side.m.known;
  if (!side.running || f.held)
    return; // told at once: it counts once
  ++side.dispatchers;
  if (f.key.empty()) {
    ledger_entry e;
    e.t = fresh_now;
    e.what = "dispatched";
    e.session = id_of(i);
    e.facts = {{"key", "key"}, {"digest", "d"}, {"origin", "shell"}};
    dispatch_spec spec;
    spec.kind = w.about->kinds[i];
    spec.harness = spec.kind == "exec" ? "exec" : "native";
    spec.prompt = "task";
    e.spec.push_back(std::move(spec));
    fold(f, e);
    side.queue.emplace_back(sm::record{e, true});
  }
  to_session(w, i, sm::begin{});
}

void start_supervisor(world& w) {
  w.up = true;
  ++w.epoch;
  w.pool.edit().m.next_worker = std::uint64_t{w.epoch} << 32 | 1;
  std::map<std::string, vm::key_use> keys;
  for (std::size_t i = 0; i < w.sessions.size(); ++i)
    if (w.sessions[i].disk->exists)
      keys["key-" + id_of(i).value] = {"d", id_of(i), fresh_now};
  for (std::size_t i = 0; i < w.sessions.size(); ++i) {
    if (!w.sessions[i].disk->exists || w.sessions[i].disk->removed)
      continue;
    std::vector<ledger_entry> entries;
    std::vector<event> events;
    for (auto l = w.sessions[i].disk->ledger; l; l = l->before)
      entries.insert(entries.begin(), l->what);
    for (auto l = w.sessions[i].disk->transcript; l; l = l->before)
      events.insert(events.begin(), l->what);
    auto& side = w.sessions[i].actor.edit();
    side.running = true;
    fold(side.m.known, entries, events);
    auto last = find_worker(w, side.m.known.worker.worker);
    bool lives = last && w.workers[*last]->alive;
    to_session(w, i, sm::restored{side.m.known.run > 0 && (!side.m.known.ended || lives)});
  }
  to_boss(w, vm::opened{std::move(keys)});
  to_boss(w, vm::front_ends_now{1});
  to_pool(w, pm::open{});
  if (w.about->credentials)
    to_store(w, cm::load_asked{});
}

/// All that only the supervisor's process knew is gone. What it had sent to a worker's socket is still read there.
void lose_supervisor(world& w) {
  w.up = false;
  w.boss = {};
  w.pool = {};
  w.store = {};
  for (auto& c : w.sessions)
    c.actor = {};
  for (auto& at : w.workers) {
    auto& p = at.edit();
    p.orphan = p.alive;
    p.known = false;
    p.answers.clear();
    p.told.clear();
    p.hello.clear();
    p.label = -1;
  }
}

snapshot vault_holds(const world& w) {
  if (w.account == 0)
    return {};
  return {0, w.account == 1 ? first_expiry : next_expiry, {{"K", "login-" + std::to_string(w.account)}}};
}

} // namespace troupe::search
