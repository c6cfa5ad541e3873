// Selection and scrolling. The selection stays with its session and its line wherever that can be: nothing jumps.
#include <algorithm>

#include "actors/agent_view/parts.hpp"

namespace troupe::view {

namespace {

constexpr int most_input_lines = 8, most_offers = 6, roomy = 10, least_completed = 1;

int input_lines(const state& s) {
  auto most = std::clamp(s.rows / 3, 1, most_input_lines);
  return static_cast<int>(current(s).draw(std::max(s.columns - 3, 2), most).lines.size());
}

int panel_rows(const state& s) {
  if (!s.dialogs.empty()) {
    auto wanted = static_cast<int>(s.dialogs[0].text.size() + s.dialogs[0].choices.size()) + 2;
    return std::clamp(s.rows / 2, 2, std::max(2, wanted));
  }
  return s.peeking ? std::clamp(s.rows / 3, 3, 14) : 0;
}

/// The division without what comes and goes: what is folded away is decided by it, so that opening a panel folds
/// nothing.
division frame(const state& s) {
  division d;
  bool told = s.accounts_known && s.accounts.empty() && !s.set.offline && s.sessions.size() > 0;
  d.header = s.rows >= 8 ? (told ? 3 : 2) : s.rows >= 4 ? 1 : 0;
  d.footer = s.rows >= 6 ? 1 : 0;
  d.rules = s.rows >= roomy;
  d.input = 1;
  d.list = std::max(s.rows - d.total(), 0);
  return d;
}

int height_of(const item& x, bool at_top, bool compact) {
  return x.kind == item::heading && !at_top && !compact ? 2 : 1;
}

/// How many completed ones have room beside all that is always shown.
std::size_t room_for_completed(const state& s, int list, bool compact) {
  if (s.sessions.by() == grouping::by_directory)
    return 0;
  int used = 0;
  std::size_t plain = 0;
  bool first = true;
  for (const auto& g : s.sessions.groups()) {
    used += first || compact ? 1 : 2;
    first = false;
    auto always = g.name == "completed" ? s.sessions.always(g) : s.sessions.members(g);
    if (s.sessions.fold_of(g) != fold::closed)
      used += static_cast<int>(std::min<std::size_t>(always, 1000));
    if (g.name == "completed")
      plain = s.sessions.members(g) - always;
  }
  auto left = static_cast<std::size_t>(std::max(list - used, 0));
  if (plain <= left)
    return plain;
  return std::max<std::size_t>(left > 0 ? left - 1 : 0, least_completed); // a line for `… N more`
}

item refreshed(const state& s, const item& x) {
  if (s.sessions.is_shown(x))
    return x;
  return x.kind == item::row ? s.sessions.item_of(x.id) : item{};
}

item first_row(const state& s) {
  auto head = s.sessions.begin();
  auto row = s.sessions.next(head);
  return row.kind == item::none ? head : row;
}

void settle_selection(state& s) {
  if (!s.awaited.empty())
    if (auto there = s.sessions.item_of(s.awaited); there.kind == item::row) {
      s.selected = there;
      s.awaited.clear();
    }
  for (const auto& wish : {s.selected, s.neighbours.first, s.neighbours.second})
    if (auto now = refreshed(s, wish); now.kind != item::none) {
      bool strayed = wish != s.selected && now.kind == item::heading;
      auto row = strayed ? s.sessions.next(now) : item{};
      s.selected = row.kind == item::row ? row : now;
      return;
    }
  s.selected = first_row(s);
}

/// The lines from `from` to `to`, both included, or more than `most`.
int lines_between(const state& s, const item& from, const item& to, int most, bool compact) {
  int lines = 0;
  for (auto at = from; at.kind != item::none && lines <= most; at = s.sessions.next(at)) {
    lines += height_of(at, at == from, compact);
    if (at == to)
      return lines;
  }
  return most + 1;
}

/// The first item of a window of `list` lines that ends with `last`.
item top_for(const state& s, const item& last, int list, bool compact) {
  auto top = last;
  for (auto before = s.sessions.previous(top); before.kind != item::none; before = s.sessions.previous(before)) {
    if (lines_between(s, before, last, list, compact) > list)
      break;
    top = before;
  }
  return top;
}

void settle_top(state& s, int list, bool compact) {
  auto begin = s.sessions.begin();
  bool was_at_begin = s.top.kind == item::none || s.window.empty() || s.sessions.previous(s.top).kind == item::none;
  if (was_at_begin) {
    s.top = begin;
  } else if (!s.sessions.is_shown(s.top)) {
    s.top = begin;
    for (const auto& x : s.window)
      if (s.sessions.is_shown(x)) {
        s.top = x;
        break;
      }
  }
  if (lines_between(s, s.top, s.selected, list, compact) > list) {
    bool above = lines_between(s, s.selected, s.top, list * 4, compact) <= list * 4;
    s.top = above ? s.selected : top_for(s, s.selected, list, compact);
    auto head = s.sessions.previous(s.top);
    if (above && head.kind == item::heading)
      s.top = head;
  }
  if (lines_between(s, s.top, s.sessions.end(), list, compact) < list) // no empty lines below while there is more above
    s.top = top_for(s, s.sessions.end(), list, compact);
}

void settle_window(state& s, const division& d, bool compact) {
  s.window.clear();
  s.window_rows.clear();
  int row = 0;
  for (auto at = s.top; at.kind != item::none; at = s.sessions.next(at)) {
    auto height = height_of(at, row == 0, compact);
    if (row + height > d.list)
      break;
    row += height;
    s.window.push_back(at);
    s.window_rows.push_back(d.header + row - 1);
  }
}

} // namespace

division divide(const state& s) {
  auto d = frame(s);
  d.input = input_lines(s);
  d.offers = std::clamp(s.rows / 3, 0, std::min(most_offers, static_cast<int>(s.offers.size())));
  d.peek = panel_rows(s);
  d.list = s.rows - (d.total() - d.list);
  bool peeks = s.dialogs.empty() && s.peeking; // who peeks at one row wants that, rather than its neighbours
  int least = !s.dialogs.empty() ? 0 : std::min(peeks ? 2 : 3, s.rows);
  for (int* part : {&d.offers, peeks ? &d.header : &d.peek, peeks ? &d.peek : &d.header,
                    &d.footer}) { // what goes where the terminal is small
    auto lack = std::max(least - d.list, 0);
    auto take = std::min(*part, lack);
    *part -= take;
    d.list += take;
  }
  d.list = std::max(d.list, 0);
  return d;
}

void settle(state& s) {
  auto stable = frame(s);
  bool compact = stable.list < roomy;
  s.sessions.set_room(room_for_completed(s, stable.list, compact));
  settle_selection(s);
  peek_moved(s);
  auto d = divide(s);
  settle_top(s, d.list, compact);
  settle_window(s, d, compact);
  s.neighbours = {s.sessions.next(s.selected), s.sessions.previous(s.selected)};
}

void select(state& s, const item& x) {
  if (x.kind == item::none)
    return;
  s.selected = x;
  s.awaited.clear();
  s.stopping = {};
}

void step(state& s, int by) {
  auto at = s.selected;
  for (; by != 0; by += by < 0 ? 1 : -1) {
    auto to = by < 0 ? s.sessions.previous(at) : s.sessions.next(at);
    while (s.peeking && to.kind != item::row && to.kind != item::none) // a heading has nothing to peek at
      to = by < 0 ? s.sessions.previous(to) : s.sessions.next(to);
    if (to.kind == item::none)
      break;
    at = to;
  }
  select(s, at);
}

void step_group(state& s, int by) {
  auto all = s.sessions.groups();
  auto at = std::find(all.begin(), all.end(), s.selected.group);
  if (at == all.end())
    return;
  item head{item::heading, *at, {}};
  if (by < 0 && s.selected == s.sessions.next(head) && at != all.begin())
    head.group = *std::prev(at);
  else if (by < 0 && s.selected.kind == item::heading && at != all.begin())
    head.group = *std::prev(at);
  else if (by > 0 && std::next(at) != all.end())
    head.group = *std::next(at);
  else if (by > 0)
    return;
  auto row = s.sessions.next(head);
  select(s, row.kind == item::row && row.group == head.group ? row : head);
}

const session* selected_session(const state& s) {
  return s.selected.kind == item::row ? s.sessions.find(s.selected.id) : nullptr;
}

} // namespace troupe::view
