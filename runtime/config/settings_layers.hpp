// The settings of a directory: layers from lowest to highest, what a project may not say, and what follows from all of
// them for one session (ENV-1, ENV-9, ENV-10, TRUST-4). Pure: whoever reads the files hands their JSON in.
#pragma once

#include <string>
#include <vector>

#include "messages/json.hpp"
#include "messages/session.hpp"

namespace troupe {

struct settings_layer {
  std::string source; ///< for people: "user settings", "project settings", "--settings"
  std::string path;   ///< of its file; empty: none
  json content = json::object();
  bool of_project = false; ///< said by the directory, not by the user
};

/// The layers laid over each other: objects member by member, lists of permissions joined, everything else replaced.
json merged(const std::vector<settings_layer>& layers);
/// Each value with where it came from: [{"key": "/env/A", "value": ..., "source": ..., "path": ...}], sorted by key.
/// Values under /env, and what looks like a secret, are masked (SEC-6).
json sourced(const std::vector<settings_layer>& layers);

/// What TRUST-4 measures a project by.
struct users_word {
  std::string mode;                ///< permissions.defaultMode of the user's own settings
  std::vector<std::string> allows; ///< trust.allow: keys and variables that a project may set all the same
};
/// A project's settings without what they may not say; `warnings` gets one sentence for each thing left out.
json admitted(const json& project, const users_word& user, const std::string& where,
              std::vector<std::string>& warnings);
/// Whether a project's file may set this variable (TRUST-4).
bool project_may_set(const std::string& variable, const users_word& user);
/// The part of a `.claude/settings.json` that counts where there is no `.troupe/settings.json`: env, model,
/// permissions.
json foreign_part(const json& claude);

/// How much a permission mode lets through: plan, default, acceptEdits, bypassPermissions; an unknown one is above all.
int height_of_mode(const std::string& mode);

/// Where a session's mode and model are looked for (ENV-9, ENV-10), from the first to the last.
struct launch_choice {
  std::string flag;       ///< of the dispatch itself
  std::string definition; ///< of its agent definition
  std::string view;       ///< of the view that dispatches
};
/// Empty where nobody says anything: the harness's own, which is as strict as `default`.
std::string choose_mode(const launch_choice& said, const json& settings);
/// `env`: the session's as it will be, settings over shell.
std::string choose_model(const launch_choice& said, const environment& env, const json& settings);

/// The variables in `env` of settings, as strings; `problems` names what is none.
environment variables_of(const json& settings, const std::string& where, std::vector<std::string>& problems);
/// The part of merged settings that a session's agent gets: without variables, and without what is the user's alone.
json agent_part(json settings);

/// Where in settings given as an argument a secret stands: "/env/ANTHROPIC_API_KEY"; empty: nowhere (SEC-6).
std::string secret_in(const json& settings);
/// The same of MCP servers given as an argument: the name of a variable or header whose value is no `${NAME}`; empty:
/// none.
std::string secret_in_servers(const json& servers);
/// The fault and its remedy for what that has found.
std::string secret_server_fault(const std::string& name);
/// Whether a value looks like one by itself: "sk-...", a token, a key block.
bool looks_secret(const std::string& value);
/// Whether a name says that its value is one.
bool names_secret(std::string name);

} // namespace troupe
