// What a session in its own worktree may not do with git and gh, whatever its permission mode (PR-2): push to main or
// master, push by force, merge.
#pragma once

#include <string>
#include <vector>

#include "runtime/agent/shell_command.hpp"

namespace troupe::agent {

/// Why this command line is refused; empty: it is not. `branch`: the one that is checked out, for a push that names
/// none; empty where it is not known.
std::string refused_push(const std::string& line, const std::string& branch);

/// Whether `cwd` lies in a worktree that Troupe made for a session.
bool in_own_worktree(const std::string& cwd);
/// The branch that is checked out in the worktree around `cwd`; empty where there is none.
std::string branch_of(const std::string& cwd);

} // namespace troupe::agent
