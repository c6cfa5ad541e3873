// CAF's numbers for the messages. With actors/caf_seams.hpp, where a port to CAF 1.x would begin.
#pragma once

#include "caf/detail/tuple_vals.hpp"
#include "caf/mailbox_element.hpp"
#include "caf/type_erased_value.hpp"
#include "caf/type_id.hpp"

#include "messages/requests.hpp"
#include "messages/session.hpp"

/// All that actors send one another, one a line: X(type) for each.
#define TROUPE_MESSAGES(X)                                                                                             \
  X(session_id)                                                                                                        \
  X(worker_id)                                                                                                         \
  X(process_identity)                                                                                                  \
  X(dispatch_spec)                                                                                                     \
  X(option)                                                                                                            \
  X(question)                                                                                                          \
  X(work_item)                                                                                                         \
  X(event)                                                                                                             \
  X(ledger_entry)                                                                                                      \
  X(evidence)                                                                                                          \
  X(row)                                                                                                               \
  X(profile)                                                                                                           \
  X(credential)                                                                                                        \
  X(snapshot)                                                                                                          \
  X(worker_address)                                                                                                    \
  X(assignment)                                                                                                        \
  X(receipt)                                                                                                           \
  X(dispatch)                                                                                                          \
  X(dispatched)                                                                                                        \
  X(stop_session)                                                                                                      \
  X(remove_session)                                                                                                    \
  X(respawn_session)                                                                                                   \
  X(rename_session)                                                                                                    \
  X(pin_session)                                                                                                       \
  X(reply_to)                                                                                                          \
  X(replied)                                                                                                           \
  X(answer_question)                                                                                                   \
  X(answer_taken)                                                                                                      \
  X(find_place)                                                                                                        \
  X(place)                                                                                                             \
  X(why)                                                                                                               \
  X(reasons)                                                                                                           \
  X(done)                                                                                                              \
  X(status_asked)                                                                                                      \
  X(supervisor_status)                                                                                                 \
  X(stop_supervisor)                                                                                                   \
  X(supervisor_stopped)                                                                                                \
  X(front_ends)                                                                                                        \
  X(row_changed)                                                                                                       \
  X(roster_loaded)                                                                                                     \
  X(leaving)                                                                                                           \
  X(kept_environment)                                                                                                  \
  X(hand_over)                                                                                                         \
  X(retire_session)                                                                                                    \
  X(environment_asked)                                                                                                 \
  X(restore)                                                                                                           \
  X(claim_worker)                                                                                                      \
  X(granted_worker)                                                                                                    \
  X(permit_wanted)                                                                                                     \
  X(permit_given)                                                                                                      \
  X(permit_back)                                                                                                       \
  X(open_pool)                                                                                                         \
  X(close_pool)                                                                                                        \
  X(pool_status)                                                                                                       \
  X(snapshot_wanted)                                                                                                   \
  X(load_credentials)                                                                                                  \
  X(refresh_credentials)                                                                                               \
  X(sign_out)                                                                                                          \
  X(accounts_asked)                                                                                                    \
  X(accounts)                                                                                                          \
  X(account)                                                                                                           \
  X(signed_out)                                                                                                        \
  X(clear_credentials)                                                                                                 \
  X(snapshot_changed)                                                                                                  \
  X(renew_worker)                                                                                                      \
  X(worker_renewed)                                                                                                    \
  X(launch_worker)                                                                                                     \
  X(assign_worker)                                                                                                     \
  X(start_worker)                                                                                                      \
  X(deliver_reply)                                                                                                     \
  X(reply_taken)                                                                                                       \
  X(give_answer)                                                                                                       \
  X(end_worker)                                                                                                        \
  X(ending_worker)                                                                                                     \
  X(kill_worker)                                                                                                       \
  X(adopt_worker)                                                                                                      \
  X(worker_adopted)                                                                                                    \
  X(say_goodbye)                                                                                                       \
  X(worker_ready)                                                                                                      \
  X(worker_event)                                                                                                      \
  X(worker_output)                                                                                                     \
  X(worker_exited)                                                                                                     \
  X(append)                                                                                                            \
  X(appended)                                                                                                          \
  X(load_journal)                                                                                                      \
  X(session_history)                                                                                                   \
  X(journal)                                                                                                           \
  X(freeze_worker)                                                                                                     \
  X(worker_frozen)                                                                                                     \
  X(thaw_worker)                                                                                                       \
  X(declare_work)                                                                                                      \
  X(work_declared)                                                                                                     \
  X(note_work)                                                                                                         \
  X(agent_facts)                                                                                                       \
  X(steer_session)                                                                                                     \
  X(steered)                                                                                                           \
  X(steer_worker)                                                                                                      \
  X(clear_session)                                                                                                     \
  X(session_cleared)                                                                                                   \
  X(drop_session)                                                                                                      \
  X(cache_row)                                                                                                         \
  X(chain_asked)                                                                                                       \
  X(flush_journal)                                                                                                     \
  X(watch_machine)                                                                                                     \
  X(memory_asked)                                                                                                      \
  X(memory_state)                                                                                                      \
  X(machine_slept)                                                                                                     \
  X(executable_replaced)                                                                                               \
  X(timer_due)                                                                                                         \
  X(worktree)                                                                                                          \
  X(pull_request)                                                                                                      \
  X(losses)                                                                                                            \
  X(losses_asked)                                                                                                      \
  X(resume_session)                                                                                                    \
  X(archive_asked)                                                                                                     \
  X(archive)                                                                                                           \
  X(revive_session)                                                                                                    \
  X(roster_watched)                                                                                                    \
  X(refresh_pull)                                                                                                      \
  X(pull_news)                                                                                                         \
  X(ask_pull)                                                                                                          \
  X(inspect_worktree)                                                                                                  \
  X(remove_worktree)                                                                                                   \
  X(worktree_removed)

#define TROUPE_TYPE_ID(type) CAF_ADD_TYPE_ID(troupe, (troupe::type))
CAF_BEGIN_TYPE_ID_BLOCK(troupe, first_custom_type_id)
TROUPE_MESSAGES(TROUPE_TYPE_ID)
CAF_END_TYPE_ID_BLOCK(troupe)
#undef TROUPE_TYPE_ID

// What CAF makes of each message (copying, saving, printing) is in message_templates.cpp alone: made anew in every
// source that sends one, it was half of that source's compile time.
// (mailbox_element_vals::dispose calls what is not there, and is called by nobody: its place is taken, so that the
// class can be made whole.)
#define TROUPE_MESSAGE_TEMPLATES(prefix, type)                                                                         \
  prefix template class caf::detail::tuple_vals_impl<caf::detail::message_data, troupe::type>;                         \
  prefix template class caf::detail::tuple_vals<troupe::type>;                                                         \
  prefix template class caf::detail::tuple_vals_impl<caf::type_erased_tuple, troupe::type>;                            \
  prefix template class caf::mailbox_element_vals<troupe::type>;                                                       \
  prefix template class caf::detail::type_erased_value_impl<troupe::type>;
#define TROUPE_NO_DISPOSE(type)                                                                                        \
  template <>                                                                                                          \
  inline void caf::mailbox_element_vals<troupe::type>::dispose() noexcept {}
TROUPE_MESSAGES(TROUPE_NO_DISPOSE)
#undef TROUPE_NO_DISPOSE
#ifndef TROUPE_MAKES_MESSAGE_TEMPLATES
#define TROUPE_ELSEWHERE(type) TROUPE_MESSAGE_TEMPLATES(extern, type)
TROUPE_MESSAGES(TROUPE_ELSEWHERE)
#undef TROUPE_ELSEWHERE
#endif
