// Carries a move out.
#include <algorithm>
#include <utility>

#include "tests/search/moves.hpp"
#include "tests/search/shells.hpp"

namespace troupe::search {

namespace {

std::string numbered(const char* what, std::uint8_t n) {
  return what + std::to_string(n);
}

void spend(world& w, chance c) {
  auto& left = w.left[static_cast<std::size_t>(c)];
  w.impossible = w.impossible || left == 0;
  --left;
}

void request_of(world& w, std::size_t i, const sm::event_& e, queued_item then, std::uint8_t& open) {
  auto refused = stepped(w, w.sessions[i].actor->m, e);
  if (std::any_of(refused.effects.begin(), refused.effects.end(),
                  [](const auto& x) { return std::holds_alternative<sm::refuse>(x); }))
    return; // told so at once
  ++open;
  to_session(w, i, e);
  w.sessions[i].actor.edit().queue.push_back(std::move(then));
  run_queue(w, i);
}

void replies(world& w, std::size_t i) {
  spend(w, chance::reply);
  auto key = numbered("r", ++w.sessions[i].past.edit().replies);
  auto& side = w.sessions[i].actor.edit();
  request_of(w, i, sm::asked_reply{key, "text"}, promised_reply{key}, side.replies_open);
}

void answers(world& w, std::size_t i) {
  spend(w, chance::answer);
  auto key = numbered("a", ++w.sessions[i].past.edit().answers);
  const auto& at = w.sessions[i].actor->m.at;
  if (sm::listens(w.sessions[i].actor->m) || std::holds_alternative<sm::adopting>(at))
    ++w.sessions[i].actor.edit().answers_open;
  to_session(w, i, sm::asked_answer{key, "", "1", "shell"});
}

void waits_for_quiet(world& w, std::size_t i, chance c, const sm::event_& e) {
  spend(w, c);
  ++w.sessions[i].actor.edit().quiet_waiters;
  to_session(w, i, e);
}

/// What a front end asks of one session.
bool people_step(world& w, const move& m) {
  auto i = std::size_t{m.who};
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::dispatch:
    to_boss(w, vm::dispatch_asked{"key-" + id_of(i).value, "d", id_of(i)});
    return true;
  case step_kind::repeat:
    spend(w, chance::repeat);
    to_boss(w, vm::dispatch_asked{"key-" + id_of(i).value, "d", {"z"}});
    return true;
  case step_kind::stop:
    waits_for_quiet(w, i, chance::stop, sm::asked_stop{"shell"});
    return true;
  case step_kind::remove:
    waits_for_quiet(w, i, chance::remove, sm::asked_remove{"shell"});
    return true;
  case step_kind::respawn:
    spend(w, chance::respawn);
    request_of(w, i, sm::asked_respawn{"shell"}, promised_done{}, w.sessions[i].actor.edit().others_open);
    return true;
  case step_kind::pin:
    spend(w, chance::pin);
    request_of(w, i, sm::asked_pin{true}, promised_done{}, w.sessions[i].actor.edit().others_open);
    return true;
  case step_kind::retire:
    spend(w, chance::shortage);
    request_of(w, i, sm::asked_retire{"memory"}, promised_done{}, w.sessions[i].actor.edit().others_open);
    return true;
  case step_kind::wake:
    spend(w, chance::wake);
    to_session(w, i, sm::asked_wake{});
    return true;
  case step_kind::reply:
    replies(w, i);
    return true;
  case step_kind::answer:
    answers(w, i);
    return true;
  default:
    return false;
  }
}

void gives_up(world& w, std::size_t i, std::size_t which) {
  spend(w, chance::late);
  auto& asked = w.sessions[i].actor.edit().asked;
  auto r = asked[which];
  asked.erase(asked.begin() + static_cast<std::ptrdiff_t>(which));
  if (r.kind == request_kind::assign) {
    to_session(w, i, sm::not_held{"no answer in time", errc::timed_out, r.run});
  } else if (r.kind == request_kind::end) {
    to_session(w, i, sm::end_refused{"no answer in time", w.workers[r.worker]->id});
  } else if (r.kind == request_kind::freeze) {
    to_session(w, i, sm::not_frozen{"no answer in time", w.workers[r.worker]->id});
  } else if (r.kind == request_kind::adopt) {
    to_session(w, i, sm::not_adopted{false, "no answer in time"});
  } else {
    --w.sessions[i].actor.edit().answers_open;
  }
  tell_exits(w, i);
}

/// From the first request for a session's process on, memory is low too.
bool shortage_begun(const world& w) {
  return w.left[static_cast<std::size_t>(chance::shortage)] < w.about->allowed.at(chance::shortage);
}

/// Messages between the actors of one supervisor, and its timers.
bool session_step(world& w, const move& m) {
  auto i = std::size_t{m.who};
  auto& side = w.sessions[i].actor.edit();
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::write:
    write_line(w, i);
    if (m.how == 1) {
      spend(w, chance::crash);
      lose_supervisor(w);
    } else {
      run_queue(w, i);
      show_row(w, i);
    }
    return true;
  case step_kind::pool_hears: {
    auto words = side.to_pool.front();
    side.to_pool.erase(side.to_pool.begin());
    if (m.how == 1)
      spend(w, chance::no_launch);
    w.launch_fails = m.how == 1;
    to_pool(w, words);
    w.launch_fails = false;
    return true;
  }
  case step_kind::grant_heard:
    hear_grant(w, i);
    return true;
  case step_kind::permit_heard:
    --side.permits;
    to_session(w, i, sm::permitted{});
    return true;
  case step_kind::memory_told:
    side.memory_asked = false;
    to_session(w, i, sm::memory_seen{shortage_begun(w)});
    return true;
  case step_kind::rest_over:
    to_session(w, i, sm::elapsed{sm::timer::rest, std::exchange(side.rest, std::nullopt)->second});
    return true;
  case step_kind::timer: {
    auto due = *std::exchange(side.armed, std::nullopt);
    if (due.first == sm::timer::end)
      spend(w, chance::late);
    to_session(w, i, sm::elapsed{due.first, due.second});
    return true;
  }
  case step_kind::too_late:
    gives_up(w, i, m.how);
    return true;
  default:
    return false;
  }
}

/// A step that writes lines and may be cut off behind one of them.
template <class Step>
void cut_off(world& w, const move& m, Step step) {
  bool cut = m.how >= 1 && m.how <= 2;
  if (cut) {
    spend(w, chance::death);
    w.workers[m.who].edit().fuse = m.how;
  }
  step();
  if (!cut)
    return;
  w.impossible = w.impossible || w.workers[m.who]->fuse > 0; // it does not write that many
  end_process(w, m.who);
  w.workers[m.who].edit().fuse = -1;
}

void agent_step(world& w, const move& m, const char* what) {
  auto& p = w.workers[m.who].edit();
  event e;
  e.what = what;
  if (e.what == std::string("question")) {
    spend(w, chance::ask);
    e.id = "q" + std::to_string(p.run) + "." + std::to_string(++p.asked);
    p.questions.push_back(e.id);
  } else if (e.what == std::string("work")) {
    if (m.how == 0)
      spend(w, chance::work);
    p.work = m.how == 0;
    if (p.work)
      e.work.push_back({"w", "shell", "dev server"});
  } else {
    if (static_cast<step_kind>(m.what) == step_kind::attaches) {
      spend(w, chance::attach);
      thaw(w, m.who);
      ++p.terminals;
    } else {
      --p.terminals;
    }
    e.value = p.terminals;
  }
  emit(w, m.who, std::move(e));
}

bool worker_step(world& w, const move& m) {
  auto at = m.who;
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::dies:
    spend(w, m.how == 1 ? chance::unlinked : chance::death);
    end_process(w, at);
    return true;
  case step_kind::worker_hears:
    cut_off(w, m, [&] { worker_hears(w, at); });
    return true;
  case step_kind::hello_heard:
    worker_hears_hello(w, at);
    return true;
  case step_kind::spare_leaves:
    end_process(w, at); // POOL-7
    return true;
  case step_kind::spare_ready:
    w.workers[at].edit().ready = true;
    if (!w.workers[at]->orphan)
      w.workers[at].edit().told.emplace_back(ready_news{});
    return true;
  case step_kind::tree_ends:
    cut_off(w, m, [&] { tree_ends(w, at); });
    return true;
  case step_kind::job_ends:
    cut_off(w, m, [&] { job_ends(w, at); });
    return true;
  case step_kind::agent_ready:
    cut_off(w, m, [&] { agent_ready(w, at); });
    return true;
  case step_kind::turn_ends:
    if (m.how == 9)
      spend(w, chance::turn_fails);
    cut_off(w, m, [&] { turn_ends(w, at, m.how == 9); });
    return true;
  case step_kind::asks:
    agent_step(w, m, "question");
    return true;
  case step_kind::works:
    agent_step(w, m, "work");
    return true;
  case step_kind::attaches:
  case step_kind::detaches:
    agent_step(w, m, "attached");
    return true;
  case step_kind::answer_heard:
    hear_answer(w, at);
    return true;
  case step_kind::news_heard:
    hear_news(w, at);
    return true;
  default:
    return false;
  }
}

void store_step(world& w, const move& m) {
  auto& store = w.store.edit();
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::vault_heard: {
    auto e = store.from_vault.front();
    store.from_vault.erase(store.from_vault.begin());
    to_store(w, e);
    return;
  }
  case step_kind::refreshed: {
    auto [old, flight] = store.refreshes[m.who];
    store.refreshes.erase(store.refreshes.begin() + m.who);
    if (m.how == 1) {
      spend(w, chance::no_refresh);
      to_store(w, cm::not_refreshed{"the provider refuses", flight});
      return;
    }
    old.credentials.front().secret = "refreshed-" + old.credentials.front().secret;
    old.expires = 9'000'000;
    to_store(w, cm::refreshed{old, flight});
    return;
  }
  case step_kind::time_passes:
    spend(w, chance::expiry);
    ++w.clock;
    return;
  case step_kind::expiry_due:
    to_store(w, cm::due_now{*std::exchange(store.timer, std::nullopt)});
    return;
  case step_kind::login:
    spend(w, chance::login);
    w.account = static_cast<std::uint8_t>(std::max(w.account, w.signed_out) + 1);
    to_store(w, cm::load_asked{});
    return;
  default:
    spend(w, chance::logout);
    w.signed_out = std::max(w.account, w.signed_out);
    w.account = 0;
    to_store(w, cm::logged_out{});
  }
}

void supervisor_step(world& w, const move& m) {
  switch (static_cast<step_kind>(m.what)) {
  case step_kind::supervisor_starts:
    w.boss = {};
    start_supervisor(w);
    return;
  case step_kind::crash:
    spend(w, chance::crash);
    lose_supervisor(w);
    return;
  case step_kind::supervisor_leaves:
    lose_supervisor(w);
    w.boss.edit().leaving = true;
    return;
  case step_kind::row_heard:
    hear_row(w);
    return;
  case step_kind::stop_all:
  case step_kind::stop_keep: {
    bool keep = static_cast<step_kind>(m.what) == step_kind::stop_keep;
    spend(w, keep ? chance::stop_keep : chance::stop_all);
    auto running = std::count_if(w.sessions.begin(), w.sessions.end(), [](const auto& c) { return c.actor->running; });
    to_boss(w, vm::stop_asked{true, keep, static_cast<std::size_t>(running)});
    return;
  }
  case step_kind::tick:
    to_pool(w, pm::tick{*std::exchange(w.pool.edit().tick, std::nullopt)});
    return;
  default:
    store_step(w, m);
  }
}

} // namespace

std::optional<world> after(const world& from, const move& m) {
  auto w = from;
  if (!people_step(w, m) &&
      (m.what < static_cast<int>(step_kind::write) || m.what > static_cast<int>(step_kind::too_late) ||
       !session_step(w, m)) &&
      !worker_step(w, m))
    supervisor_step(w, m);
  if (!w.about->slow_rows)
    while (!w.boss->rows.empty())
      hear_row(w);
  if (w.impossible)
    return std::nullopt;
  return w;
}

} // namespace troupe::search
