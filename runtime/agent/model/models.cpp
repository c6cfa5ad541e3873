// The tables.
#include "runtime/agent/model/models.hpp"

#include "runtime/agent/model/choice.hpp"

namespace troupe::agent {
namespace {

struct alias {
  const char* name;
  const char* variable;
  const char *anthropic, *bedrock, *vertex;
};
constexpr alias aliases[] = {
    {"opus", "ANTHROPIC_DEFAULT_OPUS_MODEL", "claude-opus-4-5", "global.anthropic.claude-opus-4-5-20251101-v1:0",
     "claude-opus-4-5@20251101"},
    {"sonnet", "ANTHROPIC_DEFAULT_SONNET_MODEL", "claude-sonnet-4-5",
     "global.anthropic.claude-sonnet-4-5-20250929-v1:0", "claude-sonnet-4-5@20250929"},
    {"haiku", "ANTHROPIC_DEFAULT_HAIKU_MODEL", "claude-haiku-4-5", "global.anthropic.claude-haiku-4-5-20251001-v1:0",
     "claude-haiku-4-5@20251001"},
};
constexpr const char* default_alias = "sonnet";
constexpr const char* default_openai = "gpt-5";

struct row {
  std::string_view part; ///< of a model's name
  model_facts facts;
};
constexpr row table[] = {
    {"", {128'000, 16'384, 0, 0, 0, 0}},
    {"claude", {200'000, 8'192, 0, 0, 0, 0}},
    {"claude-3-5-haiku", {200'000, 8'192, 0.8, 4, 0.08, 1}},
    {"claude-3-7-sonnet", {200'000, 64'000, 3, 15, 0.3, 3.75}},
    {"claude-haiku-4-5", {200'000, 64'000, 1, 5, 0.1, 1.25}},
    {"claude-sonnet-4", {200'000, 64'000, 3, 15, 0.3, 3.75}},
    {"claude-opus-4", {200'000, 32'000, 15, 75, 1.5, 18.75}},
    {"claude-opus-4-5", {200'000, 64'000, 5, 25, 0.5, 6.25}},
    {"gpt-4o", {128'000, 16'384, 2.5, 10, 1.25, 0}},
    {"gpt-4.1", {1'047'576, 32'768, 2, 8, 0.5, 0}},
    {"gpt-5", {400'000, 128'000, 1.25, 10, 0.125, 0}},
    {"gpt-5-mini", {400'000, 128'000, 0.25, 2, 0.025, 0}},
    {"o3", {200'000, 100'000, 2, 8, 0.5, 0}},
    {"o4-mini", {200'000, 100'000, 1.1, 4.4, 0.275, 0}},
};

double price(const json& own, const char* name, double otherwise) {
  const auto* value = field(own, name);
  return value != nullptr && value->is_number() ? value->get<double>() : otherwise;
}

} // namespace

std::string resolve_model(const session_setup& setup, std::string_view provider) {
  auto name = setup.model;
  if (name.empty())
    name = value_of(setup.env, provider == "openai" ? "OPENAI_MODEL" : "ANTHROPIC_MODEL");
  if (provider == "openai") // a server of one's own has models of its own
    return name.empty() && value_of(setup.env, "OPENAI_BASE_URL").empty() ? default_openai : name;
  if (name.empty())
    name = default_alias;
  for (const auto& each : aliases)
    if (name == each.name) {
      const auto chosen = value_of(setup.env, each.variable);
      return !chosen.empty()         ? chosen
             : provider == "bedrock" ? each.bedrock
             : provider == "vertex"  ? each.vertex
                                     : each.anthropic;
    }
  return name;
}

model_facts facts_of(const session_setup& setup, const std::string& model) {
  const row* best = &table[0];
  for (const auto& each : table)
    if (each.part.size() > best->part.size() && model.find(each.part) != std::string::npos)
      best = &each;
  auto facts = best->facts;
  const auto* native = field(setup.settings, "native");
  const auto* models = native != nullptr ? field(*native, "models") : nullptr;
  const auto* own = models != nullptr ? field(*models, model.c_str()) : nullptr;
  if (own == nullptr)
    return facts;
  facts.window = number_field(*own, "window", facts.window);
  facts.max_output = number_field(*own, "maxOutput", facts.max_output);
  facts.input = price(*own, "input", facts.input);
  facts.output = price(*own, "output", facts.output);
  facts.cache_read = price(*own, "cacheRead", facts.cache_read);
  facts.cache_written = price(*own, "cacheWritten", facts.cache_written);
  return facts;
}

double cost_of(const model_facts& facts, const token_usage& usage) {
  constexpr double million = 1e6;
  return (static_cast<double>(usage.input) * facts.input + static_cast<double>(usage.output) * facts.output +
          static_cast<double>(usage.cache_read) * facts.cache_read +
          static_cast<double>(usage.cache_written) * facts.cache_written) /
         million;
}

} // namespace troupe::agent
