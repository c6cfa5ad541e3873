// Patterns of paths: `*` and `?` within a part, `**` over parts, `[a-z]`, `{one,two}`.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::agent {

/// Whether `path` fits `pattern` whole. A leading dot is no special character. Costs at most the product of the
/// lengths.
bool fits(std::string_view path, std::string_view pattern);
/// `pattern` with each choice of its braces, at most 64 of them: {a,b}c gives ac and bc.
std::vector<std::string> with_choices(std::string_view pattern);
/// Whether any choice fits. A pattern without a slash fits the last part of the path.
bool fits_file(std::string_view path, std::string_view pattern);
/// Whether `text` fits, where `*` stands for any characters, slashes too: for commands.
bool fits_text(std::string_view text, std::string_view pattern);
/// The path without `.`, `..` and doubled slashes; absolute, as text: links are not followed.
std::string normal_path(const std::string& path);

} // namespace troupe::agent
