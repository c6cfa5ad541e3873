// What is known of one session: the fold of its ledger lines and its transcript (STATE-2). Pure.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

/// The task axis (STATE-1).
enum class task { working, needs_input, idle, completed, failed, stopped, unknown };
/// What is wanted of the session. A restart never overrides a stop (REST-2).
enum class intent { run, stop, remove };

/// "working", "blocked", "idle", "done", "failed", "stopped", "unknown" (JSON-1).
std::string name_of(task t);

/// Who tells a state, the weakest first: a hint of a weaker one changes nothing once a stronger one has spoken in the
/// same run (BEYOND-8). The ledger, which tells what Troupe itself decided, stands beside the ranks.
enum class source { none, screen, process_tree, hook, protocol, ledger };
/// "none", "screen", "process tree", "hook", "protocol", "ledger".
std::string name_of(source s);

/// A reply that the ledger has and no transcript has taken yet (REST-5).
struct pending_reply {
  std::string key;
  std::string text;
  bool operator==(const pending_reply&) const = default;
};

/// An answer that the ledger has; taken once the transcript shows that it counted (SUP-11, BEYOND-7).
struct given_answer {
  std::string key, by;
  std::string question, choice; ///< as they were asked for; as they turned out once taken
  bool taken = false;
  std::string asked; ///< the choice as it was asked for: the same key with another is refused
  bool operator==(const given_answer&) const = default;
};

/// The truth about one session. Only `fold` changes it.
struct facts {
  session_id id;
  dispatch_spec spec;
  std::string name;
  std::string key, digest; ///< of the dispatch (SUP-11)
  bool pinned = false;
  intent wanted = intent::run;
  task now = task::working;
  source told_by = source::ledger; ///< who says that `now` is so
  wall_ms told_at = 0;             ///< since when
  source heard = source::none;     ///< the strongest one that has spoken in this run
  std::string sentence;
  std::string note; ///< what happened to its process, shown until the next one is ready
  wall_ms dispatched_at = 0, changed_at = 0, ended_at = 0;
  wall_ms used_at = 0;   ///< when it did or was asked something, last: what only befalls its process is no use (SUP-8)
  std::uint32_t run = 0; ///< the latest worker's
  bool held = false;     ///< a worker has held the assignment at least once
  bool removed = false;
  bool again = false;    ///< respawned: runs anew once the present worker has ended; until the next claim
  bool woken = false;    ///< attached to while it had no worker, or one that was being reaped: until one is there
  worker_address worker; ///< of the latest run; may be dead
  std::uint64_t last_event = 0, last_entry = 0;
  // of the latest run, from its events:
  bool begun = false;         ///< the harness was started
  bool ready = false;         ///< the harness can take prompts
  bool turn = false;          ///< a prompt was sent and has not ended (REST-5)
  wall_ms heard_at = 0;       ///< when the transcript's last line was written
  wall_ms interrupted_at = 0; ///< a turn was cut off then, and no prompt was sent since (REST-4, REST-5); 0: none
  bool replied = false;       ///< the last prompt's turn has ended as it should, in this run or an earlier one
  bool ended = false;         ///< the worker has told the end of its tree
  bool signed_out = false;    ///< it failed for want of a login, and goes on after one (CRED-4, CRED-6)
  std::string end_reason;     ///< `stop`, `reap`, ...: asked for; empty: it ended by itself
  bool cleared = true; ///< nothing that it started is left, as its worker has told; else shells may run on (REST-7)
  std::int32_t exit_status = -1;
  std::string last_words; ///< the evidence that came with its end
  std::vector<question> questions;
  std::vector<work_item> work;
  std::uint32_t attached = 0;
  std::string conversation;                   ///< the agent's own id of it, as the latest `ready` has it
  bool copies = false;                        ///< the agent can copy it (BG-2)
  agent_facts agent;                          ///< what its agent has told of itself
  std::map<std::string, std::string> details; ///< `options`, `commands`, `plan`: the latest of each, JSON as text
  bool frozen = false;                        ///< the worker has frozen what runs below it (BEYOND-3)
  std::vector<pending_reply> replies;         ///< in the order of the ledger
  std::map<std::string, std::size_t> taken;   ///< keys that the transcript has, each with a hash of what it said
  std::set<std::string> unsent;               ///< of these, the ones that the agent has not got yet (REST-5)
  std::vector<given_answer> answers;          ///< in the order of the ledger
  std::vector<wall_ms> restarts;              ///< when, for REST-1
  std::vector<std::string> drift;             ///< what the latest run has otherwise than was meant (BEYOND-5)
  std::vector<std::string> notes;             ///< what its latest run's settings left out, and the like
  std::vector<std::string> problems;          ///< bad lines and the like, shown on the row
  worktree tree;                              ///< that Troupe made for it (ISO-1)
  bool force = false;                         ///< its removal takes what is uncommitted in there along
  std::string used_by;                        ///< who else works in there, as the one who asked for the removal saw
  std::string kept;                           ///< why it was not removed when that was asked for, until it runs again
  std::vector<pull_request> pulls;            ///< the one told of last first (PR-1)

  [[nodiscard]] bool is_exec() const { return spec.kind == "exec"; }
  /// Settled: done, failed or stopped.
  [[nodiscard]] bool settled() const { return now == task::completed || now == task::failed || now == task::stopped; }
  /// Something was said to it that its agent has not heard.
  [[nodiscard]] bool has_prompts() const { return !replies.empty() || !unsent.empty(); }
  /// Whether that key has come with a reply before (SUP-11), and whether it said the same.
  [[nodiscard]] bool knows(const std::string& reply_key) const;
  [[nodiscard]] bool said(const std::string& reply_key, const std::string& text) const;
  /// Between turns, with nothing at work, asked or attached: it may be frozen, pinned or not (BEYOND-3).
  [[nodiscard]] bool resting() const {
    return !turn && !ended && questions.empty() && work.empty() && attached == 0 && !has_prompts() &&
           (ready || is_exec()) && (settled() || now == task::idle);
  }
  /// Nothing keeps its worker but time (KEEP-1).
  [[nodiscard]] bool at_rest() const { return resting() && !pinned; }
  /// It ended before it could take a prompt, unasked, and said nothing (REST-6).
  [[nodiscard]] bool silent_start() const {
    return run > 0 && wanted == intent::run && end_reason.empty() && last_words.empty() && !(is_exec() ? begun : ready);
  }
};

/// Where a worktree is, as facts of a ledger line; which folder that was (device, inode) is not among them.
std::map<std::string, std::string> place_facts(const worktree& tree);

/// The line that begins a removed session again (ISO-3): all that its transcript does not tell.
ledger_entry epitaph_of(const facts& f);

/// Takes one transcript line in. A line of an older run, or one that is known already, changes nothing.
void fold(facts& f, const event& e);
/// Takes one ledger line in.
void fold(facts& f, const ledger_entry& e);
/// Takes both files in, in the order in which their writers knew of each other: a ledger line stands behind the last
/// transcript line that it names as seen. Gives what the supervisor that wrote the ledger had known.
void fold(facts& f, const std::vector<ledger_entry>& entries, const std::vector<event>& events);

} // namespace troupe
