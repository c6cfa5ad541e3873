// Which provider answers a session: what it says itself, else what its environment and credentials allow (ENV-2). Pure.
#pragma once

#include <string>
#include <string_view>

#include "runtime/agent/session_setup.hpp"

namespace troupe::agent {

/// A session's variable for its model: the credentials' snapshot before its environment; empty where neither has it.
std::string variable(const session_setup& setup, std::string_view name);
/// Whether a switch like CLAUDE_CODE_USE_BEDROCK is on: set, and none of 0, false, no, off.
bool switched_on(const session_setup& setup, std::string_view name);

/// The providers by name; "" and "offline" are not among them.
bool is_model_provider(std::string_view name);
/// One of "offline", "anthropic", "openai", "bedrock" and "vertex"; empty with `error` set where no credentials tell.
std::string choose_provider(const session_setup& setup, std::string& error);
/// What a prompt without credentials fails with: `cause` on the second line, the remedy on the third.
std::string unresolved(const std::string& cause);

} // namespace troupe::agent
