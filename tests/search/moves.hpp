// The kinds of moves.
#pragma once

#include <cstdint>

namespace troupe::search {

enum class step_kind : std::uint8_t {
  dispatch,
  stop,
  remove,
  respawn,
  wake,
  reply,
  answer,
  pin,
  retire, ///< for memory; a supervisor may ask for any, so it does here
  repeat,
  write,      ///< `how` 1: and the supervisor dies right behind it
  pool_hears, ///< `how` 1: no process can be started
  grant_heard,
  permit_heard,
  memory_told,
  rest_over,
  timer,
  too_late,     ///< `how`: which request
  dies,         ///< `how` 1: by itself
  worker_hears, ///< here and below, `how` n: killed behind its n-th line
  hello_heard,
  spare_leaves,
  spare_ready,
  tree_ends,
  job_ends,
  agent_ready,
  turn_ends, ///< `how` 9: with an error
  asks,
  works, ///< `how` 1: no more
  attaches,
  detaches,
  answer_heard,
  news_heard,
  supervisor_starts,
  crash,
  row_heard,
  supervisor_leaves,
  stop_all,
  stop_keep,
  tick,
  vault_heard,
  refreshed, ///< `how` 1: refused
  time_passes,
  expiry_due, ///< the store's timer
  login,
  logout
};

} // namespace troupe::search
