// The fold of a session's two files.
#include "actors/session/facts.hpp"

#include <algorithm>
#include <charconv>
#include <functional>

#include "messages/json.hpp"

namespace troupe {

namespace {

std::int64_t number(const ledger_entry& e, const char* name) {
  auto at = e.facts.find(name);
  std::int64_t out = 0;
  if (at != e.facts.end())
    std::from_chars(at->second.data(), at->second.data() + at->second.size(), out);
  return out;
}

std::string text(const ledger_entry& e, const char* name) {
  auto at = e.facts.find(name);
  return at == e.facts.end() ? std::string() : at->second;
}

/// The names of a receipt's parts that are not as meant, the variables one by one.
std::vector<std::string> drift_of(const ledger_entry& e) {
  std::vector<std::string> out;
  for (const char* part : {"account", "arguments", "directory", "permission_mode"})
    if (text(e, part) == "different")
      out.emplace_back(part == std::string_view("permission_mode") ? "permission mode" : part);
  if (text(e, "variables") == "different")
    out.push_back("variables " + text(e, "differing"));
  return out;
}

std::vector<std::string> lines_of(const std::string& s) {
  std::vector<std::string> out;
  for (std::size_t at = 0; at < s.size();) {
    auto end = std::min(s.find('\n', at), s.size());
    out.push_back(s.substr(at, end - at));
    at = end + 1;
  }
  return out;
}

std::string first_line(const std::string& s) {
  return s.substr(0, std::min(s.find('\n'), std::size_t{160}));
}

/// Takes a state over, and who said so since when.
void say(facts& f, task t, source by, wall_ms when) {
  if (f.now != t || f.told_by != by)
    f.told_at = when;
  f.now = t;
  f.told_by = by;
  if (by != source::ledger)
    f.heard = std::max(f.heard, by);
}

void settle(facts& f, task t, source by, wall_ms when) {
  say(f, t, by, when);
  f.ended_at = when;
}

/// CRED-4: how every failure for want of a login begins.
bool wants_login(const std::string& why) {
  return why.starts_with("Could not resolve authentication method");
}

/// The turn that ran when its process ended; whoever starts it again tells the agent so.
void interrupt(facts& f) {
  if (f.turn && f.interrupted_at == 0 && f.wanted == intent::run && !f.is_exec())
    f.interrupted_at = std::max<wall_ms>(f.heard_at, 1);
}

void new_run(facts& f, std::uint32_t run) {
  interrupt(f);
  f.run = run;
  f.heard = source::none;
  f.begun = f.ready = f.turn = f.ended = f.frozen = false;
  f.cleared = false;
  f.end_reason.clear();
  f.last_words.clear();
  f.questions.clear();
  f.work.clear();
  f.attached = 0;
}

/// Which source tells of active work: its process, or the agent by its protocol (KEEP-2).
source source_of(const std::vector<work_item>& work) {
  bool seen = !work.empty() && std::all_of(work.begin(), work.end(), [](const auto& w) { return w.kind == "process"; });
  return seen ? source::process_tree : source::protocol;
}

/// What the session is between two turns: what still runs or waits decides (KEEP-2). What has failed or was stopped
/// stays so; a shell job works until its command ends.
void rest_or_work(facts& f, source by, wall_ms when) {
  if (f.turn || !f.unsent.empty() || f.is_exec() || f.now == task::failed || f.now == task::stopped)
    return;
  if (!f.questions.empty())
    say(f, task::needs_input, source::protocol, when);
  else if (!f.work.empty())
    say(f, task::working, by, when);
  else if (f.now == task::completed)
    return;
  else if (f.replied)
    settle(f, task::completed, by, when);
  else
    say(f, task::idle, by, when);
}

void on_turn_end(facts& f, const event& e) {
  f.turn = false;
  f.questions.clear();
  f.replied = e.detail != "cancelled";
  if (e.detail == "error" || e.detail == "refusal") {
    settle(f, task::failed, source::protocol, e.t);
    f.signed_out = wants_login(e.text);
    f.sentence = e.text.empty() ? "the agent refused" : first_line(e.text);
  } else if (e.detail == "cancelled") {
    if (f.work.empty())
      say(f, task::idle, source::protocol, e.t);
    else
      say(f, task::working, source_of(f.work), e.t); // F-28: what still runs keeps it at work
  } else {
    say(f, task::working, source::protocol, e.t);
    rest_or_work(f, f.work.empty() ? source::protocol : source_of(f.work), e.t);
  }
}

void on_question(facts& f, const event& e) {
  f.questions.push_back({e.id, e.text, e.options, e.t, e.detail, e.data});
  say(f, task::needs_input, source::protocol, e.t);
}

void on_answered(facts& f, const event& e) {
  std::erase_if(f.questions, [&](const question& q) { return q.id == e.id; });
  auto given = std::find_if(f.answers.begin(), f.answers.end(), [&](const given_answer& a) {
    return !a.taken && a.by == e.detail && (a.question.empty() || a.question == e.id);
  });
  if (given != f.answers.end())
    *given = {given->key, given->by, e.id, e.text, true, given->asked};
  if (!f.questions.empty() || f.now != task::needs_input)
    return;
  say(f, task::working, source::protocol, e.t);
  rest_or_work(f, source::protocol, e.t); // it may have been asked between two turns
}

void on_work(facts& f, const event& e) {
  auto by = source_of(e.work.empty() ? f.work : e.work);
  f.work = e.work;
  rest_or_work(f, by, e.t);
}

/// What the agent says of itself. A mode or model that a person asked for holds over every restart (ENV-8).
void on_agent(facts& f, const event& e) {
  if (e.what == "title") {
    f.agent.title = e.text;
  } else if (e.what == "usage") {
    f.agent.usage = e.data;
  } else if (e.what == "mode") {
    f.agent.mode = e.detail;
    if (e.id == "asked")
      f.spec.permission_mode = e.text;
  } else if (e.what == "model") {
    if (e.id == "asked")
      f.spec.model = e.detail;
  } else if (e.what == "options" || e.what == "commands" || e.what == "plan") {
    f.details[e.what] = e.data;
  }
}

/// The agent can take prompts. When none waits for it, it has nothing to do.
void on_ready(facts& f, const event& e) {
  f.ready = true;
  if (!e.detail.empty())
    f.conversation = e.detail;
  f.copies = e.text == "copies";
  f.heard = source::protocol;
  if (f.now == task::working || f.now == task::unknown)
    rest_or_work(f, source::protocol, e.t);
}

/// What somebody guesses from outside. It counts as long as nobody better placed has spoken (F-16).
void on_hint(facts& f, const event& e) {
  auto by = e.detail == "hook"           ? source::hook
            : e.detail == "process tree" ? source::process_tree
            : e.detail == "screen"       ? source::screen
                                         : source::none;
  if (by == source::none || by < f.heard || f.settled())
    return;
  if (e.text == "working")
    say(f, task::working, by, e.t);
  else if (e.text == "blocked")
    say(f, task::needs_input, by, e.t);
  else if (e.text == "idle")
    say(f, task::idle, by, e.t);
}

void on_end(facts& f, const event& e) {
  bool was_turn = f.turn;
  bool ran = f.begun || e.detail != "exited"; // a job that was ended ahead of its start has no status
  f.ended = true;
  f.cleared = e.work.empty();
  f.turn = false;
  f.end_reason = e.id;
  f.last_words = e.text;
  f.questions.clear();
  f.work.clear();
  f.attached = 0;
  f.frozen = false;
  if (f.is_exec() && ran)
    f.exit_status = e.detail == "exited"      ? static_cast<std::int32_t>(e.value)
                    : e.detail == "signalled" ? 128 + static_cast<std::int32_t>(e.value)
                                              : 127;
  if (e.id == "stop" || e.id == "remove" || e.id == "daemon stop") {
    if (!f.settled())
      settle(f, task::stopped, source::process_tree, e.t);
  } else if (f.is_exec()) {
    if (!ran || e.id == "respawn")
      return; // it runs anew, or what was asked meanwhile decides
    settle(f, e.detail == "exited" && e.value == 0 ? task::completed : task::failed, source::process_tree, e.t);
    if (!e.text.empty())
      f.sentence = first_line(e.text);
  } else if (e.detail == "failed to start") {
    f.signed_out = wants_login(e.text);
    settle(f, task::failed, source::process_tree, e.t);
    f.sentence = first_line(e.text);
  } else if (was_turn) {
    f.turn = true;
    interrupt(f);
  }
}

constexpr std::size_t most_pulls = 20;

void on_pull(facts& f, pull_request told) {
  if (told.number == 0 || told.url.empty())
    return;
  for (const auto& p : f.pulls)
    if (p.url == told.url && told.state == "open")
      told.state = p.state; // it was only named again
  std::erase_if(f.pulls, [&](const pull_request& p) { return p.url == told.url; });
  f.pulls.insert(f.pulls.begin(), std::move(told));
  if (f.pulls.size() > most_pulls)
    f.pulls.pop_back();
}

/// It stands where it stood: that somebody has looked makes it none that the session told of last.
void on_pull(facts& f, const ledger_entry& e) {
  for (auto& p : f.pulls)
    if (p.url == text(e, "url"))
      p.state = text(e, "state");
}

worktree tree_in(const ledger_entry& e) {
  return {text(e, "path"),
          text(e, "branch"),
          text(e, "repository"),
          text(e, "cwd"),
          text(e, "base"),
          static_cast<std::uint64_t>(number(e, "device")),
          static_cast<std::uint64_t>(number(e, "inode"))};
}

void on_resumed(facts& f, const ledger_entry& e) {
  if (!e.spec.empty()) {
    f.id = e.session;
    f.spec = e.spec.front();
  }
  f.name = text(e, "name");
  f.removed = false;
  f.wanted = intent::stop; // whoever writes to it or attaches wants it to run
  f.again = f.woken = f.turn = f.frozen = false;
  f.ended = f.cleared = f.held = true;
  f.questions.clear();
  f.work.clear();
  f.attached = 0;
  f.kept.clear();
  f.tree = tree_in(e);
  auto state = text(e, "state");
  settle(f, state == "done" ? task::completed : state == "failed" ? task::failed : task::stopped, source::ledger, e.t);
  if (f.dispatched_at == 0)
    f.dispatched_at = e.t;
  if (auto said = text(e, "sentence"); !said.empty())
    f.sentence = said;
}

/// ISO-2: what was asked for is not done, and the row says why.
void on_kept(facts& f, const ledger_entry& e) {
  f.wanted = intent::stop;
  f.force = false;
  f.used_by.clear();
  f.kept = text(e, "why");
}

/// Lines about what befalls a session that nobody uses.
bool befalls(const std::string& what) {
  static const std::set<std::string> all{"freeze", "freeze_refused", "adopted", "unreachable", "note", "pull"};
  return all.count(what) != 0;
}

} // namespace

std::string name_of(source s) {
  switch (s) {
  case source::screen:
    return "screen";
  case source::process_tree:
    return "process tree";
  case source::hook:
    return "hook";
  case source::protocol:
    return "protocol";
  case source::ledger:
    return "ledger";
  case source::none:
    break;
  }
  return "none";
}

bool facts::knows(const std::string& reply_key) const {
  return taken.count(reply_key) != 0 ||
         std::any_of(replies.begin(), replies.end(), [&](const auto& r) { return r.key == reply_key; });
}

bool facts::said(const std::string& reply_key, const std::string& text) const {
  if (auto at = taken.find(reply_key); at != taken.end())
    return at->second == std::hash<std::string>{}(text);
  return std::any_of(replies.begin(), replies.end(),
                     [&](const auto& r) { return r.key == reply_key && r.text == text; });
}

std::string name_of(task t) {
  switch (t) {
  case task::working:
    return "working";
  case task::needs_input:
    return "blocked";
  case task::idle:
    return "idle";
  case task::completed:
    return "done";
  case task::failed:
    return "failed";
  case task::stopped:
    return "stopped";
  case task::unknown:
    break;
  }
  return "unknown";
}

std::map<std::string, std::string> place_facts(const worktree& tree) {
  return {{"path", tree.path},
          {"branch", tree.branch},
          {"repository", tree.repository},
          {"cwd", tree.cwd},
          {"base", tree.base}};
}

ledger_entry epitaph_of(const facts& f) {
  ledger_entry e;
  e.what = "resumed";
  e.session = f.id;
  e.run = f.run;
  e.seen = f.last_event;
  e.facts = {{"state", name_of(f.now)}, {"name", f.name}, {"sentence", f.sentence}};
  if (!f.tree.path.empty())
    e.facts.merge(place_facts(f.tree)); // without its device and inode: the folder has gone
  e.spec.push_back(f.spec);
  return e;
}

void fold(facts& f, const event& e) {
  if (e.n <= f.last_event)
    return;
  f.last_event = e.n;
  f.heard_at = std::max(f.heard_at, e.t);
  if (e.what == "taken") {
    if (f.taken.emplace(e.id, std::hash<std::string>{}(e.text)).second && !f.is_exec())
      f.unsent.insert(e.id);
    std::erase_if(f.replies, [&](const pending_reply& r) { return r.key == e.id; });
  }
  if (e.what == "sent")
    f.unsent.erase(e.id);
  if (e.run < f.run)
    return; // an older run's word changes nothing but what was taken
  if (e.run > f.run)
    new_run(f, e.run);
  f.changed_at = e.t;
  if (e.what != "frozen")
    f.used_at = e.t;
  if (e.what == "assigned") {
    f.held = true;
  } else if (e.what == "taken") {
    if (!f.is_exec() && f.now != task::needs_input)
      say(f, task::working, source::protocol, e.t); // it will be sent
  } else if (e.what == "started") {
    f.begun = true;
    if (f.is_exec())
      f.note.clear();
    if (f.is_exec() || !f.settled())
      say(f, task::working, source::process_tree, e.t);
  } else if (e.what == "ready") {
    on_ready(f, e);
    f.note.clear();
  } else if (e.what == "sent") {
    f.ready = f.turn = true;
    f.signed_out = false;
    f.replied = false;
    f.interrupted_at = 0;
    say(f, task::working, f.is_exec() ? source::process_tree : source::protocol, e.t);
    f.exit_status = -1;
  } else if (e.what == "turn_ended") {
    on_turn_end(f, e);
  } else if (e.what == "text" && e.detail == "agent") {
    f.sentence = first_line(e.text);
  } else if (e.what == "tool" && !e.text.empty()) {
    f.sentence = first_line(e.text);
  } else if (e.what == "sentence" && !f.turn && !e.text.empty()) {
    f.sentence = first_line(e.text); // what a turn came to, told behind its end (VIEW-8)
  } else if (e.what == "question") {
    on_question(f, e);
  } else if (e.what == "answered") {
    on_answered(f, e);
  } else if (e.what == "work") {
    on_work(f, e);
  } else if (e.what == "hint") {
    on_hint(f, e);
  } else if (e.what == "attached") {
    f.attached = static_cast<std::uint32_t>(e.value);
  } else if (e.what == "frozen" || e.what == "thawed") {
    f.frozen = e.what == "frozen";
  } else if (e.what == "ended") {
    on_end(f, e);
  } else if (e.what == "worktree") {
    f.tree = worktree_in(e);
  } else if (e.what == "pull") {
    on_pull(f, pull_request_in(e));
  } else {
    on_agent(f, e);
  }
}

void fold(facts& f, const ledger_entry& e) {
  if (e.n != 0 && e.n <= f.last_entry)
    return;
  f.last_entry = std::max(f.last_entry, e.n);
  if (e.what != "pull") // of its pull request something has become, of itself nothing
    f.changed_at = std::max(f.changed_at, e.t);
  if (!befalls(e.what))
    f.used_at = std::max(f.used_at, e.t);
  if (e.what == "dispatched" && !e.spec.empty()) {
    f.id = e.session;
    f.spec = e.spec.front();
    f.name = f.spec.name;
    f.key = text(e, "key");
    f.digest = text(e, "digest");
    f.dispatched_at = f.told_at = e.t;
    f.sentence =
        f.spec.prompt.empty() && !f.spec.fork_of.empty() ? "a copy of " + f.spec.fork_of : first_line(f.spec.prompt);
  } else if (e.what == "claimed") {
    if (e.run > f.run)
      new_run(f, e.run);
    f.again = f.woken = false;
    f.kept.clear();
    f.worker.worker.value = static_cast<std::uint64_t>(number(e, "worker"));
    f.worker.process = {text(e, "boot"), static_cast<std::int32_t>(number(e, "pid")),
                        static_cast<std::uint64_t>(number(e, "start"))};
    f.worker.socket = text(e, "socket");
  } else if (e.what == "assigned") {
    f.held = true;
    f.drift = drift_of(e);
    f.notes = lines_of(text(e, "notes"));
  } else if (e.what == "reply") {
    if (f.taken.count(text(e, "key")) == 0)
      f.replies.push_back({text(e, "key"), text(e, "text")});
    f.wanted = intent::run;
  } else if (e.what == "answer") {
    auto key = text(e, "key");
    if (std::none_of(f.answers.begin(), f.answers.end(), [&](const given_answer& a) { return a.key == key; }))
      f.answers.push_back({key, text(e, "by"), text(e, "question"), text(e, "choice"), false, text(e, "choice")});
  } else if (e.what == "delivered") {
    std::erase_if(f.replies, [&](const pending_reply& r) { return r.key == text(e, "key"); });
  } else if (e.what == "stop" || e.what == "remove") {
    f.wanted = e.what == "remove" || f.wanted == intent::remove ? intent::remove : intent::stop;
    f.again = f.woken = f.signed_out = false;
    f.interrupted_at = 0; // who wants it to go on says so
    if (e.what == "remove") {
      f.force = f.force || text(e, "force") == "true";
      f.used_by = text(e, "used_by");
    }
  } else if (e.what == "wake") {
    f.wanted = intent::run;
    f.woken = true;
  } else if (e.what == "respawn") {
    f.wanted = intent::run;
    f.again = true;
    f.signed_out = false;
    f.restarts.clear();
    say(f, task::working, source::ledger, e.t);
    f.exit_status = -1;
    f.ended_at = 0;
  } else if (e.what == "adopted") {
    f.woken = false;
  } else if (e.what == "worker_ended") {
    interrupt(f);
    f.ended = true; // nobody is there any more; `turn` stays, so that the next run knows of the interruption
    f.attached = 0;
    f.questions.clear();
    f.work.clear();
    if (f.now == task::needs_input || f.told_by == source::hook || f.told_by == source::screen)
      say(f, task::unknown, source::none, e.t); // whom to answer, or to look at, is gone
    f.frozen = false;
  } else if (e.what == "rename") {
    f.name = text(e, "name");
  } else if (e.what == "pin") {
    f.pinned = text(e, "pinned") == "true";
  } else if (e.what == "restart") {
    f.restarts.push_back(e.t);
    say(f, task::working, source::ledger, e.t);
  } else if (e.what == "settled") {
    auto state = text(e, "state");
    auto t = state == "done" ? task::completed : state == "stopped" ? task::stopped : task::failed;
    settle(f, t, f.now == t ? f.told_by : source::ledger, e.t);
    f.turn = false;
    f.signed_out = f.signed_out || (t == task::failed && wants_login(text(e, "why")));
    if (auto why = text(e, "why"); !why.empty())
      f.sentence = first_line(why);
    if (e.facts.count("exit_status") != 0)
      f.exit_status = static_cast<std::int32_t>(number(e, "exit_status"));
  } else if (e.what == "reap" && text(e, "why") == "memory") {
    f.note = "its process was stopped to free memory";
  } else if (e.what == "note") {
    f.note = first_line(text(e, "text"));
  } else if (e.what == "worktree") {
    f.tree = tree_in(e);
  } else if (e.what == "pull") {
    on_pull(f, e);
  } else if (e.what == "kept") {
    on_kept(f, e);
  } else if (e.what == "removed") {
    f.removed = true;
  } else if (e.what == "resumed") {
    on_resumed(f, e);
  }
}

void fold(facts& f, const std::vector<ledger_entry>& entries, const std::vector<event>& events) {
  auto next = events.begin();
  for (const auto& e : entries) {
    for (; next != events.end() && next->n <= e.seen; ++next)
      fold(f, *next);
    fold(f, e);
  }
  for (; next != events.end(); ++next)
    fold(f, *next);
}

} // namespace troupe
