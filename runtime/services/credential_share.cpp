// Who may have which credential.
#include "runtime/services/credential_share.hpp"

#include <algorithm>
#include <map>
#include <set>

#include "runtime/config/harnesses.hpp"
#include "runtime/config/project_trust.hpp"

namespace troupe {

namespace {

/// The credentials that belong to an endpoint variable.
std::vector<std::string> paired_with(const std::string& endpoint) {
  if (endpoint.starts_with("ANTHROPIC_"))
    return {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"};
  if (endpoint.starts_with("GOOGLE_GEMINI_") || endpoint.starts_with("GEMINI_"))
    return {"GEMINI_API_KEY", "GOOGLE_API_KEY"};
  auto cut = endpoint.rfind("_BASE_URL");
  if (cut == std::string::npos)
    cut = endpoint.rfind("_API_BASE");
  return {endpoint.substr(0, cut) + "_API_KEY"};
}

bool credential_variable(const std::string& name) {
  return name.ends_with("_API_KEY") || name == "CLAUDE_CODE_OAUTH_TOKEN" || name == "ANTHROPIC_AUTH_TOKEN";
}

/// What settings say about a variable in the end, and whether it is the project that says so.
struct said_variable {
  std::string value;
  bool of_project = false;
};
std::map<std::string, said_variable> said_variables(const std::vector<settings_layer>& layers) {
  std::map<std::string, said_variable> out;
  std::vector<std::string> ignored;
  for (const auto& layer : layers)
    for (auto& [name, value] : variables_of(layer.content, "", ignored))
      out[name] = {value, layer.of_project};
  return out;
}

void urls_in(const json& value, std::set<std::string>& out) {
  if (value.is_string() && value.get_ref<const std::string&>().find("://") != std::string::npos)
    out.insert(value.get<std::string>());
  if (value.is_structured())
    for (const auto& below : value)
      urls_in(below, out);
}

/// CRED-8: an endpoint that the project has named gets what the user has consented to, over a connection that nobody
/// reads along.
class holder {
public:
  holder(const environment& consented, launch_settings& out) : consented_(consented), out_(out) {}
  void hold(const std::string& url, const std::string& variable) {
    bool secure = false;
    auto host = host_of(url, &secure);
    if (!secure || std::find(consented_.begin(), consented_.end(), std::pair(host, variable)) == consented_.end())
      out_.keeps_back[variable] = host.empty() ? url : host;
  }
  /// A URL anywhere in its settings of models may be an endpoint of any of them.
  void hold_all(const json& settings) {
    std::set<std::string> urls;
    for (const char* key : {"provider", "native"})
      if (settings.contains(key))
        urls_in(settings[key], urls);
    for (const auto& url : urls)
      for (const char* variable : {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
                                   "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"})
        hold(url, variable);
  }

private:
  const environment& consented_;
  launch_settings& out_;
};

} // namespace

void share_credentials(const std::vector<settings_layer>& layers, const std::string& harness,
                       const environment& consented, launch_settings& out) {
  if (!harness.empty()) {
    auto grant = grant_in(setting_of_harness(layers.front().content, harness, "credentials"));
    out.hands_all = grant.all;
    out.hands = {grant.variables.begin(), grant.variables.end()};
  }
  holder at(consented, out);
  auto said = said_variables(layers);
  for (const auto& [name, last] : said)
    if (!last.value.empty() && credential_variable(name))
      out.keeps_back[name] = {}; // what settings supply themselves goes instead of what is stored
  for (const auto& [name, last] : said)
    if (last.of_project && is_endpoint(name))
      for (const auto& variable : paired_with(name))
        at.hold(last.value, variable);
  for (const auto& layer : layers)
    if (layer.of_project)
      at.hold_all(layer.content);
  for (const auto& [variable, host] : out.keeps_back) // nor what the user's settings or shell supply
    if (auto own = said.find(variable); !host.empty() && (own == said.end() || !own->second.of_project))
      std::erase_if(out.env, [&, v = &variable](const auto& pair) { return pair.first == *v; });
}

} // namespace troupe
