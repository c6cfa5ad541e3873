// Removing the worktree of a session (ISO-2, SEC-4).
#pragma once

#include <string>

#include "messages/requests.hpp"
#include "runtime/worktree/git.hpp"

namespace troupe {

/// Removes it when nothing stands against it and nothing uncommitted is in it; `force`: what is uncommitted goes too,
/// after a snapshot of it. It is renamed into a private trash beside it and looked at once more there, where nobody can
/// reach it by its path; whatever is not as it was brings it back. Its branch goes when all of it is elsewhere. `hook`:
/// the command that removes it, outside of git.
worktree_removed remove_tree(const worktree& tree, bool force, const std::string& hook);

/// The ref that keeps what was uncommitted in that worktree.
std::string snapshot_ref(const worktree& tree);
/// Drops snapshots and kept ignored files older than 30 days, by the date of their making.
void drop_old_snapshots(const std::string& repository, std::int64_t now_seconds);
/// Makes git forget a worktree of that path whose folder is not there any more.
void forget_missing(const std::string& common, const std::string& path);
/// Runs a worktree hook in its repository: TROUPE_WORKTREE_PATH, TROUPE_WORKTREE_FORCE (0 or 1).
program_output run_hook(const std::string& command, const worktree& tree, bool force);

} // namespace troupe
