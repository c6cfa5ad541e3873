// The real agent's tools: searches, subagents, monitors, rules, commands and skills, memory files.
#define CAF_SUITE agent_tools
#include <algorithm>
#include <csignal>
#include <cstdlib>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"

#include "tests/units/agent_client.hpp"

using namespace troupe::test;

namespace {

struct fixture {
  scratch_folder work;
  agent_client agent{work};

  void folder(const std::string& name) { mkdir((work / name).c_str(), 0700); }
  std::string last() { return agent.tool_results().back()["text"].get<std::string>(); }
  bool failed() { return agent.tool_results().back()["status"] == "failed"; }
  std::string run(const std::string& session, const std::string& script) {
    agent.prompt(session, script).at("result");
    return last();
  }
  pid_t pid_from(const fifo& where) {
    std::string line;
    while (line.empty())
      line = where.read_line();
    return std::atoi(line.c_str());
  }
  /// What was last said to run.
  json running() {
    json list;
    for (const auto& m : agent.seen)
      if (m.value("method", "") == "_troupe/background")
        list = m["params"]["running"];
    return list;
  }
  /// The prompt that the session asks to be woken with; it is sent.
  std::string woken(const std::string& session) {
    const auto asked = agent.await([](const json& m) { return m.value("method", "") == "_troupe/wake"; });
    agent.send_line(json{{"jsonrpc", "2.0"}, {"id", asked["id"]}, {"result", json::object()}}.dump());
    const auto text = asked["params"]["text"].get<std::string>();
    agent.prompt(session, text).at("result");
    return text;
  }
};

std::string stop_of(const json& response) {
  return response.contains("result") ? response["result"].value("stopReason", "") : response.dump();
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(agent_tools_tests, fixture)

// NAT-2
CAF_TEST(glob names what git would track and all files where there is no repository) {
  folder("src");
  write_file(work / "src/a.cpp", "");
  write_file(work / "src/b.hpp", "");
  write_file(work / "out.log", "");
  write_file(work / ".gitignore", "*.log\n");
  const auto s = agent.open_session();
  CAF_CHECK_EQUAL(run(s, R"(tool glob {"pattern":"*.log"})"), "out.log\n");
  run(s, "bash git init -q . && git add src/a.cpp");
  CAF_CHECK_EQUAL(run(s, R"(tool glob {"pattern":"*.log"})"), "nothing was found\n");
  CAF_CHECK_EQUAL(run(s, R"(tool glob {"pattern":"src/**"})").size(), std::string("src/a.cpp\nsrc/b.hpp\n").size());
  CAF_CHECK_EQUAL(run(s, R"(tool glob {"pattern":"*.{cpp,hxx}"})"), "src/a.cpp\n");
  CAF_CHECK(run(s, R"(tool glob {"pattern":"*","path":"nowhere"})").find("no such file") != std::string::npos);
}

// NAT-2
CAF_TEST(grep finds lines with their numbers and those around them) {
  write_file(work / "a.txt", "one\ntwo\nthree\nfour\nfive\n");
  write_file(work / "b.md", "two two\nTWO");
  write_file(work / "binary", std::string("two\0", 4));
  const auto s = agent.open_session();
  CAF_CHECK_EQUAL(run(s, R"(tool grep {"pattern":"^t\\w+","glob":"*.txt"})"), "a.txt:2:two\na.txt:3:three\n");
  CAF_CHECK_EQUAL(run(s, R"(tool grep {"pattern":"three","context":1,"path":"a.txt"})"),
                  work / "a.txt-2-two\n" + (work / "a.txt:3:three\n") + (work / "a.txt-4-four\n"));
  CAF_CHECK_EQUAL(run(s, R"(tool grep {"pattern":"two","ignoreCase":true,"glob":"*.md"})"),
                  "b.md:1:two two\nb.md:2:TWO\n");
  CAF_CHECK_EQUAL(run(s, R"(tool grep {"pattern":"TWO","ignoreCase":true,"show":"count","glob":"*.md"})"), "b.md:2\n");
  CAF_CHECK_EQUAL(run(s, R"(tool grep {"pattern":"two","show":"files","glob":"{a.txt,binary}"})"), "a.txt\n");
  CAF_CHECK(run(s, R"(tool grep {"pattern":"a(b"})").find("no regular expression: at character 4") !=
            std::string::npos);
  CAF_CHECK_EQUAL(
      run(s, R"(tool grep {"pattern":"o","limit":1,"path":"a.txt"})").find("more: narrow") == std::string::npos, false);
}

// NAT-2
CAF_TEST(a search ends within its limits and a pattern that explodes finds nothing) {
  std::string many;
  for (int i = 0; i < 50; ++i)
    write_file(work / ("f" + std::to_string(i)), std::string(3000, 'a'));
  const auto s = agent.open_session("bypassPermissions", {{"settings", {{"native", {{"searchFiles", 10}}}}}});
  CAF_CHECK(run(s, R"(tool glob {"pattern":"f*"})").find("cut short after 11 files") != std::string::npos);
  CAF_CHECK(run(s, R"(tool grep {"pattern":"(a+)+b","glob":"f*"})").starts_with("nothing was found"));
}

// NAT-2
CAF_TEST(subagents work beside each other with conversations of their own and give back what they say last) {
  const auto s = agent.open_session();
  fifo first(work / "first"), second(work / "second");
  const auto id = agent.start_prompt(
      s,
      R"(tools [{"name":"task","input":{"description":"the one","prompt":"bash read x <first; echo $x >>both\nsay one"}},)"
      R"({"name":"task","input":{"description":"the other","prompt":"bash read x <second; echo $x >>both\nsay two"}}])"
      "\nsay both");
  auto list = agent.background();
  while (list.size() < 2)
    list = agent.background();
  CAF_CHECK_EQUAL(list[0]["kind"], "subagent");
  CAF_CHECK_EQUAL(list[1]["title"], "the other");
  write_file(second.path, "2\n"); // the later one can end first: they run at the same time
  while (agent.background().size() > 1)
    ;
  write_file(first.path, "1\n");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK_EQUAL(agent.said(), "both|"); // their words are not the session's
  CAF_CHECK_EQUAL(text_of_file(work / "both"), "2\n1\n");
  std::string told;
  for (const auto& r : agent.tool_results())
    told += r["text"].get<std::string>() + "|";
  CAF_CHECK(told.find("two|") != std::string::npos);
  CAF_CHECK(told.find("one|") != std::string::npos);
}

// NAT-2
CAF_TEST(a subagent has no more rights than its session and is cancelled with its turn) {
  fifo ready(work / "ready");
  const auto s = agent.open_session("default");
  auto id = agent.start_prompt(s, "task bash echo x >made\\nsay tried");
  const auto asked = agent.permission_request();
  CAF_CHECK_EQUAL(asked["params"]["toolCall"]["title"], "echo x >made");
  CAF_CHECK_EQUAL(asked["params"]["toolCall"]["toolCallId"], "task-1/call_1");
  agent.answer(asked, "reject_once");
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "end_turn");
  CAF_CHECK_EQUAL(text_of_file(work / "made"), "");
  CAF_CHECK_EQUAL(last(), "tried");
  agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "bypassPermissions"}}).at("result");
  id = agent.start_prompt(s, "task bash echo $$ >ready; sleep 1000");
  const auto shell = pid_from(ready);
  agent.notify("session/cancel", {{"sessionId", s}});
  CAF_CHECK_EQUAL(stop_of(agent.response(id)), "cancelled");
  CAF_CHECK(!runs(shell));
  run(s, "task task inner");
  CAF_CHECK(text_of_file(work / "session/subagents/task-3/conversation.jsonl").find("there is no tool 'task'") !=
            std::string::npos);
}

// NAT-2, KEEP-2
CAF_TEST(a subagent in the background is active work beyond its turn and wakes the session with its result) {
  fifo go(work / "go");
  const auto s = agent.open_session();
  CAF_CHECK_EQUAL(run(s, "delegate bash read x <go\\nsay found it\nsay turn over"),
                  "runs in the background as task-1; its result comes as a prompt");
  CAF_CHECK_EQUAL(run(s, "output task-1"), "[running]\n");
  write_file(go.path, "x\n");
  CAF_CHECK_EQUAL(woken(s), "The subagent task-1 (task bash read x <go ...) has finished:\nfound it");
  CAF_CHECK_EQUAL(run(s, "output task-1"), "found it");
}

// NAT-2, KEEP-2
CAF_TEST(a monitor is active work and wakes the session with the lines that match) {
  fifo lines(work / "lines");
  const auto s = agent.open_session("bypassPermissions", {{"settings", {{"native", {{"monitorIntervalMs", 0}}}}}});
  CAF_CHECK_EQUAL(run(s, "monitor ^(say|never) => exec cat lines"), "runs as mon-1; what it sees comes as a prompt");
  const auto list = running();
  CAF_REQUIRE_EQUAL(list.size(), 1u);
  CAF_CHECK_EQUAL(list[0]["kind"], "monitor");
  CAF_CHECK_EQUAL(list[0]["title"], "exec cat lines");
  write_file(lines.path, "quiet\nsay heard\nquiet\n"); // its end closes the fifo
  auto text = woken(s);
  CAF_CHECK(text.starts_with("The monitor mon-1 (exec cat lines) saw:\nsay heard\n"));
  CAF_CHECK(agent.said().find("heard|") != std::string::npos); // the script in the line was played
  if (text.find("has ended") == std::string::npos)
    text = woken(s);
  CAF_CHECK(text.find("has ended: its command exited 0.") != std::string::npos);
  CAF_CHECK(run(s, "monitor a( => true").find("no regular expression") != std::string::npos);
}

// NAT-2
CAF_TEST(a monitor that floods sends few prompts and is ended on request with its tree) {
  fifo ready(work / "ready");
  const auto s = agent.open_session("bypassPermissions", {{"settings", {{"native", {{"monitorIntervalMs", 600000}}}}}});
  run(s, "monitor x => echo $$ >ready; yes x");
  const auto shell = pid_from(ready);
  const auto asked = agent.await([](const json& m) { return m.value("method", "") == "_troupe/wake"; });
  CAF_CHECK(asked["params"]["text"].get<std::string>().size() < 10'000);
  CAF_CHECK_EQUAL(run(s, "kill mon-1"), "mon-1 was ended");
  CAF_CHECK(!runs(shell));
  const auto wakes = std::count_if(agent.seen.begin(), agent.seen.end(),
                                   [](const json& m) { return m.value("method", "") == "_troupe/wake"; });
  CAF_CHECK_EQUAL(wakes, 1);
}

// NAT-2
CAF_TEST(a client that sends no such prompts is told by a turn of the sessions own) {
  fifo lines(work / "lines");
  const auto s = agent.open_session();
  run(s, "monitor say => exec cat lines");
  write_file(lines.path, "say by itself\n");
  const auto asked = agent.await([](const json& m) { return m.value("method", "") == "_troupe/wake"; });
  const json error{{"code", -32601}, {"message", "no such method"}};
  agent.send_line(json{{"jsonrpc", "2.0"}, {"id", asked["id"]}, {"error", error}}.dump());
  agent.await([&](const json&) { return agent.said().find("by itself|") != std::string::npos; });
  CAF_CHECK_EQUAL(stop_of(agent.prompt(s, "say asked")), "end_turn"); // waits for that turn, if need be
  CAF_CHECK(agent.said().find("asked|") != std::string::npos);
}

// NAT-2
CAF_TEST(rules of the settings decide and always allow adds one for the session) {
  const json rules{{"allow", {"Bash(echo:*)", "Edit(src/**)"}}, {"deny", {"Bash(rm:*)", "Read(secret)"}}};
  write_file(work / "secret", "x");
  folder("src");
  const auto s = agent.open_session("default", {{"settings", {{"permissions", rules}}}});
  CAF_CHECK_EQUAL(run(s, "bash echo a && echo b"), "a\nb\n");
  CAF_CHECK_EQUAL(run(s, "bash echo a; rm secret"), "not done: the rule Bash(rm:*) denies it");
  CAF_CHECK_EQUAL(run(s, "read secret"), "not done: the rule Read(secret) denies it");
  CAF_CHECK(run(s, "write src/a.c text").starts_with("wrote"));
  auto id = agent.start_prompt(s, "bash printf x | cat");
  auto asked = agent.permission_request();
  CAF_CHECK_EQUAL(asked["params"]["options"][1]["name"], "Always allow Bash(printf:*), Bash(cat:*) in this session");
  agent.answer(asked, "allow_always");
  agent.response(id).at("result");
  CAF_CHECK_EQUAL(run(s, "bash printf y | cat && printf z"), "yz");
  id = agent.start_prompt(s, "bash printf y >made");
  agent.answer(agent.permission_request(), "reject_once");
  agent.response(id).at("result");
  CAF_CHECK_EQUAL(text_of_file(work / "made"), "");
}

// NAT-2
CAF_TEST(plan mode lets commands look and lets nothing be changed) {
  const auto s = agent.open_session("plan", {{"settings", {{"permissions", {{"allow", {"Bash"}}}}}}});
  CAF_CHECK_EQUAL(run(s, "bash echo seen"), "seen\n");
  CAF_CHECK(run(s, "bash echo x >made").starts_with("not done: plan mode changes nothing"));
  CAF_CHECK(run(s, "background touch made").starts_with("not done: plan mode changes nothing"));
  CAF_CHECK(run(s, "monitor x => touch made").starts_with("not done: plan mode changes nothing"));
  CAF_CHECK(run(s, "task write made x").size() > 0);
  CAF_CHECK(access((work / "made").c_str(), F_OK) != 0);
}

// ISO-1, PR-2
CAF_TEST(a session whose worktree is yet to come runs no tool before it is there and is guarded in it) {
  const auto place = work / "tree";
  const auto made = agent.call(
      "session/new",
      {{"cwd", place},
       {"mcpServers", json::array()},
       {"_meta",
        {{"troupe",
          {{"sessionDir", work / "isolated"},
           {"provider", "offline"},
           {"permissionMode", "bypassPermissions"},
           {"worktree", {{"path", place}, {"branch", "troupe/x"}, {"repository", work.path}, {"ready", false}}},
           {"env", json::array({{"PATH", "/usr/bin:/bin"}, {"HOME", work.path}})}}}}}});
  const auto s = made.at("result")["sessionId"].get<std::string>();
  agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "bypassPermissions"}}).at("result");
  const auto asked = agent.start_prompt(s, "bash pwd\nbash git push origin HEAD:main");
  agent.call("session/set_mode", {{"sessionId", s}, {"modeId", "bypassPermissions"}}); // it has read the prompt
  CAF_CHECK(agent.tool_results().empty());
  std::filesystem::create_directory(place);
  agent.notify("_troupe/worktree", {{"sessionId", s}, {"cwd", place}});
  agent.response(asked).at("result");
  const auto results = agent.tool_results();
  CAF_CHECK_EQUAL(results[0]["text"], place + "\n");
  CAF_CHECK(results[1]["text"].get<std::string>().starts_with("not done: this pushes to main"));
}

// PR-2
CAF_TEST(in its own worktree a session cannot push to main or by force or merge) {
  const auto s = agent.open_session();
  run(s, "bash git init -q -b main up && git -C up -c user.name=a -c user.email=a@b commit -q --allow-empty -m x && "
         "git init -q --bare remote && git -C up push -q ../remote main && "
         "git -C up worktree add -q -b fix .troupe/worktrees/fix && git -C up remote add origin ../remote");
  const auto made = agent.call(
      "session/new", {{"cwd", work / "up/.troupe/worktrees/fix"},
                      {"mcpServers", json::array()},
                      {"_meta",
                       {{"troupe",
                         {{"sessionDir", work / "second"},
                          {"provider", "offline"},
                          {"env", json::array({{"PATH", "/usr/local/bin:/usr/bin:/bin"}, {"HOME", work.path}})}}}}}});
  const auto inside = made["result"]["sessionId"].get<std::string>();
  agent.call("session/set_mode", {{"sessionId", inside}, {"modeId", "bypassPermissions"}}).at("result");
  CAF_CHECK(run(inside, "bash git push origin HEAD:main").starts_with("not done: this pushes to main"));
  CAF_CHECK(run(inside, "bash true && git push -f origin fix").starts_with("not done: this pushes by force"));
  CAF_CHECK(run(inside, "background git push origin main").starts_with("not done: this pushes to main"));
  CAF_CHECK(run(inside, "monitor x => gh pr merge 1").starts_with("not done: this merges"));
  run(inside, "bash git push -q " + (work / "remote") + " fix 2>&1");
  CAF_CHECK(!failed());
  CAF_CHECK_EQUAL(run(s, "bash git -C remote branch --format='%(refname:short)'"), "fix\nmain\n");
  run(s, "bash git -C up push -q " + (work / "remote") + " HEAD:main 2>&1"); // elsewhere nobody minds
  CAF_CHECK(!failed());
}

// SEC-5
CAF_TEST(tools never get a providers credentials) {
  const auto env = json::array({{"PATH", "/usr/bin:/bin"},
                                {"ANTHROPIC_API_KEY", "secret-1"},
                                {"OPENAI_API_KEY", "secret-2"},
                                {"ANTHROPIC_AUTH_TOKEN", "secret-3"},
                                {"CLAUDE_CODE_OAUTH_TOKEN", "secret-4"},
                                {"PLAIN", "seen"}});
  const auto s = agent.open_session("bypassPermissions", {{"env", env}});
  const auto all = run(s, "bash env");
  CAF_CHECK(all.find("PLAIN=seen") != std::string::npos);
  CAF_CHECK_EQUAL(all.find("secret-"), std::string::npos);
  run(s, "background env");
  CAF_CHECK_EQUAL(
      run(s, "bash while [ ! -s session/shells/sh-1.status ]; do sleep 0.01; done; cat session/shells/sh-1.out")
          .find("secret-"),
      std::string::npos);
}

// NAT-2
CAF_TEST(a prompt that names a command or a skill stands for its text) {
  folder("skills");
  write_file(work / "fix.md", "---\ndescription: x\n---\nsay fixing $1 and $ARGUMENTS\n");
  write_file(work / "skills/SKILL.md", "---\nname: deploy\n---\nsay deploying\n");
  const json catalog{
      {"commands",
       {{{"name", "fix"}, {"description", "Fixes"}, {"argumentHint", "[issue]"}, {"path", work / "fix.md"}}}},
      {"skills",
       {{{"name", "deploy"}, {"description", "Deploys"}, {"path", work / "skills/SKILL.md"}},
        {{"name", "gone"}, {"path", work / "gone.md"}}}}};
  const auto s = agent.open_session("default", {{"definition", {{"catalog", catalog}}}});
  const auto told = std::find_if(agent.seen.begin(), agent.seen.end(), [](const json& m) {
    return m.contains("params") && m["params"].contains("update") &&
           m["params"]["update"]["sessionUpdate"] == "available_commands_update";
  });
  CAF_REQUIRE(told != agent.seen.end());
  const auto list = (*told)["params"]["update"]["availableCommands"];
  CAF_CHECK_EQUAL(list[0]["name"], "fix");
  CAF_CHECK_EQUAL(list[0]["input"]["hint"], "[issue]");
  CAF_CHECK_EQUAL(list.size(), 4u); // and init
  agent.prompt(s, "/fix \"the bug\" now").at("result");
  agent.prompt(s, "/deploy").at("result");
  CAF_CHECK_EQUAL(agent.said(), "fixing the bug and \"the bug\" now|deploying|");
  CAF_CHECK_EQUAL(run(s, R"(tool skill {"name":"fix","arguments":"x"})"), "say fixing x and x\n");
  CAF_CHECK(agent.prompt(s, "/gone")["error"]["message"].get<std::string>().find("cannot read") == 0);
  agent.prompt(s, "/unknown is a word\nsay so").at("result");
  CAF_CHECK(agent.said().ends_with("so|"));
}

CAF_TEST_FIXTURE_SCOPE_END()
