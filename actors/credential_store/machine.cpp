// The credential store's table.
#include "actors/credential_store/machine.hpp"

#include <algorithm>
#include <concepts>

namespace troupe::credential_machine {

namespace {

struct context {
  state& s;
  std::vector<effect>& out;
  wall_ms now;
  void put(effect e) { out.push_back(std::move(e)); }
};

phase take(const snapshot& got, context& c) {
  ++c.s.epoch;
  c.s.doubted = false;
  if (got.credentials.empty())
    return absent{};
  auto held = got;
  held.epoch = c.s.epoch;
  return valid{held};
}

phase answer_all(phase at, context& c) {
  for (auto ticket : c.s.waiting) {
    if (const auto* v = std::get_if<valid>(&at))
      c.put(give{ticket, v->held});
    else if (const auto* x = std::get_if<expired>(&at))
      c.put(refuse{ticket, x->why});
    else
      c.put(give{ticket, snapshot{c.s.epoch, 0, {}}});
  }
  c.s.waiting.clear();
  c.s.doubted = false;
  return at;
}

bool due(const snapshot& held, wall_ms now) {
  return held.expires != 0 && held.expires - now <= refresh_ahead_ms;
}

template <class S>
concept settled =
    std::same_as<S, absent> || std::same_as<S, valid> || std::same_as<S, expired> || std::same_as<S, signed_out>;

/// Whether it is refreshed ahead of its time, since an endpoint has turned it down: a provider may take a token back.
/// Not what cannot be refreshed, nor again and again for one that turns down whatever it gets.
bool no_good(const snapshot& held, const context& c) {
  return c.s.doubted && held.expires != 0 && c.now - c.s.doubted_at >= refused_least_ms;
}

/// CRED-2: what is about to expire is refreshed before anybody is answered.
phase go_on_with(const phase& now, context& c) {
  const auto* v = std::get_if<valid>(&now);
  if (!v || !(due(v->held, c.now) || no_good(v->held, c)))
    return answer_all(now, c);
  bool early = !due(v->held, c.now);
  if (early)
    c.s.doubted_at = c.now;
  c.put(refresh{++c.s.flight, early});
  return refreshing{v->held};
}

/// Whether the vault could be read. The timer that runs was set for the other case.
void was_read(bool yes, context& c) {
  if (c.s.unread != yes)
    return;
  c.s.unread = !yes;
  c.s.armed = false;
}

template <class S>
phase on(const S& s, const load_asked&, context& c) {
  c.put(load{c.s.logouts});
  return s;
}

bool same(const snapshot& a, const snapshot& b) {
  return a.credentials == b.credentials && a.expires == b.expires;
}

template <settled S>
phase on(const S& s, const loaded& e, context& c) {
  if (e.logouts != c.s.logouts)
    return s; // CRED-6: it was read before the logout
  was_read(true, c);
  if constexpr (std::same_as<S, valid>)
    if (same(e.got, s.held))
      return s;
  if constexpr (!std::same_as<S, valid>)
    if (e.got.credentials.empty())
      return s;
  return take(e.got, c);
}
phase on(const looking& s, const loaded& e, context& c) {
  if (e.logouts != c.s.logouts)
    return s;
  was_read(true, c);
  bool known = same(e.got, s.held) && !e.got.credentials.empty();
  auto now = known ? phase(valid{s.held}) : take(e.got, c);
  return go_on_with(now, c);
}
phase on(const refreshing& s, const loaded& e, context& c) {
  if (e.logouts != c.s.logouts)
    return s;
  was_read(true, c);
  if (e.got.credentials == s.held.credentials)
    return s;                // CRED-2: the same one is refreshed once
  auto now = take(e.got, c); // a new login beats the refresh
  return go_on_with(now, c);
}

// not_loaded: CRED-4: what is held is used while it is valid, and nobody is told to drop it
template <class S>
phase on(const S& s, const not_loaded& e, context& c) {
  if (e.logouts == c.s.logouts)
    was_read(false, c);
  return s;
}
phase on(const looking& s, const not_loaded& e, context& c) {
  if (e.logouts != c.s.logouts)
    return s;
  was_read(false, c);
  return go_on_with(s.held.credentials.empty() ? take({}, c) : phase(valid{s.held}), c);
}

/// Only what is held still: whoever was refused with an older one gets the newer.
void doubt(const snapshot& held, const asked& e, context& c) {
  c.s.doubted = c.s.doubted || (e.refused != 0 && e.refused == held.epoch);
}

phase look_again(const snapshot& held, const asked& e, context& c) {
  c.s.waiting.push_back(e.ticket);
  c.put(load{c.s.logouts});
  return looking{held};
}
phase on(const absent&, const asked& e, context& c) {
  return look_again({}, e, c);
}
phase on(const valid& s, const asked& e, context& c) {
  doubt(s.held, e, c);
  return look_again(s.held, e, c);
}
phase on(const expired&, const asked& e, context& c) {
  return look_again({}, e, c); // there may be a new login; else the refresh is tried once more
}
phase on(const signed_out& s, const asked& e, context& c) {
  c.put(give{e.ticket, snapshot{c.s.epoch, 0, {}}});
  return s;
}
phase on(const looking& s, const asked& e, context& c) {
  doubt(s.held, e, c);
  c.s.waiting.push_back(e.ticket);
  return s;
}
phase on(const refreshing& s, const asked& e, context& c) {
  c.s.waiting.push_back(e.ticket); // CRED-2: single flight
  return s;
}

phase on(const refreshing& s, const refreshed& e, context& c) {
  if (e.flight != c.s.flight)
    return s;
  return answer_all(take(e.got, c), c);
}
template <class S>
requires(!std::same_as<S, refreshing>) phase on(const S& s, const refreshed&, context&) {
  return s;
} // late: a login or logout came in between

phase on(const refreshing& s, const not_refreshed& e, context& c) {
  if (e.flight != c.s.flight)
    return s;
  if (s.held.expires > c.now)
    return answer_all(valid{s.held}, c); // CRED-4: the old one is used while it is valid
  ++c.s.epoch;
  return answer_all(expired{e.why}, c);
}
template <class S>
requires(!std::same_as<S, refreshing>) phase on(const S& s, const not_refreshed&, context&) {
  return s;
}

template <class S>
phase on(const S&, const logged_out&, context& c) {
  ++c.s.epoch;
  ++c.s.logouts;
  return answer_all(signed_out{}, c);
}

phase on(const valid& s, const due_now& e, context& c) {
  if (e.generation != c.s.generation)
    return s;
  c.s.armed = false;
  c.put(load{c.s.logouts}); // another process may have refreshed it
  return looking{s.held};
}
template <class S>
requires(!std::same_as<S, valid>) phase on(const S& s, const due_now& e, context& c) {
  if (e.generation == c.s.generation)
    c.s.armed = false;
  return s;
}

/// CRED-5: who runs with it has a new one before this one expires. After a refresh that failed it is tried again, more
/// and more often towards the end; a vault that could not be read is looked into again soon, since somebody may have
/// signed out there (CRED-6).
void watch_expiry(const phase& before, context& c) {
  const auto* v = std::get_if<valid>(&c.s.at);
  if (!v || (v->held.expires == 0 && !c.s.unread)) {
    ++c.s.generation;
    c.s.armed = false;
    return;
  }
  const auto* was = std::get_if<valid>(&before);
  if (c.s.armed && was && was->held.expires == v->held.expires)
    return;
  auto left = v->held.expires - c.now;
  auto ms = c.s.unread                ? retry_least_ms
            : left > refresh_ahead_ms ? left - refresh_ahead_ms
                                      : std::max(left / 4, retry_least_ms);
  c.s.armed = true;
  c.put(arm{ms, ++c.s.generation});
}

/// CRED-5, CRED-6: while it is looked at or refreshed, nothing is decided.
void tell(context& c) {
  static const std::vector<credential> none;
  if (std::holds_alternative<looking>(c.s.at) || std::holds_alternative<refreshing>(c.s.at))
    return;
  const auto* v = std::get_if<valid>(&c.s.at);
  const auto& now = v ? v->held.credentials : none;
  if (now == c.s.announced)
    return;
  c.s.announced = now;
  c.put(announce{v ? v->held : snapshot{c.s.epoch, 0, {}}});
}

} // namespace

step next(state from, const event_& e, wall_ms now) {
  step out{std::move(from), {}};
  context c{out.to, out.effects, now};
  auto at = out.to.at;
  out.to.at = std::visit([&](const auto& s, const auto& what) { return phase(on(s, what, c)); }, at, e);
  watch_expiry(at, c);
  tell(c);
  return out;
}

} // namespace troupe::credential_machine
