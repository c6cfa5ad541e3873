// The simulated world: what may happen next, and its happening.
#include "tests/simulation/world.hpp"

#include <algorithm>

namespace troupe::simulation {

void world::set_time(std::int64_t mono) {
  mono_ = mono;
  told.now(mono);
}

void world::sleep(std::int64_t ms) {
  slept_ += ms;
  told.say([&] { return "the machine sleeps for " + std::to_string(ms / 60'000) + " minutes"; });
}

worker& world::spawn(worker_id id, bool warm) {
  workers.push_back(std::make_unique<worker>(*this, id, next_pid_++, warm));
  told.say([&] { return std::string("host starts ") + (warm ? "spare " : "worker ") + name_of(id); });
  return *workers.back();
}

worker* world::find(const process_identity& who) {
  for (auto& w : workers)
    if (w->process == who)
      return w.get();
  return nullptr;
}

worker* world::holder(const session_id& s) {
  for (auto& w : workers)
    if (w->holds(s))
      return w.get();
  return nullptr;
}

std::vector<deed> world::deeds() {
  std::vector<deed> out;
  out.reserve(16);
  if (host && !host->calls.empty())
    out.push_back({deed::of::host_call, nullptr, {}, {}});
  if (ledger && !ledger->calls.empty())
    out.push_back({deed::of::write, nullptr, {}, {}});
  if (accounts)
    for (std::size_t i = 0; i < accounts->calls.size(); ++i)
      out.push_back({deed::of::vault_answers, nullptr, {}, {i}});
  if (trees)
    for (std::size_t i = 0; i < trees->calls.size(); ++i)
      out.push_back({deed::of::tree_answers, nullptr, {}, {i}});
  add_host_deeds(out);
  add_worker_deeds(out);
  return out;
}

void world::add_host_deeds(std::vector<deed>& out) {
  if (!host)
    return;
  for (auto& [id, s] : host->slots) {
    if (s.channel && !s.channel_closed) {
      if (!s.channel->up.empty())
        out.push_back({deed::of::host_reads, nullptr, {}, id});
      else if (s.channel->worker_closed)
        out.push_back({deed::of::host_sees_close, nullptr, {}, id});
    }
    if (!s.process->alive && !s.process_gone)
      out.push_back({deed::of::host_sees_exit, nullptr, {}, id});
  }
}

void world::add_worker_deeds(std::vector<deed>& out) {
  for (auto& w : workers) {
    if (!w->alive || w->hung)
      continue;
    for (auto& l : w->links) {
      if (!l->down.empty())
        out.push_back({deed::of::worker_reads, w.get(), l, {}});
      else if (l->host_closed || l->worker_closed)
        out.push_back({deed::of::worker_sees_close, w.get(), l, {}});
    }
    if (w->can_go_on())
      out.push_back({deed::of::harness_goes_on, w.get(), {}, {}});
    if (w->tree_may_end())
      out.push_back({deed::of::tree_ends, w.get(), {}, {}});
    if (w->may_leave())
      out.push_back({deed::of::worker_leaves, w.get(), {}, {}});
  }
}

void world::perform(const deed& d, std::uint32_t how) {
  auto next = [](auto& calls, std::size_t at = 0) {
    auto call = std::move(calls[at]);
    calls.erase(calls.begin() + static_cast<std::ptrdiff_t>(at));
    call();
  };
  switch (d.what) {
  case deed::of::host_call:
    return next(host->calls);
  case deed::of::write:
    return next(ledger->calls);
  case deed::of::vault_answers:
    return next(accounts->calls, d.id.value);
  case deed::of::tree_answers:
    return next(trees->calls, d.id.value);
  case deed::of::worker_reads:
    return d.who->read(d.on);
  case deed::of::worker_sees_close:
    return d.who->see_close(d.on);
  case deed::of::host_reads:
    return host->read(host->slots.at(d.id));
  case deed::of::host_sees_close:
    return host->see_close(host->slots.at(d.id));
  case deed::of::host_sees_exit:
    return host->see_exit(host->slots.at(d.id));
  case deed::of::harness_goes_on:
    return d.who->go_on(how);
  case deed::of::tree_ends:
    return d.who->end_tree();
  case deed::of::worker_leaves:
    return d.who->leave();
  }
}

void world::log_in() {
  auto n = ++files.logins;
  auto word = "login " + std::to_string(n);
  files.credentials = {0, 0, {{"ANTHROPIC_API_KEY", word}, {"OPENAI_API_KEY", word}}};
  told.say([&] { return "a person signs in: " + word; });
}

void world::log_out() {
  files.credentials = {};
  seen.logged_out();
  told.say([] { return "a person signs out"; });
}

} // namespace troupe::simulation
