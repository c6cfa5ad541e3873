// The rows: icon, name, sentence, pull requests, age (VIEW-2).
#include <algorithm>

#include "actors/agent_view/parts.hpp"
#include "actors/agent_view/text.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

constexpr wall_ms beat_ms = 600; ///< of what works
constexpr int age_columns = 4;
constexpr int least_shared = 30;        ///< columns that two things can share
constexpr std::size_t most_said = 4096; ///< bytes of a sentence that are looked at: more than any line holds

ink ink_of(const std::string& state) {
  return state == "working"   ? ink::working
         : state == "blocked" ? ink::waiting
         : state == "done"    ? ink::good
         : state == "failed"  ? ink::bad
         : state == "stopped" ? ink::off
                              : ink::dim;
}

/// What its process is like.
std::string shape_of(const state& s, const session& x) {
  const auto& process = x.now.process;
  if (process == "frozen")
    return "❄";
  if (process == "asleep")
    return "✢";
  if (process == "exited")
    return "∙";
  bool beats = s.set.motion && x.now.state == "working";
  return beats && (s.now / beat_ms) % 2 == 1 ? "✽" : "✻";
}

/// What its task has come to, so that nothing is told by colour alone.
std::string sign_of(const std::string& state) {
  return state == "blocked"   ? "?"
         : state == "done"    ? "✓"
         : state == "failed"  ? "✗"
         : state == "stopped" ? "■"
         : state == "unknown" ? "~"
                              : " ";
}

ink ink_of(const pull_request& p) {
  return p.state == "ready"                                             ? ink::good
         : p.state == "merged"                                          ? ink::merged
         : p.state == "draft" || p.state == "closed" || p.state.empty() ? ink::off
                                                                        : ink::waiting;
}

std::vector<span> pull_label(const session& x) {
  if (x.pulls.empty())
    return {};
  const auto& p = x.pulls.front();
  std::vector<span> out{{"#" + std::to_string(p.number), ink_of(p), p.url}};
  if (x.pulls.size() > 1)
    out.push_back({" +" + std::to_string(x.pulls.size() - 1), ink::dim});
  return out;
}

/// Of a shell job its command and what that says now (VIEW-8): of a long command the end gives way.
std::string said_by(const session& x, int room) {
  const auto& all = x.now.waiting.empty() ? x.now.sentence : x.now.waiting.front().text;
  auto said = visible_line(std::string_view(all).substr(0, most_said));
  auto output = visible_line(x.now.output);
  if (output.empty() || said.empty() || room < least_shared)
    return output.empty() ? said : output;
  return clip(said, std::max(room * 2 / 5, room - width(output) - 3)) + " · " + output;
}

/// What it says, what runs for it, what befell it: of a long sentence the end gives way to what runs.
std::string sentence_of(const session& x, int room) {
  auto said = said_by(x, room);
  std::string work;
  for (const auto& w : x.now.work)
    work += (work.empty() ? "" : ", ") + visible_line(w.title);
  if (x.now.state == "failed" && x.now.exit_status > 0)
    said = "exit " + std::to_string(x.now.exit_status) + (said.empty() ? "" : " · ") + said;
  if (!work.empty()) {
    work = "[running: " + work + "]";
    if (!said.empty() && room >= least_shared) {
      work = clip(work, std::max(room / 2, room - width(said) - 1));
      said = clip(said, room - width(work) - 1);
    }
    said += (said.empty() ? "" : " ") + work;
  }
  if (!x.now.note.empty())
    said += (said.empty() ? "" : " ") + ("[" + visible_line(x.now.note) + "]");
  return clip(said, room);
}

std::string padded(std::string text, int columns) {
  auto gap = columns - width(text);
  if (gap > 0)
    text.append(static_cast<std::size_t>(gap), ' ');
  return text;
}

/// How long until a text made by `age` changes.
std::int64_t until_older(std::int64_t ms) {
  auto unit = ms < 60'000 ? 1000 : ms < 3'600'000 ? 60'000 : 3'600'000;
  return unit - std::max<std::int64_t>(ms, 0) % unit;
}

} // namespace

std::string short_path(const state& s, const std::string& path) {
  auto shown = visible_line(path);
  const auto& home = s.set.home;
  if (home.size() > 1 && (path == home || path.starts_with(home + "/")))
    return "~" + visible_line(path.substr(home.size()));
  return shown;
}

std::string group_title(const state& s, const group_key& g) {
  if (s.sessions.by() == grouping::by_directory)
    return g.name.empty() ? "(no directory)" : clip_front(short_path(s, g.name), std::max(s.columns - 12, 4));
  return g.name == "pinned"    ? "Pinned"
         : g.name == "review"  ? "Ready for review"
         : g.name == "blocked" ? "Needs input"
         : g.name == "working" ? "Working"
                               : "Completed";
}

line row_line(const state& s, const session& x, bool chosen, int number) {
  auto as = ink_of(x.now.state);
  bool tiny = s.columns < 30;
  auto digit = s.set.numbers && number <= 9 && !tiny ? std::to_string(number) : " ";
  std::vector<span> left{
      {chosen ? "❯" : " ", ink::accent}, {digit + " ", ink::dim}, {shape_of(s, x) + sign_of(x.now.state) + " ", as}};
  std::vector<span> right = tiny ? std::vector<span>{} : pull_label(x);
  auto old = age(s.now - x.now.started_at);
  if (s.columns >= 40)
    right.push_back({std::string(right.empty() ? "" : "  ") +
                         std::string(static_cast<std::size_t>(std::max(age_columns - width(old), 0)), ' ') + old,
                     ink::dim});
  auto names = std::clamp(s.columns / 4, 10, 28);
  auto name = label(x);
  bool rests = x.now.process == "exited" && x.now.state != "blocked";
  left.push_back(
      {padded(clip(name, names), names) + "  ", x.now.name.empty() || (rests && !chosen) ? ink::plain : ink::strong});
  auto room = s.columns - line_width(left) - line_width(right) - 2;
  if (room >= 4)
    left.push_back({sentence_of(x, room), x.now.state == "failed"              ? ink::bad
                                          : chosen || x.now.state == "blocked" ? ink::plain
                                                                               : ink::dim});
  if (room < 0)
    left[3].text = clip(name, std::max(s.columns - 6, 1));
  return spread(std::move(left), std::move(right), s.columns);
}

std::int64_t next_change(const state& s) {
  std::int64_t soon = 0;
  auto at_most = [&](std::int64_t ms) {
    soon = soon == 0 ? std::max<std::int64_t>(ms, 1) : std::min(soon, std::max<std::int64_t>(ms, 1));
  };
  if (!s.notice.text.empty() && s.now < s.notice.until)
    at_most(s.notice.until - s.now);
  if (s.helping)
    return soon;
  if (s.peeking && s.looking.due > 0 && !s.looking.asked)
    at_most(s.looking.due - s.now);
  for (const auto& x : s.window)
    if (const auto* now = x.kind == item::row ? s.sessions.find(x.id) : nullptr) {
      if (s.columns >= 40)
        at_most(until_older(s.now - now->now.started_at));
      bool alive = now->now.process != "exited" && now->now.process != "frozen" && now->now.process != "asleep";
      if (s.set.motion && now->now.state == "working" && alive)
        at_most(beat_ms - s.now % beat_ms);
    }
  return soon;
}

} // namespace troupe::view
