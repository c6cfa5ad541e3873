// The settings of a directory.
#include "runtime/config/settings_layers.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <map>
#include <set>

#include "runtime/config/environment_policy.hpp"

namespace troupe {

namespace {

/// Lists that every layer adds to: a lower one's deny rule is never lost.
const std::set<std::string> joined{"/permissions/allow", "/permissions/deny", "/permissions/ask",
                                   "/permissions/additionalDirectories"};

void lay_over(json& under, const json& over, const std::string& at) {
  for (const auto& [key, value] : over.items()) {
    auto here = at + "/" + key;
    auto known = under.find(key);
    if (known != under.end() && known->is_object() && value.is_object()) {
      lay_over(*known, value, here);
    } else if (known != under.end() && known->is_array() && value.is_array() && joined.count(here) != 0) {
      for (const auto& item : value)
        if (std::find(known->begin(), known->end(), item) == known->end())
          known->push_back(item);
    } else {
      under[key] = value;
    }
  }
}

/// What no project may say.
constexpr std::array users_alone{"harnesses",   "apiKeyHelper", "auth",     "notify",
                                 "environment", "supervisor",   "warmPool", "trust"};
constexpr std::array users_variables{"LD_*",    "DYLD_*",   "PATH",   "HOME",   "SHELL",
                                     "XDG_*",   "TROUPE_*", "GIT_*",  "NODE_*", "BASH_ENV",
                                     "ENV",     "PYTHON*",  "PERL5*", "RUBY*",  "JAVA_TOOL_OPTIONS",
                                     "*_PROXY", "SSL_*",    "EDITOR", "VISUAL", "PAGER"};

bool lifted(const std::string& name, const users_word& user) {
  return std::find(user.allows.begin(), user.allows.end(), name) != user.allows.end();
}

std::string upper(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::toupper(c); });
  return text;
}

void drop_mode(json& holder, const char* key, const users_word& user, const std::string& where,
               std::vector<std::string>& warnings) {
  if (!holder.is_object() || !holder.contains(key))
    return;
  auto word = holder[key].is_string() ? holder[key].get<std::string>() : std::string("?");
  if (height_of_mode(word) <= height_of_mode(user.mode.empty() ? "default" : user.mode) ||
      lifted("permissions.defaultMode", user))
    return;
  warnings.push_back(where + " may not raise the permission mode to " + word + ": ignored");
  holder.erase(key);
}

void collect(json& out, const json& value, const settings_layer& from, const std::string& at) {
  if (value.is_object() && !value.empty()) {
    for (const auto& [key, below] : value.items())
      collect(out, below, from, at + "/" + key);
    return;
  }
  auto shown = at.starts_with("/env/") || names_secret(at) ||
                       (value.is_string() && looks_secret(value.get_ref<const std::string&>()))
                   ? json("***")
                   : value;
  if (joined.count(at) != 0 && out.contains(at)) { // every layer adds to it
    out[at]["source"] = out[at]["source"].get<std::string>() + ", " + from.source;
    for (const auto& item : value)
      out[at]["value"].push_back(item);
    return;
  }
  std::erase_if(out.get_ref<json::object_t&>(), [&](const auto& known) { return known.first.starts_with(at + "/"); });
  out[at] = {{"key", at}, {"value", std::move(shown)}, {"source", from.source}, {"path", from.path}};
}

std::string text_at(const json& settings, const char* pointer) {
  json::json_pointer at{std::string(pointer)};
  return settings.is_object() && settings.contains(at) && settings.at(at).is_string()
             ? settings.at(at).get<std::string>()
             : std::string();
}

std::string first_of(const launch_choice& said) {
  return !said.flag.empty() ? said.flag : !said.definition.empty() ? said.definition : said.view;
}

std::string find_secret(const json& value, const std::string& at) {
  if (value.is_string())
    return looks_secret(value.get_ref<const std::string&>()) ? at : std::string();
  if (!value.is_structured())
    return {};
  for (const auto& [key, below] : value.items()) {
    auto here = at + "/" + key;
    if (below.is_string() && !below.get_ref<const std::string&>().empty() && names_secret(key))
      return here;
    if (auto found = find_secret(below, here); !found.empty())
      return found;
  }
  return {};
}

/// A word that is no secret: it names where the value comes from.
bool is_reference(const std::string& value) {
  return value.empty() || (value.starts_with("${") && value.find('}') == value.size() - 1);
}

} // namespace

json merged(const std::vector<settings_layer>& layers) {
  auto out = json::object();
  for (const auto& layer : layers)
    if (layer.content.is_object())
      lay_over(out, layer.content, "");
  return out;
}

json sourced(const std::vector<settings_layer>& layers) {
  auto by_key = json::object();
  for (const auto& layer : layers)
    if (layer.content.is_object())
      for (const auto& [key, value] : layer.content.items())
        collect(by_key, value, layer, "/" + key);
  auto out = json::array();
  for (auto& [key, row] : by_key.items())
    out.push_back(row);
  return out;
}

bool project_may_set(const std::string& variable, const users_word& user) {
  auto name = upper(variable);
  if (name == "NODE_ENV" || lifted(variable, user))
    return true;
  return std::none_of(users_variables.begin(), users_variables.end(),
                      [&](const char* pattern) { return fits_pattern(pattern, name); });
}

json admitted(const json& project, const users_word& user, const std::string& where,
              std::vector<std::string>& warnings) {
  if (!project.is_object())
    return json::object();
  auto out = project;
  for (const char* key : users_alone)
    if (out.contains(key) && !lifted(key, user)) {
      warnings.push_back(where + " may not set " + key + ": ignored");
      out.erase(key);
    }
  if (out.contains("env") && out["env"].is_object())
    for (const auto& [name, value] : project["env"].items())
      if (!project_may_set(name, user)) {
        warnings.push_back(where + " may not set the variable " + name + ": ignored");
        out["env"].erase(name);
      }
  if (out.contains("permissions"))
    drop_mode(out["permissions"], "defaultMode", user, where, warnings);
  drop_mode(out, "permissionMode", user, where, warnings);
  return out;
}

json foreign_part(const json& claude) {
  auto out = json::object();
  for (const char* key : {"env", "model", "permissions"})
    if (claude.is_object() && claude.contains(key))
      out[key] = claude[key];
  return out;
}

int height_of_mode(const std::string& mode) {
  static const std::map<std::string, int> known{
      {"plan", 0}, {"default", 1}, {"acceptEdits", 2}, {"bypassPermissions", 3}};
  auto at = known.find(mode);
  return at == known.end() ? 4 : at->second;
}

std::string choose_mode(const launch_choice& said, const json& settings) {
  auto first = first_of(said);
  return first.empty() ? text_at(settings, "/permissions/defaultMode") : first;
}

std::string choose_model(const launch_choice& said, const environment& env, const json& settings) {
  if (auto first = first_of(said); !first.empty())
    return first;
  if (const auto* named = find_variable(env, "ANTHROPIC_MODEL"); named && !named->empty())
    return *named;
  return text_at(settings, "/model");
}

environment variables_of(const json& settings, const std::string& where, std::vector<std::string>& problems) {
  environment out;
  if (!settings.is_object() || !settings.contains("env"))
    return out;
  if (!settings["env"].is_object()) {
    problems.push_back(where + ": /env must be an object of strings");
    return out;
  }
  for (const auto& [name, value] : settings["env"].items()) {
    bool named = !name.empty() && name.find('=') == std::string::npos && name.find('\0') == std::string::npos;
    if (!named || value.is_structured() || value.is_null())
      problems.push_back(where + ": /env/" + name + " must be a string");
    else
      out.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  }
  return out;
}

json agent_part(json settings) {
  if (!settings.is_object())
    return json::object();
  for (const char* key : users_alone)
    settings.erase(key);
  for (const char* key : {"env", "memory", "launch", "session", "activeWork"})
    settings.erase(key);
  return settings;
}

std::string secret_in(const json& settings) {
  return find_secret(settings, "");
}

std::string secret_in_servers(const json& servers) {
  if (!servers.is_structured())
    return {};
  for (const auto& [name, part] : servers.items()) {
    if ((name == "env" || name == "headers") && part.is_object())
      for (const auto& [variable, text] : part.items())
        if (!text.is_string() || !is_reference(text.get<std::string>()))
          return variable;
    if (auto found = secret_in_servers(part); !found.empty())
      return found;
  }
  return {};
}

std::string secret_server_fault(const std::string& name) {
  return "--mcp-config: the value of " + name + " could be a secret, and everybody can see arguments\nwrite ${" + name +
         "} for the variable of that name, or put the servers into a file";
}

bool looks_secret(const std::string& value) {
  static constexpr std::array beginnings{"sk-",    "ghp_",  "gho_",  "ghs_",    "github_pat_",
                                         "glpat-", "xoxb-", "xoxp-", "AKIA",    "ASIA",
                                         "AIza",   "ya29.", "eyJ",   "Bearer ", "-----BEGIN"};
  constexpr std::size_t least = 16; // a word like "sk-" alone is none
  auto begins = [&](const char* with) { return value.starts_with(with); };
  return value.size() >= least && std::any_of(beginnings.begin(), beginnings.end(), begins);
}

bool names_secret(std::string name) {
  name = upper(std::move(name));
  static constexpr std::array ends{"_API_KEY", "_AUTH_TOKEN",  "_ACCESS_TOKEN", "_OAUTH_TOKEN",
                                   "_SECRET",  "_PASSWORD",    "_TOKEN",        "_SECRET_ACCESS_KEY",
                                   "PASSWORD", "_PRIVATE_KEY", "CUSTOM_HEADERS"};
  static const std::set<std::string> whole{"APIKEY",        "API_KEY",     "TOKEN",        "SECRET",
                                           "AUTHORIZATION", "ACCESSTOKEN", "REFRESHTOKEN", "CLIENTSECRET"};
  return whole.count(name) != 0 ||
         std::any_of(ends.begin(), ends.end(), [&](const char* end) { return name.ends_with(end); });
}

} // namespace troupe
