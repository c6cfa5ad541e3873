// The machines' steps, and the bugs that may be planted in them: the search must find each (see worlds.cpp).
#include <algorithm>

#include "tests/search/shells.hpp"

namespace troupe::search {

const sm::policy& session_policy(const world& w) {
  static const auto with = [](std::int64_t freeze) {
    sm::policy out;
    out.restart_most = 2;
    out.freeze = freeze;
    return out;
  };
  static const sm::policy plain = with(0), freezing = with(300'000);
  return w.about->freezes ? freezing : plain;
}

namespace {

constexpr wall_ms session_now = 1'000'000;

template <class T, class V>
bool any(const std::vector<V>& xs) {
  return std::any_of(xs.begin(), xs.end(), [](const auto& x) { return std::holds_alternative<T>(x); });
}

sm::event_ of_any_generation(const sm::state& from, sm::event_ e) {
  if (auto* due = std::get_if<sm::elapsed>(&e))
    due->generation = due->which == sm::timer::rest ? from.rest_generation : from.generation;
  return e;
}

/// Takes no timer back, and does not look at what keeps the session when one is due.
sm::step reaped_early(const sm::state& from, sm::step step, const sm::event_& e) {
  if (!any<sm::arm>(step.effects))
    step.to.rest_generation = from.rest_generation;
  const auto* due = std::get_if<sm::elapsed>(&e);
  const auto* l = std::get_if<sm::live>(&from.at);
  if (due && l && due->which == sm::timer::rest && due->generation == from.rest_generation && step.effects.empty()) {
    step.effects.emplace_back(sm::end{l->worker, "reap", from.known.last_event});
    step.to.at = sm::ending{l->worker, "reap"};
  }
  return step;
}

sm::step run_again_after_stop(sm::step step, const sm::event_& e) {
  if (std::holds_alternative<sm::gone>(e) && step.to.known.wanted == intent::stop &&
      std::holds_alternative<sm::absent>(step.to.at)) {
    step.effects.emplace_back(sm::claim{});
    step.to.at = sm::claiming{};
  }
  return step;
}

/// Does not look at what the session does when it is asked for its process.
sm::step retired_at_work(const sm::state& from, sm::step step, const sm::event_& e) {
  const auto* l = std::get_if<sm::live>(&from.at);
  if (!l || !std::holds_alternative<sm::asked_retire>(e) || !any<sm::refuse>(step.effects))
    return step;
  ledger_entry line;
  line.t = session_now;
  line.what = "reap";
  line.session = from.known.id;
  line.run = from.known.run;
  line.seen = from.known.last_event;
  line.facts = {{"why", "memory"}};
  fold(step.to.known, line);
  step.effects = {sm::record{line, true}, sm::end{l->worker, "reap", from.known.last_event}};
  step.to.at = sm::ending{l->worker, "reap"};
  return step;
}

void drop_claim_line(sm::step& step) {
  std::erase_if(step.effects, [](const auto& x) {
    const auto* r = std::get_if<sm::record>(&x);
    return r && r->entry.what == "claimed";
  });
}

} // namespace

sm::step stepped(const world& w, const sm::state& from, const sm::event_& e) {
  auto bug = w.about->bug;
  auto step =
      sm::next(from, bug == planted::stale_timers ? of_any_generation(from, e) : e, session_now, session_policy(w));
  switch (bug) {
  case planted::undone_stop:
    return run_again_after_stop(std::move(step), e);
  case planted::early_reap:
    return reaped_early(from, std::move(step), e);
  case planted::retired_busy:
    return retired_at_work(from, std::move(step), e);
  case planted::unwritten_claim:
    drop_claim_line(step);
    break;
  case planted::forgotten_worker:
    if (std::holds_alternative<sm::granted>(e))
      std::erase_if(step.effects, [](const auto& x) { return std::holds_alternative<sm::kill>(x); });
    break;
  case planted::lost_reply:
    std::erase_if(step.effects, [](const auto& x) { return std::holds_alternative<sm::deliver>(x); });
    break;
  default:
    break;
  }
  return step;
}

pm::step stepped(const world& w, const pm::state& from, const pm::event_& e) {
  pm::policy p;
  p.size = w.about->spares;
  p.most_starting = w.about->most_starting;
  p.warmed = {"native", "1"};
  auto step = pm::next(from, e, 0, 0.5, p);
  if (w.about->bug == planted::spare_twice)
    for (const auto& x : step.effects)
      if (const auto* g = std::get_if<pm::grant>(&x); g && g->warm)
        step.to.spares[g->who] = {pm::ready{}, p.warmed, 0};
  return step;
}

cm::step stepped(const world& w, const cm::state& from, const cm::event_& e) {
  auto step = cm::next(from, e, wall_of(w));
  if (w.about->bug == planted::second_refresh && std::holds_alternative<cm::asked>(e) &&
      std::holds_alternative<cm::refreshing>(from.at) && !any<cm::refresh>(step.effects))
    step.effects.emplace_back(cm::refresh{step.to.flight});
  return step;
}

} // namespace troupe::search
