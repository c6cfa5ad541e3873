// The supervisor's table.
#include "actors/supervisor/machine.hpp"

#include <algorithm>
#include <concepts>

namespace troupe::supervisor_machine {

namespace {

struct context {
  state& s;
  std::vector<effect>& out;
  wall_ms now;
  const policy& p;
  void put(effect e) { out.push_back(std::move(e)); }
};

template <class S, class... Xs>
concept among = (std::same_as<S, Xs> || ...);

/// SUP-3: nobody is there and nothing is due.
void consider_leaving(context& c) {
  if (c.p.on_demand && c.s.front_ends == 0 && c.s.busy == 0)
    c.put(arm_linger{c.s.visited ? c.p.linger_ms : std::max(c.p.linger_ms, c.p.first_visit_ms), ++c.s.linger});
  else
    ++c.s.linger;
}

phase on(const starting&, const opened& e, context& c) {
  c.s.keys = e.keys;
  consider_leaving(c);
  return serving{};
}
template <among<serving, draining, stopped> S>
phase on(const S& s, const opened&, context&) {
  return s;
}

phase on(const serving& s, const dispatch_asked& e, context& c) {
  std::erase_if(c.s.keys, [&](const auto& k) { return c.now - k.second.at > c.p.key_ms; });
  auto [at, fresh] = c.s.keys.try_emplace(e.key, key_use{e.digest, e.fresh, c.now});
  if (fresh)
    c.put(admit{e.fresh});
  else if (at->second.digest == e.digest)
    c.put(repeat{at->second.session});
  else
    c.put(refuse{errc::key_reused, "this key has been used for another dispatch\nsend it with a key of its own"});
  return s;
}
template <among<starting, draining, stopped> S>
phase on(const S& s, const dispatch_asked&, context& c) {
  c.put(refuse{errc::draining, "the background service is stopping\ntry again in a moment"});
  return s;
}

template <class S>
phase on(const S& s, const front_ends_now& e, context& c) {
  c.s.front_ends = e.count;
  c.s.visited = c.s.visited || e.count > 0;
  if constexpr (among<S, serving>)
    consider_leaving(c);
  return s;
}

template <class S>
phase on(const S& s, const busy_now& e, context& c) {
  c.s.busy = e.count;
  if constexpr (among<S, serving>)
    consider_leaving(c);
  return s;
}

phase on(const draining& s, const session_ended&, context& c) {
  if (s.left > 1)
    return draining{s.left - 1};
  c.put(leave{}); // SUP-4: what is reported is true when it is reported
  return stopped{};
}
template <among<starting, serving, stopped> S>
phase on(const S& s, const session_ended&, context&) {
  return s;
}

phase on(const serving& s, const linger_over& e, context& c) {
  if (e.generation != c.s.linger)
    return s;
  c.put(drain{true});
  c.put(leave{});
  return stopped{};
}
template <among<starting, draining, stopped> S>
phase on(const S& s, const linger_over&, context&) {
  return s;
}

phase on(const serving& s, const stop_asked& e, context& c) {
  if (c.p.on_demand && !e.any) {
    c.put(refuse{errc::needs_any, "this background service was started on demand and would start again with the next "
                                  "command\nstop it anyway: troupe daemon stop --any"});
    return s;
  }
  c.put(drain{e.keep_workers});
  if (!e.keep_workers && e.sessions > 0)
    return draining{e.sessions};
  c.put(leave{});
  return stopped{};
}
phase on(const draining& s, const stop_asked&, context&) {
  return s;
}
phase on(const starting& s, const stop_asked&, context& c) {
  c.put(leave{});
  (void)s;
  return stopped{};
}
phase on(const stopped& s, const stop_asked&, context& c) {
  c.put(leave{});
  return s;
}

template <class S>
phase on(const S& s, const not_recorded& e, context& c) {
  std::erase_if(c.s.keys, [&](const auto& k) { return k.second.session == e.session; });
  return s;
}

} // namespace

step next(state from, const event_& e, wall_ms now, const policy& p) {
  step out{std::move(from), {}};
  context c{out.to, out.effects, now, p};
  auto at = out.to.at;
  out.to.at = std::visit([&](const auto& s, const auto& what) { return phase(on(s, what, c)); }, at, e);
  return out;
}

bool keeps_open(const row& x) {
  return x.process != "exited" || x.state == "working";
}

} // namespace troupe::supervisor_machine
