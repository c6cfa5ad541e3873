// The sessions of the view in their groups.
#include "actors/agent_view/roster.hpp"

#include <algorithm>
#include <utility>

namespace troupe::view {

namespace {

bool is_open(const pull_request& p) {
  return p.state != "merged" && p.state != "closed";
}

bool is_completed(const std::string& state) {
  return state == "done" || state == "failed" || state == "stopped" || state == "idle";
}

group_key group_of(const session& s, grouping by) {
  if (by == grouping::by_directory)
    return {0, s.now.cwd};
  if (s.now.pinned)
    return {0, "pinned"};
  if (s.now.state == "blocked")
    return {2, "blocked"};
  if (!is_completed(s.now.state))
    return {3, "working"};
  return under_review(s) ? group_key{1, "review"} : group_key{4, "completed"};
}

/// The newest above; of the completed ones, what has ended last.
std::int64_t natural_order(const session& s, const group_key& g) {
  bool by_end = g.name == "completed" && s.now.told.since > 0;
  return -(by_end ? s.now.told.since : s.now.started_at);
}

} // namespace

bool under_review(const session& s) {
  return std::any_of(s.pulls.begin(), s.pulls.end(), is_open);
}

bool always_shown(const session& s) {
  return s.now.state == "failed" || under_review(s);
}

void roster::place(node& n) {
  n.group = group_of(n.now, by_);
  auto given = places_.find(n.now.now.id.value);
  n.key = given == places_.end() ? place_key{natural_order(n.now, n.group), n.now.now.id.value} : given->second;
  n.shown = !fits_ || fits_(n.now);
  n.kept = always_shown(n.now);
}

void roster::unlink(node& n) {
  if (!n.shown)
    return;
  auto at = groups_.find(n.group);
  if (at == groups_.end())
    return;
  auto& m = at->second;
  (n.kept ? m.kept : m.plain).erase(&n);
  --shown_;
  if (m.kept.empty() && m.plain.empty())
    groups_.erase(at);
  else
    set_edge(n.group, m);
}

void roster::link(node& n) {
  if (!n.shown)
    return;
  auto& m = groups_[n.group];
  m.folds = by_ == grouping::by_state && n.group.name == "completed";
  (n.kept ? m.kept : m.plain).insert(&n);
  ++shown_;
  set_edge(n.group, m);
}

/// Finds the last plain one that has room; the room is never more than a screen.
void roster::set_edge(const group_key& key, members_& m) {
  m.edge = nullptr;
  if (!m.folds || fold_of(key) == fold::open || m.plain.size() <= room_)
    return;
  auto at = m.plain.begin();
  for (std::size_t i = 1; i < room_; ++i)
    ++at;
  m.edge = room_ == 0 ? nullptr : *at;
}

bool roster::put(session s) {
  auto [at, fresh] = nodes_.try_emplace(s.now.id.value);
  auto& n = at->second;
  if (!fresh && n.now == s)
    return false;
  if (!fresh) {
    --counts_[n.now.now.state];
    unlink(n);
  }
  n.now = std::move(s);
  ++counts_[n.now.now.state];
  place(n);
  link(n);
  return true;
}

bool roster::erase(const std::string& id) {
  auto at = nodes_.find(id);
  if (at == nodes_.end())
    return false;
  unlink(at->second);
  --counts_[at->second.now.now.state];
  nodes_.erase(at);
  places_.erase(id);
  return true;
}

void roster::replace(std::vector<session> all) {
  groups_.clear();
  nodes_.clear();
  counts_.clear();
  shown_ = 0;
  for (auto& s : all) {
    auto& n = nodes_[s.now.id.value];
    n.now = std::move(s);
    ++counts_[n.now.now.state];
  }
  std::erase_if(places_, [&](const auto& x) { return nodes_.count(x.first) == 0; });
  rebuild();
}

void roster::rebuild() {
  groups_.clear();
  shown_ = 0;
  for (auto& [id, n] : nodes_) {
    place(n);
    if (!n.shown)
      continue;
    auto& m = groups_[n.group];
    m.folds = by_ == grouping::by_state && n.group.name == "completed";
    (n.kept ? m.kept : m.plain).insert(&n);
    ++shown_;
  }
  for (auto& [key, m] : groups_)
    set_edge(key, m);
}

void roster::set_grouping(grouping by) {
  by_ = by;
  rebuild();
}

void roster::set_filter(std::function<bool(const session&)> fits) {
  fits_ = std::move(fits);
  rebuild();
}

void roster::set_fold(const group_key& g, fold f) {
  if (f == fold::natural)
    folds_.erase(g);
  else
    folds_[g] = f;
  if (auto at = groups_.find(g); at != groups_.end())
    set_edge(g, at->second);
}

fold roster::fold_of(const group_key& g) const {
  auto at = folds_.find(g);
  return at == folds_.end() ? fold::natural : at->second;
}

void roster::set_room(std::size_t places) {
  if (std::exchange(room_, places) != places)
    for (auto& [key, m] : groups_)
      set_edge(key, m);
}

const session* roster::find(const std::string& id) const {
  auto at = nodes_.find(id);
  return at == nodes_.end() ? nullptr : &at->second.now;
}

std::size_t roster::count(const std::string& state) const {
  auto at = counts_.find(state);
  return at == counts_.end() ? 0 : at->second;
}

std::size_t roster::members(const group_key& g) const {
  auto at = groups_.find(g);
  return at == groups_.end() ? 0 : at->second.kept.size() + at->second.plain.size();
}

std::size_t roster::always(const group_key& g) const {
  auto at = groups_.find(g);
  return at == groups_.end() ? 0 : at->second.kept.size();
}

std::size_t roster::hidden(const group_key& g) const {
  auto at = groups_.find(g);
  if (at == groups_.end() || !at->second.folds || fold_of(g) != fold::natural)
    return 0;
  return at->second.plain.size() - std::min(room_, at->second.plain.size());
}

bool roster::visible_in(const members_& m, const node* n) const {
  if (n->kept || !m.folds || fold_of(n->group) == fold::open || m.plain.size() <= room_)
    return true;
  return m.edge != nullptr && !by_key()(m.edge, n);
}

const roster::node* roster::first_of(const members_& m) const {
  const node* a = m.kept.empty() ? nullptr : *m.kept.begin();
  const node* b = m.plain.empty() || !visible_in(m, *m.plain.begin()) ? nullptr : *m.plain.begin();
  return a == nullptr ? b : b == nullptr ? a : by_key()(a, b) ? a : b;
}

const roster::node* roster::last_of(const members_& m) const {
  const node* a = m.kept.empty() ? nullptr : *m.kept.rbegin();
  const node* b = m.plain.empty() ? nullptr : *m.plain.rbegin();
  if (b != nullptr && !visible_in(m, b))
    b = m.edge;
  return a == nullptr ? b : b == nullptr ? a : by_key()(a, b) ? b : a;
}

const roster::node* roster::after(const members_& m, const node* n) const {
  auto k = m.kept.upper_bound(n);
  auto p = m.plain.upper_bound(n);
  const node* a = k == m.kept.end() ? nullptr : *k;
  const node* b = p == m.plain.end() || !visible_in(m, *p) ? nullptr : *p;
  return a == nullptr ? b : b == nullptr ? a : by_key()(a, b) ? a : b;
}

const roster::node* roster::before(const members_& m, const node* n) const {
  auto k = m.kept.lower_bound(n);
  auto p = m.plain.lower_bound(n);
  const node* a = k == m.kept.begin() ? nullptr : *std::prev(k);
  const node* b = p == m.plain.begin() ? nullptr : *std::prev(p);
  if (b != nullptr && !visible_in(m, b))
    b = m.edge;
  return a == nullptr ? b : b == nullptr ? a : by_key()(a, b) ? b : a;
}

item roster::row_item(const node* n) const {
  return {item::row, n->group, n->now.now.id.value};
}

bool roster::in_group(const std::string& id, const group_key& g) const {
  auto at = nodes_.find(id);
  return at != nodes_.end() && at->second.shown && at->second.group == g;
}

item roster::item_of(const std::string& id) const {
  auto at = nodes_.find(id);
  if (at == nodes_.end() || !at->second.shown || fold_of(at->second.group) == fold::closed)
    return {};
  const auto& m = groups_.at(at->second.group);
  return visible_in(m, &at->second) ? row_item(&at->second) : item{};
}

bool roster::is_shown(const item& x) const {
  if (x.kind == item::row)
    return item_of(x.id) == x;
  if (x.kind == item::more)
    return hidden(x.group) > 0;
  return x.kind == item::heading && groups_.count(x.group) != 0;
}

item roster::begin() const {
  return groups_.empty() ? item{} : item{item::heading, groups_.begin()->first, {}};
}

item roster::last_in(std::map<group_key, members_>::const_iterator g) const {
  if (fold_of(g->first) == fold::closed)
    return {item::heading, g->first, {}};
  if (hidden(g->first) > 0)
    return {item::more, g->first, {}};
  const auto* n = last_of(g->second);
  return n != nullptr ? row_item(n) : item{item::heading, g->first, {}};
}

item roster::end() const {
  return groups_.empty() ? item{} : last_in(std::prev(groups_.end()));
}

item roster::next(const item& x) const {
  auto g = groups_.find(x.group);
  if (g == groups_.end())
    return {};
  const node* n = nullptr;
  bool open = fold_of(x.group) != fold::closed;
  if (x.kind == item::heading && open) {
    n = first_of(g->second);
  } else if (x.kind == item::row && open) {
    auto at = nodes_.find(x.id);
    n = at == nodes_.end() ? nullptr : after(g->second, &at->second);
  }
  if (n != nullptr)
    return row_item(n);
  if (x.kind != item::more && open && hidden(x.group) > 0)
    return {item::more, x.group, {}};
  return ++g == groups_.end() ? item{} : item{item::heading, g->first, {}};
}

item roster::previous(const item& x) const {
  auto g = groups_.find(x.group);
  if (g == groups_.end())
    return {};
  if (x.kind == item::heading)
    return g == groups_.begin() ? item{} : last_in(std::prev(g));
  const node* n = nullptr;
  if (x.kind == item::more) {
    n = last_of(g->second);
  } else if (auto at = nodes_.find(x.id); at != nodes_.end()) {
    n = before(g->second, &at->second);
  }
  return n != nullptr ? row_item(n) : item{item::heading, x.group, {}};
}

std::vector<group_key> roster::groups() const {
  std::vector<group_key> out;
  for (const auto& [key, m] : groups_)
    out.push_back(key);
  return out;
}

void roster::each(const std::function<void(const session&)>& visit) const {
  for (const auto& [id, n] : nodes_)
    visit(n.now);
}

bool roster::move(const std::string& id, bool up) {
  auto here = item_of(id);
  if (here.kind != item::row)
    return false;
  auto there = up ? previous(here) : next(here);
  if (there.kind != item::row || there.group != here.group)
    return false;
  auto &a = nodes_.at(id), &b = nodes_.at(there.id);
  unlink(a);
  unlink(b);
  std::swap(a.key, b.key);
  places_[id] = a.key;
  places_[there.id] = b.key;
  link(a);
  link(b);
  return true;
}

void roster::set_places(std::map<std::string, place_key> places) {
  places_ = std::move(places);
  rebuild();
}

} // namespace troupe::view
