// Words for people, wherever they are shown: outside text made safe, ages, the word that was meant. Pure.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Control characters, bidirectional and invisible ones made visible; what is no UTF-8 becomes U+FFFD (SEC-2). Tabs
/// stay.
std::string visible(std::string_view text);
/// The same on one line: white space of any kind and length becomes one space, none at the ends.
std::string visible_line(std::string_view text);
/// What a row says, on one line: its sentence and, of a shell job, the last line of its output (VIEW-8).
std::string said_line(std::string_view sentence, std::string_view output);
/// How long something has lasted: "3s", "12m", "5h", "2d".
std::string age(std::int64_t ms);
/// The word among `words` that is nearest to `typed` by edit distance; empty when none is near.
std::string nearest_word(const std::string& typed, const std::vector<std::string>& words);

} // namespace troupe
