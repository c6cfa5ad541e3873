// ACP's messages as the worker builds and reads them. Pure; what an agent sends is never trusted to have the right
// shape.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "messages/json.hpp"
#include "runtime/config/harnesses.hpp"
#include "runtime/worker/acp/acp_state.hpp"

namespace troupe {

/// Codes of JSON-RPC and ACP.
constexpr int rpc_unknown_method = -32601, rpc_bad_params = -32602, acp_sign_in = -32000, acp_cancelled = -32800;

/// A field of an object; null where there is none, or no object.
const json* field_of(const json& object, std::string_view name);
/// A field's text, or empty.
std::string text_of(const json& object, std::string_view name);

/// What an agent says of itself in answer to `initialize`.
struct acp_agent_facts {
  std::int64_t version = 0;
  bool load = false, resume = false, close = false; ///< it has session/load, session/resume, session/close
  bool copies = false;                              ///< it has session/fork (BG-2)
  bool more_directories = false, mcp_http = false, mcp_sse = false;
  std::string sign_in; ///< its first way to sign in, for people
};
json initialize_params(const harness_driver& driver);
acp_agent_facts read_agent_facts(const json& result);

/// The environment a session's commands run with: the job's, with what ENV-7 promises and a temporary directory of its
/// own. `with_credentials`: the snapshot's variables too, in place of others of the same name (ENV-4).
environment session_environment(const assignment& job, bool with_credentials);
/// The folder of the session that `job` is a copy of (BG-2).
std::string forked_directory(const assignment& job);
/// Parameters of session/new; with a `session`, of session/load, session/resume and session/fork. `native`: with
/// `_meta.troupe`. `problems` gets a sentence for whatever was asked for and is left out.
json session_params(const assignment& job, const harness_driver& driver, const acp_agent_facts& agent, bool native,
                    const std::string& session, std::vector<std::string>& problems);
/// The MCP servers of `--mcp-config` (JSON, or a file's absolute path) as ACP has them; `${NAME}` and
/// `${NAME:-otherwise}` in them are taken from `env`.
json read_mcp_servers(const std::string& config, const environment& env, std::vector<std::string>& problems);

/// The text of a content block; what is no text is named in brackets.
std::string text_of_content(const json& content);
acp_tool_update read_tool_update(const json& update, bool announced);
/// The options of a permission request, numbered from 1; at most 64. Empty: there is none that could be chosen.
std::vector<option> read_options(const json& params);
/// The list in `_troupe/background`; `pids` gets the processes they name.
std::vector<work_item> read_background(const json& params, std::vector<std::int32_t>& pids);

} // namespace troupe
