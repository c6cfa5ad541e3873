// The warm pool's machine: spares by profile (starting, ready, claimed, retired), the pool's mood (steady, backing off,
// degraded, closed), and how many harnesses start at a time. Pure: time comes in events.
#pragma once

#include <deque>
#include <map>
#include <set>
#include <string>
#include <variant>
#include <vector>

#include "messages/session.hpp"

namespace troupe::pool_machine {

/// POOL-1, POOL-3, POOL-4, POOL-5.
struct policy {
  std::size_t size = 1;                ///< warmPool.size
  bool follow = false;                 ///< warmPool.size "auto": as many as were claimed of late (POOL-10)
  std::size_t most = 4;                ///< warmPool.max, for `follow`
  std::int64_t recent_ms = 60'000;     ///< what "of late" means
  std::int64_t max_age_ms = 3'600'000; ///< warmPool.maxAgeSeconds
  std::size_t most_starting = 4;       ///< launch.maxConcurrent
  std::int64_t first_delay_ms = 500, longest_delay_ms = 60'000;
  std::size_t degraded_after = 5;
  profile warmed; ///< what a spare runs ahead of time until another profile is used (POOL-9)
};

// A spare.
struct starting {};
struct ready {};
struct retired {}; ///< told to end; its end is awaited
using phase = std::variant<starting, ready, retired>;
struct spare {
  phase at;
  profile made_for;
  std::int64_t born = 0; ///< milliseconds on the pool's clock
};

// The pool.
struct steady {};
struct backing_off {
  std::size_t failures;
};
struct degraded {
  std::size_t failures;
  std::string why;
};
struct closed {};
using mood = std::variant<steady, backing_off, degraded, closed>;

struct state {
  mood is = steady{};
  std::map<worker_id, spare> spares;
  std::uint64_t next_worker = 1; ///< seeded with the supervisor's epoch in the upper half
  std::uint64_t generation = 0;
  std::set<session_id> running;    ///< hold a permit to start their harness
  std::deque<session_id> waiting;  ///< for one, first come first served
  std::vector<profile> last;       ///< the profile used last, of those that can be warmed; none or one
  std::deque<std::int64_t> claims; ///< when, for the rate (POOL-10)
};

// Events. `now`: milliseconds of a clock that does not jump; `jitter`: 0 to 1, drawn by the shell.
struct open {};
struct claimed {
  session_id by;
  profile wanted;
  bool warmable = true;
};
struct spare_ready {
  worker_id who;
  std::string version{}; ///< empty: as meant
};
struct exited {
  worker_id who;
  std::string why;
};
struct tick {
  std::uint64_t generation;
};
struct permit_asked {
  session_id by;
};
struct permit_returned {
  session_id by;
};
struct close {};
using event_ = std::variant<open, claimed, spare_ready, exited, tick, permit_asked, permit_returned, close>;

// Effects.
struct launch {
  worker_id who;
  bool spare;
  profile wanted;
}; ///< spare false: for the session granted in the same step
struct grant {
  session_id to;
  worker_id who;
  bool warm;
  std::string differs{}; ///< why no ready spare fits (BEYOND-4)
};
struct refuse {
  session_id to;
  std::string why;
};
struct retire {
  worker_id who;
  std::string why;
};
struct arm {
  std::int64_t ms;
  std::uint64_t generation;
};
struct permit {
  session_id to;
};
using effect = std::variant<launch, grant, refuse, retire, arm, permit>;

struct step {
  state to;
  std::vector<effect> effects;
};

step next(state from, const event_& e, std::int64_t now, double jitter, const policy& p);

/// "steady", "backing off", "degraded: why", "closed" (SUP-9).
std::string describe(const mood& m);

} // namespace troupe::pool_machine
