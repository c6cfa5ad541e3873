// The tools glob and grep. They look in slices between which the loop goes on, at what git would track or at all files
// where there is no repository.
#pragma once

#include "runtime/agent/tools.hpp"

namespace troupe::agent {

/// What is looked for.
struct search_request {
  std::string folder; ///< absolute; a file for grep too
  std::string glob;   ///< which files; empty: all
  std::string regex;  ///< grep: what in them; empty: the files themselves (glob)
  bool any_case = false;
  std::string show = "content"; ///< grep: content, files, count
  std::int64_t context = 0;     ///< grep, content: lines around a match
  std::int64_t limit = 0;       ///< lines of the answer
};

/// Done with what was found, within the limits, the newest file first for glob.
std::unique_ptr<running_tool> search_files(const tool_context& context, search_request wanted, tool_done done);

} // namespace troupe::agent
