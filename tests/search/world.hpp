// One bounded world: the real machines of one supervisor, the messages between them, worker processes, and what is on
// the disk. All that a supervisor's death destroys is in `supervisor_side`, `column::actor` and `pool_side`.
#pragma once

#include <array>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "actors/credential_store/machine.hpp"
#include "actors/session/machine.hpp"
#include "actors/supervisor/machine.hpp"
#include "actors/warm_pool/machine.hpp"
#include "tests/search/explore.hpp"

namespace troupe::search {

namespace sm = session_machine;
namespace pm = pool_machine;
namespace vm = supervisor_machine;
namespace cm = credential_machine;

/// What happens only as often as the world allows: faults, and what people and agents do.
enum class chance : std::uint8_t {
  stop,
  remove,
  respawn,
  reply,
  wake,
  answer,
  pin,
  repeat,    ///< a dispatch is sent again with its key
  stop_all,  ///< `daemon stop`
  stop_keep, ///< `daemon stop --keep-workers`
  attach,
  work, ///< the agent begins something that outlives its turn
  ask,  ///< the agent asks a question
  turn_fails,
  death,      ///< a worker is killed, at any point, also between two of its writes
  crash,      ///< the supervisor is killed, at any point, also just behind a write
  late,       ///< an answer does not come within its deadline
  no_launch,  ///< a worker cannot be started
  unlinked,   ///< a spare's agent ends by itself
  expiry,     ///< the credential comes within its five minutes, then ends
  no_refresh, ///< the provider refuses
  login,
  logout,
  shortage, ///< memory is short, and the supervisor asks a session for its process
  count
};
constexpr auto chances = static_cast<std::size_t>(chance::count);

/// A machine that is broken on purpose; the search must find it.
enum class planted {
  nothing,
  stale_timers,     ///< the session takes a timer of any generation
  spare_twice,      ///< the pool keeps a spare that it has granted
  undone_stop,      ///< a stopped session starts again when its worker is gone
  early_reap,       ///< the reaper does not look whether the session is at rest
  unwritten_claim,  ///< the assignment goes out without the line that names the worker
  forgotten_worker, ///< a worker granted too late is left alone
  lost_reply,       ///< a reply that is in the ledger is not handed over
  second_refresh,   ///< each who asks starts a refresh of its own
  retired_busy,     ///< a session gives its process back for memory whatever it does
};

struct setting {
  std::string name, about;
  std::vector<std::string> kinds; ///< of the sessions: "agent" or "exec"
  std::size_t spares = 0, most_starting = 4;
  std::map<chance, std::uint8_t> allowed;
  bool slow_ledger = false;   ///< other things happen while a line is written, also where no crash is left
  bool slow_rows = false;     ///< the supervisor hears of a session's change later
  bool to_assignment = false; ///< a session's story ends once a worker holds its assignment
  bool credentials = false;   ///< agents wait for a snapshot
  bool freezes = false;       ///< the rest clock freezes before it reaps (BEYOND-3)
  planted bug = planted::nothing;
};

/// A copy is shared until it is changed.
template <class T>
class shared {
public:
  shared() : at_(std::make_shared<T>()) {}
  const T& operator*() const { return *at_; }
  const T* operator->() const { return at_.get(); }
  T& edit() {
    if (at_.use_count() > 1)
      at_ = std::make_shared<T>(*at_);
    return *at_;
  }

private:
  std::shared_ptr<T> at_;
};

// What the session's shell keeps beside its machine.
enum class request_kind : std::uint8_t { assign, end, adopt, give, freeze };
struct request {
  request_kind kind;
  std::uint8_t worker; ///< place in `world::workers`
  std::uint32_t run;
  bool operator==(const request&) const = default;
};
struct promised_reply {
  std::string key;
}; ///< the sender is told once the ledger has it
struct promised_done {};
using queued_item = std::variant<sm::effect, promised_reply, promised_done>;

struct granted_words {
  std::uint8_t worker;
  bool warm;
  std::string refused; ///< empty: granted
  errc code = errc::ok;
};

/// Lives and dies with the supervisor.
struct session_actor_side {
  bool running = false;
  sm::state m;
  std::vector<queued_item> queue; ///< effects in order; a `record` at the front waits for the keeper
  std::vector<request> asked;
  std::optional<std::pair<sm::timer, std::uint64_t>> armed, rest;
  std::vector<pm::event_> to_pool;
  std::vector<granted_words> grants;
  std::uint8_t permits = 0;                 ///< on their way from the pool
  bool claim_open = false;                  ///< the pool's answer is awaited
  bool boss_waits = false;                  ///< the supervisor waits for its end
  bool memory_asked = false;                ///< the machine's answer is on its way
  bool quits = false;                       ///< its row is gone: it ends when its queue is empty
  std::optional<sm::assign> wants_snapshot; ///< an assignment that waits for its snapshot
  std::uint32_t wants_for = 0;              ///< its run
  std::vector<worker_id> exits;             ///< told while an adoption is open
  std::uint64_t ticket = 0;
  std::uint8_t dispatchers = 0, quiet_waiters = 0, replies_open = 0, others_open = 0, answers_open = 0;
  std::int8_t shown = -1; ///< whether its last row holds the supervisor open
};

/// One line after another; only ever added to, so copies share.
template <class T>
struct line_of {
  T what;
  std::shared_ptr<const line_of> before;
};
template <class T>
using lines_of = std::shared_ptr<const line_of<T>>;

/// What is on the disk about one session. `known` is the fold up to the last ledger line.
struct files {
  bool exists = false, removed = false;
  facts known;
  std::vector<event> tail; ///< the transcript's events that the fold has not reached
  std::uint64_t last = 0;  ///< the transcript's last number
  std::set<std::string> taken;
  std::vector<std::string> unsent; ///< keys taken and not sent
  lines_of<ledger_entry> ledger;
  lines_of<event> transcript;
};

/// What really happened, whatever the machines believe.
struct history {
  bool stop_stands = false;              ///< a stop or removal is on disk and nothing written later lifts it
  bool respawn_due = false;              ///< a respawn is on disk and no worker was claimed since
  bool removal_due = false;              ///< a removal is on disk
  std::uint8_t replies = 0, answers = 0; ///< sent by front ends so far
  std::set<std::string> promised;        ///< replies that somebody was told are kept
  std::map<std::string, std::uint8_t> sent;
  bool told_held = false; ///< somebody heard ok for the dispatch
  bool started = false;   ///< a harness was started for it
};

struct column {
  shared<session_actor_side> actor;
  shared<files> disk;
  shared<history> past;
};

// Between the supervisor and one worker.
struct to_worker {
  enum class kind : std::uint8_t { assign, start, deliver, give, end, hello, freeze, thaw } what;
  std::uint8_t session = 0;
  std::uint32_t run = 0;
  std::uint64_t since = 0; ///< `end`: last event seen; `hello`, `freeze`: the same
  std::string key;         ///< of a reply or answer; `end`: the reason
  bool interrupted = false;
};
struct answer_words {
  request_kind kind;
  bool ok;
  errc code = errc::ok;
  std::string why;
  std::uint32_t run = 0;
  bool job = false; ///< `adopt`: it holds an assignment
};
struct exit_news {};
struct ready_news {};
using news = std::variant<event, ready_news, exit_news>;

struct process {
  worker_id id;
  bool alive = true, warm = false, ready = false, orphan = false;
  bool known = true;      ///< the host has not told its end yet
  std::int8_t label = -1; ///< the session that the host tells its end to; -1: the pool
  // its own
  std::int8_t session = -1;
  std::uint32_t run = 0;
  bool interrupted = false, started = false, open = false;
  std::string turn; ///< the prompt whose turn runs
  std::vector<std::string> prompts, questions;
  std::uint8_t asked = 0, terminals = 0;
  bool work = false, over = false, frozen = false;
  std::optional<std::string> end_reason;
  int fuse = -1; ///< within one step: dies when so many lines are written
  std::vector<to_worker> inbox, hello;
  std::vector<answer_words> answers;
  std::vector<news> told;
  bool granted = false;
  std::uint64_t relayed = 0; ///< the last event that its supervisor was told
};

enum class row_word : std::uint8_t { rests, keeps_open, has_ended };

struct supervisor_side {
  vm::state m;
  std::set<std::uint8_t> busy;
  std::vector<std::pair<std::uint8_t, row_word>> rows; ///< on their way: about which session
  bool leaving = false, kept = false;
};

struct pool_side {
  pm::state m;
  std::optional<std::uint64_t> tick;
};

struct store_side {
  cm::state m;
  std::uint64_t next_ticket = 1;
  std::vector<std::uint8_t> asked;                           ///< sessions, in the order of their asking
  std::vector<std::pair<snapshot, std::uint64_t>> refreshes; ///< on their way to the provider: what is traded in
  std::vector<cm::event_> from_vault;
  std::optional<std::uint64_t> timer; ///< armed last, for the end of what is held (CRED-5)
};

struct world {
  const setting* about = nullptr;
  std::array<std::uint8_t, chances> left{};
  bool up = false;
  std::uint32_t epoch = 0;
  std::uint8_t clock = 0;   ///< 0: the credential is fresh, 1: ends within five minutes, 2: has ended
  std::uint8_t account = 1; ///< which login the vault holds; 0: none
  shared<supervisor_side> boss;
  shared<pool_side> pool;
  shared<store_side> store;
  std::vector<column> sessions;
  std::vector<shared<process>> workers;
  std::uint8_t signed_out = 0; ///< logins up to this one have been signed out
  std::string fault;           ///< a property that broke on the way here
  bool impossible = false;     ///< the move cannot happen here after all
  bool launch_fails = false;   ///< within one step: no process can be started
};

world first_world(const setting& about);

// What the search wants of a world (explore.hpp).
std::vector<move> moves_of(const world& w);
std::optional<world> after(const world& w, const move& m);
void encode(const world& w, writer& out);
std::string broken(const world& w);
std::string unsettled(const world& w);
/// The move in words, as it happens in `w`.
std::string told(const world& w, const move& m);

} // namespace troupe::search
