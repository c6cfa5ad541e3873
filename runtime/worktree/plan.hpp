// Where the worktree of a session would be (ISO-1). Looks at files; runs nothing.
#pragma once

#include <string>

#include "messages/session.hpp"

namespace troupe {

/// A place, decided ahead of its making.
struct worktree_plan {
  worktree tree;    ///< path, branch, repository and cwd; without a path: none is to be made
  std::string none; ///< why not
};

/// The folder's name of a session's worktree, and the last part of its branch: its name in letters, digits and dashes,
/// and its id, so that it is never used twice.
std::string worktree_name(const std::string& session, const std::string& name);

/// For a session that was sent to `cwd` (a real path): outside of git there is none, nor in a linked worktree. `hook`:
/// a hook makes worktrees outside of git.
worktree_plan plan_worktree(const std::string& cwd, const std::string& name, bool hook);

} // namespace troupe
