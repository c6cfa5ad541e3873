// Troupe inside a C++ program: the supervisor of background sessions runs in the program's own process.
//
//   #include <troupe.hpp>
//
//   troupe::embed::options o;
//   o.directory = "/home/me/.local/state/my-program/troupe";
//   auto started = troupe::embed::runtime::start(std::move(o));
//   if (!started) { std::cerr << started.error().text << '\n'; return 1; }
//   auto& troupe = **started;
//   auto job = troupe.dispatch({.kind = "exec", .command = {"make", "test"}, .cwd = "/home/me/project"});
//   auto ended = troupe.wait({job->id}, std::chrono::minutes(5));
//   troupe.end(troupe::embed::workers::stop);
//
// Link with `troupe::runtime` of `find_package(troupe)`. No header of CAF, Asio or a JSON library is needed.
//
// SESSIONS. A shell job, the built-in agent and every ACP agent have a worker process of their own, which outlives this
// program, unless it is ended with workers::stop; the next runtime (or troupe-supervisor) on the same directory adopts
// it. A session whose agent is an object of this program (class agent) lives in this process, under the same rules and
// with a transcript of its own, but it cannot have what a worker process gives:
//   - it does not outlive this process or this runtime. After either has ended it is a session whose worker died: the
//     next runtime that brings an agent of that name starts it again and tells it of the interruption (REST-1 to
//     REST-5); under a supervisor that has no such agent it fails and says so;
//   - a crash of its agent is a crash of this program, and with it of all sessions that live inside;
//   - it has no process tree: what its agent starts is this program's to end, and the current directory, the
//     environment and the limits are this program's own. The session's are told to the agent, not set;
//   - it has no terminal, and nobody can attach to it; its conversation is followed.
// WORKTREES. In a git repository a session of the built-in agent or of an ACP agent works in a worktree of its own. One
// whose agent is an object of this program works where it was dispatched to, unless options::agent_worktrees is set:
// then it has a worktree too, by the same rules and settings (docs/worktrees.md), made before `initialize`, which is
// told it as beginning::cwd. Nothing holds the agent there: as the current directory stays this program's own, it is
// the agent that resolves paths against beginning::cwd. Where a worktree cannot be made the session fails with the
// reason; it never works in the user's own checkout instead.
//
// THREADS. All members of runtime may be called from any thread at any time. A subscription, an event_stream and a
// terminal serve one thread at a time, except that a terminal may be written to while it is read. No code of the
// program runs on a thread of the runtime's but the members of class agent; see there.
//
// TIME. Durations are milliseconds; points in time are milliseconds since 1970, UTC. Every call that waits has a
// deadline and then gives errc::timed_out; what it asked for may happen all the same. A deadline of zero or less only
// looks.
//
// ERRORS. Nothing throws but std::bad_alloc. An error's text says what failed on which object, and from its second line
// on what to do next. After the end of a runtime, however it came, every call gives errc::ended.
//
// PROCESS. Of what a process shares, the runtime changes nothing: no signal handler or mask, umask, limit, current
// directory, environment or subreaper setting. It reaps its own workers and no other child. A program that reaps every
// child (waitpid(-1)) or ignores SIGCHLD takes the workers' statuses away: their end is noticed all the same. A worker
// that was kept is still a child of this process: when it ends while no runtime runs here, it stays a zombie until this
// process reaps it or ends. Three descriptors a live session are needed. Do not fork without exec while a runtime runs.
//
// Text, paths, names and environment values are bytes, UTF-8 where they are text.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::embed {

using std::chrono::milliseconds;
using environment = std::vector<std::pair<std::string, std::string>>;

/// What can go wrong. The names are those of the control protocol, and some of this interface's own.
enum class errc {
  ok,
  bad_request,     ///< an argument is missing, out of its bounds, or names nothing there is
  no_such_session, ///< neither id, name nor unique prefix of an id
  ambiguous,       ///< a prefix or name that fits several sessions
  key_reused,      ///< the same key with other content
  draining,        ///< the runtime is ending and takes nothing new
  not_running,     ///< the session has no process, and this needs one
  wrong_state,     ///< the session's state does not allow this
  answered,        ///< the question has been answered already; says by whom
  refused,         ///< the worker refused
  not_started,     ///< no worker came to hold the dispatch
  worker_gone,     ///< the worker ended while it was asked
  timed_out,       ///< not within the deadline
  no_credentials,  ///< no way to authenticate
  disk,            ///< a file could not be written or read
  directory,       ///< a directory does not exist, is none, is not safe, or may not be entered
  overloaded,      ///< too much is under way
  in_use,          ///< another supervisor, perhaps of this very program, has the directory
  ended,           ///< the runtime, or the session that the object was for, has ended
  would_deadlock,  ///< called from an agent's member that the call would wait for
  lost,            ///< a subscription that was too slow: subscribe again
  cancelled,       ///< a question whose turn or session ended before it was answered
  kept,            ///< not removed: its worktree has what would be lost, which the text names
};

struct error {
  errc code = errc::ok;
  std::string text;
  explicit operator bool() const { return code != errc::ok; } ///< whether there is one
};

/// A value or an error. Asking for the one that is not there throws std::bad_variant_access.
template <class T>
class [[nodiscard]] result {
public:
  result(T value) : is_(std::in_place_index<0>, std::move(value)) {}
  result(embed::error why) : is_(std::in_place_index<1>, std::move(why)) {}
  explicit operator bool() const { return is_.index() == 0; }
  T& operator*() & { return std::get<0>(is_); }
  const T& operator*() const& { return std::get<0>(is_); }
  T&& operator*() && { return std::get<0>(std::move(is_)); }
  T* operator->() { return &std::get<0>(is_); }
  const T* operator->() const { return &std::get<0>(is_); }
  [[nodiscard]] const embed::error& error() const { return std::get<1>(is_); }

private:
  std::variant<T, embed::error> is_;
};

/// One choice of a question.
struct option {
  std::string name;
  std::string kind;    ///< "allow_once", "allow_always", "reject_once", "reject_always", or empty
  std::uint32_t n = 0; ///< as shown, from 1; not read where an agent asks
};

/// What a session waits for.
struct question {
  std::string id;
  std::string text;
  std::vector<option> options;
  std::int64_t since = 0;
};

/// One thing that still runs for a session and keeps it from being at rest.
struct work {
  std::string id;
  std::string kind; ///< "shell", "subagent", "workflow", "monitor"
  std::string title;
};

/// A session as everybody sees it: `troupe agents --json`.
struct session {
  std::string id, name, cwd, harness, model;
  std::string state;    ///< working, blocked, idle, done, failed, stopped, unknown
  std::string process;  ///< starting, alive, ending, exited, unknown
  std::string sentence; ///< what it does now, asks or produced
  std::string output;   ///< of a shell job: the last line of its output that says something
  std::int64_t started_at = 0, changed_at = 0;
  std::int32_t pid = 0;          ///< of its worker while it lives; of this process where it lives inside
  std::int32_t exit_status = -1; ///< of a shell job that has ended
  bool pinned = false;
  std::optional<question> waiting; ///< the oldest open question
  std::vector<work> active_work;
  std::uint32_t undelivered = 0; ///< replies that wait for a worker
  std::uint32_t attached = 0;    ///< terminals
  std::string worktree, branch;  ///< of its own, once they are made; empty: it has none
};

/// One numbered line of a session's transcript. PROTOCOL.md lists the kinds and the fields that each uses.
struct event {
  std::uint64_t n = 0; ///< from 1, over all runs of the session
  std::int64_t t = 0;
  std::uint32_t run = 0;
  std::string
      what; ///< assigned, started, ready, taken, sent, turn_ended, text, tool, question, answered, work, ended ...
  std::string id, text, detail;
  std::int64_t value = 0;
  std::vector<option> options;
  std::vector<work> active_work;
};

// ---------------------------------------------------------------------------------------------------------------------
// An agent of the program's own

namespace detail {
struct port;
struct turn_state;
} // namespace detail

/// How a question was answered.
struct choice {
  std::string name, kind;
  std::uint32_t n = 0;
};

/// What an agent is told when its session starts.
struct beginning {
  std::string session;     ///< the session's id
  std::string directory;   ///< of the session's own files; its scratch is `directory`/tmp
  std::string cwd;         ///< where it is to work, in its worktree where it has one; not this process's current one
  std::string worktree;    ///< the top of that worktree; empty: it works where it was dispatched to
  std::string branch;      ///< that is checked out there, of its own
  environment env;         ///< what the session is to have, without credentials
  environment credentials; ///< names and secrets; never write them anywhere
  std::string model, permission_mode, effort;
  std::string conversation; ///< what `initialize` gave in an earlier run; empty: there was none
  bool resumed = false;     ///< an earlier run exists
};

/// The way from an agent to its session, for as long as that runs; then every call gives errc::ended. Copies are the
/// same way; any thread may use it. What is told is in the transcript when all told before it is. A call waits where
/// the agent is faster than the transcript and the front ends (512 calls that are not yet carried out), ten seconds at
/// most, then gives errc::timed_out and has told nothing.
class conversation {
public:
  /// A piece of the agent's text; pieces are put together to events of some 2 KiB, or as they are after half a second.
  error text(std::string_view piece) const;
  /// The same for what it thinks.
  error thought(std::string_view piece) const;
  /// A step: `id` names it, `status` is "pending", "in_progress", "completed" or "failed". Told on when that changes.
  error tool(std::string id, std::string title, std::string status) const;
  /// All that runs in the background now, in place of what was told before. While it is not empty the session is at
  /// work even between turns, and is not reaped (KEEP-2).
  error active_work(std::vector<work> all) const;
  /// Asks whoever watches, and waits for the answer: of `troupe answer`, of `runtime::answer`, of the agent view; the
  /// first one counts. At least one option. Errors: timed_out (the question is then withdrawn), cancelled, ended.
  /// May be called inside the agent's members.
  result<choice> ask(std::string question, std::vector<option> options, milliseconds deadline) const;

private:
  friend struct detail::port;
  explicit conversation(std::shared_ptr<detail::port> to) : port_(std::move(to)) {}
  std::shared_ptr<detail::port> port_;
};

/// One prompt and the work on it. Copies are the same turn. It ends with `end` or `fail`, of which the first counts;
/// when its last copy is gone without either, it has failed. There is never a second one before.
class turn {
public:
  [[nodiscard]] const std::string& prompt() const;
  /// Whether its end is wanted; then end it with "cancelled". Any thread.
  [[nodiscard]] bool cancelled() const;
  /// Ends it: "end_turn", "max_tokens", "refusal", "cancelled".
  error end(std::string stop_reason = "end_turn") const;
  /// Ends it with an error, which ends the session as failed.
  error fail(std::string why) const;

private:
  friend struct detail::port;
  explicit turn(std::shared_ptr<detail::turn_state> of) : state_(std::move(of)) {}
  std::shared_ptr<detail::turn_state> state_;
};

/// One session's agent, an object of the program's. The runtime makes one for each run of a session, calls `initialize`
/// and then `prompt` for one prompt after another, on threads of its own: one call a session at a time, each session
/// apart from all others, so that a member may block. Only `cancel` comes beside a running call. The object is
/// destroyed on such a thread too, after its last call has returned. An exception ends the run: the session is started
/// again as after a worker's death (REST-1). Inside its members every call of `runtime` may be used, except that which
/// would wait for this very session's end (stop, remove, respawn and wait of it) and `runtime::end`: those give
/// errc::would_deadlock.
class agent {
public:
  virtual ~agent() = default;
  /// Once, before the first prompt. Gives a name for the conversation, which comes back as `beginning::conversation`
  /// after a restart and may be empty, or why the agent cannot start (the session fails with it). `way` may be kept.
  virtual result<std::string> initialize(const beginning& how, conversation way) = 0;
  /// A prompt. May return before the turn has ended, and may work on it as long as it likes.
  virtual void prompt(turn now) = 0;
  /// The end of the running turn is wanted (a stop, the end of the runtime). The turn has `options::agent_grace` to
  /// end; then the session is ended without it, and what its agent says no longer counts.
  virtual void cancel() {}
};
using agent_maker = std::function<std::unique_ptr<agent>()>; ///< called on the agent's first thread; null: cannot start

// ---------------------------------------------------------------------------------------------------------------------
// The runtime

/// The folder of troupe-worker and troupe-agent that this installation came with; find_package(troupe) tells it.
#ifndef TROUPE_PROGRAMS
#define TROUPE_PROGRAMS ""
#endif

struct options {
  /// Holds all: settings.json, credentials.json, ledger, log, sessions, sockets. Absolute; made with mode 0700 where it
  /// does not exist. Empty: the user's own instance, as the command line finds it (TROUPE_HOME and so on).
  std::string directory;
  /// Whether the `troupe` command (with TROUPE_HOME=directory) and other front ends can reach this runtime. They may
  /// then end it too: `troupe daemon stop`.
  bool control_socket = false;
  /// The folder of troupe-worker and troupe-agent. Where they are not there, only agents of the program's own run.
  std::string programs = TROUPE_PROGRAMS;
  /// By harness name: agents of the program's own. A dispatch names one in `harness`. "native" and "exec" are taken.
  std::map<std::string, agent_maker> agents;
  /// Whether their sessions work in worktrees of their own in git repositories; see WORKTREES above. Needs git, and
  /// troupe-worktree in `programs`. A session that had one in an earlier run goes on in it either way.
  bool agent_worktrees = false;
  milliseconds agent_grace{5000}; ///< from `agent::cancel` to the end without it; 0 to 60,000
  /// JSON as in settings.json, which it goes over: {"warmPool": {"size": 0}}.
  std::string settings;
  /// What sessions may fall back to, and where credentials are looked for. None: this process's environment at the
  /// call.
  std::optional<environment> env;
  /// Program of a supervisor that a kept worker starts when this process has died without `end`. Empty: none; workers
  /// go on and wait for the next runtime.
  std::string successor;
  bool echo_log = false;                 ///< the log, `directory`/supervisor.log, goes to standard error too
  std::string origin = "a host program"; ///< shown by `troupe daemon status`
};

/// What is to become of worker processes when the runtime ends. Sessions that live inside end with it in either case.
enum class workers {
  keep, ///< they work on; the next supervisor of the directory adopts them
  stop, ///< each session is stopped, its whole process tree ended
};

/// What a removal is to do where the session's worktree has uncommitted changes.
enum class uncommitted {
  keep,   ///< the session stays, with its worktree: errc::kept
  remove, ///< they go; a snapshot is kept for 30 days, which the session's `why` names
};

struct dispatch {
  std::string kind = "agent";       ///< "agent", or "exec" for a shell job
  std::vector<std::string> command; ///< exec: program and arguments
  std::string prompt;               ///< agent: at least four characters
  std::string cwd;                  ///< absolute
  std::string harness; ///< agent: "native", a name of settings.json, or of `options::agents`; empty: default
  std::string name, model, effort, permission_mode, agent, settings, mcp_config;
  std::vector<std::string> add_dirs;
  std::uint16_t rows = 24, cols = 80; ///< of a shell job's terminal
  /// 8 to 128 characters. A dispatch that is repeated with its key within 24 h counts once. Empty: one is made.
  std::string key;
  std::optional<environment> env; ///< the dispatching shell's; none: `options::env`. Classified by the same table
};

struct dispatched {
  std::string id, name, harness;
  bool warm = false;     ///< a waiting worker took it
  bool repeated = false; ///< the key was known
};

/// How a session that was waited for stands.
struct outcome {
  std::string id, name, kind;
  std::string state; ///< done, failed, stopped, blocked
  std::int32_t exit_status = -1;
};

struct status {
  std::string state; ///< starting, serving, draining, stopped
  std::string pool;  ///< steady, backing off, degraded: why, closed
  std::string socket, log, version;
  std::uint32_t workers = 0, sessions = 0;
  std::uint64_t epoch = 0;
};

/// One change of the roster.
struct change {
  std::uint64_t seq = 0; ///< one more than the change before, or than the snapshot, where all sessions are subscribed
  bool removed = false;  ///< only `now.id` holds
  session now;
};

/// Changes of the roster from a snapshot on. Holds at most its capacity of changes; who is slower gets errc::lost once
/// they are used up, and subscribes again. Slows nobody. May outlive its runtime.
class subscription {
public:
  ~subscription();
  [[nodiscard]] const std::vector<session>& snapshot() const;
  [[nodiscard]] std::uint64_t seq() const; ///< of the snapshot
  /// The next change. Errors: timed_out, lost, ended.
  result<change> next(milliseconds deadline);

private:
  friend class runtime;
  struct parts;
  explicit subscription(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

/// The events of one session, read from its transcript: none is ever left out, however slow the reader. Goes on over
/// all runs of the session; `ended` is only the last event of a run. May outlive its runtime.
class event_stream {
public:
  ~event_stream();
  /// The next event. Errors: timed_out, disk, ended (what was written before the end comes first).
  result<event> next(milliseconds deadline);

private:
  friend class runtime;
  struct parts;
  explicit event_stream(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

/// A terminal attached to a shell job: the bytes go between this object and the worker alone. Destroying it detaches.
class terminal {
public:
  struct output {
    std::string bytes; ///< for the terminal; the first ones repaint the whole screen
    bool ended = false;
    std::string detail; ///< of the end: exited, signalled, failed to start
    std::int32_t status = 0;
  };
  ~terminal();
  /// The next output, or the end, which is the last. Errors: timed_out, worker_gone.
  result<output> read(milliseconds deadline);
  /// What is typed. Errors: worker_gone, wrong_state (read only).
  error write(std::string_view bytes);
  error resize(std::uint16_t rows, std::uint16_t cols);

private:
  friend class runtime;
  struct parts;
  explicit terminal(std::unique_ptr<parts> p);
  std::unique_ptr<parts> parts_;
};

/// One supervisor in this process. Several may run at once, each on a directory of its own.
/// `session` in the members below is an exact id, an exact name, or a unique prefix of an id.
class runtime {
public:
  /// Takes the directory, folds its ledger, adopts its workers, and serves. The deadline bounds the reading of a long
  /// ledger. Errors: in_use, directory, disk, bad_request (settings, agents), timed_out.
  static result<std::unique_ptr<runtime>> start(options how, milliseconds deadline = std::chrono::seconds(30));
  /// Ends it with workers::keep where it has not ended, ten seconds at most; whatever has not been said goodbye to by
  /// then finds itself as after a death of this process. Never waits for an agent's member in which it is called.
  ~runtime();
  runtime(const runtime&) = delete;
  runtime& operator=(const runtime&) = delete;

  /// Ends it: with workers::stop each session is stopped first; agents get their grace. No process, thread or lock of
  /// it is left, except an agent's thread that has not returned in time (timed_out, told in the text; it finishes by
  /// itself). timed_out otherwise means that it is still ending: call again. After the end: errc::ended.
  error end(workers how, milliseconds deadline = std::chrono::seconds(40));
  /// Whether it has ended, by `end` or by a front end's `daemon stop`.
  [[nodiscard]] bool has_ended() const;

  /// Returns when a worker holds the assignment, started or not; with the same key again after timed_out. Errors:
  /// bad_request, directory, key_reused, not_started, no_credentials, draining, disk, timed_out.
  result<dispatched> dispatch(const embed::dispatch& what, milliseconds deadline = std::chrono::seconds(70));
  /// Sessions in the order of their dispatch. Not `all`: those that live, work or wait.
  result<std::vector<session>> list(bool all = true, milliseconds deadline = std::chrono::seconds(10));
  result<session> get(const std::string& session, milliseconds deadline = std::chrono::seconds(10));
  /// Changes of all sessions from now on. `capacity`: how many are held, 1 to 1,000,000.
  result<std::unique_ptr<subscription>> subscribe(std::size_t capacity = 4096,
                                                  milliseconds deadline = std::chrono::seconds(10));
  /// The session's events after number `after`. Ended sessions too. Errors: no_such_session, ambiguous, timed_out.
  result<std::unique_ptr<event_stream>> follow(const std::string& session, std::uint64_t after = 0,
                                               milliseconds deadline = std::chrono::seconds(10));
  /// A terminal on a running shell job. Errors: no_such_session, wrong_state (no shell job), not_running, bad_request.
  result<std::unique_ptr<terminal>> attach(const std::string& session, std::uint16_t rows = 24, std::uint16_t cols = 80,
                                           bool read_only = false, milliseconds deadline = std::chrono::seconds(10));
  /// Gives "delivered", or "saved" where no worker lives: it then starts one. The ledger has it, once a key.
  result<std::string> reply(const std::string& session, const std::string& text, const std::string& key = {},
                            milliseconds deadline = std::chrono::seconds(40));
  /// Answers the open question, the oldest or `question`; `choice`: its number, kind or name. Gives the option's name;
  /// the worker has written it. Errors: answered, wrong_state, bad_request, not_running, timed_out.
  result<std::string> answer(const std::string& session, const std::string& choice, const std::string& question = {},
                             const std::string& by = "the host program", const std::string& key = {},
                             milliseconds deadline = std::chrono::seconds(40));
  /// Returns when its whole process tree has ended. A stop stays a stop.
  error stop(const std::string& session, milliseconds deadline = std::chrono::seconds(40));
  /// Stops it if need be, and takes it off the list, with the worktree that was made for it. Its transcript stays, and
  /// so do commits that are nowhere else. Errors: kept, with uncommitted::keep.
  error remove(const std::string& session, milliseconds deadline = std::chrono::seconds(40));
  error remove(const std::string& session, uncommitted changes, milliseconds deadline = std::chrono::seconds(40));
  /// Runs it again: an agent goes on with its conversation, a shell job is repeated.
  error respawn(const std::string& session, milliseconds deadline = std::chrono::seconds(40));
  error rename(const std::string& session, const std::string& name, milliseconds deadline = std::chrono::seconds(10));
  error pin(const std::string& session, bool pinned, milliseconds deadline = std::chrono::seconds(10));
  /// Returns when each is done, failed, stopped or waits for input; removed ones are known for 30 days.
  result<std::vector<outcome>> wait(const std::vector<std::string>& sessions, milliseconds deadline);
  /// What led to the session's state, in sentences, the newest first.
  result<std::vector<std::string>> why(const std::string& session, milliseconds deadline = std::chrono::seconds(10));
  result<embed::status> status(milliseconds deadline = std::chrono::seconds(10));

private:
  struct parts;
  explicit runtime(std::shared_ptr<parts> p);
  std::shared_ptr<parts> parts_;
};

} // namespace troupe::embed
