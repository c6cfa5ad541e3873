// A terminal attached to a conversation: what keys and events do.
#include "actors/conversation_view/machine.hpp"

#include <algorithm>

#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

using intents = std::vector<conversation_intent>;
constexpr wall_ms twice_ms = 2000, still_ms = 500, notice_ms = 5000;

void say(conversation& c, std::string text, bool bad = false) {
  c.notice = {std::move(text), bad, c.now + notice_ms * (bad ? 2 : 1)};
}

void send(conversation& c, conversation_intent what, intents& out) {
  what.token = c.next_token++;
  c.errands.push_back(what);
  out.push_back(std::move(what));
}

void answer(conversation& c, const question& q, const std::string& choice, intents& out) {
  send(c, {conversation_intent::answer, 0, choice, q.id}, out);
}

void remember_prompts(conversation& c) {
  for (const auto& p : c.said.prompts())
    c.input.remember(p);
}

void run_command(conversation& c, const std::string& word, const std::string& rest, intents& out) {
  auto bare = [&](conversation_intent::kind_ kind) { out.push_back({kind, 0, rest, {}}); };
  if (word == "exit" || word == "quit")
    bare(c.set.foreground ? conversation_intent::leave : conversation_intent::view);
  else if (word == "stop")
    send(c, {conversation_intent::stop, 0, {}, {}}, out);
  else if (word == "rename" && !rest.empty())
    send(c, {conversation_intent::rename, 0, rest, {}}, out);
  else if (word == "rename")
    say(c, "say the name: /rename NAME", true);
  else if (word == "bg" || word == "background")
    bare(conversation_intent::background);
  else if (word == "fork")
    send(c, {conversation_intent::fork, 0, rest, {}}, out);
  else if (word == "model" || word == "mode") {
    if (rest.empty())
      return say(c, "say which: /" + word + " NAME", true);
    send(c, {word == "model" ? conversation_intent::model : conversation_intent::mode, 0, rest, {}}, out);
  } else if (word == "help")
    c.helping = true;
}

bool own_command(const std::string& word) {
  static const std::vector<std::string> all{"exit",       "quit", "stop",  "rename", "bg",
                                            "background", "fork", "model", "mode",   "help"};
  return std::find(all.begin(), all.end(), word) != all.end();
}

void submit(conversation& c, intents& out) {
  auto text = c.input.whole();
  while (!text.empty() && (text.back() == ' ' || text.back() == '\n'))
    text.pop_back();
  const auto* q = asked(c);
  if (text.empty()) {
    if (q != nullptr && !q->options.empty())
      answer(c, *q, std::to_string(q->options[std::min(c.choice, q->options.size() - 1)].n), out);
    return;
  }
  c.input.remember(text);
  c.input.clear();
  auto end = std::min(text.find_first_of(" \n"), text.size());
  if (text[0] == '/' && own_command(text.substr(1, end - 1)))
    return run_command(c, text.substr(1, end - 1), end < text.size() ? text.substr(end + 1) : "", out);
  if (q != nullptr && q->options.empty())
    return answer(c, *q, text, out);
  c.above = 0;
  send(c, {conversation_intent::reply, 0, text, {}}, out);
}

void interrupt(conversation& c, intents& out, bool escape) {
  if (!c.input.empty()) {
    c.input.remember(c.input.text());
    c.input.clear();
  } else if (turn_runs(c)) {
    send(c, {conversation_intent::cancel, 0, {}, {}}, out);
    say(c, "interrupting");
  } else if (escape) {
    c.above = 0;
  } else if (c.now < c.leaving) {
    out.push_back({c.set.foreground ? conversation_intent::leave : conversation_intent::view, 0, {}, {}});
  } else {
    c.leaving = c.now + twice_ms;
    say(c, c.set.foreground ? "Ctrl+C again leaves" : "Ctrl+C again goes back; the session goes on");
  }
}

void scroll(conversation& c, int by) {
  auto most = c.said.lines();
  if (by < 0)
    c.above -= std::min<std::size_t>(c.above, static_cast<std::size_t>(-by));
  else
    c.above = std::min(c.above + static_cast<std::size_t>(by), most);
}

/// Keys that choose among a question's options, while nothing is typed.
bool option_key(conversation& c, const std::string& name, intents& out) {
  const auto* q = asked(c);
  if (q == nullptr || q->options.empty() || !c.input.empty() || c.set.read_only)
    return false;
  auto n = q->options.size();
  if (name == "up" || name == "down") {
    c.choice = name == "down" ? (c.choice + 1) % n : (c.choice + n - 1) % n;
    return true;
  }
  if (name.size() == 1 && name[0] >= '1' && name[0] <= '9')
    for (const auto& o : q->options)
      if (o.n == static_cast<std::uint32_t>(name[0] - '0')) {
        answer(c, *q, name, out);
        return true;
      }
  return false;
}

bool bound_key(conversation& c, const std::string& name, intents& out) {
  auto page = std::max(c.rows - 6, 1);
  auto bare = [&](conversation_intent::kind_ kind) { out.push_back({kind, 0, {}, {}}); };
  auto back = c.set.foreground ? conversation_intent::background : conversation_intent::view;
  bool still = c.now - c.edited >= still_ms;
  if (name == "enter")
    submit(c, out);
  else if (name == "ctrl+j" || name == "shift+enter" || name == "alt+enter")
    c.input.insert("\n");
  else if (name == "escape" || name == "ctrl+c")
    interrupt(c, out, name == "escape");
  else if (name == "ctrl+d" && c.input.empty())
    bare(c.set.foreground ? conversation_intent::leave : conversation_intent::view);
  else if (name == "left" && c.input.empty() && c.set.left_detaches) {
    if (still)
      bare(back);
  } else if (name == "ctrl+z")
    bare(c.set.foreground ? conversation_intent::suspend : conversation_intent::leave);
  else if (name == "page_up" || name == "page_down")
    scroll(c, name == "page_up" ? page : -page);
  else if (name == "shift+up" || name == "shift+down")
    scroll(c, name == "shift+up" ? 1 : -1);
  else if (name == "ctrl+o") {
    c.said.set_unfolded(!c.said.unfolded());
    c.above = 0;
  } else if (name == "ctrl+l")
    bare(conversation_intent::redraw);
  else if (name == "ctrl+g")
    send(c, {conversation_intent::edit, 0, c.input.whole(), {}}, out);
  else if (name == "ctrl+p" || name == "ctrl+n")
    name == "ctrl+p" ? c.input.older() : c.input.newer();
  else if (name == "?" && c.input.empty())
    c.helping = true;
  else
    return false;
  return true;
}

void on(conversation& c, const key_pressed& e, intents& out) {
  if (std::exchange(c.helping, false))
    return;
  c.recap.clear();
  if (c.notice.bad)
    c.notice = {};
  if (c.set.read_only && (e.name == "left" || e.name == "q"))
    return out.push_back({conversation_intent::view, 0, {}, {}});
  if (option_key(c, e.name, out) || bound_key(c, e.name, out) || c.set.read_only)
    return;
  c.edited = c.now;
  bool character = e.name == "space" || (!e.name.empty() && character_after(e.name, 0) == e.name.size() &&
                                         static_cast<unsigned char>(e.name[0]) >= 0x20);
  if (character) {
    c.input.insert(e.name == "space" ? " " : e.name);
  } else if (!c.input.key(e.name)) {
    if (e.name == "up")
      c.input.older();
    else if (e.name == "down")
      c.input.newer();
  }
}

void on(conversation& c, const pasted& e, intents&) {
  if (c.set.read_only)
    return;
  c.input.paste(e.text);
  c.edited = c.now;
}

void on(conversation& c, const mouse_used& e, intents&) {
  if (e.kind != mouse_used::press)
    scroll(c, e.kind == mouse_used::wheel_up ? 3 : -3);
}

void on(conversation& c, const resized& e, intents&) {
  c.rows = std::clamp(e.rows, 1, 2000);
  c.columns = std::clamp(e.columns, 1, 2000);
  c.said.set_columns(c.columns);
  c.above = std::min(c.above, c.said.lines());
}

void on(conversation&, const ticked&, intents&) {}

void on(conversation& c, const happened& e, intents&) {
  auto before = c.said.lines();
  bool first = c.said.last() == 0;
  for (const auto& x : e.lines) {
    if (x.what == "attached" && x.value > 0) // somebody looks again: what happened until now is the recap
      c.recap = first ? c.said.recap() : c.recap;
    c.said.take(x);
  }
  if (first) {
    if (c.recap.empty())
      c.recap = c.said.recap();
    remember_prompts(c);
  }
  if (c.above > 0 && c.said.lines() > before) // what is being read stays where it is
    c.above += c.said.lines() - before;
}

void on(conversation& c, const row_told& e, intents&) {
  c.about = e.now;
  c.told = true;
  if (const auto* q = asked(c); q != nullptr && q->id != c.chosen_for) {
    c.chosen_for = q->id;
    c.choice = 0;
  }
}

void on(conversation& c, const session_gone&, intents&) {
  c.gone = true;
  say(c, "the session was removed", true);
}

void on(conversation& c, const worker_reached& e, intents&) {
  c.live = e.live;
}

void on(conversation& c, const link_told& e, intents&) {
  c.connected = e.live;
}

void on(conversation& c, const done_told& e, intents&) {
  auto at = std::find_if(c.errands.begin(), c.errands.end(), [&](const auto& x) { return x.token == e.token; });
  if (at == c.errands.end())
    return;
  auto what = *at;
  c.errands.erase(at);
  if (what.kind == conversation_intent::edit && e.good) {
    c.input.set(e.text);
  } else if (!e.good) {
    auto split = e.text.find('\n');
    say(c,
        visible_line(e.text.substr(0, split)) +
            (split == std::string::npos ? "" : " · " + visible_line(e.text.substr(split + 1))),
        true);
    if (what.kind == conversation_intent::reply && c.input.empty())
      c.input.set(what.text);
  } else if (what.kind == conversation_intent::reply && e.text == "saved") {
    say(c, "saved: it is delivered as soon as the session runs");
  } else if (what.kind == conversation_intent::fork) {
    say(c, "forked · " + visible_line(e.text) + " · both go on independently");
  } else if (what.kind == conversation_intent::model || what.kind == conversation_intent::mode) {
    say(c, std::string(what.kind == conversation_intent::model ? "model: " : "mode: ") + visible_line(e.text));
  }
}

} // namespace

const question* asked(const conversation& c) {
  return c.about.now.waiting.empty() ? nullptr : &c.about.now.waiting.front();
}

bool turn_runs(const conversation& c) {
  return c.said.turn_runs() && c.about.now.process != "exited";
}

void next(conversation& c, const conversation_event& e, wall_ms now, intents& out) {
  c.now = now;
  std::visit([&](const auto& x) { on(c, x, out); }, e);
}

} // namespace troupe::view
