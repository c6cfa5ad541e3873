// What the user and the project want every session to know: AGENTS.md, else CLAUDE.md, from the top of the repository
// down to the directory, and the user's own.
#pragma once

#include <string>
#include <vector>

#include "runtime/agent/fields.hpp"

namespace troupe::agent {

/// One file's text, what it imports included.
struct memory_file {
  std::string path;
  std::string text;
  bool operator==(const memory_file&) const = default;
};

/// The user's first, then the project's from the top down, at most `limit` bytes in all. `@path` in a CLAUDE.md is
/// replaced by that file, five levels deep; a project's imports only from within it, the user's from anywhere. What is
/// left out is told in `problems`.
std::vector<memory_file> read_memory(const std::string& cwd, const environment& env, std::size_t limit,
                                     std::vector<std::string>& problems);

} // namespace troupe::agent
