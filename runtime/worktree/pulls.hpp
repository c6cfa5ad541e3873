// Asking `gh` about pull requests: that of what is checked out in a worktree, and one by its address (PR-1).
#pragma once

#include <string>

#include "messages/session.hpp"

namespace troupe {

/// The pull request of the branch that is checked out in `path`, when it has been pushed; number 0: there is none, or
/// nobody can tell. Uses the network by way of `gh`.
pull_request ask_gh(const std::string& path);

/// How a pull request stands.
struct pull_state {
  pull_request now;
  std::string error; ///< why nobody can tell; empty: `now` holds
};
/// The one at `url`, from wherever this is run. A host that `gh` is not signed in to (as its own file says; github.com
/// is always tried) is not asked: a link that somebody printed chooses no host that the user has nothing to do with.
pull_state ask_gh_about(const std::string& url);

} // namespace troupe
