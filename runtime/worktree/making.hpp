// Making the worktree of a session (ISO-1).
#pragma once

#include <string>

#include "messages/session.hpp"

namespace troupe {

struct worktree_made {
  worktree tree;     ///< without a path: none was made
  std::string none;  ///< why none is to be made; the session works where it was sent
  std::string error; ///< why it could not be made, and the remedy in the second line
  std::string note;  ///< what a person should know
};

/// Makes it at the place that was planned, on a branch of its own from what is checked out; or takes over what an
/// earlier run of the same session has made there, by the mark that Troupe leaves with git. A branch that is there
/// already is gone on with. `hook`: the command that makes it, outside of git.
/// `folder`: of the session's own files, which the mark names too.
worktree_made make_worktree(const worktree& plan, const std::string& session, const std::string& folder,
                            const std::string& hook);

/// Whose worktree it is.
struct worktree_mark {
  std::string session; ///< empty: Troupe has not made it
  std::string folder;  ///< of that session's own files; empty: it is not known
};
/// Reads the mark in the worktree's folder in the repository.
worktree_mark read_mark(const std::string& admin);

} // namespace troupe
