// Reading JSON that came from outside: no exceptions, nothing copied that was not asked for (a copy of deep JSON
// recurses).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <nlohmann/json.hpp>

namespace troupe::agent {

using json = nlohmann::json;
using environment = std::vector<std::pair<std::string, std::string>>; ///< names and values are bytes

/// The field of an object; null where `object` is none or has no such field.
const json* field(const json& object, const char* name);
/// The field where it is a string.
std::optional<std::string> text_field(const json& object, const char* name);
/// The field where it is a whole number, else `otherwise`.
std::int64_t number_field(const json& object, const char* name, std::int64_t otherwise);
/// Whether the field is there and true.
bool flag_field(const json& object, const char* name);
/// Bytes: a string, or {"b64": "..."} where they are no UTF-8 (FILES-3). None for anything else.
std::optional<std::string> bytes_of(const json& value);
/// `NAME=value` one after the other, each ended by a zero byte, or [["NAME","value"], ...]; none for any other shape.
std::optional<environment> environment_of(const json& value);
/// One line without newline; what is no UTF-8 is replaced. Never throws for that.
std::string to_line(const json& value);

/// The value of the last variable of that name; empty where there is none.
std::string value_of(const environment& env, std::string_view name);

} // namespace troupe::agent
