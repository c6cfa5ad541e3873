// What the lines of the session's table are made of: how it is launched, comes to rest, fails, is restarted and
// removed. Each writes its lines to the ledger, orders what follows from them, and gives the next state of the process.
#pragma once

#include "actors/session/cell.hpp"

namespace troupe::session_machine {

/// What a request for a removed session is told.
constexpr const char* no_more = "there is no such session any more\nlist them: troupe agents --json --all";

/// A worker is asked for; whatever was due is so no more.
process launch(context& c);
/// REST-7: background shells wait for the next worker; when none will come they end, before anybody hears of the end.
void clear_shells(context& c);
/// The task is over, in that state and for that reason.
void settle(context& c, task t, const std::string& why);
/// The last line: the row is gone. `how`: what became of the worktree.
process remove_row(context& c, const worktree_removed& how);
/// ISO-2: the session stays, with its worktree and the reason on its row.
process keep_row(context& c, const std::string& why);
/// No worker any more: the worktree next, where there is one (ISO-2), then the row.
process finish_removal(context& c);
/// No worker, and none is due; whoever waits for the end is told.
process rest_here(context& c);
/// The task has failed; whoever waits for the dispatch hears why.
process fail(context& c, errc code, const std::string& why);
/// The task was stopped; whoever waits for the dispatch hears so.
void tell_stopped(context& c);
/// The same, and it rests.
process stopped_here(context& c);
/// The pool has answered a claim that nobody wants any more.
process unclaimed(context& c);
/// Somebody was promised that it runs again.
bool something_due(const facts& f);
/// F-30: that the machine slept, in words.
std::string nap(std::int64_t ms);
/// The session has no worker any more: what its files show decides (REST-1, REST-2, KEEP-4, KEEP-7).
process after_gone(context& c, std::string evidence);
/// The worker that a predecessor claimed is gone. When none ever held the assignment, nothing of the session has run,
/// and its dispatch, which was not answered, is waited for again (SUP-11).
process predecessor_gone(context& c, const std::string& evidence);
/// F-08: no kill without a line that says why.
void order_kill(context& c, const worker_address& w, const std::string& why);
/// The worker is asked to end, for that reason; one that has not ended in time is killed.
process ask_end(context& c, const worker_address& w, std::string reason);
/// Its waiting replies go to a worker that is live.
process deliver_all(context& c, process at);
/// A worker holds the session: it goes on, waits for its turn to start, or ends where nobody wants it any more.
process run_or_end(context& c, const worker_address& w);

} // namespace troupe::session_machine
