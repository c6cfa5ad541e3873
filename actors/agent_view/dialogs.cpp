// The view's own questions, lists to pick from, and the help.
#include <algorithm>
#include <map>

#include "actors/agent_view/parts.hpp"
#include "actors/agent_view/text.hpp"
#include "messages/json.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr wall_ms deaf_ms = 500; ///< of a question that comes while somebody may be typing

void choose(state& s, std::size_t n, intents& out) {
  auto chosen = s.dialogs[0].choices[n];
  auto about = s.dialogs[0].about;
  s.dialogs.clear();
  for (auto& w : chosen.wants) {
    auto typed = w.kind == intent::dispatch ? about : s.input.text();
    if (w.kind == intent::dispatch && s.input.text() == about) // else the next one is being typed there
      s.input.clear();
    send(s, std::move(w), out, chosen.attach, typed);
  }
  if (!chosen.model.empty())
    s.model_override = chosen.model == "default" ? "" : chosen.model;
}

void add_ids(const state& s, const group_key& g, intent::kind_ kind, std::vector<intent>& wants, bool live_only) {
  s.sessions.each([&](const session& x) {
    auto here = x.now.id.value;
    bool over = x.now.process == "exited" && x.now.state != "working" && x.now.state != "blocked";
    if (!s.sessions.in_group(here, g) || (live_only && over))
      return;
    intent w{kind};
    w.id = here;
    wants.push_back(std::move(w));
  });
}

/// What would be lost, in lines; none where nothing is.
std::vector<std::string> loss_lines(const losses& lost, const std::string& branch) {
  constexpr std::size_t most = 6;
  std::vector<std::string> out;
  auto list = [&](const std::vector<std::string>& what, const char* one, const char* many, const std::string& fate) {
    if (what.empty())
      return;
    out.push_back((what.size() == 1 ? std::string(one) : std::to_string(what.size()) + many) + fate);
    for (std::size_t i = 0; i < std::min(what.size(), most); ++i)
      out.push_back("  " + visible_line(what[i]));
    if (what.size() > most)
      out.emplace_back("  …");
  };
  list(lost.files, "One uncommitted file goes", " uncommitted files go",
       " with its worktree; a snapshot is kept for 30 days:");
  list(lost.ignored, "One file that git ignores goes", " files that git ignores go",
       " with its worktree; a copy is kept for 30 days:");
  list(lost.commits, "One commit that is nowhere else stays", " commits that are nowhere else stay",
       " on " + branch + ":");
  list(lost.running, "This ends", " things end", ":");
  list(lost.replies, "One message was", " messages were", " not delivered:");
  return out;
}

} // namespace

void ask_group(state& s, const group_key& g) {
  dialog d;
  std::vector<intent> wants;
  bool completed = s.sessions.by() == grouping::by_state && (g.name == "completed" || g.name == "review");
  add_ids(s, g, completed ? intent::remove : intent::stop, wants, !completed);
  if (wants.empty()) {
    notice(s, "nothing runs in " + group_title(s, g));
    return;
  }
  auto n = wants.size() == 1 ? "the one session" : "all " + std::to_string(wants.size()) + " sessions";
  d.text = {std::string(completed ? "Delete " : "Stop ") + n + " of " + group_title(s, g) + "?",
            completed ? "Their transcripts are kept, and worktrees with uncommitted changes."
                      : "Whatever they run ends."};
  d.choices = {{"No", {}, {}, "n"}, {"Yes", std::move(wants), {}, "y"}};
  s.dialogs = {std::move(d)};
}

void ask_removal(state& s, const std::string& id, const std::string& told, intents& out) {
  const auto* x = s.sessions.find(id);
  if (x == nullptr)
    return;
  losses lost;
  try {
    lost = losses_from_json(json::parse(told));
  } catch (const std::exception&) {
    lost.keeps = "what it would lose cannot be told";
  }
  if (!lost.keeps.empty()) {
    auto split = std::min(lost.keeps.find('\n'), lost.keeps.size());
    auto remedy = lost.keeps.substr(std::min(split + 1, lost.keeps.size()));
    notice(s,
           "not deleted: " + visible_line(lost.keeps.substr(0, split)) +
               (remedy.empty() ? "" : " · " + visible_line(remedy)),
           true);
    return;
  }
  intent go{intent::remove};
  go.id = id;
  dialog d{loss_lines(lost, visible_line(x->now.tree.branch)), {}};
  if (d.text.empty())
    return static_cast<void>(send(s, std::move(go), out));
  go.yes = true;
  std::string made_anew;
  for (const auto& each : lost.products)
    made_anew += (made_anew.empty() ? "" : ", ") + visible_line(each);
  if (!made_anew.empty())
    d.text.push_back("What a build makes anew goes too: " + made_anew);
  d.text.insert(d.text.begin(), "Delete " + label(*x) + "? Its transcript is kept.");
  d.choices = {{"No", {}, {}, "n"}, {"Yes, delete it", {std::move(go)}, {}, "y"}};
  s.dialogs = {std::move(d)};
}

void ask_trust(state& s, const intent& wanted, bool attach, const std::string& typed, const trust_asked& e) {
  constexpr std::size_t most = 8;
  dialog d;
  d.about = typed;
  d.deaf_until = s.now + deaf_ms; // a `t` of the next prompt is no trust
  d.text = {(e.changed ? "The settings have changed of " : "Nobody has decided yet about the settings of ") +
            short_path(s, e.directory) + ". They would be allowed:"};
  for (std::size_t i = 0; i < std::min(e.allows.size(), most); ++i)
    d.text.push_back("  " + visible_line(e.allows[i]));
  if (e.allows.size() > most)
    d.text.push_back("  … and " + std::to_string(e.allows.size() - most) + " more; all of it: troupe trust");
  auto trusted = wanted, without = wanted;
  trusted.trust = e.hash;
  without.yes = true;
  d.choices = {{"No: do not run it", {}, {}, "n"},
               {"Trust it and run", {trusted}, {}, "t", attach},
               {"Run without its settings", {without}, {}, "w", attach}};
  s.dialogs = {std::move(d)};
}

void ask_model(state& s) {
  dialog d;
  d.text = {"The model of what is dispatched from here, until the view is left:"};
  d.choices.push_back({"default" + (s.set.usual.empty() ? "" : " (" + s.set.usual + ")"), {}, "default"});
  for (const auto& m : s.known.models)
    d.choices.push_back({m, {}, m});
  s.dialogs = {std::move(d)};
}

bool dialog_key(state& s, const std::string& name, intents& out) {
  if (s.helping) {
    auto bound = s.set.keys.find(name);
    auto page = std::max(s.rows - 3, 1);
    auto most = std::max(static_cast<int>(actions().size()) + 12 - page, 0);
    int by = bound == action::up          ? -1
             : bound == action::down      ? 1
             : bound == action::page_up   ? -page
             : bound == action::page_down ? page
                                          : 0;
    if (by == 0)
      s.helping = false;
    s.help_top = std::clamp(s.help_top + by, 0, most);
    return true;
  }
  if (s.dialogs.empty())
    return false;
  auto& d = s.dialogs[0];
  if (s.now < d.deaf_until)
    return true;
  if (name == "escape" || name == "ctrl+c")
    s.dialogs.clear();
  else if (name == "up" || name == "shift+tab")
    d.at = d.at == 0 ? d.choices.size() - 1 : d.at - 1;
  else if (name == "down" || name == "tab")
    d.at = (d.at + 1) % d.choices.size();
  else if (name == "enter")
    choose(s, d.at, out);
  else
    for (std::size_t i = 0; i < d.choices.size(); ++i)
      if (d.choices[i].key == name || (d.choices[i].key.empty() && name == std::to_string(i + 1))) {
        choose(s, i, out);
        break;
      }
  return true;
}

std::vector<line> dialog_lines(const state& s, int rows) {
  std::vector<line> out;
  if (s.dialogs.empty() || rows <= 0)
    return out;
  const auto& d = s.dialogs[0];
  for (const auto& t : d.text)
    out.push_back({{{"  " + clip(t, s.columns - 3), out.empty() ? ink::strong : ink::plain}}});
  auto room = std::max(rows - static_cast<int>(out.size()), 1);
  auto first = std::clamp(static_cast<int>(d.at) - room + 1, 0, static_cast<int>(d.choices.size()));
  for (int i = first; i < std::min(first + room, static_cast<int>(d.choices.size())); ++i) {
    const auto& c = d.choices[static_cast<std::size_t>(i)];
    auto key = c.key.empty() ? (i < 9 ? std::to_string(i + 1) : " ") : c.key;
    bool chosen = static_cast<std::size_t>(i) == d.at;
    out.push_back(
        {{{chosen ? "❯ " : "  ", ink::accent}, {key + "  ", ink::dim}, {clip(c.label, s.columns - 6), ink::plain}},
         chosen});
  }
  if (static_cast<int>(out.size()) > rows)
    out.erase(out.begin(), out.end() - rows);
  out.resize(static_cast<std::size_t>(rows));
  return out;
}

std::vector<line> help_lines(const state& s, int rows) {
  std::vector<line> all;
  auto add = [&](const std::string& keys, const std::string& command, const std::string& does) {
    auto pad = [](std::string text, int to) {
      for (int at = width(text); at < to; ++at)
        text += ' ';
      return text;
    };
    bool wide = s.columns >= 76;
    all.push_back({{{"  " + pad(clip(keys, 22), 23), ink::accent},
                    {wide ? pad(clip(command, 13), 14) : "", ink::dim},
                    {clip(does, s.columns - (wide ? 40 : 26)), ink::plain}}});
  };
  for (const auto& entry : actions())
    add(s.set.keys.keys_of(entry.what), "/" + std::string(entry.name), entry.does);
  add("Alt+1 … Alt+9", "", "attach to the session with this number");
  add("! COMMAND", "", "a shell job");
  add("NAME PROMPT  @NAME", "", "with an agent definition, or in a repository");
  add("#12  URL", "", "the session that works on this pull request");
  add("a:NAME  s:STATE", "", "show only these");
  add("", "/model NAME", "the model of what is dispatched from here");
  add("", "/login /logout", "sign in, sign out");
  add("", "/resume", "a session that was removed");
  auto room = std::max(rows - 2, 1);
  bool scrolls = static_cast<int>(all.size()) > room;
  std::vector<line> out{
      {{{"  All keys", ink::strong},
        {scrolls ? "   ↑ ↓ show the rest · any other key closes this" : "   any key closes this", ink::dim}}},
      {}};
  auto first = std::clamp(s.help_top, 0, std::max(static_cast<int>(all.size()) - room, 0));
  out.insert(out.end(), all.begin() + first, all.begin() + std::min<int>(first + room, static_cast<int>(all.size())));
  out.resize(static_cast<std::size_t>(std::max(rows, 0)));
  return out;
}

} // namespace troupe::view
