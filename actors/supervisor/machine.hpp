// The supervisor's machine: starting, serving, draining, stopped. Admission, keys, linger and the end (SUP-3, SUP-4,
// SUP-11). Pure.
#pragma once

#include <map>
#include <string>
#include <variant>
#include <vector>

#include "messages/errors.hpp"
#include "messages/session.hpp"

namespace troupe::supervisor_machine {

struct policy {
  std::int64_t linger_ms = 60'000;      ///< supervisor.lingerSeconds
  std::int64_t first_visit_ms = 10'000; ///< at least so long it waits for whoever started it
  std::int64_t key_ms = 24 * 3'600'000; ///< how long a key is known (SUP-11)
  bool on_demand = true;                ///< false: `daemon run`, which never leaves by itself
};

struct starting {};
struct serving {};
struct draining {
  std::size_t left; ///< sessions that have not said yet that they have no process any more
};
struct stopped {};
using phase = std::variant<starting, serving, draining, stopped>;

/// A dispatch's key and what it stood for.
struct key_use {
  std::string digest;
  session_id session;
  wall_ms at = 0;
};

struct state {
  phase at = starting{};
  std::map<std::string, key_use> keys;
  std::size_t front_ends = 0;
  bool visited = false;     ///< a front end has been connected
  std::size_t busy = 0;     ///< sessions with a process, a due restart or a waiting reply (SUP-3)
  std::uint64_t linger = 0; ///< generation of the timer that counts
};

struct opened {
  std::map<std::string, key_use> keys;
}; ///< the ledger is folded
struct dispatch_asked {
  std::string key, digest;
  session_id fresh;
};
struct front_ends_now {
  std::size_t count;
};
struct busy_now {
  std::size_t count;
};
struct linger_over {
  std::uint64_t generation;
};
struct stop_asked {
  bool any, keep_workers;
  std::size_t sessions; ///< in the roster: each is asked to end, whatever its last row said
};
struct session_ended {}; ///< one of those asked by `drain`
struct not_recorded {
  session_id session;
}; ///< the ledger has not taken the dispatch: its key counts as never used
using event_ = std::variant<opened, dispatch_asked, front_ends_now, busy_now, linger_over, stop_asked, session_ended,
                            not_recorded>;

struct admit {
  session_id session;
};
struct repeat {
  session_id session;
}; ///< the same key again: it counts once
struct refuse {
  errc code;
  std::string text;
};
struct arm_linger {
  std::int64_t ms;
  std::uint64_t generation;
};
struct drain {
  bool keep_workers;
};               ///< close the pool; end the workers, or say goodbye to them
struct leave {}; ///< answer whoever asked for the stop, and exit
using effect = std::variant<admit, repeat, refuse, arm_linger, drain, leave>;

struct step {
  state to;
  std::vector<effect> effects;
};

step next(state from, const event_& e, wall_ms now, const policy& p);

/// Whether a session holds the supervisor open: it has a process, or a restart, a reply or a first worker is due
/// (SUP-3).
bool keeps_open(const row& x);

} // namespace troupe::supervisor_machine
