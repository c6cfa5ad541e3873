// What the keys and their commands do.
#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr wall_ms twice_ms = 2000; ///< within which Ctrl+X and Ctrl+C count as pressed twice
constexpr wall_ms notice_ms = 5000, bad_notice_ms = 12'000;
constexpr std::size_t longest_name = 256;

bool is_over(const session& s) {
  return s.now.process == "exited" && s.now.state != "working" && s.now.state != "blocked";
}

void fold_group(state& s, const item& x, intents& out) {
  auto now = s.sessions.fold_of(x.group);
  if (x.kind == item::more) {
    auto first = s.neighbours.second; // the last one shown stays chosen, what was hidden follows it
    s.sessions.set_fold(x.group, fold::open);
    if (auto next = s.sessions.next(first); next.kind != item::none)
      select(s, next);
  } else {
    s.sessions.set_fold(x.group, now == fold::natural ? fold::closed : fold::natural);
  }
  persist(s, out);
}

void attach_to(state& s, const std::string& id, intents& out) {
  const auto* x = s.sessions.find(id);
  if (x == nullptr)
    return;
  notice(s, "");
  s.awaited = id; // where one comes back to
  intent what{intent::attach};
  what.id = id;
  send(s, std::move(what), out);
}

/// Enter without a prompt.
void enter_selected(state& s, intents& out) {
  if (s.selected.kind == item::row)
    attach_to(s, s.selected.id, out);
  else if (s.selected.kind != item::none)
    fold_group(s, s.selected, out);
}

void remove_session(state& s, const session& x, intents& out) {
  bool may_lose = !x.now.tree.path.empty() || x.now.undelivered > 0;
  intent what{may_lose ? intent::losses : intent::remove};
  what.id = x.now.id.value;
  notice(s, "deleting " + label(x));
  s.stopping = {};
  send(s, std::move(what), out);
}

void stop_selected(state& s, intents& out) {
  if (s.selected.kind == item::heading || s.selected.kind == item::more) {
    ask_group(s, s.selected.group);
    return;
  }
  const auto* x = selected_session(s);
  if (x == nullptr)
    return;
  if (s.stopping.id == x->now.id.value && s.now < s.stopping.until) {
    remove_session(s, *x, out);
    return;
  }
  s.stopping = {x->now.id.value, s.now + twice_ms};
  auto again = spelled(s.set.keys.key_of(action::stop)) + " again deletes it";
  if (is_over(*x)) {
    notice(s, label(*x) + " has ended · " + again);
    return;
  }
  notice(s, "stopping " + label(*x) + " · " + again);
  intent what{intent::stop};
  what.id = x->now.id.value;
  send(s, std::move(what), out);
}

void pin_selected(state& s, intents& out) {
  const auto* x = selected_session(s);
  if (x == nullptr)
    return;
  intent what{intent::pin};
  what.id = x->now.id.value;
  what.yes = !x->now.pinned;
  send(s, std::move(what), out);
}

void rename_selected(state& s, const std::string& to, intents& out) {
  const auto* x = selected_session(s);
  if (x == nullptr)
    return;
  if (!to.empty()) {
    intent what{intent::rename};
    what.id = x->now.id.value;
    what.text = to.substr(0, longest_name);
    send(s, std::move(what), out);
    return;
  }
  s.mode = asking::rename;
  s.renaming = x->now.id.value;
  s.name.set(visible_line(x->now.name));
}

void move_selected(state& s, bool up, intents& out) {
  if (s.selected.kind == item::row && s.sessions.move(s.selected.id, up))
    persist(s, out);
}

void regroup(state& s, intents& out) {
  s.sessions.set_grouping(s.sessions.by() == grouping::by_state ? grouping::by_directory : grouping::by_state);
  if (auto again = s.sessions.item_of(s.selected.id); again.kind == item::row)
    s.selected = again;
  else
    s.selected = {};
  s.top = {};
  persist(s, out);
}

void begin_find(state& s, const std::string& words) {
  if (!words.empty()) {
    s.finding = words;
    s.find.set(words);
  } else {
    s.mode = asking::find;
  }
  refilter(s);
}

/// Esc: the nearest thing that can be closed is.
void cancel(state& s, intents& out) {
  if (!s.offers.empty() && (s.browsing || s.offer >= 0)) {
    s.browsing = false;
    s.offer = -1;
  } else if (s.mode == asking::rename) {
    s.mode = asking::dispatch;
  } else if (s.mode == asking::find) {
    s.mode = asking::dispatch;
    s.find.clear();
    s.finding.clear();
  } else if (s.peeking) {
    close_peek(s);
  } else if (!s.input.empty()) {
    s.input.remember(s.input.text());
    s.input.clear();
  } else if (!s.finding.empty()) {
    s.finding.clear();
    s.find.clear();
  } else {
    act(s, action::leave, {}, out);
  }
  refilter(s);
}

void interrupt(state& s, intents& out) {
  if (!current(s).empty() || s.mode == asking::rename || s.mode == asking::find) {
    current(s).remember(current(s).text());
    current(s).clear();
    if (s.mode == asking::rename || s.mode == asking::find)
      cancel(s, out);
    refilter(s);
    s.leaving = 0;
  } else if (s.now < s.leaving) {
    act(s, action::leave, {}, out);
  } else {
    s.leaving = s.now + twice_ms;
    notice(s, spelled(s.set.keys.key_of(action::interrupt)) + " again leaves the view; sessions go on");
  }
}

void complete(state& s) {
  if (s.mode != asking::dispatch)
    return;
  if (s.offers.empty()) {
    s.browsing = s.input.empty() && s.mode == asking::dispatch && !s.known.agents.empty();
    if (s.input.empty() && s.known.agents.empty())
      notice(s, "no agent definitions here");
    return;
  }
  if (s.offers.size() == 1 || s.offer >= 0) {
    s.input.set(s.offers[static_cast<std::size_t>(std::max(s.offer, 0))].text + " ");
    s.offer = -1;
    s.browsing = false;
  } else {
    s.offer = 0;
  }
}

} // namespace

void notice(state& s, std::string text, bool bad) {
  s.notice = {std::move(text), bad, s.now + (bad ? bad_notice_ms : notice_ms)};
}

std::string label(const session& s) {
  return s.now.name.empty() ? s.now.id.value : visible_line(s.now.name);
}

std::string said(const session& s) {
  return s.now.waiting.empty() ? said_line(s.now.sentence, s.now.output) : visible_line(s.now.waiting.front().text);
}

std::uint64_t send(state& s, intent what, intents& out, bool attach, std::string text) {
  what.token = s.next_token++;
  s.errands[what.token] = {what, attach, std::move(text)};
  out.push_back(std::move(what));
  return out.back().token;
}

void persist(state& s, intents& out) {
  auto text = remember(s);
  if (std::exchange(s.remembered, text) == text)
    return;
  intent what{intent::persist};
  what.text = text;
  out.push_back(std::move(what));
}

void act(state& s, action what, const std::string& argument, intents& out) {
  auto bare = [&](intent::kind_ kind) { out.push_back(intent{kind}); };
  switch (what) {
  case action::none:
    return;
  case action::up:
  case action::down:
    return step(s, what == action::up ? -1 : 1);
  case action::page_up:
  case action::page_down: {
    auto page = std::max(static_cast<int>(s.window.size()) - 1, 1);
    return step(s, what == action::page_up ? -page : page);
  }
  case action::first:
    return select(s, s.sessions.next(s.sessions.begin()));
  case action::last:
    return select(s, s.sessions.end());
  case action::group_up:
  case action::group_down:
    return step_group(s, what == action::group_up ? -1 : 1);
  case action::attach:
    return s.selected.kind == item::row ? attach_to(s, s.selected.id, out) : enter_selected(s, out);
  case action::accept:
    return current(s).empty() ? enter_selected(s, out) : submit(s, false, out);
  case action::accept_attach:
    return current(s).empty() ? enter_selected(s, out) : submit(s, true, out);
  case action::peek:
    return s.peeking ? close_peek(s) : open_peek(s);
  case action::complete:
    return complete(s);
  case action::grouping:
    return regroup(s, out);
  case action::pin:
    return pin_selected(s, out);
  case action::rename:
    return rename_selected(s, argument, out);
  case action::edit: {
    intent edit{intent::edit};
    edit.text = current(s).whole();
    send(s, std::move(edit), out);
    return;
  }
  case action::newline:
    return current(s).insert("\n");
  case action::stop:
    return stop_selected(s, out);
  case action::remove:
    if (const auto* x = selected_session(s))
      remove_session(s, *x, out);
    return;
  case action::respawn:
    if (const auto* x = selected_session(s)) {
      intent again{intent::respawn};
      again.id = x->now.id.value;
      send(s, std::move(again), out);
    }
    return;
  case action::move_up:
  case action::move_down:
    return move_selected(s, what == action::move_up, out);
  case action::find:
    return begin_find(s, argument);
  case action::cancel:
    return cancel(s, out);
  case action::interrupt:
    return interrupt(s, out);
  case action::help:
    s.helping = !s.helping;
    s.help_top = 0;
    return;
  case action::redraw:
    return bare(intent::redraw);
  case action::suspend:
    return bare(intent::suspend);
  case action::leave:
    persist(s, out);
    return bare(intent::leave);
  }
}

} // namespace troupe::view
