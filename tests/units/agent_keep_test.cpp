// Background shells of an agent whose host sees to them, and sessions that are closed.
#define CAF_SUITE agent_keep
#include <algorithm>
#include <csignal>

#include "caf/test/unit_test.hpp"
#include "tests/units/agent_client.hpp"

using namespace troupe::test;

namespace {

struct fixture {
  scratch_folder work;
  agent_client agent{work};
  const json kept{{"keepShells", true}};
};

pid_t pid_from(const fifo& from) {
  std::string line; // empty: the writer before has closed it only now
  while (line.empty())
    line = from.read_line();
  return static_cast<pid_t>(std::stol(line));
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(agent_keep_tests, fixture)

// REST-7
CAF_TEST(an agent whose host is gone leaves background shells and ends the rest) {
  fifo ready(work / "ready"), go(work / "go");
  const auto s = agent.open_session("bypassPermissions", kept);
  agent.prompt(s, "background echo $$ >ready; cat go; exit 4");
  const auto shell = pid_from(ready);
  agent.start_prompt(s, "bash setsid sleep 381 & echo $$ >ready; sleep 382");
  const auto command = pid_from(ready);
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
  CAF_CHECK(!runs(command));
  CAF_REQUIRE(runs(shell));
  agent_client second(work);
  second.load_session(s, kept).at("result");
  write_file(go.path, "late");
  CAF_CHECK(second.background().empty());
  second.prompt(s, "output sh-1");
  CAF_CHECK_EQUAL(second.tool_results().back()["text"].get<std::string>(), "[exited 4]\nlate");
}

// REST-7
CAF_TEST(shells that start processes all the time lose none of them when the host goes) {
  const auto s = agent.open_session("bypassPermissions", kept);
  std::string script;
  for (int i = 0; i < 8; ++i)
    script += "background while [ ! -e stop ]; do sleep 0.005 || echo $? >>lost; done; echo x >>over\n";
  agent.prompt(s, script);
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
  CAF_CHECK_EQUAL(text_of_file(work / "over"), "");
  write_file(work / "stop", "");
  while (text_of_file(work / "over").size() < 16) {
  }
  CAF_CHECK_EQUAL(text_of_file(work / "lost"), "");
}

// REST-7, KEEP-8
CAF_TEST(a session that is closed ends its background shells and takes no prompt) {
  fifo ready(work / "ready"), go(work / "go");
  const auto s = agent.open_session("bypassPermissions", kept);
  agent.prompt(s, "background echo $$ >ready; cat go");
  const auto shell = pid_from(ready);
  agent.call("session/close", {{"sessionId", s}}).at("result");
  CAF_CHECK(!runs(shell));
  CAF_CHECK(agent.prompt(s, "say more").contains("error"));
  agent.load_session(s, kept).at("result"); // its conversation is there
  const auto more = agent.prompt(s, "say more");
  CAF_CHECK_EQUAL(more["result"]["stopReason"], "end_turn");
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
}

// REST-7
CAF_TEST(a signal ends background shells whoever sees to them) {
  fifo ready(work / "ready"), go(work / "go");
  const auto s = agent.open_session("bypassPermissions", kept);
  agent.prompt(s, "background echo $$ >ready; cat go");
  const auto shell = pid_from(ready);
  kill(agent.pid(), SIGTERM);
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
  CAF_CHECK(!runs(shell));
}

// REST-7
CAF_TEST(a new session in the folder of an earlier one does not lose its shells) {
  fifo ready(work / "ready"), go(work / "go");
  const auto s = agent.open_session("bypassPermissions", kept);
  agent.prompt(s, "background echo $$ >ready; cat go");
  const auto shell = pid_from(ready);
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
  agent_client second(work);
  const auto fresh = second.open_session("bypassPermissions", kept);
  CAF_CHECK(std::any_of(second.seen.begin(), second.seen.end(), [](const json& m) {
    return m.value("method", "") == "_troupe/background" && m["params"]["running"].size() == 1;
  }));
  second.prompt(fresh, "kill sh-1");
  CAF_CHECK(!runs(shell));
}

CAF_TEST_FIXTURE_SCOPE_END()
