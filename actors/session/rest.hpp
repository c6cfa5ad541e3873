// A session at rest: its clock has two stages. The first freezes the worker's processes, the second reaps the worker
// (KEEP-1, BEYOND-3). Whatever is wanted of the session, or comes of its own, begins the clock anew.
#pragma once

#include "actors/session/cell.hpp"

namespace troupe::session_machine {

/// The rest clock begins anew (KEEP-3), or stops when the session is at work.
void begin_rest(context& c);

/// The same, but a freeze that was asked for since it began is not asked for again: what is left runs towards the reap.
/// A pinned session may be frozen, for that keeps it; it is never reaped.
void watch_rest(context& c);

/// Asks for freezing when that is still ahead of the reap, once a rest; whether it did.
bool freeze_first(context& c, const worker_address& w);

/// The worker has frozen its processes: what is left of the rest clock runs on.
process stay_frozen(context& c, const worker_address& w);

/// The worker thaws by itself before whatever it is told next; the effect says so, and the line why. `first_cause`: a
/// person asked for just that, and no other line tells of it.
process thaw_here(context& c, const worker_address& w, const std::string& why, bool first_cause = false);

} // namespace troupe::session_machine
