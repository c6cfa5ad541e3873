// The watch over pull requests: one function a pair of phase and event.
#include "actors/supervisor/pull_watch.hpp"

#include <algorithm>
#include <concepts>
#include <utility>

namespace troupe::pull_watch {

namespace {

struct context {
  state& s;
  std::vector<effect>& out;
  wall_ms now;
  const policy& p;
};

/// Where one stands among a row's; end() where it does not.
auto find(const std::vector<pull_request>& pulls, const std::string& url) {
  return std::find_if(pulls.begin(), pulls.end(), [&](const auto& x) { return x.url == url; });
}

/// Merged or closed, and shown so by all who work on it: else the next answer is for those who do not know it yet.
bool is_settled(const std::string& url, const known& k, const state& s) {
  auto shows = [&](const session_id& id) {
    const auto& pulls = s.rows.at(id);
    auto at = find(pulls, url);
    return at != pulls.end() && at->state == k.state;
  };
  return (k.state == "merged" || k.state == "closed") && std::all_of(k.by.begin(), k.by.end(), shows);
}

std::int64_t doubled(std::int64_t ms, std::uint32_t times, std::int64_t most) {
  constexpr std::uint32_t most_doublings = 20;
  return std::max(ms, std::min(ms << std::min(times, most_doublings), most));
}

/// When one may be asked about again. A clock that was set back delays nothing.
wall_ms due_at(const std::string& url, const known& k, const context& c) {
  if (k.asked_at == 0 || k.asked_at > c.now)
    return 0;
  return k.asked_at + doubled(is_settled(url, k, c.s) ? c.p.settled_ms : c.p.every_ms, k.failures, c.p.longest_ms);
}

/// When anything may be asked at all.
wall_ms free_at(const context& c) {
  if (c.s.answered_at == 0 || c.s.answered_at > c.now)
    return 0;
  return c.s.answered_at +
         (c.s.failures == 0 ? c.p.gap_ms : doubled(c.p.pause_ms, c.s.failures - 1, c.p.longest_pause_ms));
}

/// Where its sessions' rows have it: what stands first on a row is looked at first.
std::size_t place_of(const std::string& url, const known& k, const context& c) {
  auto best = static_cast<std::size_t>(-1);
  for (const auto& id : k.by) {
    const auto& pulls = c.s.rows.at(id);
    best = std::min(best, static_cast<std::size_t>(find(pulls, url) - pulls.begin()));
  }
  return best;
}

/// Asks what is due, or waits for what will be first.
phase look_on(context& c) {
  if (!c.s.watched || c.p.every_ms <= 0)
    return unwatched{};
  if (c.s.all.empty())
    return watching{};
  auto sooner = [&](const auto& a, const auto& b) {
    auto x = due_at(a.first, a.second, c), y = due_at(b.first, b.second, c);
    return x != y ? x < y : place_of(a.first, a.second, c) < place_of(b.first, b.second, c);
  };
  const auto& [url, first] = *std::min_element(c.s.all.begin(), c.s.all.end(), sooner);
  auto at = std::max(due_at(url, first, c), free_at(c));
  if (at <= c.now) {
    c.out.push_back(ask{first.by.front(), url});
    return asking{url, first.by.front()};
  }
  c.out.push_back(arm{at - c.now, ++c.s.generation});
  return watching{};
}

void unlink(state& s, const session_id& id, const std::string& url) {
  auto at = s.all.find(url);
  if (at == s.all.end())
    return;
  std::erase(at->second.by, id);
  if (at->second.by.empty())
    s.all.erase(at);
}

/// What a session says of one of its own. `before`: what it said last.
void take(context& c, const session_id& id, const pull_request& now, const pull_request* before) {
  auto& k = c.s.all[now.url];
  bool is_new = k.by.empty();
  if (!before)
    k.by.push_back(id);
  bool learnt = before && before->state != now.state && k.state != now.state && now.state != "open";
  if (!is_new && !learnt)
    return;
  k.state = now.state;
  k.failures = 0;
  if (learnt || is_settled(now.url, k, c.s)) // its worker has just asked; or somebody did, whenever that was
    k.asked_at = c.now;
}

void fold(context& c, const row_now& e) {
  auto before = std::exchange(c.s.rows[e.id], e.pulls);
  auto in = [](const std::vector<pull_request>& xs, const std::string& url) {
    auto at = find(xs, url);
    return at == xs.end() ? nullptr : &*at;
  };
  for (const auto& p : e.pulls)
    take(c, e.id, p, in(before, p.url));
  for (const auto& p : before)
    if (!in(e.pulls, p.url))
      unlink(c.s, e.id, p.url);
  if (e.pulls.empty())
    c.s.rows.erase(e.id);
}

void tell_others(context& c, const known& k, const pull_request& now, const session_id& but) {
  for (const auto& id : k.by) {
    const auto& pulls = c.s.rows.at(id);
    if (id != but && std::find(pulls.begin(), pulls.end(), now) == pulls.end())
      c.out.push_back(tell{id, now});
  }
}

// The table.

phase on(const unwatched&, const watched_by& e, context& c) {
  c.s.watched = e.count > 0;
  return look_on(c);
}
phase on(const watching& s, const watched_by& e, context& c) {
  bool more = std::exchange(c.s.watched, e.count > 0);
  return more && c.s.watched ? phase(s) : look_on(c);
}
phase on(const asking& s, const watched_by& e, context& c) {
  c.s.watched = e.count > 0;
  return s;
}

phase on(const unwatched& s, const row_now& e, context& c) {
  fold(c, e);
  return s;
}
phase on(const watching&, const row_now& e, context& c) {
  fold(c, e);
  return look_on(c);
}
phase on(const asking& s, const row_now& e, context& c) {
  fold(c, e);
  return s;
}

template <class S>
phase on(const S& s, const told& e, context& c) {
  if constexpr (std::same_as<S, asking>)
    if (s.url == e.url) {
      c.s.answered_at = c.now;
      c.s.failures = 0;
      if (auto at = c.s.all.find(e.url); at != c.s.all.end()) {
        auto& k = at->second;
        k.asked_at = c.now;
        k.failures = 0;
        k.state = e.state;
        tell_others(c, k, {find(c.s.rows.at(k.by.front()), e.url)->number, e.url, e.state}, s.who);
      }
      return look_on(c);
    }
  return s;
}

template <class S>
phase on(const S& s, const failed& e, context& c) {
  if constexpr (std::same_as<S, asking>)
    if (s.url == e.url) {
      if (e.ran) {
        c.s.answered_at = c.now;
        ++c.s.failures;
      }
      if (auto at = c.s.all.find(e.url); at != c.s.all.end()) {
        auto& k = at->second;
        k.asked_at = c.now;
        ++k.failures;
        if (k.by.front() == s.who) // another session's account may see it
          std::rotate(k.by.begin(), k.by.begin() + 1, k.by.end());
      }
      return look_on(c);
    }
  return s;
}

template <class S>
phase on(const S& s, const due& e, context& c) {
  if constexpr (std::same_as<S, watching>)
    if (e.generation == c.s.generation)
      return look_on(c);
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

bool is_news(const state& s, const row& now) {
  auto at = s.rows.find(now.id);
  if (at == s.rows.end())
    return !now.gone && !now.pulls.empty();
  return now.gone || now.pulls != at->second;
}

} // namespace troupe::pull_watch
