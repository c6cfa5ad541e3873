// An MCP server that others have written: @modelcontextprotocol/server-everything, by the real agent.
#define CAF_SUITE mcp_everything
#include <cstdio>
#include <cstdlib>

#include <unistd.h>

#include "caf/test/unit_test.hpp"

#include "tests/units/agent_client.hpp"

using namespace troupe::test;

namespace {

/// Where it is installed (tests/mcp); "" with the reason printed where it is not.
std::string everything() {
  const char* folder = std::getenv("TROUPE_MCP");
  const auto path = std::string(folder != nullptr ? folder : "") +
                    "/node_modules/@modelcontextprotocol/server-everything/dist/index.js";
  if (access(path.c_str(), R_OK) == 0)
    return path;
  std::printf("MCP SKIPPED: server-everything is not installed: no Node, or no registry\n");
  return {};
}

} // namespace

// NAT-2, SEC-5
CAF_TEST(the reference server of the protocol lists its tools and runs them) {
  const auto server = everything();
  if (server.empty())
    return;
  scratch_folder work;
  agent_client agent{work};
  const auto env = json::array({{"PATH", std::getenv("PATH")}, {"HOME", work.path}, {"ANTHROPIC_API_KEY", "secret-1"}});
  const json servers{{"everything", {{"command", "node"}, {"args", {server}}}}};
  const auto s = agent.open_session("bypassPermissions", {{"env", env}, {"settings", {{"mcpServers", servers}}}});
  const auto run = [&](const std::string& call) {
    agent.prompt(s, "tool mcp__everything__" + call).at("result");
    return agent.tool_results().back()["text"].get<std::string>();
  };
  CAF_CHECK_EQUAL(run(R"(echo {"message":"hi"})"), "Echo: hi");
  CAF_CHECK_EQUAL(run(R"(add {"a":2,"b":3})"), "The sum of 2 and 3 is 5.");
  const auto variables = run("printEnv {}");
  CAF_CHECK(variables.find("PATH") != std::string::npos);
  CAF_CHECK_EQUAL(variables.find("secret"), std::string::npos);
  CAF_CHECK(run("getTinyImage {}").find("[image content is not taken]") != std::string::npos);
  CAF_CHECK(run(R"(structuredContent {"location":"New York"})").find("temperature") != std::string::npos);
  const auto id = agent.start_prompt(s, R"(tool mcp__everything__longRunningOperation {"duration":60,"steps":2})");
  agent.call_in_progress("mcp__everything__longRunningOperation");
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(agent.response(id).at("result").value("stopReason", ""), "cancelled");
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
}
