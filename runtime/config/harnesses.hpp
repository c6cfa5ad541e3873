// How each foreign agent is driven: rows of data, built in and extended by the settings `harnesses.NAME`. What differs
// from agent to agent stands here and nowhere in code.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "messages/json.hpp"

namespace troupe {

/// How an agent gets the credentials that the user's settings let it have (CRED-7).
enum class credential_way {
  variables,    ///< from its start on, in its environment: it cannot be warmed up with them
  authenticate, ///< by `authenticate`, ahead of the session
  session       ///< in `_meta` of session/new
};

/// Which of the stored credentials an agent may have (CRED-7).
struct credential_grant {
  bool all = false;
  std::vector<std::string> variables; ///< where it is not all
  [[nodiscard]] bool any() const { return all || !variables.empty(); }
};
/// Of the setting `harnesses.NAME.credentials`: `true`, or a list of variables. Anything else grants nothing.
credential_grant grant_in(const json& setting);

/// What `harnesses.NAME` of the user's settings says by that key; null: nothing.
json setting_of_harness(const json& user, const std::string& harness, const char* key);

/// One agent's row.
struct harness_driver {
  std::string name;
  std::vector<std::string> command;  ///< its command line; the program is looked up in the session's PATH
  std::string package;               ///< the npm package that has it, for remedies; or empty
  std::string sign_in;               ///< how a person signs in to it, for remedies; or empty
  bool fs = false, terminal = false; ///< whether the client's fs and terminal methods are offered to it
  bool warm = false;                 ///< a spare may run it ahead of time (POOL-9)
  bool processes = true;             ///< what outlives a turn in its process tree is work (KEEP-2)
  bool turns_add_up = true;          ///< the usage told at a prompt's end is that turn's, else the whole session's
  int grace_ms = 8000;               ///< from the end of its input to SIGTERM
  std::map<std::string, std::string> modes; ///< Troupe's permission mode to the agent's own
  std::map<std::string, std::string> env;   ///< variables that it is started with
  /// The same by permission mode, for an agent whose modes alone do not do what Troupe's promise.
  std::map<std::string, std::map<std::string, std::string>> mode_env;
  credential_grant credentials; ///< none unless the settings say so
  credential_way by = credential_way::variables;
  std::string auth_method, auth_meta; ///< `authenticate`: the method's id, and the field of `_meta` for the secret
  std::string auth_variable;          ///< and the credential that it is; empty: whichever it is given alone
  std::string session_meta;           ///< `session`: a JSON pointer into `_meta` where the variables go
  json meta = json::object();         ///< further `_meta` of session/new

  /// The agent's own id of a permission mode: by the table, else the same word.
  [[nodiscard]] std::string mode_id(const std::string& mode) const;
  /// `base` with what the agent is started with in that permission mode; empty: `default`.
  [[nodiscard]] environment started_with(environment base, const std::string& mode) const;
  /// Whether an agent that was started for one mode serves the other.
  [[nodiscard]] bool same_start(const std::string& mode, const std::string& other) const {
    return started_with({}, mode) == started_with({}, other);
  }
};

/// The built-in rows, in the order in which agents are looked for when nobody has named one.
const std::vector<harness_driver>& built_in_drivers();

/// All rows: the built-in ones with what `harnesses` of the settings changes (as a JSON merge patch), then further
/// ones. `problems` gets one sentence a fault; a faulty row is left as it was built in, or left out.
std::vector<harness_driver> read_drivers(const json& settings, const std::string& where,
                                         std::vector<std::string>& problems);

/// A row as the worker gets it, and back; the command line stays out. What is missing has its default.
json to_json(const harness_driver& row);
harness_driver driver_from_json(const json& row);

/// The first existing and executable file for `program` in `path` (as PATH), or `program` itself where it has a slash
/// and is one; empty: there is none.
std::string find_program(const std::string& program, const std::string& path);

/// What to do about an agent that is not installed.
std::string install_remedy(const harness_driver& row);

} // namespace troupe
