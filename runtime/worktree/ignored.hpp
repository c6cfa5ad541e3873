// What of a worktree git ignores: which of it is somebody's (`.env`, notes, a database), and which is made anew by a
// build (BEYOND-9). The rule is told in docs/worktrees.md.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

struct ignored_file {
  std::string path; ///< within the worktree
  std::uint64_t bytes = 0;
  bool operator==(const ignored_file&) const = default;
};

struct ignored_content {
  std::vector<ignored_file> files;   ///< somebody's: to be named, and kept for a while
  std::vector<std::string> products; ///< made anew, in words: "build/ (12 files, 3.4 MB)"
};

/// Looks at the worktree that is at `path` now; nothing where git cannot tell. What is in `checkout` with the same
/// content is nobody's loss. Writes nothing.
ignored_content ignored_in(const std::string& path, const std::string& checkout);

/// "12 B", "3.4 MB".
std::string in_bytes(std::uint64_t n);

/// Moves those files into the folder `.kept/NAME` beside the worktrees (`parent`), under the paths they have in
/// `tree`; both are descriptors, and no link is followed. Gives how many; `left` is the first that could not be moved,
/// and why.
std::size_t keep_files(int parent, const std::string& name, int tree, const std::vector<ignored_file>& files,
                       std::string& left);
/// Removes what was kept there before that time (seconds since 1970).
void drop_kept_files(int parent, std::int64_t before_seconds);
/// Where `keep_files` keeps those of that worktree.
std::string kept_place(const std::string& tree_path);

} // namespace troupe
