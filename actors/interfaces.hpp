// Every actor's interface, a sentence above each message: a reader learns the system here. All messages carry ids;
// replies are numbered changes or errors of messages/errors.hpp. Sessions are only reached through the supervisor,
// which owns the roster.
#pragma once

#include "caf/typed_actor.hpp"

#include "actors/type_ids.hpp"

namespace troupe {

/// Writes and reads the supervisor's ledger, and reads the sessions' transcripts.
using journal_keeper_actor = caf::typed_actor<
    // Number this line and write it; the answer means that it survives the death of any process. `dispatched` makes the
    // session's folder first.
    caf::replies_to<append>::with<appended>,
    // Give all that was written, by session.
    caf::replies_to<load_journal>::with<journal>,
    // Delete what goes with the row, and keep the transcript and the line that would begin it again.
    caf::reacts_to<drop_session>,
    // Keep this row as a cache, written at most once a second.
    caf::reacts_to<cache_row>,
    // Give the removed ones that can be brought back.
    caf::replies_to<archive_asked>::with<archive>,
    // Begin a removed one again (ISO-3).
    caf::replies_to<revive_session>::with<session_history>,
    // Give the lines about a session, and those that caused them.
    caf::replies_to<chain_asked>::with<reasons>,
    // Write out what is cached, and answer no line from here on: whoever waits for one waits for the next supervisor.
    caf::replies_to<flush_journal>::with<flush_journal>, caf::reacts_to<timer_due>>;

/// Starts worker processes and talks with them. Tells the supervisor worker_ready, worker_event, worker_output,
/// worker_exited.
using worker_host_actor = caf::typed_actor<
    // Start a process; the answer names it, it may not have run yet.
    caf::replies_to<launch_worker>::with<worker_address>,
    // Make it the host of a session; the answer says what it really has. Starts nothing.
    caf::replies_to<assign_worker>::with<receipt>,
    // Start the harness.
    caf::reacts_to<start_worker>,
    // Hand a reply over; the answer means that the transcript has it.
    caf::replies_to<deliver_reply>::with<reply_taken>,
    // Answer a question; the worker decides who was first.
    caf::replies_to<give_answer>::with<answer_taken>,
    // Ask it to end its tree and itself; refused when it has a later event than `seen` and the reason is `reap`.
    caf::replies_to<end_worker>::with<ending_worker>,
    // Freeze what runs below it; refused when it has a later event than `seen`, a terminal or a turn (KEEP-5). Its
    // `frozen` event tells that it is done.
    caf::replies_to<freeze_worker>::with<worker_frozen>,
    // Let what runs below it go on.
    caf::reacts_to<thaw_worker>,
    // Give it newer credentials; what it sends next goes with them (CRED-5).
    caf::replies_to<renew_worker>::with<worker_renewed>,
    // Tell it of work that a program has declared; the answer means that the transcript has it (KEEP-2).
    caf::replies_to<note_work>::with<work_declared>,
    // Let its conversation go on otherwise; the answer means that the agent has taken it, or will end its turn.
    caf::replies_to<steer_worker>::with<steered>,
    // Kill it and whatever it leaves behind; worker_exited follows.
    caf::reacts_to<kill_worker>,
    // End the background shells that a dead worker's agent has left for a next one that will not come (REST-7).
    caf::replies_to<clear_session>::with<session_cleared>,
    // Take over a predecessor's worker; its events after `since` follow.
    caf::replies_to<adopt_worker>::with<worker_adopted>,
    // Tell all workers that the supervisor leaves on purpose; those that live inside this process end.
    caf::replies_to<say_goodbye>::with<say_goodbye>>;

/// Looks after the worktrees that Troupe made (ISO), and asks about pull requests (PR-1).
using repository_actor = caf::typed_actor<
    // Say what of this one would be lost.
    caf::replies_to<inspect_worktree>::with<losses>,
    // Remove it, when nothing is lost or its loss is wanted, and nobody is in it; commits that are nowhere else stay.
    caf::replies_to<remove_worktree>::with<worktree_removed>,
    // Say how this pull request stands; refused where `gh` cannot tell.
    caf::replies_to<ask_pull>::with<pull_request>>;

/// Loads, stores and refreshes credentials.
using vault_actor = caf::typed_actor<
    // Give what is stored now.
    caf::replies_to<load_credentials>::with<snapshot>,
    // Trade an old one for a new one.
    caf::replies_to<refresh_credentials>::with<snapshot>,
    // Delete what is stored; behind a refresh in flight, which may not write it again.
    caf::replies_to<clear_credentials>::with<signed_out>,
    // Name what is stored and where it came from; no secret.
    caf::replies_to<accounts_asked>::with<accounts>>;

/// Hands out snapshots at assignment, never earlier (CRED-2).
using credential_store_actor = caf::typed_actor<
    // Give a snapshot that is valid for a while; waits for a refresh in flight.
    caf::replies_to<snapshot_wanted>::with<snapshot>,
    // Read the vault again (a login by another process).
    caf::reacts_to<load_credentials>,
    // Name what is stored; no secret.
    caf::replies_to<accounts_asked>::with<accounts>,
    // Forget everything; answered when nothing is stored any more.
    caf::replies_to<sign_out>::with<signed_out>,
    // What is held expires soon.
    caf::reacts_to<timer_due>>;

/// Knows the host: its memory, and whether it slept. Tells the supervisor memory_state while memory runs short, and
/// machine_slept.
using machine_actor = caf::typed_actor<
    // Begin to tell.
    caf::reacts_to<watch_machine>,
    // Look at the memory now; may take as long as stalls must be watched to be seen.
    caf::replies_to<memory_asked>::with<memory_state>>;

/// Owns the spares, and how many harnesses start at a time.
using warm_pool_actor = caf::typed_actor<
    // Begin to keep spares.
    caf::reacts_to<open_pool>,
    // Give a worker, a warm one when there is one of this profile.
    caf::replies_to<claim_worker>::with<granted_worker>,
    // Ask for a turn to start a harness; permit_given comes to the supervisor, which passes it on.
    caf::reacts_to<permit_wanted>,
    // The harness has started, or never will.
    caf::reacts_to<permit_back>,
    // A spare has its agent running.
    caf::reacts_to<worker_ready>,
    // A worker that no session owns has ended.
    caf::reacts_to<worker_exited>,
    // End all spares and start none; answered when they are gone.
    caf::replies_to<close_pool>::with<close_pool>,
    // Count the spares by phase.
    caf::replies_to<status_asked>::with<pool_status>, caf::reacts_to<timer_due>>;

/// One session.
using session_actor = caf::typed_actor<
    // Take the task; the answer means that a worker holds it (SUP-11).
    caf::replies_to<dispatch>::with<dispatched>,
    // Be what the files show.
    caf::reacts_to<restore>, caf::replies_to<stop_session>::with<done>,
    // Remove it and the worktree that Troupe made for it; refused with the reason where something would be lost.
    caf::replies_to<remove_session>::with<done>,
    // Say what its end or its removal would lose (BEYOND-9).
    caf::replies_to<losses_asked>::with<losses>, caf::replies_to<respawn_session>::with<done>,
    caf::replies_to<rename_session>::with<done>, caf::replies_to<pin_session>::with<done>,
    // Take a reply: it is in the ledger when this is answered.
    caf::replies_to<reply_to>::with<replied>, caf::replies_to<answer_question>::with<answer_taken>,
    // Tell where its worker listens; wake it when asked.
    caf::replies_to<find_place>::with<place>,
    // Note work that a program inside it declares, or the end of such work (KEEP-2).
    caf::replies_to<declare_work>::with<work_declared>,
    // Cancel its turn, or change its mode, model or another option of its agent.
    caf::replies_to<steer_session>::with<steered>,
    // The pool's turn.
    caf::reacts_to<permit_given>,
    // End the worker for the host's sake, if the session is idle; answered when that is in the ledger.
    caf::replies_to<retire_session>::with<done>,
    // Give the environment it is kept with, for the next supervisor.
    caf::replies_to<environment_asked>::with<kept_environment>,
    // The machine slept: an end at that time is told as one of that time.
    caf::reacts_to<machine_slept>,
    // The credentials are other ones: its worker gets them, and a session that waited for a login goes on (CRED-6).
    caf::reacts_to<snapshot_changed>,
    // Ask how one of its pull requests stands, by its own account; the row tells, and so does the answer (PR-1).
    caf::replies_to<refresh_pull>::with<pull_request>,
    // A pull request that it works on, too, stands like this.
    caf::reacts_to<pull_news>,
    // From its worker, by way of the supervisor.
    caf::reacts_to<worker_event>, caf::reacts_to<worker_output>, caf::reacts_to<worker_exited>,
    caf::reacts_to<timer_due>>;

/// Shows rows and holds the front ends' connections; told of every change.
using front_desk_actor = caf::typed_actor<
    // A row is new, has changed, or is gone.
    caf::reacts_to<row_changed>,
    // All sessions of before are listed: requests may be read.
    caf::reacts_to<roster_loaded>,
    // The supervisor leaves.
    caf::reacts_to<leaving>,
    // The supervisor makes room for a newer version; the socket stays.
    caf::reacts_to<hand_over>>;

/// Owns the roster: admission, routing, linger, the end.
using supervisor_actor = caf::typed_actor<
    // Fold the journal and begin to serve.
    caf::reacts_to<load_journal>, caf::replies_to<dispatch>::with<dispatched>,
    caf::replies_to<stop_session>::with<done>, caf::replies_to<remove_session>::with<done>,
    caf::replies_to<respawn_session>::with<done>, caf::replies_to<rename_session>::with<done>,
    caf::replies_to<pin_session>::with<done>, caf::replies_to<reply_to>::with<replied>,
    caf::replies_to<answer_question>::with<answer_taken>, caf::replies_to<find_place>::with<place>,
    caf::replies_to<declare_work>::with<work_declared>, caf::replies_to<steer_session>::with<steered>,
    caf::replies_to<losses_asked>::with<losses>,
    // Bring a removed session back; list those that can be (ISO-3).
    caf::replies_to<resume_session>::with<done>, caf::replies_to<archive_asked>::with<archive>,
    caf::replies_to<why>::with<reasons>, caf::replies_to<status_asked>::with<supervisor_status>,
    caf::replies_to<stop_supervisor>::with<supervisor_stopped>,
    // How many front ends are connected.
    caf::reacts_to<front_ends>,
    // How many look at the roster: pull requests are asked about for them alone (PR-1).
    caf::reacts_to<roster_watched>,
    // From sessions: the busy ones hold the supervisor open; a gone one leaves the roster.
    caf::reacts_to<row_changed>,
    // From the machine: memory is short; it slept.
    caf::reacts_to<memory_state>, caf::reacts_to<machine_slept>,
    // From the credential store, passed on to every session.
    caf::reacts_to<snapshot_changed>,
    // The program on the disk is a newer one than this.
    caf::reacts_to<executable_replaced>,
    // From the worker host and the pool, passed on by session.
    caf::reacts_to<worker_ready>, caf::reacts_to<worker_event>, caf::reacts_to<worker_output>,
    caf::reacts_to<worker_exited>, caf::reacts_to<permit_given>, caf::reacts_to<timer_due>>;

} // namespace troupe
