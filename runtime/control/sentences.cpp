// The causal ledger in words (BEYOND-1).
#include <algorithm>

#include "runtime/control/front_desk.hpp"

namespace troupe {

namespace {

std::string fact(const ledger_entry& e, const char* name) {
  auto at = e.facts.find(name);
  return at == e.facts.end() ? std::string() : at->second;
}

std::string worker_words(const ledger_entry& e) {
  return "worker " + fact(e, "worker") + (fact(e, "pid").empty() ? "" : " (process " + fact(e, "pid") + ")");
}

/// What the receipt was compared in (BEYOND-5).
std::string receipt_words(const ledger_entry& e) {
  std::string same, other;
  for (const char* part : {"arguments", "directory", "variables", "permission_mode", "account"}) {
    auto& words = fact(e, part) == "same" ? same : other;
    if (fact(e, part) == "same" || fact(e, part) == "different")
      words += std::string(words.empty() ? "" : ", ") +
               (part == std::string_view("permission_mode") ? "permission mode" : part);
  }
  if (!fact(e, "differing").empty())
    other += " (" + fact(e, "differing") + ")";
  return (same.empty() ? "" : "; as meant: " + same) + (other.empty() ? "" : "; not as meant: " + other);
}

std::string sentence(const ledger_entry& e) {
  auto by = fact(e, "by").empty() ? std::string() : " by " + fact(e, "by");
  auto run = "run " + std::to_string(e.run) + ": ";
  if (e.what == "dispatched")
    return "dispatched from " + fact(e, "origin") + (e.spec.empty() ? "" : ": " + e.spec.front().prompt);
  if (e.what == "spawned")
    return "worker " + fact(e, "worker") + " was launched" +
           (fact(e, "spare") == "true" ? " as a spare" : " for this session, since no spare was ready");
  if (e.what == "claimed")
    return run + "claimed " + worker_words(e) + (fact(e, "warm") == "true" ? ", a warm one" : ", freshly launched") +
           (fact(e, "differs").empty() ? "" : ", since the spare that was ready differs: " + fact(e, "differs"));
  if (e.what == "refused")
    return run + worker_words(e) + " did not take the assignment: " + fact(e, "why") + receipt_words(e);
  if (e.what == "assigned")
    return run + worker_words(e) + " holds the assignment" + receipt_words(e);
  if (e.what == "start")
    return run + "the harness was started";
  if (e.what == "reply")
    return "a reply was written: " + fact(e, "text");
  if (e.what == "delivered")
    return run + "the reply was taken by the worker";
  if (e.what == "answer")
    return "an answer was given" + by + ": " + fact(e, "choice");
  if (e.what == "stop" || e.what == "remove" || e.what == "respawn")
    return e.what + " was asked for" + by;
  if (e.what == "worktree")
    return run + "it works in the worktree " + fact(e, "path") +
           (fact(e, "branch").empty() ? "" : " on the branch " + fact(e, "branch"));
  if (e.what == "pull")
    return "pull request #" + fact(e, "number") + " is " + fact(e, "state") + ": " + fact(e, "url");
  if (e.what == "kept")
    return "it was not removed: " + fact(e, "why");
  if (e.what == "removed" && !(fact(e, "branch") + fact(e, "snapshot") + fact(e, "ignored")).empty())
    return "removed with its worktree" + (fact(e, "branch").empty() ? "" : "; branch " + fact(e, "branch")) +
           (fact(e, "snapshot").empty() ? "" : "; what was uncommitted is in " + fact(e, "snapshot")) +
           (fact(e, "ignored").empty() ? "" : "; files that git ignores are in " + fact(e, "ignored"));
  if (e.what == "resumed")
    return "brought back" + by;
  if (e.what == "cancel")
    return "the turn was cancelled" + by;
  if (e.what.starts_with("set_"))
    return (e.what == "set_option" ? "option " + fact(e, "name") : e.what.substr(4)) + " " + fact(e, "value") +
           " was asked for" + by;
  if (e.what == "wake")
    return "somebody attached to it while it had no worker";
  if (e.what == "rename")
    return "renamed to " + fact(e, "name");
  if (e.what == "pin")
    return fact(e, "pinned") == "true" ? "pinned" : "unpinned";
  if (e.what == "reap" && fact(e, "why") == "memory")
    return run + "its worker was ended to free memory, since it was idle";
  if (e.what == "note")
    return run + fact(e, "text");
  if (e.what == "reap")
    return run + "its worker was ended after " + std::to_string(std::atoll(fact(e, "idle_ms").c_str()) / 1000) +
           " s at rest";
  if (e.what == "kill")
    return run + worker_words(e) + " was killed: " + fact(e, "why");
  if (e.what == "freeze")
    return run + "frozen after " + std::to_string(std::atoll(fact(e, "idle_ms").c_str()) / 1000) + " s at rest";
  if (e.what == "freeze_refused")
    return run + "its worker stayed awake: " + fact(e, "why");
  if (e.what == "thaw")
    return run + (fact(e, "observed") == "true" ? "thawed by its worker: " : "thawed: ") + fact(e, "why");
  if (e.what == "worker_ended")
    return run + worker_words(e) + " ended without having been asked: " + fact(e, "evidence");
  if (e.what == "restart")
    return "restart " + fact(e, "attempt") +
           (fact(e, "after_ms") == "0" ? ", at once" : ", after " + fact(e, "after_ms") + " ms");
  if (e.what == "settled")
    return fact(e, "state") + (fact(e, "why").empty() ? "" : ": " + fact(e, "why")) +
           (fact(e, "exit_status").empty() ? "" : " (exit status " + fact(e, "exit_status") + ")");
  if (e.what == "adopted")
    return run + "a new supervisor took " + worker_words(e) + " over";
  if (e.what == "unreachable")
    return run + worker_words(e) + " is alive and does not answer: " + fact(e, "why");
  return e.what;
}

} // namespace

json state_sentence(const row& now) {
  const auto& by = now.told.source;
  auto who = by == "protocol"       ? "its harness says so in its protocol"
             : by == "hook"         ? "a hook of its harness says so"
             : by == "process tree" ? "its process tree shows it"
             : by == "screen"       ? "its screen looks so"
             : by == "ledger"       ? "by the ledger; nothing of the session has told yet or any more"
                                    : "nothing tells";
  return {{"t", now.told.since}, {"what", "state"}, {"text", now.state + " since then: " + who}};
}

json sentences(const std::vector<ledger_entry>& chain) {
  auto out = json::array();
  for (auto e = chain.rbegin(); e != chain.rend(); ++e) {
    json line{{"n", e->n}, {"t", e->t}, {"what", e->what}, {"text", bytes_to_json(sentence(*e))}};
    if (e->cause != 0)
      line["cause"] = e->cause;
    out.push_back(std::move(line));
  }
  return out;
}

} // namespace troupe
