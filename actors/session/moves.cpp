// The moves of the session's process.
#include "actors/session/moves.hpp"

#include <algorithm>
#include <utility>

#include "actors/session/rest.hpp"

namespace troupe::session_machine {

namespace {

/// What is left of a session that was removed.
std::string left_of(const worktree& tree, const worktree_removed& how) {
  std::string out = how.branch == "kept" ? "its branch " + tree.branch + " has commits that are nowhere else and stays"
                                         : std::string();
  if (!how.snapshot.empty())
    out += (out.empty() ? "" : "\n") + ("what was uncommitted is kept for 30 days: git stash apply " + how.snapshot);
  if (!how.ignored.empty())
    out += (out.empty() ? "" : "\n") + ("files that git ignores are kept for 30 days in " + how.ignored);
  return out;
}

/// REST-1: at once, then with back-off, at most five times in ten minutes.
process restart_or_fail(context& c, const std::string& evidence) {
  if (c.f().spec.backgrounded) { // REST-3: only a task is brought to its end by itself
    settle(c, task::stopped, "its process was ended: " + evidence);
    c.put(answer_dispatch{errc::worker_gone, c.f().sentence});
    return rest_here(c);
  }
  const auto& all = c.f().restarts;
  auto past = static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](wall_ms t) { return t > c.now - c.p.restart_window; }));
  if (past >= c.p.restart_most) {
    const auto& told = c.f().last_words; // by its harness; else what was seen of its worker
    return fail(c, errc::worker_gone,
                "ended " + std::to_string(past + 1) + " times in ten minutes: " + (told.empty() ? evidence : told));
  }
  auto ms = past == 0 ? std::int64_t{0} : std::int64_t{500} << past;
  c.write("restart", {{"attempt", std::to_string(past + 1)}, {"after_ms", std::to_string(ms)}});
  if (ms == 0)
    return launch(c);
  c.arm_timer(timer::restart, ms);
  return backing_off{};
}

/// A worker that holds the session goes on with it.
process go_on(context& c, const worker_address& w) {
  if (!c.f().frozen) {
    watch_rest(c);
    return deliver_all(c, live{w});
  }
  return c.f().replies.empty() ? stay_frozen(c, w) : deliver_all(c, thaw_here(c, w, "reply"));
}

} // namespace

process launch(context& c) {
  ++c.s.generation; // whatever was due is so no more
  c.put(claim{});
  return claiming{};
}

void clear_shells(context& c) {
  if (c.f().spec.harness == "native" && !c.f().cleared && std::exchange(c.s.cleared, c.f().run) != c.f().run)
    c.put(clear{});
}

void settle(context& c, task t, const std::string& why) {
  std::map<std::string, std::string> named{{"state", name_of(t)}, {"why", why}};
  if (c.f().exit_status >= 0)
    named["exit_status"] = std::to_string(c.f().exit_status);
  c.write("settled", std::move(named));
}

process remove_row(context& c, const worktree_removed& how) {
  if (!c.f().settled())
    settle(c, task::stopped, "removed"); // whoever waits for it is told
  std::map<std::string, std::string> named{
      {"state", name_of(c.f().now)}, {"exit_status", std::to_string(c.f().exit_status)}, {"name", c.f().name}};
  if (!how.branch.empty())
    named["branch"] = c.f().tree.branch + " " + how.branch;
  if (!how.snapshot.empty())
    named["snapshot"] = how.snapshot;
  if (!how.ignored.empty())
    named["ignored"] = how.ignored;
  c.write("removed", std::move(named));
  c.put(answer_dispatch{errc::no_such_session, no_more});
  c.put(forget{});
  c.put(quiet{{}, left_of(c.f().tree, how)});
  return removed{};
}

process keep_row(context& c, const std::string& why) {
  c.write("kept", {{"why", why}});
  if (!c.f().settled())
    settle(c, task::stopped, "stopped");
  c.put(answer_dispatch{errc::wrong_state, "the session was stopped before a worker held it"});
  c.put(quiet{why});
  return rest_here(c);
}

process finish_removal(context& c) {
  clear_shells(c);
  const auto& f = c.f();
  if (f.tree.path.empty() || f.tree.inode == 0)
    return remove_row(c, {true, {}, {}, {}});
  if (!f.used_by.empty())
    return keep_row(c, "session " + f.used_by + " works in its worktree " + f.tree.path +
                           "\nremove that session first: troupe rm " + f.used_by);
  c.put(remove_tree{f.tree, f.force});
  return clearing{f.force};
}

process rest_here(context& c) {
  ++c.s.generation;
  clear_shells(c);
  c.put(quiet{});
  if (c.f().is_exec() && c.f().now == task::completed)
    c.arm_timer(timer::row, c.f().ended_at + c.p.row - c.now); // KEEP-7
  return absent{};
}

process fail(context& c, errc code, const std::string& why) {
  settle(c, task::failed, why);
  c.put(answer_dispatch{code, why});
  return rest_here(c);
}

void tell_stopped(context& c) {
  if (!c.f().settled())
    settle(c, task::stopped, "stopped");
  c.put(answer_dispatch{errc::wrong_state, "the session was stopped before a worker held it"});
}

process stopped_here(context& c) {
  tell_stopped(c);
  return rest_here(c);
}

process unclaimed(context& c) {
  return c.f().wanted == intent::remove ? finish_removal(c) : stopped_here(c);
}

bool something_due(const facts& f) {
  return f.has_prompts() || f.again || f.woken;
}

std::string nap(std::int64_t ms) {
  return "the machine had slept for " + std::to_string(ms / 1000) + " s";
}

process after_gone(context& c, std::string evidence) {
  auto& f = c.f();
  bool told = f.ended;
  if (c.s.woke_at > 0 && c.now - c.s.woke_at < c.p.waking)
    evidence += "; " + nap(c.s.slept_ms);
  if (!told && f.run > 0)
    c.write("worker_ended",
            {{"observed", "true"}, {"evidence", evidence}, {"worker", std::to_string(f.worker.worker.value)}});
  if (f.wanted == intent::remove)
    return finish_removal(c);
  if (f.wanted == intent::stop)
    return stopped_here(c);
  if (f.again || f.woken) {
    c.put(quiet{}); // whoever asked for its end
    return launch(c);
  }
  if (f.is_exec()) {
    if (!f.settled())
      return fail(c, errc::worker_gone, "its worker ended: " + evidence);
    settle(c, f.now, f.sentence);
    c.put(answer_dispatch{errc::not_started, f.sentence}); // when its key was repeated meanwhile
    return rest_here(c);
  }
  if (f.has_prompts()) { // at once when it had been asked to end; else as any death, so that none repeats without end
    c.put(quiet{});      // a stop that was waited for has been carried out, though a reply has lifted it
    return told && !f.end_reason.empty() ? launch(c) : restart_or_fail(c, evidence);
  }
  if (f.settled() || f.now == task::idle || (told && f.end_reason == "reap")) {
    c.put(answer_dispatch{errc::not_started, f.sentence}); // when its key was repeated meanwhile
    return rest_here(c);
  }
  return restart_or_fail(c, evidence);
}

process predecessor_gone(context& c, const std::string& evidence) {
  const auto& f = c.f();
  if (f.held || f.settled() || f.wanted != intent::run || f.again || f.woken)
    return after_gone(c, evidence);
  if (std::exchange(c.s.wanted_anew, false))
    return launch(c);
  c.arm_timer(timer::unheld, c.p.unheld);
  return absent{};
}

void order_kill(context& c, const worker_address& w, const std::string& why) {
  c.write("kill", {{"worker", std::to_string(w.worker.value)}, {"why", why}});
  c.put(kill{w, why});
}

process ask_end(context& c, const worker_address& w, std::string reason) {
  c.put(end{w, reason, c.f().last_event});
  c.arm_timer(timer::end, c.p.end_deadline);
  return ending{w, std::move(reason)};
}

process deliver_all(context& c, process at) {
  if (const auto* l = std::get_if<live>(&at))
    for (const auto& r : c.f().replies)
      c.put(deliver{l->worker, r.key, r.text});
  return at;
}

process run_or_end(context& c, const worker_address& w) {
  auto& f = c.f();
  if (f.wanted != intent::run)
    return ask_end(c, w, f.wanted == intent::stop ? "stop" : "remove");
  if (f.again)
    return ask_end(c, w, "respawn");
  if (f.begun || f.ended)
    return go_on(c, w);
  c.put(ask_permit{});
  return queued{w};
}

} // namespace troupe::session_machine
