// The real troupe-agent over pipes, with real files and processes.
#define CAF_SUITE agent

#include "caf/test/unit_test.hpp"

#include <csignal>
#include <cstdlib>
#include <fstream>

#include <sys/stat.h>
#include <unistd.h>

#include "tests/units/agent_client.hpp"

using namespace troupe::test;

namespace {

struct fixture {
  scratch_folder work;
  agent_client agent{work};
  pid_t pid_from(const fifo& where) { return std::atoi(where.read_line().c_str()); }
  bool exists(const std::string& name) { return access((work / name).c_str(), F_OK) == 0; }
};

std::string stop_of(const json& response) {
  return response.contains("result") ? response["result"].value("stopReason", "") : response.dump();
}

int code_of(const json& response) {
  return response.contains("error") ? response["error"]["code"].get<int>() : 0;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(agent_tests, fixture)

CAF_TEST(it introduces itself as an agent of protocol 1 that loads sessions) {
  const auto r = agent.call("initialize", {{"protocolVersion", 1}})["result"];
  CAF_CHECK_EQUAL(r["protocolVersion"].get<int>(), 1);
  CAF_CHECK(r["agentCapabilities"]["loadSession"].get<bool>());
  CAF_CHECK(r["authMethods"].empty());
  CAF_CHECK_EQUAL(r["agentInfo"]["name"].get<std::string>(), "troupe-agent");
}

// NAT-3
CAF_TEST(a script runs through the loop and its tools) {
  const auto s = agent.open_session();
  const auto r =
      agent.prompt(s, "please:\nsay one\nwrite notes/a.txt first line\\nsecond\nedit notes/a.txt first => 1st\n"
                      "read notes/a.txt\nbash echo out; echo err >&2; exit 3\nsay two");
  CAF_CHECK_EQUAL(stop_of(r), "end_turn");
  CAF_CHECK_EQUAL(agent.said(), "one|two|");
  CAF_CHECK_EQUAL(text_of_file(work / "notes/a.txt"), "1st line\nsecond");
  const auto results = agent.tool_results();
  CAF_REQUIRE_EQUAL(results.size(), 4u);
  CAF_CHECK_EQUAL(results[2]["text"].get<std::string>(), "1st line\nsecond");
  CAF_CHECK_EQUAL(results[3]["text"].get<std::string>(), "out\nerr\n[exit status 3]");
  CAF_CHECK_EQUAL(results[3]["status"].get<std::string>(), "failed");
}

// NAT-3
CAF_TEST(a prompt without directives is answered with its first line) {
  const auto s = agent.open_session();
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "What is this?\nmore")), "end_turn");
  CAF_CHECK(agent.said().find("What is this?") != std::string::npos);
  CAF_CHECK(agent.said().find("offline provider") != std::string::npos);
}

// NAT-3
CAF_TEST(thoughts and refusals and failures and streams and script files play as written) {
  const auto s = agent.open_session();
  write_file(work / "play", "think hm\nstream 200\n");
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "script play")), "end_turn");
  std::size_t chunks = 0, thoughts = 0;
  for (const auto& m : agent.seen)
    if (m.contains("method")) {
      const auto kind = m["params"]["update"].value("sessionUpdate", "");
      chunks += kind == "agent_message_chunk" ? 1 : 0;
      thoughts += kind == "agent_thought_chunk" ? 1 : 0;
    }
  CAF_CHECK_EQUAL(chunks, 200u);
  CAF_CHECK_EQUAL(thoughts, 1u);
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "stop refusal")), "refusal");
  const auto failed = agent.prompt(s, "fail the model is away\nsay after");
  CAF_CHECK_EQUAL(failed["error"]["message"].get<std::string>(), "the model is away");
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "go on")), "end_turn");
  CAF_CHECK(agent.said().find("after|") != std::string::npos);
}

// NAT-3
CAF_TEST(a script can end the process with a status) {
  const auto s = agent.open_session();
  agent.start_prompt(s, "exit 7");
  CAF_CHECK_EQUAL(agent.exit_code(), 7);
}

// NAT-2
CAF_TEST(in the default mode commands and edits run only when they are allowed) {
  const auto s = agent.open_session("default");
  const auto id = agent.start_prompt(s, "bash echo x > allowed\nbash echo x > rejected\nwrite w text\nread allowed");
  const auto first = agent.permission_request();
  CAF_CHECK_EQUAL(first["params"]["toolCall"]["title"].get<std::string>(), "echo x > allowed");
  CAF_CHECK_EQUAL(first["params"]["toolCall"]["kind"].get<std::string>(), "execute");
  CAF_CHECK(!exists("allowed"));
  agent.answer(first, "allow_once");
  agent.answer(agent.permission_request(), "reject_once");
  CAF_CHECK(exists("allowed"));
  agent.answer(agent.permission_request(), "allow_once");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK(!exists("rejected"));
  CAF_CHECK_EQUAL(text_of_file(work / "w"), "text");
  const auto results = agent.tool_results();
  CAF_REQUIRE_EQUAL(results.size(), 4u);
  CAF_CHECK_EQUAL(results[1]["status"].get<std::string>(), "failed");
  CAF_CHECK_EQUAL(results[3]["text"].get<std::string>(), "x\n");
}

// VIEW-4: a person's own command
CAF_TEST(a command of the users own runs unasked and is in the conversation and nobody elses does) {
  const auto s = agent.open_session("default");
  auto prompt = [&](const std::string& text, bool own) {
    json params{{"sessionId", s}, {"prompt", {{{"type", "text"}, {"text", text}}}}};
    if (own)
      params["_meta"]["troupe"]["own"] = true;
    return agent.call("session/prompt", std::move(params));
  };
  CAF_CHECK_EQUAL(stop_of(prompt("! echo once >> own; echo told", true)), "end_turn");
  CAF_CHECK_EQUAL(text_of_file(work / "own"), "once\n");
  CAF_CHECK_EQUAL(agent.tool_results()[0]["text"].get<std::string>(), "told\n");
  CAF_CHECK_EQUAL(stop_of(prompt("! echo twice >> own", false)), "end_turn"); // a prompt like any other
  CAF_CHECK_EQUAL(text_of_file(work / "own"), "once\n");
  CAF_CHECK_EQUAL(stop_of(prompt("say and on", true)), "end_turn");
  CAF_CHECK(agent.said().find("and on") != std::string::npos);
  agent.kill_hard();
  agent_client second(work);
  second.load_session(s).at("result");
  CAF_CHECK_EQUAL(second.tool_results().size(), 1u);
}

// NAT-2
CAF_TEST(what is always allowed is not asked again and not after a load either) {
  const auto s = agent.open_session("default");
  const auto id = agent.start_prompt(s, "bash echo 1\nbash echo 2");
  agent.answer(agent.permission_request(), "allow_always");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  agent.kill_hard();
  agent_client second(work);
  second.load_session(s).at("result");
  CAF_CHECK_EQUAL(stop_of(second.prompt(s, "bash echo 3")), "end_turn");
}

// NAT-2
CAF_TEST(accepting edits still asks for commands and planning refuses edits) {
  const auto s = agent.open_session("acceptEdits");
  auto id = agent.start_prompt(s, "write a text\nbash echo x > b");
  agent.answer(agent.permission_request(), "reject_once");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK(exists("a"));
  CAF_CHECK(!exists("b"));
  agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "plan"}}).at("result");
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "write c text\nedit a text => other")), "end_turn");
  CAF_CHECK(!exists("c"));
  CAF_CHECK_EQUAL(text_of_file(work / "a"), "text");
  CAF_CHECK_EQUAL(code_of(agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "wild"}})), -32602);
}

// NAT-3
CAF_TEST(a question is asked by any mode and its answer is said) {
  const auto s = agent.open_session();
  const auto id = agent.start_prompt(s, "ask Shall I?\nask Really?\nsay then");
  const auto first = agent.permission_request();
  CAF_CHECK_EQUAL(first["params"]["toolCall"]["title"].get<std::string>(), "Shall I?");
  CAF_CHECK_EQUAL(first["params"]["toolCall"]["kind"].get<std::string>(), "other");
  agent.answer(first, "allow_once");
  agent.answer(agent.permission_request(), "reject_once");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK_EQUAL(agent.said(), "The answer is Yes.|The answer is No.|then|");
}

CAF_TEST(a cancelled command ends with its whole tree also what left its session) {
  fifo ready(work / "ready"), daemon(work / "daemon");
  const auto s = agent.open_session();
  const auto id =
      agent.start_prompt(s, "bash (setsid sh -c 'trap \"\" TERM; echo $$ >daemon; while :; do sleep 100; done' &);"
                            " echo $$ >ready; sleep 1000\nsay not reached");
  const auto outside = pid_from(daemon);
  const auto shell = pid_from(ready);
  CAF_CHECK(runs(outside));
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "cancelled");
  CAF_CHECK(!runs(shell));
  CAF_CHECK(!runs(outside));
  CAF_CHECK_EQUAL(agent.said(), "");
  CAF_MESSAGE("the session goes on with the directive after the cancelled one");
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "go on")), "end_turn");
  CAF_CHECK_EQUAL(agent.said(), "not reached|");
}

CAF_TEST(what a finished command leaves in its group is ended) {
  const auto s = agent.open_session();
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "bash sleep 1000 & echo $!")), "end_turn");
  const auto text = agent.tool_results().at(0)["text"].get<std::string>();
  CAF_CHECK(!runs(std::atoi(text.c_str())));
  CAF_CHECK(text.find("was ended") != std::string::npos);
}

CAF_TEST(a turn that waits takes no second prompt and ends when its file appears) {
  const auto s = agent.open_session();
  const auto id = agent.start_prompt(s, "wait deep/down/go\nsay gone");
  agent.call_in_progress("wait deep/down/go");
  CAF_CHECK_EQUAL(code_of(agent.prompt(s, "say second")), -32600);
  mkdir((work / "deep").c_str(), 0700);
  mkdir((work / "deep/down").c_str(), 0700);
  write_file(work / "deep/down/go", "");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK_EQUAL(agent.said(), "gone|");
}

CAF_TEST(waits and questions and streams can be cancelled) {
  const auto s = agent.open_session();
  auto id = agent.start_prompt(s, "wait never");
  agent.call_in_progress("wait never");
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "cancelled");
  id = agent.start_prompt(s, "ask Well?");
  const auto question = agent.permission_request();
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "cancelled");
  agent.answer(question, "allow_once"); // too late and without effect
  id = agent.start_prompt(s, "stream 100000000");
  agent.await([](const json& m) { return m.value("method", "") == "session/update"; });
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "cancelled");
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "say alive")), "end_turn");
}

// KEEP-2
CAF_TEST(a background shell is reported while it runs and outlives its turn) {
  fifo ready(work / "ready"), go(work / "go");
  const auto s = agent.open_session();
  const auto id = agent.start_prompt(s, "background echo started; echo $$ >ready; cat go\nsay turn over");
  const auto list = agent.background();
  CAF_REQUIRE_EQUAL(list.size(), 1u);
  CAF_CHECK_EQUAL(list[0]["id"].get<std::string>(), "sh-1");
  CAF_CHECK_EQUAL(list[0]["kind"].get<std::string>(), "shell");
  CAF_CHECK_EQUAL(list[0]["title"].get<std::string>(), "echo started; echo $$ >ready; cat go");
  const auto shell = pid_from(ready);
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK(runs(shell));
  agent.prompt(s, "output sh-1");
  CAF_CHECK_EQUAL(agent.tool_results().back()["text"].get<std::string>(), "[running]\nstarted\n");
  write_file(go.path, "last words");
  CAF_CHECK(agent.background().empty());
  agent.prompt(s, "output sh-1");
  CAF_CHECK_EQUAL(agent.tool_results().back()["text"].get<std::string>(), "[exited 0]\nstarted\nlast words");
}

// KEEP-2
CAF_TEST(a background shell is ended on request and all of them when the input ends) {
  fifo ready(work / "ready"), second(work / "second");
  const auto s = agent.open_session();
  agent.prompt(
      s, "background echo $$ >ready; sleep 1000\nbackground trap '' TERM; echo $$ >second; sleep 1000; sleep 1000");
  const auto one = pid_from(ready), two = pid_from(second);
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "kill sh-1\nkill sh-9")), "end_turn");
  CAF_CHECK(!runs(one));
  CAF_CHECK(runs(two));
  CAF_CHECK_EQUAL(agent.tool_results().back()["status"].get<std::string>(), "failed");
  agent.close_input();
  CAF_CHECK_EQUAL(agent.exit_code(), 0);
  CAF_CHECK(!runs(two));
}

CAF_TEST(the end of input and a signal end a running command) {
  for (const bool by_signal : {false, true}) {
    scratch_folder place;
    agent_client other(place);
    fifo ready(place / "ready");
    const auto s = other.open_session();
    const auto id = other.start_prompt(s, "bash echo $$ >ready; sleep 1000");
    const auto shell = pid_from(ready);
    if (by_signal)
      kill(other.pid(), SIGTERM);
    else
      other.close_input();
    CAF_CHECK_EQUAL(stop_of(other.response(id)), "cancelled");
    CAF_CHECK_EQUAL(other.exit_code(), 0);
    CAF_CHECK(!runs(shell));
  }
}

// REST-5
CAF_TEST(a killed agents conversation goes on without repeating a step) {
  const auto s = agent.open_session();
  agent.start_prompt(s, "say one\nbash echo x >>log\nwait never\nbash echo y >>log\nsay two");
  agent.call_in_progress("wait never");
  agent.kill_hard();
  write_file(work / "session/conversation.jsonl", R"({"role":"assistant","content":[{"type":"te)", true);
  agent_client second(work);
  CAF_CHECK_EQUAL(second.load_session(s)["result"]["modes"]["currentModeId"].get<std::string>(), "bypassPermissions");
  CAF_CHECK_EQUAL(second.said(), "one|");
  CAF_CHECK_EQUAL(second.tool_results().size(), 2u);
  CAF_CHECK_EQUAL(second.tool_results()[1]["status"].get<std::string>(), "failed");
  CAF_CHECK_EQUAL(stop_of(second.prompt(s, "continue")), "end_turn");
  CAF_CHECK_EQUAL(second.said(), "one|two|");
  CAF_CHECK_EQUAL(text_of_file(work / "log"), "x\ny\n");
  struct stat what {};
  stat((work / "session/conversation.jsonl").c_str(), &what);
  CAF_CHECK_EQUAL(what.st_mode & 0777, 0600u);
}

// REST-7
CAF_TEST(a background shell survives a killed agent and is picked up with its output) {
  fifo ready(work / "ready"), go(work / "go"), end(work / "end");
  const auto s = agent.open_session();
  agent.prompt(s, "background echo $$ >ready; cat go; exit 4\nbackground cat end; echo done before");
  const auto shell = pid_from(ready);
  const auto told = [&] { // how many run, by the latest list
    std::size_t n = 0;
    for (const auto& m : agent.seen)
      if (m.value("method", "") == "_troupe/background")
        n = m["params"]["running"].size();
    return n;
  };
  while (told() != 2)
    agent.background();
  write_file(end.path, "");
  while (agent.background().size() != 1)
    ;
  agent.kill_hard();
  CAF_REQUIRE(runs(shell));
  agent_client second(work);
  second.load_session(s).at("result");
  const auto picked_up = [](const json& m) { return m.value("method", "") == "_troupe/background"; };
  const auto found = std::find_if(second.seen.begin(), second.seen.end(), picked_up);
  CAF_REQUIRE(found != second.seen.end());
  CAF_CHECK_EQUAL((*found)["params"]["running"].size(), 1u);
  write_file(go.path, "late");
  CAF_CHECK(second.background().empty());
  second.prompt(s, "output sh-1\noutput sh-2");
  auto results = second.tool_results();
  CAF_CHECK_EQUAL(results[results.size() - 2]["text"].get<std::string>(), "[exited 4]\nlate");
  CAF_CHECK_EQUAL(results.back()["text"].get<std::string>(), "[exited 0]\ndone before\n");
}

// REST-5
CAF_TEST(a conversation is used by one process and set aside by a new session) {
  const auto s = agent.open_session();
  agent.prompt(s, "say first");
  {
    agent_client second(work);
    CAF_CHECK_EQUAL(code_of(second.load_session(s)), -32603);
    CAF_CHECK_EQUAL(code_of(second.load_session("another")), -32603);
  }
  agent.kill_hard();
  agent_client third(work);
  CAF_CHECK_EQUAL(code_of(third.load_session("another")), -32002);
  const auto fresh = third.open_session();
  CAF_CHECK_NOT_EQUAL(fresh, s);
  CAF_CHECK_EQUAL(text_of_file(work / "session/conversation.jsonl").find("first"), std::string::npos);
}

CAF_TEST(tools run with the sessions environment alone and in its directory) {
  const auto env = json::array({{"PATH", "/usr/bin:/bin"}, {"NAME", "of the session"}, {"RAW", {{"b64", "/w=="}}}});
  const auto s = agent.open_session("bypassPermissions", {{"env", env}});
  agent.prompt(s, "bash echo $NAME; echo -n $RAW | od -An -tx1; echo [$ONLY_THE_AGENTS_OWN]; pwd");
  CAF_CHECK_EQUAL(agent.tool_results().at(0)["text"].get<std::string>(),
                  "of the session\n ff\n[]\n" + work.path + "\n");
}

CAF_TEST(without the extension a session has the agents environment and a folder in its state) {
  const auto made = agent.call("session/new", {{"cwd", work.path}, {"mcpServers", json::array()}})["result"];
  const auto s = made["sessionId"].get<std::string>();
  CAF_CHECK_EQUAL(made["modes"]["currentModeId"].get<std::string>(), "default");
  CAF_CHECK(exists(".local/state/troupe/agent/" + s + "/conversation.jsonl"));
  const auto id = agent.start_prompt(s, "bash echo $ONLY_THE_AGENTS_OWN");
  agent.answer(agent.permission_request(), "allow_once");
  agent.response(id);
  CAF_CHECK_EQUAL(agent.tool_results().at(0)["text"].get<std::string>(), "1\n");
}

CAF_TEST(bad input is answered and nothing of it ends the agent) {
  const auto s = agent.open_session();
  const auto code_for = [&](const std::string& line) {
    agent.send_line(line);
    return code_of(agent.await([](const json& m) { return m.contains("error"); }));
  };
  CAF_CHECK_EQUAL(code_for("{nonsense"), -32700);
  CAF_CHECK_EQUAL(code_for("\xff\xfe\x00garbage"), -32700);
  CAF_CHECK_EQUAL(code_for(std::string(1 << 20, '[')), -32700);
  CAF_CHECK_EQUAL(code_for(std::string(std::size_t{9} << 20, 'x')), -32700);
  CAF_CHECK_EQUAL(code_for("[]"), -32600);
  CAF_CHECK_EQUAL(code_for(R"({"id":{},"method":"initialize"})"), -32600);
  CAF_CHECK_EQUAL(code_for(R"({"id":1})"), -32600);
  CAF_CHECK_EQUAL(code_for(R"({"id":1,"method":"initialize","params":[1]})"), -32602);
  CAF_CHECK_EQUAL(code_for(R"({"id":1,"method":"terminal/dance"})"), -32601);
  CAF_CHECK_EQUAL(code_for(R"({"id":1,"method":"session/new","params":{"cwd":"relative"}})"), -32602);
  CAF_CHECK_EQUAL(code_for(R"({"id":1,"method":"session/prompt","params":{"sessionId":"none"}})"), -32002);
  CAF_CHECK_EQUAL(code_for(R"({"id":1,"method":"session/load","params":{"sessionId":"../x","cwd":"/"}})"), -32602);
  for (const auto* prompt : {"null", "[]", "[1]", "\"say\"", "[{\"type\":7}]"})
    CAF_CHECK_EQUAL(
        code_for(R"({"id":1,"method":"session/prompt","params":{"sessionId":")" + s + R"(","prompt":)" + prompt + "}}"),
        -32602);
  agent.send_line(R"({"id":99,"result":{}})"); // an answer to nothing
  agent.notify("session/cancel", {{"sessionId", 5}});
  agent.notify("no/such", {});
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "say alive")), "end_turn");
}

CAF_TEST(a message just within the limit is taken whole) {
  const auto s = agent.open_session();
  const std::string big(std::size_t{7} << 20, 'a');
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "write big " + big)), "end_turn");
  CAF_CHECK_EQUAL(text_of_file(work / "big").size(), big.size());
}

CAF_TEST_FIXTURE_SCOPE_END()
