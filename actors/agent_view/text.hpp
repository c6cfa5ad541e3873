// How wide text is on a terminal, and how it is cut, broken and stepped through. Pure. All text is visible() and UTF-8.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::view {

/// The columns that the text takes.
int width(std::string_view text);
/// How many bytes at its front fit `columns`.
std::size_t fitting(std::string_view text, int columns);
/// The text, or what of it fits `columns` and an ellipsis; nothing for no columns.
std::string clip(std::string_view text, int columns);
/// The same, cut at the front: of a path, the end tells more.
std::string clip_front(std::string_view text, int columns);
/// Broken into lines of at most `columns` between words, where one is too long inside it; a newline breaks too.
std::vector<std::string> wrap(std::string_view text, int columns);
/// Where the character before or after the byte `at` begins: what a person takes for one, accents included.
std::size_t character_before(std::string_view text, std::size_t at);
std::size_t character_after(std::string_view text, std::size_t at);
/// Lower case, for searching.
std::string folded(std::string_view text);

} // namespace troupe::view
