// What a model is told ahead of a conversation, and of the tools it has.
#pragma once

#include <string>
#include <vector>

#include "runtime/agent/provider.hpp"
#include "runtime/agent/tools.hpp"

namespace troupe::agent {

/// Who it is, where it works and the date; the agent definition's prompt, if there is one; then `memory`, the texts of
/// the project's and the user's own instructions.
std::string system_prompt(const session_setup& setup, const std::string& memory = {});
/// These tools as a model is told of them.
std::vector<tool_offer> offers_of(const std::vector<const tool*>& tools);

} // namespace troupe::agent
