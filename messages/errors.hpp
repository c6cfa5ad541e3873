// What can go wrong, as one enum: in actors it is the code of a caf::error, on the control socket it is `data.code`.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

enum class errc : std::uint8_t {
  ok = 0,
  bad_request,     ///< a field is missing, of the wrong type, or out of its bounds
  no_such_session, ///< neither id, name nor unique prefix (CLI-8)
  ambiguous,       ///< a prefix or name that fits several sessions (CLI-8)
  key_reused,      ///< the same key with other content (SUP-11)
  draining,        ///< the supervisor is stopping and takes nothing new
  not_running,     ///< the session has no process, and this needs one
  wrong_state,     ///< the session's state does not allow this
  answered,        ///< the question has been answered already; says by whom (BEYOND-7)
  refused,         ///< the worker refused: a later event than the caller knew (KEEP-5), or a lower epoch (SUP-1)
  not_started,     ///< no worker came to hold the dispatch (SUP-11)
  worker_gone,     ///< the worker ended while it was asked
  timed_out,       ///< no answer within the request's deadline
  no_credentials,  ///< Could not resolve authentication method (CRED-4)
  disk,            ///< the ledger or another file could not be written
  needs_any,       ///< `daemon stop` of an on-demand supervisor without --any (SUP-4)
  directory,       ///< the directory does not exist, is none, or may not be entered
  overloaded,      ///< too many requests wait on one connection
  not_trusted,   ///< the directory has settings of its own that the user has not allowed, or not as they are (TRUST-2)
  not_allowed,   ///< asked from inside a session, which may not do that (SEC-1)
  no_consent,    ///< the permission mode lets all run, and the user has not accepted that yet (NAT-2)
  no_definition, ///< there is no agent definition of that name (CLI-3)
  kept,          ///< the session was not removed, since something would be lost (ISO-2)
};

/// The code's name as it travels in JSON, e.g. "no_such_session".
std::string_view name_of(errc code);
/// The code of that name; errc::bad_request for a name this version does not know.
errc errc_of(std::string_view name);

/// An error for a person: what failed on which object, and in the second line what to do next.
struct failure {
  errc code = errc::ok;
  std::string text;
};

} // namespace troupe
