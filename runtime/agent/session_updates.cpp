// Updates in ACP's words.
#include "runtime/agent/session_updates.hpp"

#include <map>

#include "runtime/agent/tools.hpp"

namespace troupe::agent {

void send_update(json_rpc& client, const std::string& session, json update) {
  client.notify("session/update", {{"sessionId", session}, {"update", std::move(update)}});
}

json text_chunk(const char* kind, std::string_view text) {
  return {{"sessionUpdate", kind}, {"content", {{"type", "text"}, {"text", text}}}};
}

json call_fields(const piece& call, const std::string& cwd, const environment& env) {
  const auto* known = find_tool(call.name);
  json fields{{"toolCallId", call.id},
              {"title", title_of(call.name, call.input)},
              {"kind", known != nullptr ? known->kind : "other"},
              {"rawInput", call.input}};
  if (const auto path = text_field(call.input, "path"))
    fields["locations"] = json::array({{{"path", absolute_path(*path, cwd, env)}}});
  return fields;
}

json call_announced(const piece& call, const char* status, const std::string& cwd, const environment& env) {
  auto update = call_fields(call, cwd, env);
  update["sessionUpdate"] = "tool_call";
  update["status"] = status;
  return update;
}

json call_in_progress(const piece& call) {
  return {{"sessionUpdate", "tool_call_update"}, {"toolCallId", call.id}, {"status", "in_progress"}};
}

json call_ended(const std::string& call_id, const tool_outcome& outcome) {
  json update{{"sessionUpdate", "tool_call_update"},
              {"toolCallId", call_id},
              {"status", outcome.failed ? "failed" : "completed"}};
  update["content"] = json::array({{{"type", "content"}, {"content", {{"type", "text"}, {"text", outcome.text}}}}});
  if (!outcome.path.empty())
    update["content"].push_back(
        {{"type", "diff"}, {"path", outcome.path}, {"oldText", outcome.before}, {"newText", outcome.after}});
  if (!outcome.raw.is_null())
    update["rawOutput"] = outcome.raw;
  return update;
}

json usage_update(std::int64_t used, std::int64_t window, double cost) {
  json update{{"sessionUpdate", "usage_update"}, {"used", used}, {"size", window}};
  if (cost > 0)
    update["cost"] = {{"amount", cost}, {"currency", "USD"}};
  return update;
}

json usage_of(const token_usage& usage) {
  return {{"totalTokens", usage.context()},
          {"inputTokens", usage.input},
          {"outputTokens", usage.output},
          {"cachedReadTokens", usage.cache_read},
          {"cachedWriteTokens", usage.cache_written}};
}

json modes_of(mode current) {
  auto list = json::array();
  for (const auto& row : modes)
    list.push_back({{"id", row.id}, {"name", row.name}, {"description", row.description}});
  return {{"currentModeId", id_of(current)}, {"availableModes", std::move(list)}};
}

void replay(json_rpc& client, const conversation& talk, const std::string& cwd, const environment& env) {
  for (const auto& m : talk.messages()) {
    if (m.from == message::role::tool) {
      send_update(client, talk.id(), call_ended(m.call, {m.failed, m.result, {}, {}, {}, {}}));
      continue;
    }
    const auto* text = m.from == message::role::user ? "user_message_chunk" : "agent_message_chunk";
    for (const auto& p : m.pieces)
      if (p.is != piece::kind::thought || !p.text.empty())
        send_update(client, talk.id(),
                    p.is == piece::kind::call   ? call_announced(p, "pending", cwd, env)
                    : p.is == piece::kind::text ? text_chunk(text, p.text)
                                                : text_chunk("agent_thought_chunk", p.text));
  }
}

} // namespace troupe::agent
