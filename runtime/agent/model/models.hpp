// What is known of models: names that stand for one, how much they read and say, what that costs. Data, which settings
// (`native.models.NAME`) go over.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "runtime/agent/conversation.hpp"
#include "runtime/agent/session_setup.hpp"

namespace troupe::agent {

struct model_facts {
  std::int64_t window = 0;     ///< tokens of a conversation and its answer
  std::int64_t max_output = 0; ///< tokens of one answer
  /// US dollars for a million tokens; all 0: not known.
  double input = 0, output = 0, cache_read = 0, cache_written = 0;
};

/// The name that the provider knows. opus, sonnet and haiku: ANTHROPIC_DEFAULT_{OPUS,SONNET,HAIKU}_MODEL of the
/// session, else the table's. No name at all: ANTHROPIC_MODEL, or OPENAI_MODEL with openai, else the provider's
/// default; empty where there is none.
std::string resolve_model(const session_setup& setup, std::string_view provider);
/// By the longest name in the table that `model` contains, under the settings' own row.
model_facts facts_of(const session_setup& setup, const std::string& model);
/// In US dollars.
double cost_of(const model_facts& facts, const token_usage& usage);

} // namespace troupe::agent
