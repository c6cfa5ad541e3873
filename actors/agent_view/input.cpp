// The input line: what a key typed into it does, and what Enter makes of it.
#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

bool is_character(const std::string& key) {
  return key == "space" ||
         (!key.empty() && character_after(key, 0) == key.size() && static_cast<unsigned char>(key[0]) >= 0x20);
}

/// Keys that mean something of the list while nothing is typed, and are editing keys while something is.
bool edits(const state& s, const std::string& key, action bound) {
  if (is_character(key))
    return !current(s).empty() || bound == action::none || s.mode == asking::rename || s.mode == asking::find ||
           (s.mode == asking::reply && bound != action::peek && bound != action::help);
  static const std::vector<std::string> both{"right",  "left",   "home",      "end",        "ctrl+d", "ctrl+p",
                                             "ctrl+n", "delete", "ctrl+left", "ctrl+right", "up",     "down"};
  bool shared = std::find(both.begin(), both.end(), key) != both.end();
  return bound == action::none || (shared && (!current(s).empty() || s.mode == asking::rename));
}

void send_dispatch(state& s, const meaning& m, bool attach, intents& out) {
  intent what{intent::dispatch};
  what.text = m.text;
  what.shell = m.kind == meaning::shell;
  what.directory = m.directory.empty() ? s.set.cwd : m.directory;
  what.agent = m.agent;
  if (!what.shell)
    what.model = s.model_override.empty() ? s.set.model : s.model_override;
  auto typed = s.input.text();
  s.input.remember(s.input.whole());
  send(s, std::move(what), out, attach, typed);
  s.input.clear();
  notice(s, "");
}

void choose_model(state& s, const std::string& name) {
  if (name.empty()) {
    ask_model(s);
    return;
  }
  s.model_override = name == "default" ? "" : visible_line(name);
}

void submit_command(state& s, const meaning& m, intents& out) {
  auto bare = [&](intent::kind_ kind) { send(s, intent{kind}, out); };
  if (m.kind != meaning::select)
    s.input.remember(s.input.text());
  s.input.clear();
  refilter(s); // ahead of what is done: it is done to what the whole list has selected
  settle(s);
  switch (m.kind) {
  case meaning::act:
    return act(s, m.what, m.text, out);
  case meaning::leave:
    return act(s, action::leave, {}, out);
  case meaning::sign_in:
    return bare(intent::sign_in);
  case meaning::sign_out:
    return bare(intent::sign_out);
  case meaning::model:
    return choose_model(s, m.text);
  case meaning::past:
    return bare(intent::past);
  case meaning::select:
    s.finding.clear();
    refilter(s);
    if (auto there = s.sessions.item_of(m.id); there.kind == item::row)
      return select(s, there);
    s.awaited = m.id;
    return;
  default:
    return;
  }
}

void submit_rename(state& s, intents& out) {
  auto to = s.name.whole();
  s.mode = s.peeking ? asking::reply : asking::dispatch;
  if (to.empty())
    return;
  intent what{intent::rename};
  what.id = s.renaming;
  what.text = to.substr(0, 256);
  send(s, std::move(what), out);
}

} // namespace

editor& current(state& s) {
  return const_cast<editor&>(current(std::as_const(s)));
}

const editor& current(const state& s) {
  return s.mode == asking::reply    ? s.reply
         : s.mode == asking::rename ? s.name
         : s.mode == asking::find   ? s.find
                                    : s.input;
}

void refilter(state& s) {
  auto typed = s.mode == asking::dispatch && filter_of(s.input.text()) ? s.input.text() : std::string();
  auto words = s.mode == asking::find ? s.find.text() : s.finding;
  auto text = typed + "\n" + words;
  if (std::exchange(s.filter_text, text) != text) {
    auto by_typing = filter_of(typed), by_words = finder_of(words);
    auto under = s.set.under;
    if (!by_typing && !by_words && under.empty())
      s.sessions.set_filter({});
    else
      s.sessions.set_filter([=](const session& x) {
        const auto& cwd = x.now.cwd;
        bool below = under.empty() || cwd == under || cwd.starts_with(under == "/" ? under : under + "/");
        return below && (!by_typing || by_typing(x)) && (!by_words || by_words(x));
      });
  }
  s.offers =
      s.mode == asking::dispatch ? candidates_for(s.input.text(), s.browsing, s.known) : std::vector<candidate>{};
  if (s.offer >= static_cast<int>(s.offers.size()))
    s.offer = static_cast<int>(s.offers.size()) - 1;
}

void submit(state& s, bool attach, intents& out) {
  if (s.mode == asking::reply)
    return send_reply(s, out);
  if (s.mode == asking::rename)
    return submit_rename(s, out);
  if (s.mode == asking::find) {
    s.mode = asking::dispatch;
    s.finding = s.find.text();
    refilter(s);
    return;
  }
  if (s.offer >= 0 && s.offer < static_cast<int>(s.offers.size())) {
    s.input.set(s.offers[static_cast<std::size_t>(s.offer)].text);
    s.offer = -1;
    s.browsing = false;
    if (s.input.text().starts_with("@"))
      return s.input.insert(" ");
  }
  auto m = read_input(s.input.text(), s.input.whole(), s.known, s.sessions, s.set.repository);
  switch (m.kind) {
  case meaning::nothing:
    return s.input.clear();
  case meaning::refuse:
    return notice(s, m.text, true);
  case meaning::filter:
    return act(s, action::attach, {}, out);
  case meaning::dispatch:
  case meaning::shell:
    return send_dispatch(s, m, attach, out);
  default:
    return submit_command(s, m, out);
  }
}

void typed_key(state& s, const std::string& name, intents& out) {
  auto bound = s.set.keys.find(name);
  if (!s.offers.empty() && (name == "up" || name == "down")) {
    auto n = static_cast<int>(s.offers.size());
    s.offer = name == "down" ? (s.offer + 1) % n : (s.offer <= 0 ? n - 1 : s.offer - 1);
    return;
  }
  if (edits(s, name, bound)) {
    bool was_empty = current(s).empty();
    if (name == "space")
      current(s).insert(" ");
    else if (is_character(name))
      current(s).insert(name);
    else if (!current(s).key(name) && bound != action::none)
      return act(s, bound, {}, out);
    else if (bound == action::none && was_empty && current(s).empty() && name.starts_with("alt+") && name.size() == 5 &&
             name[4] >= '1' && name[4] <= '9') {
      int wanted = name[4] - '0';
      for (const auto& x : s.window)
        if (x.kind == item::row && --wanted == 0) {
          select(s, x);
          act(s, action::attach, {}, out);
          return;
        }
    }
    s.browsing = s.browsing && s.input.empty();
    s.offer = s.offers.empty() ? -1 : s.offer;
    return;
  }
  act(s, bound, {}, out);
}

} // namespace troupe::view
