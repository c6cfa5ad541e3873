// A terminal attached to a conversation: its screen.
#include <algorithm>

#include "actors/agent_view/text.hpp"
#include "actors/conversation_view/machine.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr wall_ms beat_ms = 600;
constexpr int most_input = 8, most_options = 10, small_rows = 10;

std::string rule(int columns) {
  std::string out;
  for (int i = 0; i < columns; ++i)
    out += "─";
  return out;
}

line spread_line(std::vector<span> left, const std::string& right, int columns) {
  int used = 0;
  for (const auto& s : left)
    used += width(s.text);
  auto gap = columns - used - width(right) - 1;
  if (gap > 0)
    left.insert(left.end(), {{std::string(static_cast<std::size_t>(gap), ' ')}, {right, ink::dim}});
  return {std::move(left)};
}

std::string name_of(const conversation& c) {
  return c.about.now.name.empty() ? c.set.id : visible_line(c.about.now.name);
}

line header(const conversation& c) {
  auto cwd = c.about.now.cwd;
  const auto& home = c.set.home;
  if (home.size() > 1 && (cwd == home || cwd.starts_with(home + "/")))
    cwd = "~" + cwd.substr(home.size());
  auto right =
      visible_line(c.about.now.harness) + (c.about.now.model.empty() ? "" : " · " + visible_line(c.about.now.model));
  std::vector<span> left{{" " + clip(name_of(c), c.columns / 2), ink::strong}};
  auto room = c.columns - width(left[0].text) - width(right) - 5;
  if (room > 6)
    left.push_back({"  " + clip_front(visible_line(cwd), room), ink::dim});
  return spread_line(std::move(left), right, c.columns);
}

/// What it does, above the input.
line status(const conversation& c) {
  auto scrolled = c.above > 0 ? "↓ " + std::to_string(c.above) + " more lines · PgDn" : std::string();
  std::vector<span> left;
  if (c.gone)
    left = {{" the session was removed", ink::bad}};
  else if (!c.connected)
    left = {{" background service is away · reconnecting", ink::waiting}};
  else if (!c.recap.empty())
    left = {{" " + c.recap, ink::dim}};
  else if (c.told && !c.live && c.about.now.process != "exited")
    left = {{" Session is starting", ink::waiting}};
  else if (asked(c) != nullptr)
    left = {{" ? waits for you", ink::waiting}, {" · " + age(c.now - asked(c)->since), ink::dim}};
  else if (turn_runs(c))
    left = {{std::string(c.set.motion && (c.now / beat_ms) % 2 == 1 ? " ✽" : " ✻"), ink::working},
            {" working · " + age(c.now - c.said.turn_since()) + " · Esc interrupts", ink::dim}};
  else if (c.told && c.about.now.process == "exited")
    left = {{" " + visible_line(c.about.now.state) + " · a message wakes it", ink::dim}};
  std::string work;
  for (const auto& w : c.about.now.work)
    work += (work.empty() ? "running: " : ", ") + visible_line(w.title);
  if (!work.empty() && c.recap.empty())
    left.push_back({(left.empty() ? " " : " · ") + clip(work, c.columns / 2), ink::dim});
  return spread_line(std::move(left), scrolled, c.columns);
}

std::vector<line> options(const conversation& c, int most) {
  std::vector<line> out;
  const auto* q = asked(c);
  if (q == nullptr || most <= 0)
    return out;
  auto room = std::max(most - static_cast<int>(q->options.size()), c.rows >= small_rows ? 1 : 0);
  for (auto& text : wrap(visible(q->text), std::max(c.columns - 4, 4)))
    if (static_cast<int>(out.size()) < room) // else it stands above, where it was asked
      out.push_back({{{"  " + text, ink::strong}}});
  for (std::size_t i = 0; i < q->options.size() && static_cast<int>(out.size()) < most; ++i) {
    bool chosen = i == c.choice && c.input.empty();
    out.push_back({{{chosen ? "❯ " : "  ", ink::accent},
                    {std::to_string(q->options[i].n) + "  ", ink::accent},
                    {clip(visible_line(q->options[i].name), c.columns - 6), ink::plain}},
                   chosen});
  }
  return out;
}

std::string hints(const conversation& c) {
  if (c.set.read_only)
    return "q back";
  if (asked(c) != nullptr && !asked(c)->options.empty())
    return "Enter choose · or its number · Esc interrupts";
  if (!c.input.empty())
    return "Enter send · Ctrl+J new line · Esc clear";
  return c.set.foreground ? "← to the background · ? keys" : "← back to all · ? keys";
}

line footer(const conversation& c) {
  if (!c.notice.text.empty() && c.now < c.notice.until)
    return {{{" " + clip(c.notice.text, c.columns - 2), c.notice.bad ? ink::bad : ink::plain}}};
  return {{{" " + clip(hints(c), c.columns - 2), ink::dim}}};
}

std::vector<line> help(const conversation& c) {
  static const std::pair<const char*, const char*> keys[] = {
      {"Enter", "send; or choose an answer"},
      {"Ctrl+J, Shift+Enter", "a new line"},
      {"Esc, Ctrl+C", "clear; interrupt what runs; Ctrl+C twice: back"},
      {"←, Ctrl+D, /exit", "back; the session goes on"},
      {"Ctrl+Z", "back to the shell; the session goes on"},
      {"PgUp, PgDn, wheel", "scroll"},
      {"↑, ↓", "earlier prompts"},
      {"Ctrl+O", "tool calls and thoughts in full"},
      {"Ctrl+G", "edit the prompt in $VISUAL or $EDITOR"},
      {"! COMMAND", "a shell command there, shown to the agent"},
      {"/stop", "stop the session"},
      {"/bg [PROMPT]", "to the background"},
      {"/fork [PROMPT]", "a copy of this conversation, in the background"},
      {"/model NAME", "another model"},
      {"/mode NAME", "another permission mode"},
      {"/rename NAME", "give it a name"},
      {"any other /command", "goes to the agent"}};
  std::vector<line> out{{{{"  All keys", ink::strong}, {"   any key closes this", ink::dim}}}, {}};
  for (const auto& [key, does] : keys) {
    std::string pad(static_cast<std::size_t>(std::max(2, 24 - width(key))), ' ');
    out.push_back({{{"  " + std::string(key) + pad, ink::accent}, {clip(does, c.columns - 27), ink::plain}}});
  }
  return out;
}

void add_input(const conversation& c, int rows, screen& out) {
  auto picture = c.input.draw(std::max(c.columns - 3, 2), rows);
  out.cursor_row = static_cast<int>(out.lines.size()) + std::min(picture.row, rows - 1);
  out.cursor_column = std::min(2 + picture.column, c.columns - 1);
  for (int i = 0; i < rows; ++i) {
    line l{{{i == 0 ? "› " : "  ", ink::accent}}};
    if (c.input.empty() && i == 0)
      l.spans.push_back(
          {clip(asked(c) != nullptr ? "your answer" : "a message to " + name_of(c), c.columns - 3), ink::dim});
    else if (i < static_cast<int>(picture.lines.size()))
      l.spans.push_back({picture.lines[static_cast<std::size_t>(i)], ink::plain});
    out.lines.push_back(std::move(l));
  }
}

} // namespace

screen show(const conversation& c) {
  screen out;
  out.title = name_of(c) + (asked(c) != nullptr ? " · waits" : turn_runs(c) ? " · works" : "");
  if (c.helping) {
    out.lines = help(c);
    out.lines.resize(static_cast<std::size_t>(c.rows));
    return out;
  }
  bool roomy = c.rows >= small_rows;
  int head = roomy ? 2 : 0, foot = c.rows >= 6 ? 1 : 0, rules = roomy ? 2 : 0, state = c.rows >= 4 ? 1 : 0;
  int input = c.set.read_only
                  ? 0
                  : static_cast<int>(
                        c.input.draw(std::max(c.columns - 3, 2), std::clamp(c.rows / 3, 1, most_input)).lines.size());
  auto choices = options(c, std::clamp(roomy ? c.rows / 3 : c.rows - 3, 1, most_options));
  int body = c.rows - head - foot - rules - state - input - static_cast<int>(choices.size());
  if (head > 0)
    out.lines = {header(c), {}};
  if (body > 0) {
    auto count = static_cast<std::size_t>(body), all = c.said.lines();
    auto above = std::min(c.above, all > count ? all - count : 0);
    auto first = all > count + above ? all - count - above : 0;
    auto lines = c.said.slice(first, std::min(count, all));
    out.lines.insert(out.lines.end(), lines.begin(), lines.end());
    out.lines.resize(static_cast<std::size_t>(head + body)); // a short conversation begins at the top
  }
  if (state > 0)
    out.lines.push_back(status(c));
  out.lines.insert(out.lines.end(), choices.begin(), choices.end());
  if (rules > 0)
    out.lines.push_back({{{rule(c.columns), ink::dim}}});
  if (input > 0)
    add_input(c, input, out);
  if (rules > 0)
    out.lines.push_back({{{rule(c.columns), ink::dim}}});
  if (foot > 0)
    out.lines.push_back(footer(c));
  out.lines.resize(static_cast<std::size_t>(std::max(c.rows, 0)));
  if (out.cursor_row >= c.rows)
    out.cursor_row = -1;
  return out;
}

std::int64_t next_change(const conversation& c) {
  std::int64_t soon = 0;
  auto at_most = [&](std::int64_t ms) {
    soon = soon == 0 ? std::max<std::int64_t>(ms, 1) : std::min(soon, std::max<std::int64_t>(ms, 1));
  };
  if (!c.notice.text.empty() && c.now < c.notice.until)
    at_most(c.notice.until - c.now);
  if (turn_runs(c) || asked(c) != nullptr) {
    at_most(1000);
    if (c.set.motion && asked(c) == nullptr)
      at_most(beat_ms - c.now % beat_ms);
  }
  return soon;
}

} // namespace troupe::view
