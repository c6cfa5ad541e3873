// The warm pool's table.
#include "actors/warm_pool/machine.hpp"

#include <algorithm>
#include <cmath>
#include <concepts>

#include "actors/warm_pool/profiles.hpp"

namespace troupe::pool_machine {

namespace {

constexpr std::int64_t aging_check_ms = 60'000;
constexpr std::int64_t refill_fallback_ms = 100; ///< refill after a claim however long its harness takes to start

struct context {
  state& s;
  std::vector<effect>& out;
  std::int64_t now;
  double jitter;
  const policy& p;
  void put(effect e) { out.push_back(std::move(e)); }
  void arm_tick(std::int64_t ms) { put(arm{ms, ++s.generation}); }
};

/// POOL-9: the profile used last.
const profile& warmed(const context& c) {
  return c.s.last.empty() ? c.p.warmed : c.s.last.front();
}

bool young(const spare& x, const context& c) {
  return c.now - x.born < c.p.max_age_ms;
}

bool healthy(const spare& x, const context& c) { // POOL-4; an ended one has left the map already
  return !std::holds_alternative<retired>(x.at) && x.made_for == warmed(c) && young(x, c);
}

/// POOL-1, POOL-10.
std::size_t wanted_size(context& c) {
  if (!c.p.follow)
    return c.p.size;
  while (!c.s.claims.empty() && c.s.claims.front() <= c.now - c.p.recent_ms)
    c.s.claims.pop_front();
  return std::min(std::max<std::size_t>(c.s.claims.size(), 1), c.p.most);
}

void retire_one(worker_id id, spare& x, const std::string& why, context& c) {
  x.at = retired{};
  c.put(retire{id, why});
}

void retire_old(context& c) {
  for (auto& [id, x] : c.s.spares)
    if (!std::holds_alternative<retired>(x.at) && !healthy(x, c))
      retire_one(id, x, young(x, c) ? "another profile was used since" : "too old", c);
}

std::size_t usable(const context& c) {
  return static_cast<std::size_t>(
      std::count_if(c.s.spares.begin(), c.s.spares.end(), [&](const auto& x) { return healthy(x.second, c); }));
}

void refill(context& c) {
  retire_old(c);
  auto size = wanted_size(c), n = usable(c);
  for (; n < size; ++n) {
    worker_id id{c.s.next_worker++};
    c.s.spares[id] = {starting{}, warmed(c), c.now};
    c.put(launch{id, true, warmed(c)});
  }
  for (auto& [id, x] : c.s.spares)
    if (n > size && healthy(x, c)) {
      retire_one(id, x, "fewer are needed", c);
      --n;
    }
}

void next_permits(context& c) {
  while (!c.s.waiting.empty() && c.s.running.size() < c.p.most_starting) {
    auto who = c.s.waiting.front();
    c.s.waiting.pop_front();
    c.s.running.insert(who);
    c.put(permit{who});
  }
}

std::int64_t delay(std::size_t failures, const context& c) { // POOL-5
  auto ms = static_cast<double>(c.p.first_delay_ms) *
            std::pow(2.0, static_cast<double>(std::min<std::size_t>(failures, 12)) - 1);
  ms = std::min(ms, static_cast<double>(c.p.longest_delay_ms));
  return static_cast<std::int64_t>(ms * (0.5 + 0.5 * c.jitter));
}

mood failed(std::size_t failures, const std::string& why, context& c) {
  c.arm_tick(delay(failures, c));
  if (failures >= c.p.degraded_after)
    return degraded{failures, why};
  return backing_off{failures};
}

void serve(const claimed& e, context& c) {
  std::string differs;
  for (auto& [id, x] : c.s.spares) {
    if (!std::holds_alternative<ready>(x.at) || !young(x, c))
      continue;
    if (fits(x.made_for, e.wanted)) {
      auto who = id;
      c.s.spares.erase(who); // POOL-6: it is no spare from here on
      c.put(grant{e.by, who, true});
      return;
    }
    differs = difference(x.made_for, e.wanted);
  }
  worker_id id{c.s.next_worker++}; // POOL-3: nobody waits for a spare
  c.put(launch{id, false, e.wanted});
  c.put(grant{e.by, id, false, std::move(differs)});
}

template <class S>
concept serving = std::same_as<S, steady> || std::same_as<S, backing_off> || std::same_as<S, degraded>;
template <class S>
concept troubled = std::same_as<S, backing_off> || std::same_as<S, degraded>;

std::size_t failures(const steady&) {
  return 0;
}
template <troubled S>
std::size_t failures(const S& s) {
  return s.failures;
}

// open
template <serving S>
mood on(const S& s, const open&, context& c) {
  refill(c);
  c.arm_tick(aging_check_ms);
  return s;
}
// claimed
template <serving S>
mood on(const S& s, const claimed& e, context& c) {
  serve(e, c);
  if (c.p.follow)
    c.s.claims.push_back(c.now);
  if (e.warmable && e.wanted.harness != any_harness)
    c.s.last = {e.wanted};
  if (std::same_as<S, steady> && wanted_size(c) > 0)
    c.arm_tick(refill_fallback_ms);
  return s;
}
// spare_ready: one success heals (POOL-5); the worker program on the disk may be another version than ours (POOL-4)
template <serving S>
mood on(const S& s, const spare_ready& e, context& c) {
  auto at = c.s.spares.find(e.who);
  if (at != c.s.spares.end() && std::holds_alternative<starting>(at->second.at)) {
    if (!e.version.empty() && e.version != at->second.made_for.version) {
      auto why = "the worker program is version " + e.version + " instead of " + at->second.made_for.version;
      retire_one(e.who, at->second, why, c);
      return failed(failures(s) + 1, why, c);
    }
    at->second.at = ready{};
  }
  refill(c);
  c.arm_tick(aging_check_ms);
  return steady{};
}
// exited
template <serving S>
mood on(const S& s, const exited& e, context& c) {
  auto at = c.s.spares.find(e.who);
  if (at == c.s.spares.end())
    return s;
  auto was = at->second.at;
  c.s.spares.erase(at);
  if (std::holds_alternative<retired>(was)) {
    if constexpr (std::same_as<S, steady>)
      refill(c);
    return s;
  }
  return failed(failures(s) + 1, e.why, c);
}
// tick
mood on(const steady& s, const tick& e, context& c) {
  if (e.generation != c.s.generation)
    return s;
  refill(c);
  c.arm_tick(aging_check_ms);
  return s;
}
template <troubled S>
mood on(const S& s, const tick& e, context& c) {
  if (e.generation == c.s.generation)
    refill(c); // still troubled until one is ready
  return s;
}
// permits
template <serving S>
mood on(const S& s, const permit_asked& e, context& c) {
  c.s.waiting.push_back(e.by);
  next_permits(c);
  return s;
}
template <serving S>
mood on(const S& s, const permit_returned& e, context& c) {
  c.s.running.erase(e.by);
  std::erase(c.s.waiting, e.by);
  next_permits(c);
  if constexpr (std::same_as<S, steady>)
    refill(c); // POOL-2: the replacement starts once the harness has, not in its way
  return s;
}
// close
template <serving S>
mood on(const S&, const close&, context& c) {
  for (auto& [id, x] : c.s.spares)
    if (!std::holds_alternative<retired>(x.at)) {
      x.at = retired{};
      c.put(retire{id, "the supervisor stops"});
    }
  ++c.s.generation;
  return closed{};
}
mood on(const closed& s, const claimed& e, context& c) {
  c.put(refuse{e.by, "the supervisor stops"});
  return s;
}
mood on(const closed& s, const exited& e, context& c) {
  c.s.spares.erase(e.who);
  return s;
}
mood on(const closed& s, const open&, context&) {
  return s;
}
mood on(const closed& s, const spare_ready&, context&) {
  return s;
}
mood on(const closed& s, const tick&, context&) {
  return s;
}
mood on(const closed& s, const permit_asked&, context&) {
  return s;
}
mood on(const closed& s, const permit_returned&, context&) {
  return s;
}
mood on(const closed& s, const close&, context&) {
  return s;
}

} // namespace

step next(state from, const event_& e, std::int64_t now, double jitter, const policy& p) {
  step out{std::move(from), {}};
  context c{out.to, out.effects, now, jitter, p};
  auto is = out.to.is;
  out.to.is = std::visit([&](const auto& s, const auto& what) { return mood(on(s, what, c)); }, is, e);
  return out;
}

std::string describe(const mood& m) {
  struct word {
    std::string operator()(const steady&) const { return "steady"; }
    std::string operator()(const backing_off&) const { return "backing off"; }
    std::string operator()(const degraded& x) const { return "degraded: " + x.why; }
    std::string operator()(const closed&) const { return "closed"; }
  };
  return std::visit(word{}, m);
}

} // namespace troupe::pool_machine
