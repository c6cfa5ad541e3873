// What actors say to each other beyond the vocabulary of sessions. A sentence above each in actors/interfaces.hpp.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

// Front ends to supervisor and sessions.
struct dispatch {
  std::string key, digest, origin;
  dispatch_spec spec;
  environment env;
};
TROUPE_INSPECT(dispatch, key, digest, origin, spec, env)
struct dispatched {
  session_id id;
  std::string name, harness;
  bool warm = false, repeated = false;
};
TROUPE_INSPECT(dispatched, id, name, harness, warm, repeated)
struct stop_session {
  session_id id;
  std::string by;
  std::uint64_t cause = 0; ///< the ledger line that asks for it; 0: a person does
};
TROUPE_INSPECT(stop_session, id, by, cause)
struct remove_session {
  session_id id;
  std::string by;
  bool force = false;    ///< uncommitted work in its worktree too; what of it can be is kept for a while (BEYOND-9)
  std::string used_by{}; ///< another session that works in its worktree; the supervisor fills it in
};
TROUPE_INSPECT(remove_session, id, by, force, used_by)
/// What a stop, a respawn or a removal would lose.
struct losses_asked {
  session_id id;
};
TROUPE_INSPECT(losses_asked, id)
/// Bring a removed one back (ISO-3).
struct resume_session {
  session_id id;
  std::string by;
  environment env;
};
TROUPE_INSPECT(resume_session, id, by, env)
/// Which removed ones can be brought back.
struct archive_asked {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(archive_asked, version)
struct archive {
  std::vector<row> all; ///< the one removed last first
};
TROUPE_INSPECT(archive, all)
struct respawn_session {
  session_id id;
  std::string by;
  environment env;
};
TROUPE_INSPECT(respawn_session, id, by, env)
struct rename_session {
  session_id id;
  std::string name;
};
TROUPE_INSPECT(rename_session, id, name)
struct pin_session {
  session_id id;
  bool pinned = false;
};
TROUPE_INSPECT(pin_session, id, pinned)
struct reply_to {
  session_id id;
  std::string key, text;
  environment env;
};
TROUPE_INSPECT(reply_to, id, key, text, env)
struct replied {
  std::string outcome;
};
TROUPE_INSPECT(replied, outcome)
struct answer_question {
  session_id id;
  std::string key, question, choice, by;
};
TROUPE_INSPECT(answer_question, id, key, question, choice, by)
struct answer_taken {
  std::string question, choice;
};
TROUPE_INSPECT(answer_taken, question, choice)
/// A program inside a session declares work of its own, or its end (KEEP-2).
struct declare_work {
  session_id id;
  bool begins = true;
  std::string work, title;
};
TROUPE_INSPECT(declare_work, id, begins, work, title)
struct work_declared {
  std::string work;
};
TROUPE_INSPECT(work_declared, work)
/// A running conversation is to go on otherwise.
struct steer_session {
  session_id id;
  std::string action; ///< `cancel` (the turn), `mode`, `model`, `option`
  std::string name;   ///< of an option
  std::string value;
  std::string by;
};
TROUPE_INSPECT(steer_session, id, action, name, value, by)
struct steered {
  std::string value; ///< as its agent took it
};
TROUPE_INSPECT(steered, value)
struct find_place {
  session_id id;
  bool wake = false;
  environment env;
};
TROUPE_INSPECT(find_place, id, wake, env)
struct place {
  std::string kind, state, process, directory, socket;
  std::map<std::string, std::string> details{}; ///< `options`, `commands`, `plan` as its agent told them, JSON as text
  dispatch_spec spec{};                         ///< as it holds now, with mode and model as they were changed
  std::string conversation{};                   ///< the agent's own id of it, as far as there is one
  bool copies = false;                          ///< the agent can copy it (BG-2)
};
TROUPE_INSPECT(place, kind, state, process, directory, socket, details, spec, conversation, copies)
struct why {
  session_id id;
};
TROUPE_INSPECT(why, id)
struct reasons {
  std::vector<ledger_entry> chain;
};
TROUPE_INSPECT(reasons, chain)
struct done {
  session_id id;
  std::string note{}; ///< what else there is to say of it, in sentences
};
TROUPE_INSPECT(done, id, note)
struct status_asked {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(status_asked, version)
struct supervisor_status {
  std::string state, pool;
  std::uint32_t workers = 0, sessions = 0;
  std::map<std::string, std::uint32_t> spares;
  std::vector<std::string> holds;
};
TROUPE_INSPECT(supervisor_status, state, pool, workers, sessions, spares, holds)
struct stop_supervisor {
  bool any = false, keep_workers = false;
};
TROUPE_INSPECT(stop_supervisor, any, keep_workers)
struct supervisor_stopped {
  std::uint32_t stopped = 0, kept = 0;
};
TROUPE_INSPECT(supervisor_stopped, stopped, kept)
struct front_ends {
  std::uint32_t count = 0;
};
TROUPE_INSPECT(front_ends, count)
struct roster_watched {
  std::uint32_t by = 0; ///< how many are told of each change of the roster
};
TROUPE_INSPECT(roster_watched, by)

// Sessions to whoever shows them, and to the supervisor.
struct row_changed {
  row now;
};
TROUPE_INSPECT(row_changed, now)
struct roster_loaded {
  std::vector<std::string> problems;
  std::vector<row> gone; ///< removed ones whose exit status is still known (KEEP-7)
};
TROUPE_INSPECT(roster_loaded, problems, gone)
struct leaving {
  std::uint32_t code = 0;
};
TROUPE_INSPECT(leaving, code)
struct kept_environment {
  session_id id;
  environment env;
};
TROUPE_INSPECT(kept_environment, id, env)
struct hand_over {
  std::vector<kept_environment> environments;
}; ///< the supervisor makes room for a newer version of itself (SUP-6)
TROUPE_INSPECT(hand_over, environments)

// Supervisor to session.
struct restore {
  std::vector<ledger_entry> entries;
  std::vector<event> events;
  std::vector<std::string> problems;
  bool worker_alive = false;
  std::string output{}; ///< the last line that its shell job has put out
  environment env{};    ///< from the supervisor before, where that handed over (SUP-6)
};
TROUPE_INSPECT(restore, entries, events, problems, worker_alive, output, env)
struct retire_session {
  session_id id;
  std::string why;
}; ///< end its worker ahead of time, if it is idle (SUP-8)
TROUPE_INSPECT(retire_session, id, why)
struct environment_asked {
  session_id id;
};
TROUPE_INSPECT(environment_asked, id)
struct refresh_pull {
  session_id id;
  std::string url;
}; ///< find out how one of its pull requests stands (PR-1)
TROUPE_INSPECT(refresh_pull, id, url)
struct pull_news {
  session_id id;
  pull_request now;
}; ///< another session has found out
TROUPE_INSPECT(pull_news, id, now)

// Sessions to pool.
struct claim_worker {
  session_id by;
  profile wanted;
  std::uint64_t cause = 0; ///< the claiming session's last ledger line
  bool warmable = false;   ///< a spare may be started ahead for the next one of this profile (POOL-9)
};
TROUPE_INSPECT(claim_worker, by, wanted, cause, warmable)
struct granted_worker {
  worker_address worker;
  bool warm = false;
  std::string differs{}; ///< cold though a spare was ready: in which parts of the profile that one differed (BEYOND-4)
};
TROUPE_INSPECT(granted_worker, worker, warm, differs)
struct permit_wanted {
  session_id by;
};
TROUPE_INSPECT(permit_wanted, by)
struct permit_given {
  session_id to;
};
TROUPE_INSPECT(permit_given, to)
struct permit_back {
  session_id by;
};
TROUPE_INSPECT(permit_back, by)
struct open_pool {
  std::uint64_t cause = 0; ///< the ledger line of the supervisor's start
};
TROUPE_INSPECT(open_pool, cause)
struct close_pool {
  std::uint32_t code = 0;
};
TROUPE_INSPECT(close_pool, code)
struct pool_status {
  std::string mood;
  std::map<std::string, std::uint32_t> spares;
};
TROUPE_INSPECT(pool_status, mood, spares)

// To the credential store and its vault.
struct snapshot_wanted {
  session_id by;
  std::uint64_t refused = 0; ///< the epoch of what an endpoint has turned down; 0: none
};
TROUPE_INSPECT(snapshot_wanted, by, refused)
struct load_credentials {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(load_credentials, version)
struct refresh_credentials {
  snapshot old;
  bool refused = false; ///< an endpoint has turned it down: it is not waited for that it expires
};
TROUPE_INSPECT(refresh_credentials, old, refused)
struct sign_out {
  std::string by;
};
TROUPE_INSPECT(sign_out, by)
struct accounts_asked {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(accounts_asked, version)
/// What is stored, never a secret.
struct account {
  std::string variable, source;
  std::string kind{}; ///< "key", "oauth", "helper"
  std::string host{}; ///< the one it is bound to (CRED-8)
  std::string name{}; ///< whose it is, where that is known
  wall_ms expires = 0;
};
TROUPE_INSPECT(account, variable, source, kind, host, name, expires)
struct accounts {
  std::vector<account> all;
  std::string problem{}; ///< why the store cannot be read, and the remedy
};
TROUPE_INSPECT(accounts, all, problem)
struct signed_out {
  std::uint32_t accounts = 0; ///< how many were cleared
};
TROUPE_INSPECT(signed_out, accounts)
/// To the vault: delete what is stored.
struct clear_credentials {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(clear_credentials, version)
/// The credentials are other ones now; those who run with older ones get these (CRED-5, CRED-6).
struct snapshot_changed {
  snapshot now;
};
TROUPE_INSPECT(snapshot_changed, now)

// To the worker host.
struct launch_worker {
  worker_id worker;
  bool spare = false;
  profile wanted;
};
TROUPE_INSPECT(launch_worker, worker, spare, wanted)
struct assign_worker {
  worker_id worker;
  assignment job;
};
TROUPE_INSPECT(assign_worker, worker, job)
struct start_worker {
  worker_id worker;
  std::uint32_t run = 0;
};
TROUPE_INSPECT(start_worker, worker, run)
struct deliver_reply {
  worker_id worker;
  std::string key, text;
  std::uint64_t seen = 0;
};
TROUPE_INSPECT(deliver_reply, worker, key, text, seen)
struct reply_taken {
  std::uint64_t n = 0;
};
TROUPE_INSPECT(reply_taken, n)
struct give_answer {
  worker_id worker;
  std::string key, question, choice, by;
  std::uint64_t seen = 0;
};
TROUPE_INSPECT(give_answer, worker, key, question, choice, by, seen)
struct steer_worker {
  worker_id worker;
  std::string action, name, value, by;
};
TROUPE_INSPECT(steer_worker, worker, action, name, value, by)
struct end_worker {
  worker_id worker;
  std::string reason;
  std::uint64_t seen = 0;
};
TROUPE_INSPECT(end_worker, worker, reason, seen)
struct ending_worker {
  worker_id worker;
};
TROUPE_INSPECT(ending_worker, worker)
struct freeze_worker {
  worker_id worker;
  std::uint64_t seen = 0;
};
TROUPE_INSPECT(freeze_worker, worker, seen)
struct worker_frozen {
  worker_id worker;
};
TROUPE_INSPECT(worker_frozen, worker)
struct thaw_worker {
  worker_id worker;
  std::string why;
};
TROUPE_INSPECT(thaw_worker, worker, why)
struct renew_worker {
  worker_id worker;
  snapshot credentials;
};
TROUPE_INSPECT(renew_worker, worker, credentials)
struct worker_renewed {
  worker_id worker;
};
TROUPE_INSPECT(worker_renewed, worker)
struct note_work {
  worker_id worker;
  bool begins = true;
  std::string work, title;
};
TROUPE_INSPECT(note_work, worker, begins, work, title)
struct kill_worker {
  worker_id worker;
  session_id session;
  std::string directory, why;
};
TROUPE_INSPECT(kill_worker, worker, session, directory, why)
struct clear_session {
  session_id session;
  std::string directory;
};
TROUPE_INSPECT(clear_session, session, directory)
struct session_cleared {
  session_id session;
};
TROUPE_INSPECT(session_cleared, session)
struct adopt_worker {
  worker_address worker;
  session_id session;
  std::string directory;
  std::uint64_t since = 0;
};
TROUPE_INSPECT(adopt_worker, worker, session, directory, since)
struct worker_adopted {
  worker_id worker;
  std::string state; ///< `assigned`, `ended`; `gone`: its process has ended
  assignment job;
  std::uint64_t last = 0;
  std::string why;           ///< of one that is gone
  std::vector<event> untold; ///< of one that is gone: what it wrote and could not tell
};
TROUPE_INSPECT(worker_adopted, worker, state, job, last, why, untold)
struct say_goodbye {
  std::uint32_t ended = 0; ///< in the answer: how many workers could not outlive this process
};
TROUPE_INSPECT(say_goodbye, ended)

// From the worker host.
struct worker_ready {
  worker_id worker;
  std::string version{}; ///< the worker program's own
};
TROUPE_INSPECT(worker_ready, worker, version)
struct worker_event {
  worker_id worker;
  session_id session;
  event what;
};
TROUPE_INSPECT(worker_event, worker, session, what)
struct worker_output {
  worker_id worker;
  session_id session;
  std::string line;
}; ///< what its shell job says now (VIEW-8): in no transcript, for a row only
TROUPE_INSPECT(worker_output, worker, session, line)
struct worker_exited {
  worker_id worker;
  session_id session;
  std::string evidence;
};
TROUPE_INSPECT(worker_exited, worker, session, evidence)

// To the journal keeper.
struct append {
  ledger_entry entry;
};
TROUPE_INSPECT(append, entry)
struct appended {
  std::uint64_t n = 0;
};
TROUPE_INSPECT(appended, n)
struct load_journal {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(load_journal, version)
struct session_history {
  session_id id;
  std::vector<ledger_entry> entries;
  std::vector<event> events;
  std::vector<std::string> problems;
  bool worker_alive = false; ///< the process of the last claim lives
  std::string output{};      ///< the last line that its shell job has put out
};
TROUPE_INSPECT(session_history, id, entries, events, problems, worker_alive, output)
struct journal {
  std::uint64_t last = 0;
  std::vector<session_history> sessions;
  std::vector<std::string> problems;
  std::vector<row> gone;          ///< removed within the last 30 days
  std::vector<ledger_entry> keys; ///< the `dispatched` lines of removed ones, for their keys (SUP-11)
};
TROUPE_INSPECT(journal, last, sessions, problems, gone, keys)
struct drop_session {
  session_id id;
  std::vector<ledger_entry> epitaph{}; ///< the line that would begin it again; none of a shell job
};                                     ///< its output, scratch and cache; the transcript stays (ISO-3)
TROUPE_INSPECT(drop_session, id, epitaph)
/// Write the line that begins a removed session again, and give what there is of it; refused where it is not kept.
struct revive_session {
  session_id id;
  std::string by;
};
TROUPE_INSPECT(revive_session, id, by)
struct cache_row {
  row now;
  std::uint64_t entry = 0, event = 0;
};
TROUPE_INSPECT(cache_row, now, entry, event)
struct chain_asked {
  session_id id;
};
TROUPE_INSPECT(chain_asked, id)

struct flush_journal {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(flush_journal, version)

// To and from the machine.
struct watch_machine {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(watch_machine, version)
struct memory_asked {
  std::uint32_t version = 1;
};
TROUPE_INSPECT(memory_asked, version)
struct memory_state {
  bool pressed = false; ///< processes stall for want of memory: some must be given back (SUP-8)
  bool low = false;     ///< little is left: what failed may have failed for that (REST-6)
  std::string evidence; ///< which figure says so, for the log
};
TROUPE_INSPECT(memory_state, pressed, low, evidence)
struct machine_slept {
  std::int64_t ms = 0;
  wall_ms since = 0; ///< it was awake at that time still
};
TROUPE_INSPECT(machine_slept, ms, since)
struct executable_replaced {
  std::string version; ///< which the new one has answered
};
TROUPE_INSPECT(executable_replaced, version)

// To the repository.
struct inspect_worktree {
  session_id session;
  worktree tree;
};
TROUPE_INSPECT(inspect_worktree, session, tree)
struct remove_worktree {
  session_id session;
  worktree tree;
  bool force = false; ///< with uncommitted files, which are kept as a snapshot
};
TROUPE_INSPECT(remove_worktree, session, tree, force)
struct worktree_removed {
  bool removed = false;   ///< or it was gone already
  std::string why{};      ///< why it was not
  std::string branch{};   ///< `deleted`, or `kept` since it has commits that are nowhere else; empty: there is none
  std::string snapshot{}; ///< the ref that holds what was uncommitted; empty: nothing was
  std::string ignored{};  ///< the folder that holds the ignored files that are somebody's; empty: there were none
};
TROUPE_INSPECT(worktree_removed, removed, why, branch, snapshot, ignored)
/// Ask `gh`. Of `env` it gets what names an account and a way to it; nothing in `folders`, which are the repository's
/// or the session's own, has a say.
struct ask_pull {
  session_id session;
  std::string url;
  environment env;
  std::vector<std::string> folders;
};
TROUPE_INSPECT(ask_pull, session, url, env, folders)

// Timers, to oneself.
struct timer_due {
  std::uint32_t which = 0;
  std::uint64_t generation = 0;
};
TROUPE_INSPECT(timer_due, which, generation)

} // namespace troupe
