// Worktrees that Troupe made and whose session does not exist any more: a removal that died in between, a state folder
// that was deleted by hand. `troupe doctor` names them.
#pragma once

#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

struct leftover_worktree {
  worktree tree;
  std::string session; ///< whose it was
  std::string folder;  ///< of that session's own files; empty: an earlier version has not said
  std::string keeps;   ///< why it is not to be removed; empty: nothing in it would be missed
};

/// Looks through `.troupe/worktrees` of each repository at or above these directories (absolute paths). `sessions`: the
/// folder of this Troupe's sessions. Those of sessions that exist, those that a user made and those of another Troupe
/// whose session exists are not among them. Runs git; changes nothing.
std::vector<leftover_worktree> leftovers_in(const std::vector<std::string>& directories, const std::string& sessions);

/// Removes one for which nothing spoke against it, after another look. Empty: it is gone, else why it is not.
std::string remove_leftover(const leftover_worktree& which, const std::string& sessions);

} // namespace troupe
