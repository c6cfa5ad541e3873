// Asking `gh` about the pull request of what is checked out in a worktree (PR-1).
#pragma once

#include <string>

#include "messages/session.hpp"

namespace troupe {

/// The pull request of the branch that is checked out in `path`, when it has been pushed; number 0: there is none, or
/// nobody can tell. Uses the network by way of `gh`.
pull_request ask_gh(const std::string& path);

} // namespace troupe
