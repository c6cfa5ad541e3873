// What can happen next in a world, and what it does.
#include <algorithm>

#include "tests/search/moves.hpp"
#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

struct listing {
  const world& w;
  std::vector<move> out;
  void must(step_kind what, std::size_t who, std::uint8_t how = 0) {
    out.push_back({static_cast<std::uint8_t>(what), static_cast<std::uint8_t>(who), how, true});
  }
  void may(step_kind what, std::size_t who, std::uint8_t how = 0) {
    out.push_back({static_cast<std::uint8_t>(what), static_cast<std::uint8_t>(who), how, false});
  }
  [[nodiscard]] bool left(chance c) const { return w.left[static_cast<std::size_t>(c)] > 0; }
  void chance_of(chance c, step_kind what, std::size_t who, std::uint8_t how = 0) {
    if (left(c))
      may(what, who, how);
  }
  /// A step of a worker that writes: it may also be killed behind its first or second line.
  void writes(step_kind what, std::size_t who, std::uint8_t lines) {
    must(what, who);
    for (std::uint8_t n = 1; n <= lines; ++n)
      chance_of(chance::death, what, who, n);
  }
};

void people(listing& l, std::size_t i) {
  const auto& side = *l.w.sessions[i].actor;
  if (!side.running)
    return;
  l.chance_of(chance::stop, step_kind::stop, i);
  l.chance_of(chance::remove, step_kind::remove, i);
  l.chance_of(chance::respawn, step_kind::respawn, i);
  l.chance_of(chance::wake, step_kind::wake, i);
  l.chance_of(chance::reply, step_kind::reply, i);
  l.chance_of(chance::answer, step_kind::answer, i);
  l.chance_of(chance::pin, step_kind::pin, i);
  l.chance_of(chance::shortage, step_kind::retire, i);
  if (side.dispatchers == 0)
    l.chance_of(chance::repeat, step_kind::repeat, i);
}

void of_session(listing& l, std::size_t i) {
  const auto& side = *l.w.sessions[i].actor;
  people(l, i);
  if (!side.queue.empty()) {
    l.must(step_kind::write, i);
    l.chance_of(chance::crash, step_kind::write, i, 1);
  }
  if (!side.to_pool.empty()) {
    l.must(step_kind::pool_hears, i);
    if (std::holds_alternative<pm::claimed>(side.to_pool.front()))
      l.chance_of(chance::no_launch, step_kind::pool_hears, i, 1);
  }
  if (!side.grants.empty())
    l.must(step_kind::grant_heard, i);
  if (side.permits > 0)
    l.must(step_kind::permit_heard, i);
  if (side.memory_asked)
    l.must(step_kind::memory_told, i);
  if (side.rest && side.rest->second == side.m.rest_generation)
    l.may(step_kind::rest_over, i);
  if (side.armed && side.armed->second == side.m.generation) {
    auto which = side.armed->first;
    if (which == sm::timer::end)
      l.chance_of(chance::late, step_kind::timer, i);
    else if (which == sm::timer::row)
      l.may(step_kind::timer, i);
    else
      l.must(step_kind::timer, i);
  }
  for (std::size_t r = 0; r < side.asked.size(); ++r)
    l.chance_of(chance::late, step_kind::too_late, i, static_cast<std::uint8_t>(r));
}

void of_living(listing& l, std::size_t at) {
  const auto& p = *l.w.workers[at];
  bool exec = p.session >= 0 && l.w.about->kinds[static_cast<std::size_t>(p.session)] == "exec";
  l.chance_of(chance::death, step_kind::dies, at);
  if (!p.inbox.empty())
    l.writes(step_kind::worker_hears, at, p.inbox.front().what == to_worker::kind::end ? 0 : 2);
  if (!p.hello.empty())
    l.must(step_kind::hello_heard, at);
  if (p.orphan && p.inbox.empty() && p.session < 0)
    l.must(step_kind::spare_leaves, at);
  if (!p.ready && p.session < 0)
    l.must(step_kind::spare_ready, at);
  if (p.warm && p.session < 0)
    l.chance_of(chance::unlinked, step_kind::dies, at, 1);
  if (p.end_reason)
    l.writes(step_kind::tree_ends, at, 2);
  else if (p.started && exec)
    l.writes(step_kind::job_ends, at, 1);
  else if (p.started && !p.open)
    l.writes(step_kind::agent_ready, at, 2);
  if (p.end_reason || !p.started)
    return;
  if (!p.turn.empty() && p.questions.empty())
    l.writes(step_kind::turn_ends, at, 2);
  if (!p.turn.empty() && p.questions.empty())
    l.chance_of(chance::turn_fails, step_kind::turn_ends, at, 9);
  if (!p.turn.empty() && p.questions.empty())
    l.chance_of(chance::ask, step_kind::asks, at);
  if (!p.turn.empty() && !p.work)
    l.chance_of(chance::work, step_kind::works, at);
  if (p.work)
    l.may(step_kind::works, at, 1);
  l.chance_of(chance::attach, step_kind::attaches, at);
  if (p.terminals > 0)
    l.may(step_kind::detaches, at);
}

void of_worker(listing& l, std::size_t at) {
  const auto& p = *l.w.workers[at];
  if (!p.answers.empty() && l.w.up)
    l.must(step_kind::answer_heard, at);
  if (!p.told.empty() && l.w.up)
    l.must(step_kind::news_heard, at);
  if (p.alive)
    of_living(l, at);
}

void of_supervisor(listing& l) {
  const auto& w = l.w;
  if (!w.up) {
    if (w.boss->leaving) // it left on purpose: the next command starts one
      l.may(step_kind::supervisor_starts, 0);
    else
      l.must(step_kind::supervisor_starts, 0);
    return;
  }
  l.chance_of(chance::crash, step_kind::crash, 0);
  if (!w.boss->rows.empty())
    l.must(step_kind::row_heard, 0);
  if (w.boss->leaving && w.pool->m.spares.empty())
    l.must(step_kind::supervisor_leaves, 0);
  if (!w.boss->leaving) {
    l.chance_of(chance::stop_all, step_kind::stop_all, 0);
    l.chance_of(chance::stop_keep, step_kind::stop_keep, 0);
  }
  if (w.pool->tick && *w.pool->tick == w.pool->m.generation) {
    if (std::holds_alternative<pm::steady>(w.pool->m.is))
      l.may(step_kind::tick, 0);
    else
      l.must(step_kind::tick, 0);
  }
}

void of_store(listing& l) {
  const auto& w = l.w;
  if (!w.about->credentials || !w.up)
    return;
  if (!w.store->from_vault.empty())
    l.must(step_kind::vault_heard, 0);
  for (std::size_t r = 0; r < w.store->refreshes.size(); ++r) {
    l.must(step_kind::refreshed, r);
    l.chance_of(chance::no_refresh, step_kind::refreshed, r, 1);
  }
  if (w.clock < 2)
    l.chance_of(chance::expiry, step_kind::time_passes, 0);
  const auto* held = std::get_if<cm::valid>(&w.store->m.at);
  if (w.store->timer == w.store->m.generation && held && held->held.expires - wall_of(w) < cm::refresh_ahead_ms)
    l.may(step_kind::expiry_due, 0);
  l.chance_of(chance::login, step_kind::login, 0);
  if (w.account != 0)
    l.chance_of(chance::logout, step_kind::logout, 0);
}

} // namespace

std::vector<move> moves_of(const world& w) {
  listing l{w, {}};
  if (w.up)
    for (std::size_t i = 0; i < w.sessions.size(); ++i) {
      if (!w.sessions[i].disk->exists && !w.sessions[i].actor->running && !w.boss->leaving)
        l.may(step_kind::dispatch, i);
      of_session(l, i);
    }
  for (std::size_t at = 0; at < w.workers.size(); ++at)
    of_worker(l, at);
  of_supervisor(l);
  of_store(l);
  return l.out;
}

} // namespace troupe::search
