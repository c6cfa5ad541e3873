// The agent view's machine: which part an event is for.
#include "actors/agent_view/machine.hpp"

#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "messages/json.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr int least_rows = 1, least_columns = 1, most_cells = 2000;

void on(state& s, const key_pressed& e, intents& out) {
  if (s.notice.bad)
    s.notice = {};
  if (!dialog_key(s, e.name, out) && !peek_key(s, e.name, out))
    typed_key(s, e.name, out);
  refilter(s);
}

void on(state& s, const pasted& e, intents&) {
  if (s.helping || !s.dialogs.empty())
    return;
  current(s).paste(e.text);
  refilter(s);
}

void on(state& s, const mouse_used& e, intents& out) {
  if (s.helping || !s.dialogs.empty())
    return;
  if (e.kind != mouse_used::press) {
    step(s, e.kind == mouse_used::wheel_up ? -1 : 1);
    return;
  }
  for (std::size_t i = 0; i < s.window.size(); ++i)
    if (s.window_rows[i] == e.row) {
      auto x = s.window[i];
      bool again = x == s.selected;
      select(s, x);
      if (again || x.kind == item::more)
        act(s, action::attach, {}, out);
      return;
    }
}

void on(state& s, const resized& e, intents&) {
  s.rows = std::clamp(e.rows, least_rows, most_cells);
  s.columns = std::clamp(e.columns, least_columns, most_cells);
}

void on(state&, const ticked&, intents&) {}

void on(state& s, const connected& e, intents&) {
  s.link = state::live;
  s.why_lost.clear();
  s.sessions.replace(e.sessions);
}

void on(state& s, const disconnected& e, intents&) {
  s.link = state::lost;
  s.why_lost = e.why;
}

/// VIEW-7: it begins to wait for somebody, or has come to an end.
void tell_people(const session& before, const session& now, intents& out) {
  if (before.now.state == now.now.state)
    return;
  const auto& state = now.now.state;
  const char* what = state == "blocked"  ? "needs input"
                     : state == "done"   ? "has finished"
                     : state == "failed" ? "has failed"
                                         : nullptr;
  if (what == nullptr)
    return;
  intent tell{intent::notify};
  tell.id = now.now.id.value;
  auto sentence = said(now);
  tell.text = label(now) + " " + what + (sentence.empty() ? "" : ": " + sentence);
  out.push_back(std::move(tell));
}

void on(state& s, const changed& e, intents& out) {
  if (e.now.now.id.empty())
    return;
  if (const auto* before = s.sessions.find(e.now.now.id.value))
    tell_people(*before, e.now, out);
  if (s.looking.id == e.now.now.id.value)
    s.looking.due = s.now;
  s.sessions.put(e.now);
}

void on(state& s, const removed& e, intents&) {
  s.sessions.erase(e.id);
  s.drafts.erase(e.id);
}

void on(state& s, const catalog_told& e, intents&) {
  s.known = e.known;
  refilter(s);
}

void on(state& s, const accounts_told& e, intents&) {
  s.accounts = e.names;
  s.accounts_known = true;
}

/// The fault, and behind it the remedy, on one line.
std::string fault_line(const std::string& text) {
  auto split = text.find('\n');
  auto out = visible_line(text.substr(0, split));
  return split == std::string::npos ? out : out + " · " + visible_line(text.substr(split + 1));
}

void failed(state& s, const state::errand& errand, const outcome& e) {
  notice(s, fault_line(e.text.empty() ? "it failed" : e.text), true);
  auto& from = errand.what.kind == intent::reply ? s.reply : s.input;
  if (!errand.text.empty() && from.empty() && (errand.what.kind != intent::reply || s.peeked == errand.what.id))
    from.set(errand.text);
}

void pick_past(state& s, const outcome& e) {
  if (e.list.empty()) {
    notice(s, "no session was removed");
    return;
  }
  dialog d;
  d.text = {"Bring back which session?"};
  for (const auto& [id, what] : e.list) {
    intent resume{intent::resume};
    resume.id = id;
    d.choices.push_back({id + "  " + visible_line(what), {std::move(resume)}, {}, {}});
  }
  s.dialogs = {std::move(d)};
}

void on(state& s, const outcome& e, intents& out) {
  auto at = s.errands.find(e.token);
  if (at == s.errands.end())
    return;
  auto errand = std::move(at->second);
  s.errands.erase(at);
  if (errand.what.kind == intent::look)
    return looked(s, errand.what.id, e);
  if (!e.good)
    return failed(s, errand, e);
  switch (errand.what.kind) {
  case intent::dispatch:
    s.awaited = e.text;
    if (errand.attach) {
      intent attach{intent::attach};
      attach.id = e.text;
      send(s, std::move(attach), out);
    }
    return;
  case intent::reply:
    if (e.text == "saved")
      notice(s, "saved: it is delivered as soon as the session runs");
    return;
  case intent::edit:
    current(s).set(e.text);
    refilter(s);
    return;
  case intent::losses:
    return ask_removal(s, errand.what.id, e.text, out);
  case intent::past:
    return pick_past(s, e);
  case intent::resume:
    s.awaited = e.text;
    return;
  default:
    if (!e.text.empty())
      notice(s, fault_line(e.text));
  }
}

void on(state& s, const trust_asked& e, intents&) {
  auto at = s.errands.find(e.token);
  if (at == s.errands.end())
    return;
  auto errand = std::move(at->second);
  s.errands.erase(at);
  if (s.input.empty())
    s.input.set(errand.text); // where the answer is no
  ask_trust(s, errand.what, errand.attach, errand.text, e);
}

} // namespace

void next(state& s, const event& e, wall_ms now, std::vector<intent>& out) {
  s.now = now;
  std::visit([&](const auto& x) { on(s, x, out); }, e);
  settle(s);
  look(s, out);
}

std::pair<std::string, bool> dispatch_model(const state& s) {
  if (!s.model_override.empty())
    return {s.model_override, true};
  return {s.set.model.empty() ? s.set.usual : s.set.model, false};
}

std::string remember(const state& s) {
  json out{{"grouping", s.sessions.by() == grouping::by_directory ? "directory" : "state"}};
  auto folds = json::array();
  for (const auto& [g, f] : s.sessions.folds())
    folds.push_back({{"rank", g.rank}, {"group", bytes_to_json(g.name)}, {"open", f == fold::open}});
  if (!folds.empty())
    out["folds"] = std::move(folds);
  auto places = json::object();
  for (const auto& [id, key] : s.sessions.places())
    places[id] = {key.order, key.tie};
  if (!places.empty())
    out["places"] = std::move(places);
  return to_line(out);
}

void recall(state& s, const std::string& text) {
  auto kept = json::parse(text, nullptr, false);
  if (!kept.is_object())
    return;
  if (kept.value("grouping", json()) == "directory")
    s.sessions.set_grouping(grouping::by_directory);
  for (const auto& f : kept.value("folds", json::array()))
    if (f.is_object() && f.contains("group") && f.value("rank", json()).is_number_integer())
      try {
        s.sessions.set_fold({f["rank"].get<int>(), bytes_from_json(f["group"])},
                            f.value("open", json()) == true ? fold::open : fold::closed);
      } catch (const field_error&) { // a group of no name is none
      }
  std::map<std::string, place_key> places;
  if (auto given = kept.value("places", json::object()); given.is_object())
    for (const auto& [id, key] : given.items())
      if (key.is_array() && key.size() == 2 && key[0].is_number_integer() && key[1].is_string())
        places[id] = {key[0].get<std::int64_t>(), key[1].get<std::string>()};
  s.sessions.set_places(std::move(places));
  s.remembered = remember(s);
}

} // namespace troupe::view
