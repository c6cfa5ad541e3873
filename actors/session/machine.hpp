// The session's machine: task × process × intent (STATE-1). Pure: events in, the next state and effects out; time comes
// in events. Each process state is a struct, and each pair of state and event is one line of machine.cpp: a missing
// pair does not compile.
#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "actors/session/facts.hpp"
#include "actors/session/launch_check.hpp"
#include "messages/errors.hpp"
#include "messages/requests.hpp"

namespace troupe::session_machine {

/// How long things may take, in milliseconds (KEEP-1, KEEP-7, REST-1, SUP-11).
struct policy {
  std::int64_t idle = 3'600'000;
  std::int64_t freeze = 0; ///< 0: never (the settings' default is 300 s); nor when it is not less than `idle`
  std::int64_t row = 300'000;
  std::int64_t unheld = 60'000;
  std::int64_t end_deadline = 20'000; ///< an asked worker that has not ended by then is killed
  std::int64_t restart_window = 600'000;
  std::size_t restart_most = 5;
  std::int64_t answer_fresh = 3'600'000; ///< how old an interrupted answer may be that goes on unasked (REST-4)
  std::int64_t sentence = 0;             ///< least time between two sentences of a row that works (VIEW-8); 0: none
  std::int64_t waking = 60'000;          ///< so long after the machine slept an end is told with it (F-30)
};

enum class timer { unheld, restart, rest, row, end, sentence };

// The process axis.
struct absent {};      ///< no worker
struct backing_off {}; ///< a restart is due
struct claiming {};    ///< asked the pool and the credential store; one claim at a time: a stop, too, awaits the answer
struct assigning {
  worker_address worker;
}; ///< the assignment is sent
struct queued {
  worker_address worker;
}; ///< a worker holds it; the harness waits for its turn to start (POOL-3)
struct live {
  worker_address worker;
}; ///< the harness was started
struct frozen {
  worker_address worker;
}; ///< at rest, and the worker has frozen what runs below it (BEYOND-3)
struct ending {
  worker_address worker;
  std::string reason;
}; ///< asked to end; its end is awaited
struct killing {
  worker_address worker;
  bool again;
}; ///< a bad worker; its end is seen before the next run (POOL-6)
struct adopting {
  worker_address worker;
  wall_ms lost_since; ///< 0: asked for the first time
};                    ///< a predecessor's worker was asked who it is (SUP-5)
struct unreachable {
  worker_address worker;
  wall_ms since;
}; ///< alive, and does not answer: unknown, asked again (SUP-5)
struct clearing {
  bool force;
};                 ///< no worker any more; the worktree is being removed (ISO-2)
struct removed {}; ///< the last line is in the ledger, or about to be; whoever still asks is refused
using process = std::variant<absent, backing_off, claiming, assigning, queued, live, frozen, ending, killing, adopting,
                             unreachable, clearing, removed>;

struct asked_answer {
  std::string key, question, choice, by;
};

struct state {
  process at = absent{};
  facts known;
  std::uint64_t generation = 0; ///< of the timer that counts; a stale one is ignored
  std::uint64_t rest_generation = 0;
  std::uint64_t sentence_generation = 0;
  wall_ms sentence_at = 0;              ///< when the row's sentence changed last while it works
  std::optional<std::string> sentence_; ///< what the row says until its timer, while something newer waits (VIEW-8)
  std::string output;                   ///< the last line that its shell job has put out (VIEW-8): in no file of ours
  std::uint32_t output_run = 0;         ///< in which run
  std::uint32_t attempts = 0;           ///< assignments refused in a row
  bool wanted_anew = false;        ///< a dispatch was repeated while nobody knew whether a worker holds it (SUP-11)
  std::vector<asked_answer> early; ///< answers that wait for the adoption of the worker
  std::uint32_t cleared = 0;       ///< the run whose leftovers were asked to end
  bool freeze_asked = false;       ///< since the rest clock began anew
  bool looking = false;            ///< asked whether memory was low when its process ended (REST-6)
  wall_ms lost_at = 0;             ///< when its worker ended unasked, last
  wall_ms woke_at = 0;             ///< when the machine woke, last
  std::int64_t slept_ms = 0;       ///< and how long it had slept
};

// Events.
// (`event_`, since `event` is a line of the transcript.)
struct begin {}; ///< the dispatch is in the ledger
struct restored {
  bool worker_alive;
}; ///< folded at start; whether that very process lives
struct granted {
  worker_address worker;
  bool warm;
  std::string differs{}; ///< why no ready spare fits (BEYOND-4)
};
struct not_granted {
  std::string why;
  errc code;
};
struct held {
  receipt got;
  launch_check check{};
};
struct not_held {
  std::string why;
  errc code;
  std::uint32_t run; ///< of the assignment; an older run's word changes nothing
};
struct permitted {};
struct happened {
  event what;
};
struct gone {
  worker_id worker;
  std::string evidence;
};
struct end_refused {
  std::string why;
  worker_id worker; ///< an older one's word changes nothing
};
struct not_frozen {
  std::string why;
  worker_id worker;
}; ///< the worker refused: it goes on awake
struct asked_stop {
  std::string by;
};
struct asked_remove {
  std::string by;
  bool force = false;    ///< with what is uncommitted in its worktree
  std::string used_by{}; ///< another session that works in there
};
struct asked_respawn {
  std::string by;
};
struct asked_wake {}; ///< attach or peek (KEEP-6)
struct asked_reply {
  std::string key, text;
};
struct asked_work {
  bool begins;
  std::string work, title;
}; ///< a program inside it declares work, or its end (KEEP-2)
struct asked_steer {
  std::string action, name, value, by;
}; ///< cancel the turn, or change mode, model or an option
struct asked_pin {
  bool pinned;
};
struct asked_rename {
  std::string name;
};
struct elapsed {
  timer which;
  std::uint64_t generation;
};
struct adopted {
  std::uint64_t last;
}; ///< the worker is ours again; its events follow
struct not_adopted {
  bool dead;
  std::string why;
};
struct unwritten {
  std::string why;
  errc code;
}; ///< the ledger has not taken the line that begins the session
struct asked_retire {
  std::string why;
}; ///< end its worker if it is idle (SUP-8)
struct signed_in {
  std::uint64_t epoch; ///< of the credentials that have come
};                     ///< there are credentials again (CRED-6)
struct tree_removed {
  worktree_removed how;
}; ///< what became of the worktree; refusals by the service too
struct memory_seen {
  bool low;
};
struct slept {
  std::int64_t ms;
  wall_ms since;
}; ///< the machine slept, `since` at the earliest
struct put_out {
  std::string line;
  worker_id worker; ///< an older one's word changes nothing
};                  ///< what its shell job says now (VIEW-8)
struct pull_told {
  pull_request now;
}; ///< how one of its pull requests stands, learnt without its worker (PR-1)
using event_ =
    std::variant<begin, restored, granted, not_granted, held, not_held, permitted, happened, gone, end_refused,
                 not_frozen, asked_stop, asked_remove, asked_respawn, asked_wake, asked_reply, asked_answer, asked_work,
                 asked_steer, asked_pin, asked_rename, elapsed, adopted, not_adopted, unwritten, asked_retire,
                 tree_removed, memory_seen, slept, signed_in, put_out, pull_told>;

// Effects, carried out in order; none that follows a `record` starts before the line is written.
struct record {
  ledger_entry entry;
  bool first_cause = false;
};
struct claim {};
struct assign {
  worker_address worker;
  bool resume = false, interrupted = false;
  bool too_old = false; ///< interrupted, and not to be gone on with unasked (REST-4)
};
struct ask_permit {};
struct return_permit {};
struct start {
  worker_address worker;
};
struct deliver {
  worker_address worker;
  std::string key, text;
};
struct give {
  worker_address worker;
  std::string key, question, choice, by;
}; ///< an answer; the worker decides who was first (BEYOND-7)
struct turn_away {
  errc code;
  std::string text;
}; ///< an answer that no worker can be given
struct declare {
  worker_address worker;
  bool begins;
  std::string work, title;
}; ///< the worker notes it, and its `work` event tells
struct steer {
  worker_address worker;
  std::string action, name, value, by;
}; ///< the worker asks the agent, and its events tell what came of it
struct freeze {
  worker_address worker;
  std::uint64_t seen;
};
struct thaw {
  worker_address worker;
  std::string why;
};
struct end {
  worker_address worker;
  std::string reason;
  std::uint64_t seen;
};
struct kill {
  worker_address worker;
  std::string why;
};
struct adopt {
  worker_address worker;
};
struct arm {
  timer which;
  std::int64_t ms;
  std::uint64_t generation;
};
struct answer_dispatch {
  errc code;
  std::string text;
}; ///< code ok: a worker holds it
struct refuse {
  errc code;
  std::string text;
};                        ///< the request at hand is refused
struct clear {};          ///< end what a dead worker has left for a next one; what follows waits for it (REST-7)
struct look_at_memory {}; ///< ask the machine whether little is left
struct remove_tree {
  worktree tree;
  bool force;
}; ///< tree_removed follows
struct quiet {
  std::string kept{}; ///< why who asked for its removal is refused
  std::string note{}; ///< what else they are told
};                    ///< no process: whoever waits for the end is told
struct vanish {};     ///< there never was such a session
struct forget {};     ///< the row is gone, and so is the actor
using effect = std::variant<record, claim, assign, ask_permit, return_permit, start, deliver, give, turn_away, declare,
                            steer, freeze, thaw, end, kill, adopt, arm, answer_dispatch, refuse, clear, look_at_memory,
                            remove_tree, quiet, vanish, forget>;

struct step {
  state to;
  std::vector<effect> effects;
};

/// The whole of it. `now`: wall clock, for the ledger's lines.
step next(state from, const event_& e, wall_ms now, const policy& p);

/// Whether a worker is there that takes replies, answers and declared work at once.
bool listens(const state& s);
/// Whether a worker is there that was given credentials, or is being given them: newer ones follow (BEYOND-6).
bool holds_credentials(const state& s);

/// How the session looks from outside (JSON-1).
row look(const state& s);

} // namespace troupe::session_machine
