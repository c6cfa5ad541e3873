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
/// `NAME=value` one after the other, each ended by a zero byte, as the kernel hands them over. What a name or value
/// has that no program could be given is lost.
environment environment_from_block(std::string_view block);
json to_json(const environment& x);               ///< as such a block: a tenth of the work of a list
environment environment_from_json(const json& x); ///< a block, or [["NAME","value"], ...]
json to_json(const event& x);
event event_from_json(const json& x);
json to_json(const ledger_entry& x);
ledger_entry ledger_entry_from_json(const json& x);
json to_json(const row& x); ///< as JSON-1 lists it
json to_json(const assignment& x);
assignment assignment_from_json(const json& x);
json to_json(const snapshot& x); ///< with its secrets: between supervisor and worker only
snapshot snapshot_from_json(const json& x);
json to_json(const receipt& x);
receipt receipt_from_json(const json& x);
json to_json(const worktree& x);
worktree worktree_from_json(const json& x);
json to_json(const losses& x);
losses losses_from_json(const json& x);
json to_json(const std::vector<option>& x);
std::vector<option> options_from_json(const json& x);
json to_json(const std::vector<work_item>& x);
std::vector<work_item> work_from_json(const json& x);

/// The same as text, on one line without newline; without a tree in between.
std::string to_text(const dispatch_spec& x);
std::string to_text(const event& x);
std::string to_text(const ledger_entry& x);
std::string to_text(const assignment& x);
std::string to_text(const receipt& x);

/// What an event of that name carries in `data`; nothing where it is none.
worktree worktree_in(const event& e);
pull_request pull_request_in(const event& e);

/// One line without newline. Never throws: what is no UTF-8 is replaced.
std::string to_line(const json& x);

} // namespace troupe
