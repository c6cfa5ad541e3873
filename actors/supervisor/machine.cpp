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
  template <class E>
  void put(E e) {
    out.emplace_back(std::move(e)); // in place: moving the variant makes the compiler warn of its other members
  }
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

/// SUP-8: idle ones, the unpinned first, of those the least recently used.
void relieve(context& c) {
  const std::pair<const session_id, resident>* first = nullptr;
  auto before = [](const resident& a, const resident& b) { return a.pinned != b.pinned ? b.pinned : a.used < b.used; };
  for (const auto& x : c.s.residents)
    if (x.second.idle && c.s.spared.count(x.first) == 0 && (!first || before(x.second, first->second)))
      first = &x;
  if (!first) {
    c.s.spared.clear();
    c.s.memory = calm{};
    return;
  }
  c.s.memory = retiring{first->first, false};
  c.put(retire{first->first});
  c.put(arm_retire{c.p.retire_ms, ++c.s.retirement});
}

/// One at a time: the next only when memory is short still.
void look(context& c) {
  ++c.s.retirement;
  c.s.memory = looking{};
  c.put(look_at_memory{});
}

retiring* retiring_of(context& c, const session_id& who) {
  auto* at = std::get_if<retiring>(&c.s.memory);
  return at && at->who == who ? at : nullptr;
}

phase on(const starting&, const opened& e, context& c) {
  c.s.keys = e.keys;
  consider_leaving(c);
  return serving{};
}
template <among<serving, draining, handing_over, stopped> S>
phase on(const S& s, const opened&, context&) {
  return s;
}

/// SUP-11: all of them now and then, that of the dispatch each time.
void forget_keys(const std::string& asked, context& c) {
  auto old = [&](const auto& k) { return c.now - k.second.at > c.p.key_ms; };
  if (c.now - c.s.swept > c.p.key_ms / 24) {
    std::erase_if(c.s.keys, old);
    c.s.swept = c.now;
  }
  if (auto at = c.s.keys.find(asked); at != c.s.keys.end() && old(*at))
    c.s.keys.erase(at);
}

phase on(const serving& s, const dispatch_asked& e, context& c) {
  forget_keys(e.key, c);
  auto [at, fresh] = c.s.keys.try_emplace(e.key, key_use{e.digest, e.fresh, c.now});
  if (fresh)
    c.put(admit{e.fresh});
  else if (at->second.digest == e.digest)
    c.put(repeat{at->second.session});
  else
    c.put(refuse{errc::key_reused, "this key has been used for another dispatch\nsend it with a key of its own"});
  return s;
}
template <among<starting, draining, handing_over, stopped> S>
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
template <among<starting, serving, handing_over, stopped> S>
phase on(const S& s, const session_ended&, context&) {
  return s;
}

phase on(const serving& s, const linger_over& e, context& c) {
  if (e.generation != c.s.linger)
    return s;
  c.put(drain{true, {}});
  c.put(leave{});
  return stopped{};
}
template <among<starting, draining, handing_over, stopped> S>
phase on(const S& s, const linger_over&, context&) {
  return s;
}

phase on(const serving& s, const stop_asked& e, context& c) {
  if (c.p.on_demand && !e.any) {
    c.put(refuse{errc::needs_any, "this background service was started on demand and would start again with the next "
                                  "command\nstop it anyway: troupe daemon stop --any"});
    return s;
  }
  c.put(drain{e.keep_workers, {}});
  if (!e.keep_workers && e.sessions > 0)
    return draining{e.sessions};
  c.put(leave{});
  return stopped{};
}
phase on(const draining& s, const stop_asked&, context&) {
  return s;
}
phase on(const handing_over& s, const stop_asked&, context& c) {
  c.put(refuse{errc::draining, "the background service is being replaced by a newer version\ntry again in a moment"});
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

/// Once no assignment is on its way any more, or too long.
phase make_room_for(const handing_over& s, bool due, context& c) {
  bool starting =
      std::any_of(c.s.residents.begin(), c.s.residents.end(), [](const auto& x) { return x.second.starting; });
  if (s.begun || (starting && !due))
    return s;
  c.put(drain{true, s.version});
  c.put(make_room{});
  return handing_over{s.version, true};
}

// row_now
template <class S>
phase on(const S& s, const row_now& e, context& c) {
  const auto& x = e.now;
  bool here = !x.gone && x.process != "exited";
  if (here)
    c.s.residents[x.id] = {may_retire(x), x.pinned, x.process == "starting", x.used_at};
  else
    c.s.residents.erase(x.id);
  if (auto* at = retiring_of(c, x.id)) {
    bool ends = x.process == "ending";
    if (!here || (!ends && (at->ends || !may_retire(x)))) {
      if (here && !may_retire(x)) // it came back to life ahead of the end (KEEP-5)
        c.s.spared.insert(x.id);
      look(c);
    } else {
      at->ends = ends;
    }
  }
  if constexpr (among<S, handing_over>)
    return make_room_for(s, false, c);
  else
    return s;
}

// memory_short, memory_looked
template <class S>
phase on(const S& s, const memory_short&, context& c) {
  if constexpr (among<S, serving>)
    if (std::holds_alternative<calm>(c.s.memory))
      relieve(c);
  return s;
}
template <class S>
phase on(const S& s, const memory_looked& e, context& c) {
  if (!std::holds_alternative<looking>(c.s.memory))
    return s;
  if (among<S, serving> && e.still) {
    relieve(c);
  } else {
    c.s.spared.clear();
    c.s.memory = calm{};
  }
  return s;
}

// retire_refused, retire_late
template <class S>
phase on(const S& s, const retire_refused& e, context& c) {
  if (retiring_of(c, e.who)) {
    c.s.spared.insert(e.who);
    look(c);
  }
  return s;
}
template <class S>
phase on(const S& s, const retire_late& e, context& c) {
  const auto* at = std::get_if<retiring>(&c.s.memory);
  if (at && e.generation == c.s.retirement) {
    c.s.spared.insert(at->who);
    look(c);
  }
  return s;
}

// replaced
phase on(const serving&, const replaced& e, context& c) {
  c.put(arm_make_room{c.p.make_room_ms});
  return make_room_for(handing_over{e.version, false}, false, c);
}
template <among<starting, draining, handing_over, stopped> S>
phase on(const S& s, const replaced&, context&) {
  return s;
}
phase on(const handing_over& s, const make_room_due&, context& c) {
  return make_room_for(s, true, c);
}
template <among<starting, serving, draining, stopped> S>
phase on(const S& s, const make_room_due&, context&) {
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

bool may_retire(const row& x) {
  bool idle = x.state == "idle" || x.state == "done" || x.state == "failed" || x.state == "stopped";
  bool here = x.process == "alive" || x.process == "frozen";
  return here && idle && x.waiting.empty() && x.work.empty() && x.attached == 0 && x.undelivered == 0;
}

} // namespace troupe::supervisor_machine
