// The MCP servers of a session: which there are, and their tools together.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "runtime/agent/mcp_server.hpp"
#include "runtime/agent/toolbox.hpp"

namespace troupe::agent {

/// Reads ACP's `mcpServers` (a list of {name, command, args, env}) and that of settings (an object of {command, args,
/// env}), the former first where both name one. `env`: the session's; a server gets of it what is no credential, and
/// what its own `env` says. ${NAME} and ${NAME:-otherwise} in the settings' stand for variables of the session that are
/// no credentials.
std::vector<mcp_setup> mcp_setups(const json& given, const json& settings, const environment& env,
                                  const std::string& cwd, std::vector<std::string>& problems);

/// What a tool may know of the session's environment: no credential of a model provider (SEC-5).
environment without_credentials(const environment& env);
/// What somebody else's server may know: nothing that looks like a secret either.
environment without_secrets(const environment& env);

class mcp_servers {
public:
  /// `box` gets their tools. `note`: what a person should know.
  mcp_servers(event_loop& events, toolbox& box, const std::string& session, const tool_limits& limits,
              std::function<void(const std::string&)> note);
  /// Starts them all. Once.
  void start(std::vector<mcp_setup> setups);
  /// Calls `next` on the loop once each has told its tools or failed.
  void when_settled(event_loop::task next);
  /// [{"id": "mcp-NAME", "pid"}, ...] of those that run.
  [[nodiscard]] json running() const;
  /// Ends them all; `done` comes once.
  void end_all(event_loop::task done);

private:
  event_loop& events_;
  toolbox& box_;
  std::string session_;
  const tool_limits& limits_;
  std::function<void(const std::string&)> note_;
  std::vector<std::unique_ptr<mcp_server>> servers_;
  std::size_t unsettled_ = 0;
  std::vector<event_loop::task> waiting_;
};

} // namespace troupe::agent
