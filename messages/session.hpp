// What a session is: what was asked for (dispatch_spec), what happened to it (event), what was wanted and why
// (ledger_entry), and how it looks from outside (row).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "messages/ids.hpp"

namespace troupe {

using environment = std::vector<std::pair<std::string, std::string>>; ///< names and values are bytes (FILES-3)

/// What a person asked for. Goes to the ledger as it is: no environment value and no secret is in it (ENV-5).
struct dispatch_spec {
  std::string kind;                 ///< "exec" or "agent"
  std::string harness;              ///< "exec", "native", or the name of an ACP agent
  std::vector<std::string> command; ///< exec: the arguments; an ACP agent: its command line
  std::string prompt;               ///< agent: the first prompt; exec: the command line as typed
  std::string cwd;                  ///< absolute, bytes
  std::string name{};               ///< as given by the user, may be empty
  std::string model{};
  std::string effort{};
  std::string permission_mode{};
  std::string agent{};
  std::string settings{};
  std::vector<std::string> add_dirs{};
  std::string mcp_config{};
  std::uint16_t rows = 24;
  std::uint16_t cols = 80;
  bool backgrounded = false;    ///< sent to the background from a conversation, else dispatched as a task (REST-3)
  environment choices{};        ///< provider selection and model aliases of the dispatching shell; no secrets (ENV-5)
  bool without_project = false; ///< the user wants none of the directory's own settings (TRUST-2)
  std::string fork_of{};        ///< a session whose conversation is copied into this one (BG-2)
  std::string fork_from{};      ///< the agent's own id of that conversation
  bool operator==(const dispatch_spec&) const = default;
};
TROUPE_INSPECT(dispatch_spec, kind, harness, command, prompt, cwd, name, model, effort, permission_mode, agent,
               settings, add_dirs, mcp_config, rows, cols, backgrounded, choices, without_project, fork_of, fork_from)

/// One choice of a question. Chosen by number or by kind, never by order or id (acp.md).
struct option {
  std::uint32_t n = 0; ///< from 1, as shown
  std::string name;
  std::string kind; ///< allow_once, allow_always, reject_once, reject_always; of a form or a link: choose, accept,
                    ///< decline, cancel; or empty
  std::string id;   ///< the agent's own
  bool operator==(const option&) const = default;
};
TROUPE_INSPECT(option, n, name, kind, id)

/// What a session waits for (STATE-3, BEYOND-7).
struct question {
  std::string id;
  std::string text;
  std::vector<option> options;
  wall_ms since = 0;
  std::string kind{}; ///< "form" or "url"; empty: a permission, or whatever is answered by an option
  std::string data{}; ///< of a form: `{"schema": ...}`, of a link: `{"url": ...}`, as JSON text
  bool operator==(const question&) const = default;
};
TROUPE_INSPECT(question, id, text, options, since, kind, data)

/// One thing that still runs for a session (KEEP-2).
struct work_item {
  std::string id;
  std::string kind; ///< "shell", "subagent", "monitor", "process", "declared"
  std::string title;
  bool operator==(const work_item&) const = default;
};
TROUPE_INSPECT(work_item, id, kind, title)

/// A worktree that Troupe made for a session (ISO-1). Device and inode tell it from whatever comes to stand at its path
/// later (SEC-4).
struct worktree {
  std::string path;                    ///< absolute, bytes; empty: there is none
  std::string branch;                  ///< of the session's own; empty: a hook made the worktree
  std::string repository;              ///< the checkout that it belongs to
  std::string cwd;                     ///< where in it the session works
  std::string base;                    ///< the commit that it began with
  std::uint64_t device = 0, inode = 0; ///< 0: removed together with its session, to be made anew for the next run
  bool operator==(const worktree&) const = default;
};
TROUPE_INSPECT(worktree, path, branch, repository, cwd, base, device, inode)

/// A pull request that a session works on (PR-1).
struct pull_request {
  std::uint32_t number = 0;
  std::string url;
  std::string state; ///< open, draft, pending, failing, ready, merged, closed; open: nobody was asked yet
  bool operator==(const pull_request&) const = default;
};
TROUPE_INSPECT(pull_request, number, url, state)

/// What a stop, a respawn or a removal would lose (BEYOND-9).
struct losses {
  std::vector<std::string> files{};    ///< uncommitted, each as git names it: its state, its path
  std::vector<std::string> ignored{};  ///< that git ignores and are somebody's: path (size); kept for a while
  std::vector<std::string> products{}; ///< that git ignores and a build makes anew, in words; nobody need be asked
  std::vector<std::string> commits{};  ///< that are nowhere else: short id, subject
  std::vector<std::string> running{};  ///< what ends with its process, in words
  std::vector<std::string> replies{};  ///< that its agent has not heard
  std::string keeps{}; ///< why its worktree would not be removed, whoever asks; empty: nothing is in the way
  bool operator==(const losses&) const = default;
};
TROUPE_INSPECT(losses, files, ignored, products, commits, running, replies, keeps)

/// One numbered line of a session's transcript, and at the same time one event from worker to supervisor (STATE-2).
/// `what` is one of: assigned, started, ready, taken, sent, turn_ended, text, tool, question, answered, work, attached,
/// ended, hint, frozen, thawed, gap (lines lost: numbers before `n` are missing), note, cancel, title, mode, model,
/// options, commands, plan, usage, worktree, pull, sentence. PROTOCOL.md says which fields each uses.
struct event {
  std::uint64_t n = 0; ///< from 1, without gap, over all runs of the session
  wall_ms t = 0;
  std::uint32_t run = 0;
  std::uint64_t seen = 0; ///< the last ledger number that the worker knew
  std::string what;
  std::string id; ///< key, question, tool or work id, whichever `what` is about
  std::string text;
  std::string detail;     ///< stop reason, status, kind, who answered
  std::int64_t value = 0; ///< count, exit status, process id
  std::vector<option> options;
  std::vector<work_item> work;
  std::string data{}; ///< what has a shape of its own, as JSON text
  bool operator==(const event&) const = default;
};
TROUPE_INSPECT(event, n, t, run, seen, what, id, text, detail, value, options, work, data)

/// One numbered line of the supervisor's ledger: what was wanted or observed, and which earlier line caused it
/// (STATE-2, BEYOND-1).
struct ledger_entry {
  std::uint64_t n = 0; ///< from 1; given by the journal keeper
  wall_ms t = 0;
  std::uint64_t cause = 0; ///< the line that caused this one; 0: a first cause
  std::uint64_t seen = 0;  ///< the last transcript number of that session that the supervisor knew
  std::string what;        ///< PROTOCOL.md lists them
  session_id session;      ///< empty: about the supervisor or a spare
  std::uint32_t run = 0;
  std::map<std::string, std::string> facts; ///< small named values, never a secret
  std::vector<dispatch_spec> spec;          ///< with `dispatched`: exactly one
  bool operator==(const ledger_entry&) const = default;
};
TROUPE_INSPECT(ledger_entry, n, t, cause, seen, what, session, run, facts, spec)

/// Who told a session's state, and since when (BEYOND-8).
struct evidence {
  std::string source; ///< "protocol", "hook", "process tree", "screen", "ledger"; "none": nothing tells
  wall_ms since = 0;
  bool operator==(const evidence&) const = default;
};
TROUPE_INSPECT(evidence, source, since)

/// What a session's agent has told of itself, the latest of each.
struct agent_facts {
  std::string title; ///< of the conversation
  std::string mode;  ///< the agent's own id of its permission mode
  std::string usage; ///< of the whole session, a JSON object as text
  bool operator==(const agent_facts&) const = default;
};
TROUPE_INSPECT(agent_facts, title, mode, usage)

/// A session as everybody sees it (JSON-1). `seq` numbers the changes of the whole roster.
struct row {
  session_id id;
  std::string name;
  std::string cwd;
  std::string kind = "background";
  std::string harness;
  std::string definition; ///< the agent definition that it was dispatched with, may be empty
  std::string model;
  std::string state;    ///< working, blocked, idle, done, failed, stopped, unknown
  std::string process;  ///< alive, frozen, starting, ending, exited
  std::string sentence; ///< what it does now, asks or produced
  std::string output;   ///< shell job: the last line of its output that says something (VIEW-8); on no disk
  std::string note;     ///< what happened to its process beside that: stopped to free memory, and the like
  wall_ms started_at = 0;
  wall_ms changed_at = 0;
  wall_ms used_at = 0;  ///< the same, but for what only befell its process, such as freezing; not printed
  std::int32_t pid = 0; ///< of the worker, while alive
  bool pinned = false;
  bool gone = false;             ///< removed: the last word about this session
  std::int32_t exit_status = -1; ///< shell job: its status once ended; -1: none or unknown
  std::vector<question> waiting; ///< none or the oldest first
  std::vector<work_item> work;
  std::uint32_t undelivered = 0; ///< replies that wait for a worker
  std::uint32_t attached = 0;
  evidence told;                     ///< of `state`
  std::vector<std::string> problems; ///< what somebody should know of it, in sentences
  agent_facts agent{};
  worktree tree{};                   ///< that it works in; without a path: none
  std::vector<pull_request> pulls{}; ///< the one told of last first
  bool operator==(const row&) const = default;
};
TROUPE_INSPECT(row, id, name, cwd, kind, harness, definition, model, state, process, sentence, output, note, started_at,
               changed_at, used_at, pid, pinned, gone, exit_status, waiting, work, undelivered, attached, told,
               problems, agent, tree, pulls)

/// Which worker fits which dispatch: all that a worker cannot change after it has started (POOL-4, POOL-9).
struct profile {
  std::string harness; ///< what runs in the spare ahead of time: "native", an ACP agent's name; "any": whatever it is
  std::string version;
  std::vector<std::string> command{}; ///< an ACP agent's command line; empty: the built-in one
  environment env{}; ///< what the agent reads at its start, sorted; empty where it takes it with the session
  auto operator<=>(const profile&) const = default;
};
TROUPE_INSPECT(profile, harness, version, command, env)

/// One credential as it is handed to a worker. Printing a snapshot never prints a secret.
struct credential {
  std::string variable; ///< e.g. ANTHROPIC_API_KEY
  std::string secret;
  bool operator==(const credential&) const = default;
};
template <class Inspector>
typename Inspector::result_type inspect(Inspector& f, credential& x) {
  return f(x.variable, x.secret);
}
inline std::string to_string(const credential& x) {
  return x.variable + "=***";
}

/// The credentials as they are at one moment (CRED-2).
struct snapshot {
  std::uint64_t epoch = 0;
  wall_ms expires = 0; ///< 0: never
  std::vector<credential> credentials;
  bool operator==(const snapshot&) const = default;
};
TROUPE_INSPECT(snapshot, epoch, expires, credentials)

/// A worker's identity and where it listens.
struct worker_address {
  worker_id worker;
  process_identity process;
  std::string socket; ///< bytes
  bool operator==(const worker_address&) const = default;
};
TROUPE_INSPECT(worker_address, worker, process, socket)

/// All that makes a worker the host of one session, and all that a new supervisor needs back (SUP-5).
struct assignment {
  session_id session;
  std::uint32_t run = 0;
  std::uint64_t seen = 0;  ///< the ledger's last number
  std::uint64_t epoch = 0; ///< the supervisor's
  dispatch_spec spec;
  environment env; ///< as the session is to have it
  snapshot credentials;
  std::string directory;      ///< the session's own, `sessions/ID`
  std::string control_socket; ///< TROUPE_SOCKET
  std::string supervisor;     ///< path of the supervisor's program, so that a worker can start it (SUP-12)
  bool resume = false;        ///< an earlier run exists: load the conversation, do not send the prompt again
  bool interrupted = false;   ///< the earlier run ended in the middle of a turn, which is to be gone on with
  bool too_old = false;       ///< it did, too long ago to go on with it unasked (REST-4)
  std::uint32_t waiting = 0;  ///< replies that follow once the harness was started
  std::vector<std::string> ignored_work{}; ///< names of commands that count as no work (`activeWork.ignore`)
  std::string settings{};       ///< those of the directory that an agent needs, a JSON object as text (ENV-1); or empty
  std::string definition{};     ///< the agent definition that shapes it, likewise
  std::string driver{};         ///< how its harness is driven (runtime/config/harnesses.hpp), likewise; native: empty
  std::uint64_t variables = 0;  ///< digest of the variables that the harness is to have (BEYOND-5); 0: not told
  worktree tree{};              ///< of earlier runs; without a path: none was made yet
  std::string isolation{};      ///< how its worktree is made, a JSON object as text; empty: it works where it was sent
  std::int64_t sentence_ms = 0; ///< least time between two lines of output that a shell job's worker tells (VIEW-8)
  bool operator==(const assignment&) const = default;
};
TROUPE_INSPECT(assignment, session, run, seen, epoch, spec, env, credentials, directory, control_socket, supervisor,
               resume, interrupted, too_old, waiting, ignored_work, settings, definition, driver, variables, tree,
               isolation, sentence_ms)

/// What the worker says it really has (BEYOND-5); the supervisor compares it with what was meant, in memory, and keeps
/// names only. No secret is in it.
struct receipt {
  session_id session;
  std::uint32_t run = 0;
  std::string cwd; ///< as the worker sees it after entering, bytes
  std::string permission_mode;
  std::uint64_t last = 0;               ///< the last transcript number
  std::vector<std::string> arguments{}; ///< of the harness; of the agent that is built in: none
  environment env{};                    ///< as the harness gets it, without credentials; empty: as meant, or not told
  std::uint64_t variables = 0;          ///< its digest
  std::uint64_t account_epoch = 0;      ///< of the snapshot that it holds (BEYOND-6)
  std::vector<std::string> accounts{};  ///< the snapshot's variables
  std::int64_t held = 0;                ///< since when it holds the assignment: CLOCK_MONOTONIC in ns, 0 for not told
  bool operator==(const receipt&) const = default;
};
TROUPE_INSPECT(receipt, session, run, cwd, permission_mode, last, arguments, env, variables, account_epoch, accounts,
               held)

} // namespace troupe
