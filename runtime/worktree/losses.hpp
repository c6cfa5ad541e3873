// What is in a worktree that would be lost with it (BEYOND-9), and what stands against its removal (ISO-2).
#pragma once

#include <string>
#include <vector>

#include "messages/session.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// What was found at the place of a worktree.
struct tree_report {
  losses lost;        ///< files, ignored, products, commits, keeps
  bool gone = false;  ///< nothing is at its path any more
  std::string common; ///< the repository's own folder, shared by its worktrees
  std::string admin;  ///< the worktree's folder in there; empty: none
  std::string head;   ///< the commit that is checked out
  bool loose = false; ///< `head` has commits that no branch has, its own neither
  std::string tip;    ///< of its own branch; empty: there is no such branch
  bool stays = false; ///< that branch has commits that are nowhere else, or somebody else has it checked out
  std::string status; ///< git's account of what is uncommitted, to compare with later
};

/// Looks at a worktree, matched by device and inode.
tree_report look_at(const worktree& tree);

/// The worktree's folder in its repository (whose own folder is `common`), when both name each other; else empty.
std::string admin_of(const worktree& tree, const std::string& common);

/// git's own account of what is uncommitted, at wherever the worktree is now; `admin`: its folder in the repository.
/// Empty: git cannot tell, and `error` says why.
std::string status_of(const std::string& path, std::string& error);

} // namespace troupe
