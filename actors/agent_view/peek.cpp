// Peek: what a session asks, did or does, in full, and a reply to it (VIEW-4).
#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr std::size_t most_pulls = 4;

std::string state_words(const session& x) {
  const auto& state = x.now.state;
  return state == "blocked" ? "needs input" : state == "done" ? "completed" : state.empty() ? "unknown" : state;
}

/// Since when it is in its state.
std::string since_words(const state& s, const session& x) {
  if (!x.now.waiting.empty())
    return "waiting " + age(s.now - x.now.waiting.front().since);
  return x.now.told.since > 0 ? age(s.now - x.now.told.since) : std::string();
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

const question* asked(const session& x) {
  return x.now.waiting.empty() ? nullptr : &x.now.waiting.front();
}

std::vector<line> content(const state& s, const session& x) {
  std::vector<line> out;
  const auto* q = asked(x);
  auto text = q != nullptr ? q->text : x.now.sentence;
  add_wrapped(out, text.empty() ? "nothing said yet" : text, text.empty() ? ink::dim : ink::plain, s.columns);
  if (q != nullptr)
    for (const auto& o : q->options)
      out.push_back({{{"  " + std::to_string(o.n), ink::accent}, {"  " + visible_line(o.name), ink::plain}}});
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

void answer(state& s, const session& x, const question& q, const std::string& choice, const std::string& name,
            intents& out) {
  intent what{intent::answer};
  what.id = x.now.id.value;
  what.question = q.id;
  what.text = choice;
  notice(s, label(x) + " · " + visible_line(name));
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
    if (x->now.harness != "exec")
      out.push_back(std::move(wake));
  }
  return false;
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
  auto about = joined({state_words(*x), since_words(s, *x), visible_line(x->now.harness),
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
  auto body = content(s, *x);
  auto room = static_cast<std::size_t>(rows - 1);
  if (body.size() > room && room > 0) {
    body.resize(room);
    body.back() = {{{"  … more: attach to read all", ink::dim}}};
  }
  body.resize(room);
  out.insert(out.end(), body.begin(), body.end());
  return out;
}

} // namespace troupe::view
