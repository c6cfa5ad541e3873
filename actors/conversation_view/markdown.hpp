// Markdown as lines of a screen: headings, lists, code, differences, links. Pure. Total: any text gives lines.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "actors/agent_view/screen.hpp"

namespace troupe::view {

/// The text in lines of at most `columns`, each indented by `indent`.
std::vector<line> markdown_lines(std::string_view text, int columns, int indent);
/// Spans broken between words into lines of at most `columns`; the first one is indented by `first`, the others by
/// `rest`.
std::vector<line> wrap_spans(const std::vector<span>& spans, int columns, int first, int rest);

} // namespace troupe::view
