// The drivers' table.
#include "runtime/config/harnesses.hpp"

#include <algorithm>

#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

/// Mode ids, ways and graces as each agent was seen to have them (docs/acp.md).
constexpr const char* table = R"([
  {"name": "gemini", "command": ["gemini", "--acp"], "package": "@google/gemini-cli", "signIn": "gemini",
   "modes": {"default": "default", "acceptEdits": "autoEdit", "plan": "plan", "bypassPermissions": "yolo"},
   "credentialsBy": "authenticate", "authenticate": {"method": "gemini-api-key", "meta": "api-key", "variable": "GEMINI_API_KEY"}},
  {"name": "claude", "command": ["claude-agent-acp"], "package": "@agentclientprotocol/claude-agent-acp",
   "signIn": "claude /login", "graceSeconds": 10,
   "modes": {"default": "default", "acceptEdits": "acceptEdits", "plan": "plan", "bypassPermissions": "bypassPermissions"},
   "credentialsBy": "session", "sessionMeta": "/claudeCode/options/env"},
  {"name": "codex", "command": ["codex-acp"], "package": "@agentclientprotocol/codex-acp", "signIn": "codex login",
   "graceSeconds": 10,
   "modes": {"default": "read-only", "acceptEdits": "auto", "plan": "read-only", "bypassPermissions": "full-access"}},
  {"name": "opencode", "command": ["opencode", "acp"], "package": "opencode-ai", "signIn": "opencode auth login",
   "modes": {"default": "build", "acceptEdits": "build", "plan": "plan", "bypassPermissions": "build"},
   "modeEnv": {"default": {"OPENCODE_PERMISSION": "{\"edit\":\"ask\",\"bash\":\"ask\",\"webfetch\":\"ask\"}"},
               "acceptEdits": {"OPENCODE_PERMISSION": "{\"edit\":\"allow\",\"bash\":\"ask\",\"webfetch\":\"ask\"}"},
               "plan": {"OPENCODE_PERMISSION": "{\"edit\":\"deny\",\"bash\":\"ask\",\"webfetch\":\"ask\"}"}}},
  {"name": "pi", "command": ["pi-acp"], "package": "pi-acp", "signIn": "pi"},
  {"name": "qwen", "command": ["qwen", "--acp"], "package": "@qwen-code/qwen-code", "signIn": "qwen",
   "modes": {"default": "default", "acceptEdits": "auto-edit", "plan": "plan", "bypassPermissions": "yolo"}},
  {"name": "kimi", "command": ["kimi", "acp"], "package": "kimi-code", "signIn": "kimi"},
  {"name": "cline", "command": ["cline", "--acp"], "package": "cline", "signIn": "cline auth",
   "modes": {"default": "act", "plan": "plan"}, "background": "protocol"}
])";

std::string way_name(credential_way way) {
  return way == credential_way::authenticate ? "authenticate"
         : way == credential_way::session    ? "session"
                                             : "environment";
}

credential_way way_of(const std::string& word) {
  if (word == "authenticate")
    return credential_way::authenticate;
  if (word == "session")
    return credential_way::session;
  if (word != "environment")
    throw field_error("field 'credentialsBy' must be environment, authenticate or session");
  return credential_way::variables;
}

const json& object_in(const json& row, const char* name) {
  static const json none = json::object();
  const auto at = row.find(name);
  if (at == row.end() || at->is_null())
    return none;
  if (!at->is_object())
    throw field_error(std::string("field '") + name + "' must be an object");
  return *at;
}

/// An object of words.
std::map<std::string, std::string> words_in(const json& row, const char* name) {
  std::map<std::string, std::string> out;
  for (const auto& [key, word] : object_in(row, name).items()) {
    if (!word.is_string())
      throw field_error(std::string("field '") + name + "' must hold strings");
    out[key] = word.get<std::string>();
  }
  return out;
}

int grace_in(const json& row) {
  const auto seconds = optional_number(row, "graceSeconds", 8);
  if (seconds < 0 || seconds > 10)
    throw field_error("field 'graceSeconds' must be a whole number from 0 to 10");
  return static_cast<int>(seconds * 1000);
}

/// The row of a name with the command line; throws field_error.
harness_driver whole_row(const std::string& name, const json& row) {
  if (!row.is_object())
    throw field_error("it must be an object");
  auto out = driver_from_json(row);
  out.name = name;
  out.command = optional_texts(row, "command");
  if (out.command.empty() || out.command.front().empty())
    throw field_error("field 'command' is missing");
  if (out.warm && out.credentials.any() && out.by == credential_way::variables)
    throw field_error(
        "it gets its credentials at its start, so it cannot be warmed up: leave out 'warm' or 'credentials'");
  return out;
}

} // namespace

credential_grant grant_in(const json& setting) {
  credential_grant out;
  out.all = setting == true;
  if (setting.is_array())
    for (const auto& name : setting)
      if (name.is_string())
        out.variables.push_back(name.get<std::string>());
  return out;
}

json setting_of_harness(const json& user, const std::string& harness, const char* key) {
  if (!user.is_object() || !user.contains("harnesses") || !user["harnesses"].is_object())
    return {};
  auto row = user["harnesses"].find(harness);
  return row != user["harnesses"].end() && row->is_object() && row->contains(key) ? (*row)[key] : json();
}

std::string harness_driver::mode_id(const std::string& mode) const {
  const auto at = modes.find(mode);
  return at == modes.end() ? mode : at->second;
}

environment harness_driver::started_with(environment base, const std::string& mode) const {
  const auto put = [&](const auto& all) {
    for (const auto& [variable, value] : all) {
      std::erase_if(base, [&, v = &variable](const auto& pair) { return pair.first == *v; });
      base.emplace_back(variable, value);
    }
  };
  put(env);
  if (const auto at = mode_env.find(mode.empty() ? "default" : mode); at != mode_env.end())
    put(at->second);
  return base;
}

const std::vector<harness_driver>& built_in_drivers() {
  static const auto all = [] {
    std::vector<harness_driver> rows;
    for (const auto& row : json::parse(table))
      rows.push_back(whole_row(row.at("name").get<std::string>(), row));
    return rows;
  }();
  return all;
}

std::vector<harness_driver> read_drivers(const json& settings, const std::string& where,
                                         std::vector<std::string>& problems) {
  auto rows = built_in_drivers();
  const auto given = settings.find("harnesses");
  if (given == settings.end())
    return rows;
  if (!given->is_object()) {
    problems.push_back(where + ": harnesses must be an object");
    return rows;
  }
  for (const auto& [name, patch] : given->items()) {
    const auto at = std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.name == name; });
    try {
      json row = json::object();
      if (at != rows.end()) {
        row = to_json(*at);
        row["command"] = at->command;
      }
      row.merge_patch(patch);
      auto read = whole_row(name, row);
      if (at != rows.end())
        *at = std::move(read);
      else
        rows.push_back(std::move(read));
    } catch (const std::exception& e) {
      problems.push_back(where + ": harness '" + name + "': " + e.what());
    }
  }
  return rows;
}

json to_json(const harness_driver& row) {
  json out{{"name", row.name},
           {"package", row.package},
           {"signIn", row.sign_in},
           {"fs", row.fs},
           {"terminal", row.terminal},
           {"warm", row.warm},
           {"background", row.processes ? "processes" : "protocol"},
           {"usage", row.turns_add_up ? "turn" : "session"},
           {"graceSeconds", row.grace_ms / 1000},
           {"modes", row.modes},
           {"env", row.env},
           {"modeEnv", row.mode_env},
           {"credentials", row.credentials.all ? json(true) : json(row.credentials.variables)},
           {"credentialsBy", way_name(row.by)},
           {"sessionMeta", row.session_meta},
           {"meta", row.meta}};
  if (!row.auth_method.empty())
    out["authenticate"] = {{"method", row.auth_method}, {"meta", row.auth_meta}, {"variable", row.auth_variable}};
  return out;
}

harness_driver driver_from_json(const json& row) {
  harness_driver out;
  out.name = optional_text(row, "name");
  out.package = optional_text(row, "package");
  out.sign_in = optional_text(row, "signIn");
  out.fs = optional_flag(row, "fs", false);
  out.terminal = optional_flag(row, "terminal", false);
  out.warm = optional_flag(row, "warm", false);
  const auto background = optional_text(row, "background", "processes");
  if (background != "processes" && background != "protocol")
    throw field_error("field 'background' must be processes or protocol");
  out.processes = background == "processes";
  const auto usage = optional_text(row, "usage", "turn");
  if (usage != "turn" && usage != "session")
    throw field_error("field 'usage' must be turn or session");
  out.turns_add_up = usage == "turn";
  out.grace_ms = grace_in(row);
  out.modes = words_in(row, "modes");
  out.env = words_in(row, "env");
  for (const auto& [mode, words] : object_in(row, "modeEnv").items())
    out.mode_env[mode] = words_in(row["modeEnv"], mode.c_str());
  if (const auto at = row.find("credentials"); at != row.end() && at->is_boolean())
    out.credentials.all = at->get<bool>();
  else
    out.credentials.variables = optional_texts(row, "credentials");
  out.by = way_of(optional_text(row, "credentialsBy", "environment"));
  const auto& auth = object_in(row, "authenticate");
  out.auth_method = optional_text(auth, "method");
  out.auth_meta = optional_text(auth, "meta");
  out.auth_variable = optional_text(auth, "variable");
  out.session_meta = optional_text(row, "sessionMeta");
  [[maybe_unused]] const json::json_pointer checked(out.session_meta); // throws where it is none
  out.meta = object_in(row, "meta");
  return out;
}

std::string find_program(const std::string& program, const std::string& path) {
  const auto fits = [](const std::string& file) {
    struct stat what {};
    return ::stat(file.c_str(), &what) == 0 && S_ISREG(what.st_mode) && ::access(file.c_str(), X_OK) == 0;
  };
  if (program.find('/') != std::string::npos)
    return fits(program) ? program : std::string();
  for (std::size_t from = 0; from <= path.size();) {
    const auto to = std::min(path.find(':', from), path.size());
    const auto folder = path.substr(from, to - from);
    if (auto file = folder + "/" + program; !folder.empty() && fits(file))
      return file;
    from = to + 1;
  }
  return {};
}

std::string install_remedy(const harness_driver& row) {
  return row.package.empty() ? "name its program in settings.json: harnesses." + row.name + ".command"
                             : "install it: npm install -g " + row.package;
}

} // namespace troupe
