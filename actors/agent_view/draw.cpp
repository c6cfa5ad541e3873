// The screen: the state as lines, from top to bottom.
#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

std::string rule(int columns) {
  std::string out;
  for (int i = 0; i < columns; ++i)
    out += "─";
  return out;
}

std::size_t completed_count(const roster& r) {
  return r.count("done") + r.count("failed") + r.count("stopped") + r.count("idle");
}

std::vector<span> counts(const state& s) {
  if (s.link == state::lost)
    return {{"background service is away · reconnecting", ink::waiting}};
  if (s.link == state::connecting)
    return {{"connecting…", ink::dim}};
  std::vector<span> out;
  auto add = [&](std::size_t n, const char* what, ink as) {
    if (n == 0)
      return;
    if (!out.empty())
      out.push_back({" · ", ink::dim});
    out.push_back({std::to_string(n) + " " + what, as});
  };
  auto waiting = s.sessions.count("blocked"), completed = completed_count(s.sessions);
  add(waiting, waiting == 1 ? "needs input" : "need input", ink::waiting);
  add(s.sessions.size() - waiting - completed, "working", ink::working);
  add(completed, "completed", ink::dim);
  return out;
}

line header_line(const state& s) {
  auto [model, chosen] = dispatch_model(s);
  auto right = counts(s);
  std::vector<span> left{{" troupe", ink::accent}};
  auto room = s.columns - line_width(right) - 10;
  auto name = model.empty() ? std::string() : clip(visible_line(model), room) + (chosen ? " (session)" : "");
  if (!name.empty() && width(name) < room) {
    left.push_back({"  " + name, ink::plain});
    room -= width(name) + 2;
  }
  if (room > 6)
    left.push_back({"  " + clip_front(short_path(s, s.set.cwd), room), ink::dim});
  return spread(std::move(left), std::move(right), s.columns);
}

line filter_line(const state& s) {
  auto text = s.mode == asking::find ? s.find.text() : s.finding;
  return {{{" find: ", ink::dim},
           {clip(visible_line(text), std::max(s.columns - 30, 5)), ink::accent},
           {"  " + std::to_string(s.sessions.shown()) + " of " + std::to_string(s.sessions.size()), ink::dim}}};
}

void add_header(const state& s, int rows, screen& out) {
  if (rows >= 1)
    out.lines.push_back(header_line(s));
  bool told = s.accounts_known && s.accounts.empty() && !s.set.offline && s.sessions.size() > 0;
  if (rows >= 3 && told)
    out.lines.push_back({{{" no account is signed in", ink::waiting},
                          {" · /login signs in · ", ink::dim},
                          {"troupe demo", ink::plain},
                          {" needs none", ink::dim}}});
  bool filtered = !s.finding.empty() || (s.mode == asking::find && !s.find.empty());
  while (static_cast<int>(out.lines.size()) < rows)
    out.lines.push_back(filtered && static_cast<int>(out.lines.size()) == rows - 1 ? filter_line(s) : line{});
}

/// What stands where no session is (CLI-9).
std::vector<line> empty_lines(const state& s) {
  if (s.link == state::connecting)
    return {};
  if (s.sessions.size() > 0)
    return {{},
            {{{"  Nothing fits.", ink::strong}}},
            {{{"  Esc shows all " + std::to_string(s.sessions.size()) + " sessions again.", ink::dim}}}};
  std::vector<line> out{{}, {{{"  No sessions yet.", ink::strong}}}};
  if (s.accounts_known && s.accounts.empty() && !s.set.offline) {
    out.push_back({{{"  No account is signed in, so an agent cannot ask its model.", ink::waiting}}});
    out.push_back({});
    out.push_back({{{"  /login", ink::accent}, {"        sign in", ink::dim}}});
    out.push_back({{{"  troupe demo", ink::accent}, {"   see all of it with no account and no network", ink::dim}}});
    out.push_back({{{"  ! make test", ink::accent}, {"   a shell job needs no account", ink::dim}}});
    return out;
  }
  out.push_back({{{"  Say below what is to be done; it runs in the background and is listed here.", ink::dim}}});
  out.push_back({});
  out.push_back({{{"  fix the failing test", ink::accent}, {"   an agent", ink::dim}}});
  out.push_back({{{"  ! make test", ink::accent}, {"            a shell job", ink::dim}}});
  return out;
}

line heading_line(const state& s, const item& x, bool chosen) {
  auto closed = s.sessions.fold_of(x.group) == fold::closed;
  std::vector<span> left{{chosen ? "❯" : " ", ink::accent},
                         {clip(group_title(s, x.group), s.columns - 10), ink::strong},
                         {" " + std::to_string(s.sessions.members(x.group)), ink::dim}};
  if (closed)
    left.push_back({" …", ink::dim});
  return spread(std::move(left), {}, s.columns);
}

void add_list(const state& s, const division& d, screen& out) {
  auto end = out.lines.size() + static_cast<std::size_t>(d.list);
  if (s.sessions.begin().kind == item::none)
    for (auto& l : empty_lines(s))
      out.lines.push_back(std::move(l));
  int number = 0;
  for (std::size_t i = 0; i < s.window.size(); ++i) {
    const auto& x = s.window[i];
    while (static_cast<int>(out.lines.size()) < s.window_rows[i])
      out.lines.emplace_back();
    bool chosen = x == s.selected;
    line l;
    if (x.kind == item::row) {
      ++number;
      if (const auto* found = s.sessions.find(x.id))
        l = row_line(s, *found, chosen, number);
    } else if (x.kind == item::heading) {
      l = heading_line(s, x, chosen);
    } else {
      l = {{{chosen ? "❯" : " ", ink::accent},
            {"    … " + std::to_string(s.sessions.hidden(x.group)) + " more", ink::dim}}};
    }
    l.chosen = chosen;
    out.lines.push_back(std::move(l));
  }
  out.lines.resize(end);
}

void add_offers(const state& s, int rows, screen& out) {
  auto first = std::max(0, s.offer - rows + 1);
  for (int i = first; i < first + rows; ++i) {
    if (i >= static_cast<int>(s.offers.size()))
      break;
    const auto& o = s.offers[static_cast<std::size_t>(i)];
    bool chosen = i == s.offer;
    auto name = clip(visible_line(o.text), 24);
    auto pad = std::string(static_cast<std::size_t>(std::max(2, 26 - width(name))), ' ');
    out.lines.push_back(
        {{{chosen ? "❯ " : "  ", ink::accent}, {name, ink::accent}, {pad + clip(o.about, s.columns - 30), ink::dim}},
         chosen});
  }
}

std::string prompt_of(const state& s) {
  const auto* x = s.mode == asking::rename ? s.sessions.find(s.renaming) : selected_session(s);
  auto of = x == nullptr ? std::string() : clip(label(*x), std::max(s.columns / 4, 4));
  return s.mode == asking::reply    ? "reply"
         : s.mode == asking::rename ? "name of " + of
         : s.mode == asking::find   ? "find"
                                    : "";
}

std::string hint_of(const state& s) {
  return s.mode == asking::reply    ? reply_hint(s)
         : s.mode == asking::find   ? "words of the name, the sentence, the directory"
         : s.mode == asking::rename ? "a name"
                                    : "a task, ! command, / commands, @ agents";
}

void add_input(const state& s, int rows, screen& out) {
  const auto& e = current(s);
  auto prompt = prompt_of(s);
  auto lead = (prompt.empty() ? std::string() : prompt + " ") + "› ";
  bool fits = width(lead) <= s.columns / 2;
  if (!fits)
    lead = "› ";
  auto indent = std::string(static_cast<std::size_t>(width(lead)), ' ');
  auto picture = e.draw(std::max(s.columns - width(lead), 2), rows);
  out.cursor_row = static_cast<int>(out.lines.size()) + std::min(picture.row, std::max(rows - 1, 0));
  out.cursor_column = std::min(width(lead) + picture.column, std::max(s.columns - 1, 0));
  for (int i = 0; i < rows; ++i) {
    line l{{{i == 0 ? lead : indent, ink::accent}}};
    auto text = i < static_cast<int>(picture.lines.size()) ? picture.lines[static_cast<std::size_t>(i)] : "";
    auto chip = s.mode == asking::dispatch && i == 0 ? chip_size(e.text(), s.known) : 0;
    if (e.empty() && i == 0)
      l.spans.push_back({clip(hint_of(s), s.columns - width(lead) - 1), ink::dim});
    else if (chip > 0 && chip <= text.size())
      l.spans.insert(l.spans.end(), {{text.substr(0, chip), ink::accent}, {text.substr(chip), ink::plain}});
    else
      l.spans.push_back({text, text.starts_with("/") || text.starts_with("!") ? ink::accent : ink::plain});
    out.lines.push_back(std::move(l));
  }
}

/// What Enter does with what is typed.
std::string accept_word(const state& s) {
  if (s.mode == asking::reply)
    return "send";
  const auto& text = s.input.text();
  if (filter_of(text))
    return "attach";
  if (!text.starts_with("/"))
    return "start";
  auto meant = read_input(text, text, s.known, s.sessions, s.set.repository).kind;
  return meant == meaning::dispatch ? "start" : "run";
}

std::vector<span> hints(const state& s) {
  std::vector<span> out;
  auto add = [&](const std::string& key, const char* does) {
    if (key.empty())
      return;
    out.push_back({(out.empty() ? " " : " · ") + key + " ", ink::dim});
    out.push_back({does, ink::dim});
  };
  auto key = [&](action a) { return spelled(s.set.keys.key_of(a)); };
  if (!s.dialogs.empty()) {
    add("Enter", "choose");
    add("Esc", "leave it");
  } else if (s.mode == asking::rename || s.mode == asking::find) {
    add("Enter", "keep");
    add("Esc", "leave it");
  } else if (!current(s).empty()) {
    auto does = accept_word(s);
    add(key(action::accept), does.c_str());
    if (!s.offers.empty())
      add(key(action::complete), "complete");
    if (does == "start")
      add(key(action::accept_attach), "start and attach");
    add(key(action::cancel), "clear");
  } else if (s.selected.kind == item::row) {
    add(key(action::accept), "attach");
    add(key(action::peek), s.peeking ? "close" : "peek");
    add(key(action::stop), "stop");
  } else if (s.selected.kind != item::none) {
    add(key(action::accept), s.selected.kind == item::more ? "show them" : "fold");
    add(key(action::stop), "all of it");
  }
  if (s.dialogs.empty() && current(s).empty() && s.mode != asking::rename && s.mode != asking::find)
    add(key(action::help), "keys"); // else it is a character like others
  return out;
}

std::vector<span> defaults(const state& s) {
  std::string text;
  for (const auto* part : {&s.set.harness, &s.set.agent, &s.set.effort, &s.set.permission_mode})
    if (!part->empty())
      text += (text.empty() ? "" : " · ") + visible_line(*part);
  return text.empty() ? std::vector<span>{} : std::vector<span>{{clip(text, s.columns / 2), ink::dim}};
}

line footer_line(const state& s) {
  if (!s.notice.text.empty() && s.now < s.notice.until)
    return {{{" " + clip(s.notice.text, s.columns - 2), s.notice.bad ? ink::bad : ink::plain}}};
  auto right = defaults(s);
  auto left = hints(s);
  while (line_width(left) + line_width(right) + 2 > s.columns && !left.empty())
    left.pop_back();
  return spread(std::move(left), std::move(right), s.columns);
}

} // namespace

int line_width(const std::vector<span>& spans) {
  int out = 0;
  for (const auto& x : spans)
    out += width(x.text);
  return out;
}

line spread(std::vector<span> left, std::vector<span> right, int columns) {
  auto gap = columns - line_width(left) - line_width(right) - (right.empty() ? 0 : 1);
  if (gap < 1)
    return {std::move(left)};
  left.push_back({std::string(static_cast<std::size_t>(gap), ' ')});
  left.insert(left.end(), right.begin(), right.end());
  return {std::move(left)};
}

screen show(const state& s) {
  screen out;
  auto d = divide(s);
  auto waiting = s.sessions.count("blocked");
  out.spoken = spoken(s);
  out.title = waiting > 0 ? "troupe · " + std::to_string(waiting) + (waiting == 1 ? " waits" : " wait") : "troupe";
  if (s.helping) {
    out.lines = help_lines(s, s.rows);
  } else {
    add_header(s, d.header, out);
    add_list(s, d, out);
    for (auto& l : s.dialogs.empty() ? peek_lines(s, d.peek) : dialog_lines(s, d.peek))
      out.lines.push_back(std::move(l));
    if (d.rules)
      out.lines.push_back({{{rule(s.columns), ink::dim}}});
    add_offers(s, d.offers, out);
    add_input(s, d.input, out);
    if (d.rules)
      out.lines.push_back({{{rule(s.columns), ink::dim}}});
    if (d.footer > 0)
      out.lines.push_back(footer_line(s));
    if (!s.dialogs.empty())
      out.cursor_row = -1;
  }
  out.lines.resize(static_cast<std::size_t>(std::max(s.rows, 0)));
  if (out.cursor_row >= s.rows)
    out.cursor_row = -1;
  return out;
}

} // namespace troupe::view
