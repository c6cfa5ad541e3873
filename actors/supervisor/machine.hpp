// The supervisor's machine: starting, serving, draining, handing over, stopped. Admission, keys, linger, the end, and
// which session gives its memory back (SUP-3, SUP-4, SUP-6, SUP-8, SUP-11). Pure.
#pragma once

#include <map>
#include <set>
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
  std::int64_t make_room_ms = 3'000;    ///< so long a newer version waits for assignments on their way
  std::int64_t retire_ms = 30'000;      ///< so long a session that gives its memory back is waited for
};

struct starting {};
struct serving {};
struct draining {
  std::size_t left; ///< sessions that have not said yet that they have no process any more
};
struct handing_over {
  std::string version;
  bool begun;
}; ///< a newer version of this program is about to go on (SUP-6)
struct stopped {};
using phase = std::variant<starting, serving, draining, handing_over, stopped>;

/// What counts of a session with a process when memory is short (SUP-8).
struct resident {
  bool idle, pinned, starting;
  wall_ms used; ///< when it was last used
};

// Where a shortage of memory has led to.
struct calm {};
struct retiring {
  session_id who;
  bool ends;       ///< it has been asked; when it lives on, a later event of its worker has won
};                 ///< its end is awaited
struct looking {}; ///< whether that was enough
using relief = std::variant<calm, retiring, looking>;

/// A dispatch's key and what it stood for.
struct key_use {
  std::string digest;
  session_id session;
  wall_ms at = 0;
};

struct state {
  phase at = starting{};
  std::map<std::string, key_use> keys;
  wall_ms swept = 0; ///< when those that are too old were last dropped
  std::size_t front_ends = 0;
  bool visited = false;     ///< a front end has been connected
  std::size_t busy = 0;     ///< sessions with a process, a due restart or a waiting reply (SUP-3)
  std::uint64_t linger = 0; ///< generation of the timer that counts
  std::map<session_id, resident> residents;
  relief memory = calm{};
  std::set<session_id> spared;  ///< asked in this shortage, and not ended
  std::uint64_t retirement = 0; ///< generation of the timer that counts
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
struct row_now {
  row now;
};
struct memory_short {}; ///< processes stall for want of it
struct memory_looked {
  bool still;
}; ///< the answer to `look_at_memory`
struct retire_refused {
  session_id who;
};
struct retire_late {
  std::uint64_t generation;
};
struct replaced {
  std::string version;
}; ///< the program on the disk is a newer one
struct make_room_due {};
using event_ =
    std::variant<opened, dispatch_asked, front_ends_now, busy_now, linger_over, stop_asked, session_ended, not_recorded,
                 row_now, memory_short, memory_looked, retire_refused, retire_late, replaced, make_room_due>;

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
  std::string successor; ///< the version that goes on, if one does
};                       ///< close the pool; end the workers, or say goodbye to them
struct leave {};         ///< answer whoever asked for the stop, and exit
struct make_room {};     ///< flush, and let the newer version go on in this process
struct retire {
  session_id who;
};                        ///< ask it to end its worker, for memory
struct look_at_memory {}; ///< memory_looked follows
struct arm_make_room {
  std::int64_t ms;
};
struct arm_retire {
  std::int64_t ms;
  std::uint64_t generation;
};
using effect = std::variant<admit, repeat, refuse, arm_linger, drain, leave, make_room, retire, look_at_memory,
                            arm_retire, arm_make_room>;

struct step {
  state to;
  std::vector<effect> effects;
};

step next(state from, const event_& e, wall_ms now, const policy& p);

/// Whether a session holds the supervisor open: it has a process, or a restart, a reply or a first worker is due
/// (SUP-3).
bool keeps_open(const row& x);
/// Whether its process may be ended for the host's sake: it lives, and nothing works, waits or looks on (SUP-8).
bool may_retire(const row& x);

} // namespace troupe::supervisor_machine
