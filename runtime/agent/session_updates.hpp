// What the client is told of a session, as ACP words it.
#pragma once

#include <string>
#include <string_view>

#include "runtime/agent/conversation.hpp"
#include "runtime/agent/json_rpc.hpp"

namespace troupe::agent {

/// Sends a session/update notification.
void send_update(json_rpc& client, const std::string& session, json update);
/// kind: "user_message_chunk", "agent_message_chunk" or "agent_thought_chunk".
json text_chunk(const char* kind, std::string_view text);
/// A call's fields as a permission request and the first update show it: toolCallId, title, kind, rawInput, locations.
json call_fields(const piece& call, const std::string& cwd, const environment& env);
/// The update that announces a call; status: "pending", "completed" or "failed".
json call_announced(const piece& call, const char* status, const std::string& cwd, const environment& env);
json call_in_progress(const piece& call);
/// The update with a call's end.
json call_ended(const std::string& call_id, const tool_outcome& outcome);
/// How much of the model's window is used, in tokens, and what the session has cost in US dollars (0: not known).
json usage_update(std::int64_t used, std::int64_t window, double cost);
/// The usage of a turn for the answer to its prompt.
json usage_of(const token_usage& usage);
/// {currentModeId, availableModes}
json modes_of(mode current);
/// Sends the whole conversation as updates (session/load).
void replay(json_rpc& client, const conversation& talk, const std::string& cwd, const environment& env);

} // namespace troupe::agent
