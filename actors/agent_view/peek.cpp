// Peek: what a session asks, did or does, in full, and a reply to it (VIEW-4).
#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr std::size_t most_pulls = 4;
constexpr wall_ms look_again_ms = 1000;

bool is_job(const session& x) {
  return x.now.harness == "exec";
}

/// Its state, and since when.
std::string state_since(const state& s, const session& x) {
  auto words = state_words(x.now.state);
  if (x.now.state == "failed" && x.now.exit_status > 0)
    words += " (exit " + std::to_string(x.now.exit_status) + ")";
  if (!x.now.waiting.empty())
    return words + " · waiting " + age(s.now - x.now.waiting.front().since);
  if (x.now.told.since <= 0)
    return words;
  bool over = x.now.state == "done" || x.now.state == "failed" || x.now.state == "stopped";
  auto time = age(s.now - x.now.told.since);
  return words + (over ? " " + time + " ago" : " for " + time);
}

std::string joined(const std::vector<std::string>& parts) {
  std::string out;
  for (const auto& p : parts)
    if (!p.empty())
      out += (out.empty() ? "" : " · ") + p;
  return out;
}

void add_wrapped(std::vector<line>& out, const std::string& text, ink as, int columns) {
  std::string safe;
  for (const auto& c : text)
    safe += c == '\t' ? std::string("  ") : std::string(1, c);
  for (std::size_t at = 0; at <= safe.size();) {
    auto end = std::min(safe.find('\n', at), safe.size());
    for (auto& piece : wrap(visible(safe.substr(at, end - at)), columns - 4))
      out.push_back({{{"  " + piece, as}}});
    at = end + 1;
  }
}

std::string without_tabs(const std::string& text) {
  std::string out;
  for (char c : text)
    out += c == '\t' ? std::string(static_cast<std::size_t>(8 - width(out) % 8), ' ') : std::string(1, c);
  return out;
}

const question* asked(const session& x) {
  return x.now.waiting.empty() ? nullptr : &x.now.waiting.front();
}

/// Cuts lines to what there is room for, and says so where one can be spared for it.
void cut(std::vector<line>& lines, std::size_t room) {
  if (lines.size() <= room || room == 0)
    return;
  lines.resize(room);
  if (room > 1)
    lines.back() = {{{"  … more: attach to read all", ink::dim}}};
}

/// What it says and, of a question, the choices: these are seen however long the text is, as a key chooses them.
std::vector<line> sayings(const state& s, const session& x, std::size_t room) {
  std::vector<line> out, choices;
  const auto* q = asked(x);
  auto text = q != nullptr ? q->text : x.now.sentence;
  add_wrapped(out, text.empty() ? "nothing said yet" : text, text.empty() ? ink::dim : ink::plain, s.columns);
  if (q != nullptr)
    for (const auto& o : q->options)
      choices.push_back({{{"  " + std::to_string(o.n), ink::accent}, {"  " + visible_line(o.name), ink::plain}}});
  cut(out, room > choices.size() ? room - choices.size() : 1);
  out.insert(out.end(), choices.begin(), choices.end());
  return out;
}

std::vector<line> content(const state& s, const session& x, std::size_t room) {
  auto out = sayings(s, x, room);
  for (std::size_t i = 0; i < std::min(x.pulls.size(), most_pulls); ++i)
    out.push_back({{{"  #" + std::to_string(x.pulls[i].number), ink::accent, x.pulls[i].url},
                    {"  " + visible_line(x.pulls[i].state) + "  " + visible_line(x.pulls[i].url), ink::dim}}});
  for (const auto& w : x.now.work)
    out.push_back({{{"  running: ", ink::dim}, {visible_line(w.title), ink::plain}}});
  if (!x.now.note.empty())
    add_wrapped(out, x.now.note, ink::dim, s.columns);
  for (const auto& p : x.now.problems)
    if (p != x.now.sentence)
      add_wrapped(out, "! " + p, ink::waiting, s.columns);
  if (x.now.undelivered > 0)
    out.push_back({{{"  " + std::to_string(x.now.undelivered) + " replies wait for its process", ink::dim}}});
  return out;
}

/// The last lines of a shell job's output, as many as there is room for.
void add_output(std::vector<line>& body, const state& s, const session& x, std::size_t room) {
  if (s.looking.id != x.now.id.value || body.size() >= room)
    return;
  const auto& all = s.looking.lines;
  for (auto i = all.size() - std::min(room - body.size(), all.size()); i < all.size(); ++i)
    body.push_back({{{"  │ ", ink::dim}, {clip(all[i], s.columns - 5), ink::plain}}});
}

void answer(state& s, const session& x, const question& q, const std::string& choice, const std::string& name,
            intents& out) {
  intent what{intent::answer};
  what.id = x.now.id.value;
  what.question = q.id;
  what.text = choice;
  notice(s, "answered " + label(x) + ": " + visible_line(name));
  send(s, std::move(what), out);
}

} // namespace

void open_peek(state& s) {
  if (s.selected.kind != item::row)
    return;
  s.peeking = true;
  s.mode = asking::reply;
  s.peeked.clear();
  peek_moved(s);
}

void close_peek(state& s) {
  if (!s.reply.text().empty())
    s.drafts[s.peeked] = s.reply.whole();
  s.peeking = s.waking = false;
  s.peeked.clear();
  s.mode = asking::dispatch;
}

void peek_moved(state& s) {
  if (!s.peeking)
    return;
  const auto* x = selected_session(s);
  if (x == nullptr) {
    close_peek(s);
    return;
  }
  auto id = x->now.id.value;
  if (id == s.peeked)
    return;
  if (!s.peeked.empty()) {
    if (s.reply.empty())
      s.drafts.erase(s.peeked);
    else
      s.drafts[s.peeked] = s.reply.whole();
  }
  s.peeked = id;
  s.waking = false;
  s.reply.clear();
  if (auto draft = s.drafts.find(id); draft != s.drafts.end())
    s.reply.set(draft->second);
}

bool peek_key(state& s, const std::string& name, intents& out) {
  const auto* x = selected_session(s);
  if (!s.peeking || x == nullptr || s.mode != asking::reply)
    return false;
  const auto* q = asked(*x);
  if (q != nullptr && s.reply.empty() && name.size() == 1 && name[0] >= '1' && name[0] <= '9')
    for (const auto& o : q->options)
      if (o.n == static_cast<std::uint32_t>(name[0] - '0')) {
        answer(s, *x, *q, name, o.name, out);
        return true;
      }
  if (name == "tab" && q != nullptr && !q->options.empty()) { // the next of what it suggests
    auto at = std::find_if(q->options.begin(), q->options.end(),
                           [&](const auto& o) { return visible_line(o.name) == s.reply.text(); });
    s.reply.set(visible_line((at == q->options.end() || ++at == q->options.end() ? q->options.begin() : at)->name));
    return true;
  }
  if (!s.waking && x->now.process != "alive" && name.size() == 1 && name[0] > ' ') {
    s.waking = true; // while the reply is being typed, its process starts (KEEP-6)
    intent wake{intent::wake};
    wake.id = x->now.id.value;
    if (!is_job(*x))
      out.push_back(std::move(wake));
  }
  return false;
}

std::string reply_hint(const state& s) {
  const auto* x = selected_session(s);
  if (x == nullptr)
    return {};
  if (is_job(*x))
    return x->now.process == "exited" ? "it has ended: Esc, then /respawn, runs it again" : "a line, typed into it";
  const auto* q = asked(*x);
  return q != nullptr && !q->options.empty() ? "a reply; its number chooses an answer" : "a reply; ! runs a command";
}

void look(state& s, intents& out) {
  const auto* x = s.peeking ? selected_session(s) : nullptr;
  if (x == nullptr || !is_job(*x))
    return;
  auto& at = s.looking;
  if (at.id != x->now.id.value)
    at = {x->now.id.value, {}, s.now, false};
  if (at.asked || at.due == 0 || s.now < at.due)
    return;
  at.asked = true;
  intent what{intent::look};
  what.id = at.id;
  send(s, std::move(what), out);
}

void looked(state& s, const std::string& id, const outcome& e) {
  auto& at = s.looking;
  const auto* x = s.sessions.find(id);
  if (at.id != id || x == nullptr)
    return;
  at.asked = false;
  bool goes_on = x->now.process != "exited" && x->now.process != "frozen";
  at.due = goes_on ? s.now + look_again_ms : 0;
  if (!e.good)
    return;
  at.lines.clear();
  for (std::size_t from = 0; from < e.text.size();) {
    auto end = std::min(e.text.find('\n', from), e.text.size());
    at.lines.push_back(without_tabs(e.text.substr(from, end - from)));
    from = end + 1;
  }
}

void send_reply(state& s, intents& out) {
  const auto* x = selected_session(s);
  auto text = s.reply.whole();
  if (x == nullptr || text.empty())
    return;
  const auto* q = asked(*x);
  s.reply.remember(text);
  s.reply.clear();
  s.drafts.erase(s.peeked);
  if (q != nullptr) {
    auto named = std::find_if(q->options.begin(), q->options.end(),
                              [&](const auto& o) { return visible_line(o.name) == text || o.kind == text; });
    if (q->options.empty() || named != q->options.end())
      return answer(s, *x, *q, named == q->options.end() ? text : std::to_string(named->n), text, out);
  }
  intent what{intent::reply};
  what.id = x->now.id.value;
  what.text = text;
  notice(s, "sent to " + label(*x));
  send(s, std::move(what), out, false, text);
}

std::vector<line> peek_lines(const state& s, int rows) {
  std::vector<line> out;
  const auto* x = selected_session(s);
  if (x == nullptr || rows <= 0)
    return out;
  auto about = joined({state_since(s, *x), visible_line(x->now.harness),
                       x->now.definition.empty() ? "" : "@" + visible_line(x->now.definition),
                       visible_line(x->now.model), clip_front(short_path(s, x->now.cwd), std::max(s.columns / 3, 8))});
  auto name = clip(label(*x), std::max(s.columns / 3, 6));
  auto rest = clip(" " + about + " ", s.columns - width(name) - 5);
  line head{{{"── ", ink::dim}, {name, ink::strong}, {rest, ink::dim}}};
  std::string rule;
  for (int at = line_width(head.spans); at < s.columns; ++at)
    rule += "─";
  head.spans.push_back({rule, ink::dim});
  out.push_back(std::move(head));
  auto room = static_cast<std::size_t>(rows - 1);
  auto body = content(s, *x, room);
  add_output(body, s, *x, room);
  cut(body, room);
  body.resize(room);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

} // namespace troupe::view
