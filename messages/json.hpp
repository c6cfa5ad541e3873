// The messages as JSON, and bytes that are no UTF-8 in it (FILES-3). Unknown fields are ignored; a field of the wrong
// type gives a failure that names it.
#pragma once

#include <string>
#include <string_view>

#include <nlohmann/json.hpp>

#include "messages/errors.hpp"
#include "messages/session.hpp"

namespace troupe {

using json = nlohmann::json;

/// A string where the bytes are UTF-8, else {"b64": "..."} (FILES-3).
json bytes_to_json(std::string_view bytes);
/// The inverse. Throws field_error for anything else.
std::string bytes_from_json(const json& value);

/// A field that is missing or of the wrong type; what() names it. Thrown by the readers below only.
struct field_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Typed access to an object's fields: `required` throws field_error when missing, `optional` gives the default.
std::string required_text(const json& object, const char* name);
std::string optional_text(const json& object, const char* name, std::string otherwise = {});
std::int64_t optional_number(const json& object, const char* name, std::int64_t otherwise);
std::uint64_t required_unsigned(const json& object, const char* name);
bool optional_flag(const json& object, const char* name, bool otherwise);
std::vector<std::string> optional_texts(const json& object, const char* name);

json to_json(const process_identity& x);
process_identity identity_from_json(const json& x);
json to_json(const dispatch_spec& x);
dispatch_spec spec_from_json(const json& x);
json to_json(const environment& x); ///< [["NAME","value"], ...]
environment environment_from_json(const json& x);
json to_json(const event& x);
event event_from_json(const json& x);
json to_json(const ledger_entry& x);
ledger_entry ledger_entry_from_json(const json& x);
json to_json(const row& x); ///< as JSON-1 lists it
json to_json(const assignment& x);
assignment assignment_from_json(const json& x);
json to_json(const receipt& x);
receipt receipt_from_json(const json& x);
json to_json(const std::vector<option>& x);
std::vector<option> options_from_json(const json& x);
json to_json(const std::vector<work_item>& x);
std::vector<work_item> work_from_json(const json& x);

/// One line without newline. Never throws: what is no UTF-8 is replaced.
std::string to_line(const json& x);

} // namespace troupe
