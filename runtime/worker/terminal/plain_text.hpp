// Finds out how much of a terminal's output is plain text, at memory speed: only that may be skipped unparsed.
#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {

/// How many bytes at the front of `bytes` are whole lines of printable ASCII, tabs and valid UTF-8, each ended by CR LF.
std::size_t plain_lines_at_front(std::string_view bytes);
/// Where the last `lines` lines of `bytes` begin, which end with a newline; npos when there are fewer.
std::size_t start_of_last(std::string_view bytes, std::size_t lines);

} // namespace troupe
