// MCP servers of the real agent: a stub that misbehaves on request.
#define CAF_SUITE mcp
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "caf/test/unit_test.hpp"

#include "runtime/agent/mcp_servers.hpp"
#include "tests/units/agent_client.hpp"

using namespace troupe::test;

namespace {

struct fixture {
  scratch_folder work;
  agent_client agent{work};
  int sessions = 0;

  static json stub(std::vector<std::string> arguments = {}) {
    arguments.insert(arguments.begin(), std::string(std::getenv("TROUPE_SOURCE")) + "/tests/support/mcp_stub.py");
    return {{"command", "python3"}, {"args", arguments}};
  }
  /// A session with this server, as settings name it.
  std::string open(const json& server, const json& native = json::object(),
                   const std::string& mode = "bypassPermissions") {
    return agent.open_session(mode, {{"sessionDir", work / ("session" + std::to_string(++sessions))},
                                     {"settings", {{"mcpServers", {{"stub", server}}}, {"native", native}}}});
  }
  std::string run(const std::string& session, const std::string& name, const std::string& input = "{}") {
    agent.prompt(session, "tool mcp__stub__" + name + " " + input).at("result");
    return last();
  }
  std::string last() { return agent.tool_results().back()["text"].get<std::string>(); }
  std::string stop_of(int id) { return agent.response(id).at("result").value("stopReason", ""); }
  bool failed() { return agent.tool_results().back()["status"] == "failed"; }
  std::string notes() {
    std::string all;
    for (const auto& m : agent.seen)
      if (m.value("method", "") == "_troupe/note")
        all += m["params"]["text"].get<std::string>() + "\n";
    return all;
  }
  bool anyone_runs(const std::string& text) {
    for (const auto& entry : std::filesystem::directory_iterator("/proc"))
      if (const auto pid = std::atoi(entry.path().filename().c_str());
          pid > 0 && text_of_file(entry.path() / "environ").find(work.path) != std::string::npos &&
          text_of_file(entry.path() / "cmdline").find(text) != std::string::npos)
        return true;
    return false;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(mcp_tests, fixture)

// NAT-2
CAF_TEST(a servers tools are there in the first turn and its list is followed) {
  const auto s = open(stub({"--noise"}));
  CAF_CHECK_EQUAL(run(s, "echo", R"({"a":[1,"x"]})"), R"({"a": [1, "x"]})");
  CAF_CHECK_EQUAL(run(s, "orphan"), "left one"); // of the last page
  CAF_CHECK_EQUAL(run(s, "added"), "there is no tool 'mcp__stub__added'");
  CAF_CHECK_EQUAL(run(s, "change"), "changed");
  while (run(s, "added") != "there is no such tool") // the list comes a little later
    ;
  CAF_CHECK(failed());
  CAF_CHECK_EQUAL(run(s, "roots"), "file://" + work.path);
  CAF_CHECK_EQUAL(notes(), "");
  CAF_REQUIRE(anyone_runs("mcp_stub"));
  while (!anyone_runs("sleep")) // the server has answered while it was being started
    ;
  CAF_REQUIRE(anyone_runs("sleep"));
  agent.call("session/close", {{"sessionId", s}}).at("result");
  CAF_CHECK_EQUAL(text_of_file(work / "ended"), "its input was closed\n");
  CAF_CHECK(!anyone_runs("mcp_stub"));
  CAF_CHECK(!anyone_runs("sleep")); // what it left outside its session ends with it
}

// NAT-2
CAF_TEST(calls are asked for and bounded in size and time and can be cancelled) {
  const auto s = open(stub(), {{"mcpCallMs", 300}, {"outputBytes", 5000}}, "default");
  auto id = agent.start_prompt(s, "tool mcp__stub__echo {}");
  const auto asked = agent.permission_request();
  CAF_CHECK_EQUAL(asked["params"]["toolCall"]["title"], "mcp__stub__echo");
  CAF_CHECK_EQUAL(asked["params"]["options"][1]["name"], "Always allow mcp__stub__echo in this session");
  agent.answer(asked, "reject_once");
  agent.response(id).at("result");
  agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "plan"}}).at("result");
  CAF_CHECK(run(s, "echo").starts_with("not done: plan mode changes nothing"));
  id = agent.start_prompt(s, "tool mcp__stub__look {}"); // it says that it only reads
  agent.answer(agent.permission_request(), "allow_once");
  agent.response(id).at("result");
  CAF_CHECK_EQUAL(last(), "looked");
  agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "bypassPermissions"}}).at("result");
  CAF_CHECK(run(s, "slow").find("did not answer tools/call within 300 ms") != std::string::npos);
  const auto big = run(s, "big");
  CAF_CHECK(big.size() < 6000);
  CAF_CHECK(big.find("bytes left out") != std::string::npos);
  id = agent.start_prompt(s, "tool mcp__stub__slow {}");
  agent.call_in_progress("mcp__stub__slow");
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(id), "cancelled");
  CAF_CHECK_EQUAL(run(s, "echo"), "{}"); // it goes on
  CAF_CHECK(text_of_file(work / "cancelled").starts_with("timed out\n"));
}

// NAT-2
CAF_TEST(a server that dies or floods or never speaks is told and its session goes on) {
  const auto s = open(stub());
  CAF_CHECK(run(s, "die").find("is not there: it exited with status 7") != std::string::npos);
  CAF_CHECK(notes().find("it wrote: dying as asked") != std::string::npos);
  CAF_CHECK_EQUAL(run(s, "echo"), "there is no tool 'mcp__stub__echo'");
  const auto flooded = open(stub());
  CAF_CHECK(run(flooded, "flood").find("a line of more than 8 MiB") != std::string::npos);
  CAF_CHECK_EQUAL(run(open(stub({"--silent"}), {{"mcpStartMs", 200}}), "echo"), "there is no tool 'mcp__stub__echo'");
  CAF_CHECK(notes().find("did not answer initialize within 200 ms") != std::string::npos);
  CAF_CHECK_EQUAL(run(open(stub({"--die-at-start"})), "echo"), "there is no tool 'mcp__stub__echo'");
  CAF_CHECK(notes().find("it exited with status 3\n  it wrote: no configuration") != std::string::npos);
  CAF_CHECK_EQUAL(run(open({{"command", "no-such-program"}}), "echo"), "there is no tool 'mcp__stub__echo'");
  CAF_CHECK(notes().find("there is no program 'no-such-program'") != std::string::npos);
  run(open(stub({"--no-tools"})), "echo");
  run(open({{"url", "http://localhost"}}), "echo");
  CAF_CHECK(notes().find("only servers on stdio are taken") != std::string::npos);
}

// NAT-2
CAF_TEST(a turn that waits for a server can be cancelled) {
  const auto s = open(stub({"--silent"}));
  const auto id = agent.start_prompt(s, "say never");
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(id), "cancelled");
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
  CAF_CHECK(!anyone_runs("mcp_stub"));
}

// SEC-5
CAF_TEST(a server gets no credentials but what its own settings name) {
  auto server = stub();
  server["env"] = {{"GIVEN", "${PLAIN} ${NONE:-else} ${GH_TOKEN:-hidden}"}, {"OWN_TOKEN", "its own"}};
  const auto env = json::array({{"PATH", "/usr/local/bin:/usr/bin:/bin"},
                                {"PLAIN", "plain"},
                                {"ANTHROPIC_API_KEY", "s"},
                                {"AWS_SECRET_ACCESS_KEY", "s"},
                                {"GH_TOKEN", "s"},
                                {"DB_PASSWORD", "s"},
                                {"ANTHROPIC_AUTH_TOKEN", "s"}});
  const auto s =
      agent.open_session("bypassPermissions", {{"env", env}, {"settings", {{"mcpServers", {{"stub", server}}}}}});
  const auto seen = run(s, "environment");
  for (const auto* name : {"API_KEY", "SECRET", "GH_TOKEN", "PASSWORD", "AUTH_TOKEN"})
    CAF_CHECK_EQUAL(seen.find(name), std::string::npos);
  CAF_CHECK(seen.find("OWN_TOKEN") != std::string::npos);
  CAF_CHECK(seen.ends_with("plain else hidden"));
}

CAF_TEST(servers come from the client and from settings and bad ones are told) {
  std::vector<std::string> problems;
  const json given = json::parse(
      R"([{"name":"a","command":"/x","args":["${A}"],"env":[{"name":"K","value":"${A}"}]},{"name":"b c","command":"x"},
          {"name":"web","type":"http","url":"http://x"},{"name":"none"},7])");
  const json settings = json::parse(R"({"a":{"command":"other"},"d":{"command":"${A}/d","args":["-${B:-x}"]}})");
  const auto all = troupe::agent::mcp_setups(given, settings, {{"A", "va"}}, "/w", problems);
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(all[0].command, "/x");
  CAF_CHECK_EQUAL(all[0].arguments[0], "${A}"); // the client has said what it meant
  CAF_CHECK_EQUAL(all[0].env.back().second, "${A}");
  CAF_CHECK_EQUAL(all[1].command, "va/d");
  CAF_CHECK_EQUAL(all[1].arguments[0], "-x");
  CAF_CHECK_EQUAL(problems.size(), 4u);
}

CAF_TEST_FIXTURE_SCOPE_END()
