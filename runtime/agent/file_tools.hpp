// The tools read, write and edit. They work at once, on regular files only, so that no pipe or device holds up the
// loop.
#pragma once

#include "runtime/agent/conversation.hpp"

namespace troupe::agent {

constexpr std::size_t read_limit = 256 * 1024;            ///< bytes that one read gives
constexpr std::size_t edit_limit = std::size_t{16} << 20; ///< bytes of a file that is edited
constexpr std::int64_t read_lines = 2000;                 ///< lines that one read gives unless told
constexpr std::size_t diff_limit = 64 * 1024;             ///< bytes of a file up to which a diff is shown

/// Lines `offset` (from 1) to `offset + limit - 1`, within read_limit; says where to read on.
tool_outcome read_lines_of(const std::string& path, std::int64_t offset, std::int64_t limit);
/// Replaces the whole file, keeping its mode; makes the folders above it.
tool_outcome write_whole(const std::string& path, const std::string& content);
/// Replaces `before` by `after`, which must stand there exactly once, or any number of times with `all`.
tool_outcome edit_text(const std::string& path, const std::string& before, const std::string& after, bool all);

} // namespace troupe::agent
