// The order in which providers are looked for.
#include "runtime/agent/model/choice.hpp"

#include <algorithm>
#include <array>

namespace troupe::agent {
namespace {

constexpr std::array<std::string_view, 4> model_providers{"anthropic", "openai", "bedrock", "vertex"};

/// What speaks for a provider; the first that holds decides.
struct sign {
  std::string_view variable;
  bool is_switch;
  const char* provider;
};
constexpr sign signs[] = {
    {"CLAUDE_CODE_USE_BEDROCK", true, "bedrock"},
    {"CLAUDE_CODE_USE_VERTEX", true, "vertex"},
    {"ANTHROPIC_API_KEY", false, "anthropic"},
    {"ANTHROPIC_AUTH_TOKEN", false, "anthropic"},
    {"CLAUDE_CODE_OAUTH_TOKEN", false, "anthropic"},
    {"OPENAI_API_KEY", false, "openai"},
    {"OPENAI_BASE_URL", false, "openai"},
};

} // namespace

std::string variable(const session_setup& setup, std::string_view name) {
  auto stored = value_of(setup.snapshot, name);
  return stored.empty() ? value_of(setup.env, name) : stored;
}

bool switched_on(const session_setup& setup, std::string_view name) {
  const auto value = value_of(setup.env, name);
  return !value.empty() && value != "0" && value != "false" && value != "no" && value != "off";
}

bool is_model_provider(std::string_view name) {
  return std::find(model_providers.begin(), model_providers.end(), name) != model_providers.end();
}

std::string choose_provider(const session_setup& setup, std::string& error) {
  if (setup.model == "offline")
    return "offline";
  if (!setup.provider.empty())
    return setup.provider;
  for (const auto& each : signs)
    if (each.is_switch ? switched_on(setup, each.variable) : !variable(setup, each.variable).empty())
      return each.provider;
  error = unresolved("there is neither a login nor a key for a model's provider");
  return {};
}

std::string unresolved(const std::string& cause) {
  return "Could not resolve authentication method\n" + cause +
         "\n  troupe login; or set ANTHROPIC_API_KEY or OPENAI_API_KEY in the shell that starts the service; or "
         "--model "
         "offline";
}

} // namespace troupe::agent
