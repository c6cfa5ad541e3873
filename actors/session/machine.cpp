// The session's table: one function a pair of state and event, grouped where several states take an event alike.
#include "actors/session/machine.hpp"

#include <algorithm>
#include <utility>

#include "actors/session/moves.hpp"
#include "actors/session/rest.hpp"

namespace troupe::session_machine {

namespace {

constexpr const char* nobody_asks =
    "no process of this session waits for an answer\nsee its state: troupe agents --json --all";

// begin
process on(const absent& s, const begin&, context& c) {
  if (!c.f().settled())
    return launch(c);
  c.put(answer_dispatch{errc::not_started, c.f().sentence}); // REST-2: a key repeated starts nothing that was settled
  return s;
}
process on(const removed& s, const begin&, context& c) {
  c.put(answer_dispatch{errc::no_such_session, no_more});
  return s;
}
template <class S>
requires(!among<S, absent, removed>) process on(const S& s, const begin&, context& c) {
  c.s.wanted_anew = among<S, adopting, unreachable>;
  return s;
}

// restored
process on(const absent&, const restored& e, context& c) {
  auto& f = c.f();
  if (f.removed) {
    c.put(forget{});
    return removed{};
  }
  if (e.worker_alive) {
    c.put(adopt{f.worker});
    return adopting{f.worker, 0};
  }
  if (f.settled() && f.wanted != intent::remove && !something_due(f))
    return rest_here(c);
  return predecessor_gone(c, "ended while no supervisor ran");
}
template <class S>
requires(!among<S, absent>) process on(const S& s, const restored&, context&) {
  return s;
}

// granted
process on(const claiming&, const granted& e, context& c) {
  if (c.f().wanted != intent::run) {
    order_kill(c, e.worker, "claimed for a session that no longer wants a worker"); // KEEP-8
    return unclaimed(c);
  }
  bool resume = c.f().taken.count("first") != 0 || !c.f().conversation.empty();
  bool cut = c.f().interrupted_at != 0;
  std::map<std::string, std::string> named{{"worker", std::to_string(e.worker.worker.value)},
                                           {"boot", e.worker.process.boot},
                                           {"pid", std::to_string(e.worker.process.pid)},
                                           {"start", std::to_string(e.worker.process.start)},
                                           {"socket", e.worker.socket},
                                           {"warm", e.warm ? "true" : "false"}};
  if (!e.differs.empty())
    named["differs"] = e.differs;
  c.write_for(c.f().run + 1, "claimed", std::move(named), false);
  bool old = cut && c.f().spec.backgrounded && c.now - c.f().interrupted_at > c.p.answer_fresh; // REST-4
  c.put(assign{e.worker, resume, cut && !old, old});
  return assigning{e.worker};
}
template <class S>
requires(!among<S, claiming>) process on(const S& s, const granted& e, context& c) {
  order_kill(c, e.worker, "claimed for a session that no longer wants a worker"); // KEEP-8
  return s;
}

// not_granted
process on(const claiming&, const not_granted& e, context& c) {
  if (c.f().wanted != intent::run)
    return unclaimed(c);
  if (e.code != errc::draining)
    return fail(c, e.code, e.why);
  c.put(answer_dispatch{e.code, e.why}); // the next supervisor goes on with it: nothing is settled
  c.put(quiet{});
  return absent{};
}
template <class S>
requires(!among<S, claiming>) process on(const S& s, const not_granted&, context&) {
  return s;
}

// held, not_held
/// Names and `same` or `different`, no value (BEYOND-5).
std::map<std::string, std::string> receipt_facts(const launch_check& check, const worker_address& w) {
  auto named = check.parts;
  named["worker"] = std::to_string(w.worker.value);
  std::string names;
  for (const auto& v : check.variables)
    names += (names.empty() ? "" : ", ") + v;
  if (!names.empty())
    named["differing"] = names;
  for (const auto& note : check.notes)
    named["notes"] += (named["notes"].empty() ? "" : "\n") + note;
  return named;
}
process not_as_meant(const assigning& s, context& c, const launch_check& check, const std::string& what) {
  auto why = "the worker's " + what + " is not what was meant";
  auto named = receipt_facts(check, s.worker);
  named["why"] = why;
  c.write("refused", std::move(named));
  settle(c, task::failed, why);
  c.put(answer_dispatch{errc::refused, why + "\nsee: troupe why " + c.f().id.value});
  order_kill(c, s.worker, why);
  return killing{s.worker, false};
}
process on(const assigning& s, const held& e, context& c) {
  if (e.got.session == c.f().id && e.got.run < c.f().run)
    return s;
  if (e.got.session != c.f().id || e.got.run != c.f().run)
    return not_as_meant(s, c, e.check, "session");
  if (e.got.permission_mode != c.f().spec.permission_mode || e.check.differs("permission_mode"))
    return not_as_meant(s, c, e.check, "permission mode");
  if (e.check.differs("directory"))
    return not_as_meant(s, c, e.check, "directory");
  c.s.attempts = 0;
  auto named = receipt_facts(e.check, s.worker);
  if (e.got.held != 0)
    named["held_ns"] = std::to_string(e.got.held);
  c.write("assigned", std::move(named));
  c.put(answer_dispatch{errc::ok, {}});
  return run_or_end(c, s.worker);
}
process on(const assigning& s, const not_held& e, context& c) {
  if (e.run != c.f().run)
    return s;
  bool again = e.code != errc::directory && e.code != errc::no_credentials && ++c.s.attempts < 3;
  c.write("refused", {{"worker", std::to_string(s.worker.worker.value)}, {"why", e.why}});
  if (!again) {
    settle(c, task::failed, e.why);
    c.put(answer_dispatch{e.code, e.why});
  }
  order_kill(c, s.worker, e.why); // POOL-6: its end is seen before the next is asked
  return killing{s.worker, again};
}
template <class S>
requires(!among<S, assigning>) process on(const S& s, const held&, context&) {
  return s;
}
template <class S>
requires(!among<S, assigning>) process on(const S& s, const not_held&, context&) {
  return s;
}

// permitted
process on(const queued& s, const permitted&, context& c) {
  c.write("start");
  c.put(start{s.worker});
  return deliver_all(c, live{s.worker});
}
template <class S>
requires(!among<S, queued>) process on(const S& s, const permitted&, context& c) {
  c.put(return_permit{});
  return s;
}

// happened
template <class S>
process on(const S& s, const happened& e, context& c) {
  auto& f = c.f();
  if (e.what.n <= f.last_event) // told again, by the worker or by its transcript
    return s;
  fold(f, e.what);
  const auto& what = e.what.what;
  if (what == "worktree" && !f.tree.path.empty()) {
    auto named = place_facts(f.tree);
    named["device"] = std::to_string(f.tree.device);
    named["inode"] = std::to_string(f.tree.inode);
    c.write("worktree", std::move(named));
  }
  if (what == "taken" && e.what.id != "first")
    c.write("delivered", {{"key", e.what.id}});
  if ((what == "started" && f.is_exec()) || what == "ready" || what == "ended")
    c.put(return_permit{});
  if constexpr (among<S, ending>)
    if (what == "assigned") { // its key was repeated meanwhile, and it turns out to have been held
      c.write("assigned", {{"worker", std::to_string(s.worker.worker.value)}});
      c.put(answer_dispatch{errc::ok, {}});
    }
  if constexpr (among<S, queued>)
    if (f.begun && f.wanted == intent::run) // a predecessor has started it
      return deliver_all(c, live{s.worker});
  if constexpr (among<S, live>) {
    if (what == "frozen")
      return stay_frozen(c, s.worker);
    begin_rest(c);
  } else if constexpr (among<S, frozen>) {
    if (what == "thawed") { // by itself: for a terminal, or for what came of the agent's own
      c.write("thaw", {{"why", e.what.detail}, {"observed", "true"}});
      begin_rest(c);
      return live{s.worker};
    }
  }
  return s;
}

// gone
template <with_worker S>
process on(const S& s, const gone& e, context& c) {
  if (e.worker != s.worker.worker)
    return s;
  c.put(return_permit{});
  if constexpr (!among<S, ending, killing>) {
    c.s.lost_at = c.now;
    if (c.f().silent_start()) {
      c.s.looking = true;
      c.put(look_at_memory{});
    }
  }
  if constexpr (among<S, adopting, unreachable>)
    return predecessor_gone(c, e.evidence);
  if constexpr (among<S, killing>)
    if (s.again && c.f().wanted == intent::run) {
      c.put(quiet{});
      return launch(c);
    }
  if constexpr (among<S, killing, assigning>)
    if (c.f().settled() && c.f().wanted == intent::run && !c.f().has_prompts()) {
      c.put(answer_dispatch{errc::not_started, c.f().sentence}); // its key was repeated meanwhile
      return rest_here(c);
    }
  if constexpr (among<S, assigning,
                      queued>) // it died before anything of the session ran: another worker takes it (POOL-6)
    if (c.f().wanted == intent::run && !c.f().again && ++c.s.attempts < 3)
      return launch(c);
  if (c.f().wanted == intent::run && !c.f().held && !c.f().again)
    return fail(c, errc::worker_gone, "its worker ended: " + e.evidence);
  return after_gone(c, e.evidence);
}
template <without_worker S>
process on(const S& s, const gone&, context&) {
  return s;
}

// not_frozen
process on(const live& s, const not_frozen& e, context& c) {
  if (e.worker == s.worker.worker)
    c.write("freeze_refused", {{"why", e.why}});
  return s;
}
template <class S>
requires(!among<S, live>) process on(const S& s, const not_frozen&, context&) {
  return s;
}

// end_refused
process on(const ending& s, const end_refused& e, context& c) {
  if (e.worker != s.worker.worker)
    return s;
  if (s.reason == "reap") { // KEEP-5: a later event wins, but not over what was asked for meanwhile
    if (c.f().wanted == intent::run && !c.f().again)
      c.put(quiet{}); // a stop that a reply has lifted since: there is nothing to wait for any more
    return run_or_end(c, s.worker);
  }
  order_kill(c, s.worker, "refused to end: " + e.why);
  return s;
}
template <class S>
requires(!among<S, ending>) process on(const S& s, const end_refused&, context&) {
  return s;
}

// asked_stop, asked_remove
process on(const absent& s, const asked_stop& e, context& c) {
  if (c.f().settled() && (c.f().replies.empty() || e.by == "daemon stop")) {
    c.put(quiet{});
    return s;
  }
  c.write("stop", {{"by", e.by}}, true);
  return stopped_here(c);
}
process on(const backing_off&, const asked_stop& e, context& c) {
  c.write("stop", {{"by", e.by}}, true);
  return stopped_here(c);
}
process on(const claiming& s, const asked_stop& e, context& c) {
  c.write("stop", {{"by", e.by}}, true);
  tell_stopped(c);
  clear_shells(c);
  c.put(quiet{});
  return s;
}
void write_remove(context& c, const asked_remove& e) {
  std::map<std::string, std::string> named{{"by", e.by}};
  if (e.force)
    named["force"] = "true";
  if (!e.used_by.empty())
    named["used_by"] = e.used_by;
  c.write("remove", std::move(named), true);
}
template <among<absent, backing_off> S>
process on(const S&, const asked_remove& e, context& c) {
  write_remove(c, e);
  return finish_removal(c);
}
process on(const clearing& s, const asked_stop&, context&) {
  return s; // it is stopped, and who asks is told when the worktree is gone
}
process on(const clearing& s, const asked_remove& e, context& c) {
  write_remove(c, e);
  return s;
}
process on(const claiming& s, const asked_remove& e, context& c) {
  write_remove(c, e);
  c.put(answer_dispatch{errc::wrong_state, "the session was removed before a worker held it"});
  return s;
}
template <among<asked_stop, asked_remove> E>
process on(const removed& s, const E&, context& c) {
  c.put(quiet{});
  return s;
}
template <class S>
process end_in(const S& s, context& c, const std::string& reason) {
  if constexpr (among<S, frozen>)
    thaw_here(c, s.worker, reason);
  if constexpr (among<S, assigning, queued, live, frozen>) {
    if constexpr (among<S, assigning>)
      c.put(answer_dispatch{errc::wrong_state, "the session was stopped before a worker held it"});
    return ask_end(c, s.worker, reason);
  } else if constexpr (among<S, unreachable>) { // SUP-5: stop ends the holder
    order_kill(c, s.worker, "asked to " + reason + " while the worker does not answer");
    return killing{s.worker, false};
  } else if constexpr (among<S, killing>) {
    return killing{s.worker, false};
  } else {
    return s;
  }
}
template <with_worker S>
process on(const S& s, const asked_stop& e, context& c) {
  c.write("stop", {{"by", e.by}}, true);
  return end_in(s, c, e.by == "daemon stop" ? e.by : "stop");
}
template <with_worker S>
process on(const S& s, const asked_remove& e, context& c) {
  write_remove(c, e);
  return end_in(s, c, "remove");
}

// tree_removed
process on(const clearing& s, const tree_removed& e, context& c) {
  if (e.how.removed)
    return remove_row(c, e.how);
  if (c.f().force && !s.force) { // asked for once more meanwhile, and for all of it
    c.put(remove_tree{c.f().tree, true});
    return clearing{true};
  }
  return keep_row(c, e.how.why);
}
template <class S>
requires(!among<S, clearing>) process on(const S& s, const tree_removed&, context&) {
  return s;
}

constexpr const char* being_removed = "the session is being removed";

// asked_respawn
template <among<asked_respawn, asked_wake, asked_reply, asked_answer, asked_pin, asked_rename> E>
process on(const removed& s, const E&, context& c) {
  c.put(refuse{errc::no_such_session, no_more});
  return s;
}
template <class S>
requires(!among<S, removed>) process on(const S& s, const asked_respawn& e, context& c) {
  if (c.f().wanted == intent::remove) {
    c.put(refuse{errc::wrong_state, being_removed});
    return s;
  }
  c.write("respawn", {{"by", e.by}}, true);
  if constexpr (among<S, absent, backing_off>) {
    return launch(c);
  } else if constexpr (among<S, assigning, queued, live, frozen>) {
    if constexpr (among<S, frozen>)
      thaw_here(c, s.worker, "respawn");
    return ask_end(c, s.worker, "respawn");
  } else if constexpr (among<S, adopting, unreachable>) {
    order_kill(c, s.worker, "respawned while the worker does not answer");
    return killing{s.worker, true};
  } else if constexpr (among<S, killing>) {
    return killing{s.worker, true};
  } else {
    return s;
  }
}

// asked_wake
process on(const absent& s, const asked_wake&, context& c) {
  if (c.f().is_exec()) {
    c.put(refuse{errc::not_running, "the shell job has ended\nrun it again: troupe respawn " + c.f().id.value});
    return s;
  }
  c.write("wake", {}, true);
  return launch(c);
}
process on(const ending& s, const asked_wake&, context& c) {
  if (s.reason == "reap" && c.f().wanted == intent::run && !c.f().is_exec())
    c.write("wake", {}, true); // KEEP-5: it wins, and goes to the next worker
  return s;
}
process on(const frozen& s, const asked_wake&, context& c) {
  return thaw_here(c, s.worker, "attach or peek", true);
}
template <class S>
requires(!among<S, absent, ending, frozen, removed>) process on(const S& s, const asked_wake&, context&) {
  return s;
}

// asked_reply
template <class S>
requires(!among<S, removed>) process on(const S& s, const asked_reply& e, context& c) {
  if (c.f().knows(e.key)) { // SUP-11: repeated after a lost connection, it counts once
    if (!c.f().said(e.key, e.text))
      c.put(refuse{errc::key_reused, "this key has been used for another reply\nsend it with a key of its own"});
    return s;
  }
  if (c.f().wanted == intent::remove) {
    c.put(refuse{errc::wrong_state, being_removed});
    return s;
  }
  if constexpr (among<S, absent>)
    if (c.f().is_exec()) {
      c.put(
          refuse{errc::wrong_state,
                 "the shell job has ended and reads nothing any more\nrun it again: troupe respawn " + c.f().id.value});
      return s;
    }
  if constexpr (!among<S, live, frozen>)
    if (!c.f().is_exec() && e.text.starts_with('!')) { // REST-5
      c.put(
          refuse{errc::wrong_state,
                 "the session does not run, and a shell command is not kept for later\nwake it first: troupe attach " +
                     c.f().id.value});
      return s;
    }
  c.write("reply", {{"key", e.key}, {"text", e.text}}, true);
  if constexpr (among<S, absent>) {
    return launch(c);
  } else if constexpr (among<S, frozen>) {
    auto awake = thaw_here(c, s.worker, "reply");
    c.put(deliver{s.worker, e.key, e.text});
    return awake;
  } else if constexpr (among<S, live>) {
    c.put(deliver{s.worker, e.key, e.text});
    return s;
  } else {
    return s;
  }
}

// signed_in
/// A session that failed for want of a login goes on: its process is started again, or told so.
template <class S>
process on(const S& s, const signed_in& e, context& c) {
  if (!c.f().signed_out || c.f().wanted != intent::run)
    return s;
  if constexpr (among<S, absent>)
    return on(s, asked_respawn{"a login"}, c);
  if constexpr (among<S, live, frozen>)
    return on(s, asked_reply{"signed-in-" + std::to_string(e.epoch), "You are signed in again: go on."}, c);
  return s;
}

// asked_answer
template <class S>
requires(!among<S, removed>) process on(const S& s, const asked_answer& e, context& c) {
  if constexpr (among<S, live, frozen>) {
    c.write("answer", {{"key", e.key}, {"question", e.question}, {"choice", e.choice}, {"by", e.by}}, true);
    process now = s;
    if constexpr (among<S, frozen>)
      now = thaw_here(c, s.worker, "answer");
    c.put(give{s.worker, e.key, e.question, e.choice, e.by});
    return now;
  } else if constexpr (among<S, adopting>) {
    c.write("answer", {{"key", e.key}, {"question", e.question}, {"choice", e.choice}, {"by", e.by}}, true);
    c.s.early.push_back(e);
    return s;
  } else {
    c.put(refuse{errc::not_running, nobody_asks});
    return s;
  }
}

// asked_work
template <class S>
process on(const S& s, const asked_work& e, context& c) {
  if constexpr (among<S, live, frozen>) {
    process now = s;
    if constexpr (among<S, frozen>)
      now = thaw_here(c, s.worker, "work", true);
    c.put(declare{s.worker, e.begins, e.work, e.title});
    return now;
  } else {
    c.put(refuse{errc::not_running, "the session has no process, and declared work goes with it\nsee its state: troupe "
                                    "agents --json --all"});
    return s;
  }
}

// asked_steer: what was asked for is in the ledger; what it came to, the worker's events tell (ENV-8)
template <class S>
process on(const S& s, const asked_steer& e, context& c) {
  if constexpr (among<S, live, frozen>) {
    if (c.f().is_exec()) {
      c.put(refuse{errc::wrong_state, "a shell job has no turn, mode or model\nend it: troupe stop " + c.f().id.value});
      return s;
    }
    std::map<std::string, std::string> named{{"by", e.by}};
    if (!e.name.empty())
      named["name"] = e.name;
    if (!e.value.empty())
      named["value"] = e.value;
    c.write(e.action == "cancel" ? "cancel" : "set_" + e.action, std::move(named), true);
    process now = s;
    if constexpr (among<S, frozen>)
      now = thaw_here(c, s.worker, e.action, true);
    c.put(steer{s.worker, e.action, e.name, e.value, e.by});
    return now;
  } else {
    c.put(refuse{errc::not_running,
                 "the session has no process that could take it\nsend it a message first: troupe reply " +
                     c.f().id.value + " TEXT"});
    return s;
  }
}

/// What was answered while the worker was being adopted goes to it, or nowhere.
void pass_on_early(context& c, const process& at) {
  if (std::holds_alternative<adopting>(at))
    return;
  for (auto& a : std::exchange(c.s.early, {}))
    if (const auto* l = std::get_if<live>(&at)) // a frozen one has asked nothing
      c.put(give{l->worker, a.key, a.question, a.choice, a.by});
    else
      c.put(turn_away{errc::not_running, nobody_asks});
}

// asked_pin, asked_rename
template <class S>
requires(!among<S, removed>) process on(const S& s, const asked_pin& e, context& c) {
  c.write("pin", {{"pinned", e.pinned ? "true" : "false"}}, true);
  if constexpr (among<S, live, frozen>)
    watch_rest(c);
  return s;
}
template <class S>
requires(!among<S, removed>) process on(const S& s, const asked_rename& e, context& c) {
  c.write("rename", {{"name", e.name}}, true);
  return s;
}

process reap(context& c, const worker_address& w) {
  c.write("reap", {{"idle_ms", std::to_string(c.p.idle)}});
  return ask_end(c, w, "reap");
}

// elapsed
template <class S>
process on(const S& s, const elapsed& e, context& c) {
  if (e.which == timer::sentence) {
    if (e.generation == c.s.sentence_generation && std::exchange(c.s.sentence_, std::nullopt))
      c.s.sentence_at = c.now;
    return s;
  }
  if (e.generation != (e.which == timer::rest ? c.s.rest_generation : c.s.generation))
    return s;
  if constexpr (among<S, absent>) {
    if (e.which == timer::row)
      return finish_removal(c);
    if (e.which == timer::unheld)
      return fail(c, errc::not_started, "not started: no worker came to hold it");
  } else if constexpr (among<S, backing_off>) {
    if (e.which == timer::restart)
      return launch(c);
  } else if constexpr (among<S, live>) {
    if (e.which == timer::rest && !freeze_first(c, s.worker) && c.f().at_rest())
      return reap(c, s.worker);
  } else if constexpr (among<S, frozen>) {
    if (e.which == timer::rest && c.f().at_rest())
      return reap(c, s.worker);
  } else if constexpr (among<S, ending>) {
    if (e.which == timer::end)
      order_kill(c, s.worker, "did not end within its deadline");
  } else if constexpr (among<S, unreachable>) {
    if (e.which == timer::restart) {
      c.put(adopt{s.worker});
      return adopting{s.worker, s.since};
    }
  }
  return s;
}

// adopted, not_adopted
template <class S>
process on(const S& s, const adopted&, context& c) {
  if constexpr (among<S, adopting>) {
    c.write("adopted", {{"worker", std::to_string(s.worker.worker.value)}});
    if (!c.f().held) // it was assigned, and nobody was left to hear so
      c.write("assigned", {{"worker", std::to_string(s.worker.worker.value)}});
    c.put(answer_dispatch{errc::ok, {}});
    if (c.f().wanted == intent::run)
      c.put(quiet{}); // a stop that a reply has lifted since
    return run_or_end(c, s.worker);
  } else {
    return s;
  }
}
template <class S>
process on(const S& s, const not_adopted& e, context& c) {
  if constexpr (among<S, adopting>) {
    if (e.dead)
      return c.f().settled() && c.f().ended && c.f().wanted != intent::remove && !something_due(c.f())
                 ? rest_here(c)
                 : predecessor_gone(c, e.why);
    if (c.f().wanted != intent::run) { // SUP-5: a stop ends the holder
      order_kill(c, s.worker, "asked to end, and does not answer");
      return killing{s.worker, false};
    }
    if (s.lost_since == 0)
      c.write("unreachable", {{"worker", std::to_string(s.worker.worker.value)}, {"why", e.why}});
    c.arm_timer(timer::restart, 5000);
    return unreachable{s.worker, s.lost_since == 0 ? c.now : s.lost_since};
  } else {
    return s;
  }
}

// unwritten
template <class S>
process on(const S& s, const unwritten& e, context& c) {
  c.put(answer_dispatch{e.code, e.why});
  c.put(quiet{});
  c.put(vanish{});
  return s;
}

// asked_retire (SUP-8): a pinned one too, which the rest clock never reaps, and one that is frozen
template <class S>
process on(const S& s, const asked_retire& e, context& c) {
  if constexpr (among<S, live, frozen>)
    if (c.f().resting()) {
      c.write("reap", {{"why", e.why}, {"idle_ms", std::to_string(c.now - c.f().used_at)}}, true);
      return ask_end(c, s.worker, "reap");
    }
  c.put(refuse{errc::wrong_state, "the session is not idle"});
  return s;
}

// memory_seen (REST-6)
template <class S>
process on(const S& s, const memory_seen& e, context& c) {
  if (std::exchange(c.s.looking, false) && e.low && !c.f().removed)
    c.write("note", {{"text", "possibly low memory — free some up and retry"}});
  return s;
}

// slept: the rest clock runs on a clock that stands still meanwhile (KEEP-3); an end in that time is told (F-30)
template <class S>
process on(const S& s, const slept& e, context& c) {
  c.s.slept_ms = e.ms;
  c.s.woke_at = c.now;
  if (c.s.lost_at > 0 && c.s.lost_at >= e.since && !c.f().removed)
    c.write("note", {{"text", "its process ended when " + nap(e.ms)}});
  return s;
}

// pull_told (PR-1): whether it runs or not; one that is being removed is told nothing any more
template <class S>
process on(const S& s, const pull_told& e, context& c) {
  if constexpr (!among<S, clearing, removed>) {
    const auto& all = c.f().pulls;
    auto at = std::find_if(all.begin(), all.end(), [&](const pull_request& p) { return p.url == e.now.url; });
    if (at != all.end() && at->state != e.now.state && c.f().wanted != intent::remove)
      c.write("pull", {{"number", std::to_string(at->number)}, {"url", at->url}, {"state", e.now.state}}, true);
  }
  return s;
}

// put_out (VIEW-8)
template <class S>
process on(const S& s, const put_out& e, context& c) {
  if (c.f().is_exec() && e.worker == c.f().worker.worker) {
    c.s.output = e.line;
    c.s.output_run = c.f().run;
  }
  return s;
}

struct process_word {
  std::string operator()(const absent&) const { return "exited"; }
  std::string operator()(const removed&) const { return "exited"; }
  std::string operator()(const clearing&) const { return "ending"; }
  std::string operator()(const backing_off&) const { return "exited"; }
  std::string operator()(const claiming&) const { return "starting"; }
  std::string operator()(const assigning&) const { return "starting"; }
  std::string operator()(const queued&) const { return "starting"; }
  std::string operator()(const live&) const { return "alive"; }
  std::string operator()(const frozen&) const { return "frozen"; }
  std::string operator()(const ending&) const { return "ending"; }
  std::string operator()(const killing&) const { return "ending"; }
  std::string operator()(const adopting&) const { return "alive"; }
  std::string operator()(const unreachable&) const { return "unknown"; }
};

} // namespace

namespace {

/// VIEW-8: while it works the row's sentence changes at most so often; whatever else changes is shown with the latest.
void pace_sentence(context& c, const std::string& before, bool worked) {
  const auto& f = c.f();
  if (!worked || f.now != task::working) {
    c.s.sentence_.reset();
    c.s.sentence_at = 0;
  } else if (f.sentence != before && !c.s.sentence_) {
    auto wait = c.s.sentence_at + c.p.sentence - c.now;
    if (wait <= 0) {
      c.s.sentence_at = c.now;
    } else {
      c.s.sentence_ = before;
      c.arm_timer(timer::sentence, wait);
    }
  }
}

} // namespace

step next(state from, const event_& e, wall_ms now, const policy& p) {
  step out{std::move(from), {}};
  context c{out.to, out.effects, now, p};
  auto at = out.to.at;
  const auto sentence = p.sentence > 0 ? c.f().sentence : std::string();
  const bool worked = c.f().now == task::working;
  out.to.at = std::visit([&](const auto& s, const auto& what) { return process(on(s, what, c)); }, at, e);
  pass_on_early(c, out.to.at);
  if (p.sentence > 0)
    pace_sentence(c, sentence, worked);
  return out;
}

bool holds_credentials(const state& s) {
  return listens(s) || std::holds_alternative<assigning>(s.at) || std::holds_alternative<queued>(s.at);
}

bool listens(const state& s) {
  return std::holds_alternative<live>(s.at) || std::holds_alternative<frozen>(s.at);
}

row look(const state& s) {
  const auto& f = s.known;
  row r;
  r.id = f.id;
  r.name = f.name;
  r.cwd = f.spec.cwd;
  r.harness = f.spec.harness;
  r.definition = f.spec.agent;
  r.model = f.spec.model;
  r.process = std::holds_alternative<adopting>(s.at) && f.frozen ? "frozen" : std::visit(process_word{}, s.at);
  r.state = name_of(f.now);
  r.told = {name_of(f.told_by), f.told_at};
  if (const auto* lost = std::get_if<unreachable>(&s.at)) {
    r.state = name_of(task::unknown);
    r.told = {name_of(source::none), lost->since};
  }
  r.sentence = !f.questions.empty()  ? f.questions.front().text
               : !f.problems.empty() ? f.problems.front()
               : !f.kept.empty()     ? "not removed: " + f.kept.substr(0, f.kept.find('\n'))
                                     : s.sentence_.value_or(f.sentence);
  if (s.output_run == f.run)
    r.output = s.output;
  r.note = f.note;
  r.started_at = f.dispatched_at;
  r.changed_at = f.changed_at;
  r.used_at = f.used_at;
  r.pid = std::visit(
      [](const auto& at) {
        if constexpr (requires { at.worker; })
          return at.worker.process.pid;
        else
          return std::int32_t{0};
      },
      s.at);
  r.pinned = f.pinned;
  r.gone = f.removed;
  r.exit_status = f.exit_status;
  r.waiting = f.questions;
  r.work = f.work;
  r.undelivered = static_cast<std::uint32_t>(f.replies.size());
  r.attached = f.attached;
  r.problems = f.problems;
  r.agent = f.agent;
  r.tree = f.tree;
  r.pulls = f.pulls;
  if (!f.kept.empty())
    r.problems.push_back("not removed: " + f.kept);
  for (const auto& d : f.drift)
    r.problems.push_back("runs with other " + d + " than was meant");
  r.problems.insert(r.problems.end(), f.notes.begin(), f.notes.end());
  return r;
}

} // namespace troupe::session_machine
