// What a directory would be allowed.
#include "runtime/config/project_trust.hpp"

#include <algorithm>
#include <cctype>

#include "runtime/config/environment_policy.hpp"

namespace troupe {

namespace {

std::string text_in(const json& object, const char* name) {
  return object.is_object() && object.contains(name) && object[name].is_string() ? object[name].get<std::string>()
                                                                                 : std::string();
}

/// Everything called `command` below a value, wherever the writer has put it: hooks nest in lists of lists.
void commands_in(const json& value, const std::string& what, std::vector<std::string>& out) {
  if (value.is_object()) {
    if (value.contains("command")) {
      std::string line = value["command"].is_string() ? value["command"].get<std::string>() : to_line(value["command"]);
      if (value.contains("args") && value["args"].is_array())
        for (const auto& a : value["args"])
          line += " " + (a.is_string() ? a.get<std::string>() : to_line(a));
      out.push_back(what + ": " + line);
    }
    if (auto url = text_in(value, "url"); !url.empty())
      out.push_back(what + ": " + url);
  }
  if (value.is_structured())
    for (const auto& [key, below] : value.items())
      if (key != "command" && key != "args")
        commands_in(below, what, out);
}

void tell_variables(const json& env, std::vector<std::string>& out) {
  if (!env.is_object())
    return;
  for (const auto& [name, value] : env.items())
    out.push_back(is_endpoint(name) && value.is_string() ? "endpoint " + name + "=" + value.get<std::string>()
                                                         : "variable " + name);
}

void tell_permissions(const json& permissions, std::vector<std::string>& out) {
  if (!permissions.is_object())
    return;
  if (auto mode = text_in(permissions, "defaultMode"); !mode.empty())
    out.push_back("permission mode " + mode);
  for (const char* key : {"allow", "additionalDirectories"})
    if (permissions.contains(key) && permissions[key].is_array())
      for (const auto& rule : permissions[key])
        out.push_back((std::string_view(key) == "allow" ? "without asking: " : "directory ") +
                      (rule.is_string() ? rule.get<std::string>() : to_line(rule)));
}

/// Programs that are asked for credentials: `native.vertexTokenHelper` and the like.
void tell_helpers(const std::string& key, const json& value, std::vector<std::string>& out) {
  if (value.is_object())
    for (const auto& [name, command] : value.items())
      if (name.ends_with("Helper") && command.is_string())
        out.push_back("command of " + key + "." + name + ": " + command.get<std::string>());
}

void tell(const json& settings, std::vector<std::string>& out) {
  if (!settings.is_object())
    return;
  for (const auto& [key, value] : settings.items()) {
    if (key == "env") {
      tell_variables(value, out);
    } else if (key == "permissions") {
      tell_permissions(value, out);
    } else if (key == "hooks" || key == "mcpServers") {
      for (const auto& [name, below] : value.items())
        commands_in(below, (key == "hooks" ? "command of hook " : "MCP server ") + name, out);
    } else if (key == "worktree" && value.is_object()) {
      for (const auto& [name, below] : value.items())
        out.push_back(name.ends_with("Hook") && below.is_string()
                          ? "command of worktree." + name + ": " + below.get<std::string>()
                          : "setting worktree." + name);
    } else {
      tell_helpers(key, value, out);
      out.push_back("setting " + key);
    }
  }
}

/// What neither executes nor redirects, and takes no permission away from the user: a change of it asks nobody.
json executing(json settings) {
  if (!settings.is_object())
    return settings;
  for (const char* key : {"model", "effort"})
    settings.erase(key);
  return settings;
}

void put(std::string& text, const std::string& name, const std::string& content) {
  text += std::to_string(name.size()) + ":" + name + std::to_string(content.size()) + ":" + content;
}

} // namespace

project_word word_of(const project_files& files) {
  project_word out;
  for (const auto* settings : {&files.settings, &files.local}) {
    out.speaks = out.speaks || !settings->empty();
    tell(*settings, out.allows);
    put(out.executes, "settings", to_line(executing(*settings)));
  }
  for (const auto& [path, content] : files.definitions) {
    out.speaks = true;
    out.allows.push_back("definition " + path);
    put(out.executes, path, content);
  }
  for (const auto& [path, content] : files.foreign) {
    out.speaks_to_others = true;
    out.allows.push_back("settings that other agents read: " + path);
    put(out.executes_others, path, content);
  }
  std::sort(out.allows.begin(), out.allows.end());
  out.allows.erase(std::unique(out.allows.begin(), out.allows.end()), out.allows.end());
  return out;
}

const std::vector<std::string>& foreign_names() {
  static const std::vector<std::string> all{".claude/settings.json",
                                            ".claude/settings.local.json",
                                            ".mcp.json",
                                            ".gemini/settings.json",
                                            ".gemini/.env",
                                            ".qwen/settings.json",
                                            ".qwen/.env",
                                            ".env",
                                            ".codex/config.toml",
                                            "opencode.json",
                                            "opencode.jsonc",
                                            ".opencode/opencode.json",
                                            ".cursor/mcp.json",
                                            ".kimi/config.toml",
                                            ".pi/settings.json",
                                            ".cline/mcp.json"};
  return all;
}

const std::vector<std::string>& definition_folders() {
  static const std::vector<std::string> all{".troupe/agents", ".troupe/commands", ".troupe/skills",
                                            ".claude/agents", ".claude/commands", ".claude/skills"};
  return all;
}

bool is_endpoint(const std::string& variable) {
  return fits_pattern("*_BASE_URL", variable) || fits_pattern("*_API_BASE", variable);
}

std::string host_of(const std::string& url, bool* secure) {
  auto colon = url.find("://");
  if (secure)
    *secure = false;
  if (colon == std::string::npos)
    return {};
  auto rest = url.substr(colon + 3);
  rest = rest.substr(0, rest.find_first_of("/?#\\"));
  if (auto at = rest.rfind('@'); at != std::string::npos)
    rest = rest.substr(at + 1);
  auto lower = [](std::string text) {
    std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
    return text;
  };
  rest = lower(rest);
  auto scheme = lower(url.substr(0, colon));
  if (secure) {
    auto name = rest.starts_with('[') ? rest.substr(0, rest.find(']') + 1) : rest.substr(0, rest.find(':'));
    *secure = scheme == "https" || name == "localhost" || name == "[::1]" ||
              (name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string::npos);
  }
  return rest;
}

} // namespace troupe
