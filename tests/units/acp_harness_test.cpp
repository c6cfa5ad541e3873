// The harness with real agents: the built-in one, and hostile ones of a few lines of shell.
#define CAF_SUITE acp_harness

#include "caf/test/unit_test.hpp"

#include <cstdlib>
#include <fstream>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/text.hpp"
#include "tests/units/acp_host.hpp"

using namespace troupe;
using namespace troupe::test;
using words = std::vector<std::string>;

namespace {

constexpr const char* opened = R"(
read -r l; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}'
read -r l; say '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s"}}'
)";

/// From the first prompt on; "$l" holds its line, its id is 3.
std::string then(const std::string& lines) {
  return opened + ("read -r l\n" + lines);
}

std::string update(const std::string& what) {
  return R"(say '{"jsonrpc":"2.0","method":"session/update","params":{"sessionId":"s","update":)" + what + "}}'\n";
}

const std::string end_turn = "say '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"stopReason\":\"end_turn\"}}'\n";

struct fixture : acp_host {
  void turn(const std::string& key, const std::string& text) {
    const auto before = count("turn_ended");
    harness->deliver(key, text);
    await_event("turn_ended", before + 1);
  }
  /// A process id that a script has written into a file; waits for it.
  std::int32_t pid_in(const std::string& name) {
    await([&] { return holds(content_of(folder + "/" + name), "\n"); });
    return std::atoi(content_of(folder + "/" + name).c_str());
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(acp_harness_tests, fixture)

// ---- the built-in agent

CAF_TEST(a warm agent takes its session and plays a prompt) {
  make(native()).warm_up();
  await([&] { return warmed.has_value(); });
  CAF_CHECK_EQUAL(*warmed, "");
  CAF_CHECK(events.empty());
  harness->start(job);
  harness->deliver("k1", "say one\nthink two");
  await_event("turn_ended");
  CAF_CHECK_EQUAL(events.front().value, harness->pid());
  CAF_CHECK(!await_event("ready").detail.empty());
  CAF_CHECK_EQUAL(told({"ready"}), (words{"started", "sent k1", "turn_ended k1 end_turn"}));
  CAF_CHECK_EQUAL(said(), "one");
  CAF_CHECK_EQUAL(said("thought"), "two");
}

// VIEW-8
CAF_TEST(the sentence of a small model comes behind the turn and never within one) {
  auto options =
      script(then(R"(say '{"jsonrpc":"2.0","method":"_troupe/sentence","params":{"sessionId":"s","text":"too early"}}'
)" + end_turn + R"(say '{"jsonrpc":"2.0","method":"_troupe/sentence","params":{"sessionId":"s","text":"it is done"}}'
read -r l)"));
  options.native = true;
  open(std::move(options));
  turn("k1", "go");
  CAF_CHECK_EQUAL(await_event("sentence").text, "it is done");
  CAF_CHECK_EQUAL(count("sentence"), 1u);
}

// ENV-4 ENV-7
CAF_TEST(a native session has its own environment and no credential in it) {
  job.env.emplace_back("MINE", "yes");
  job.credentials.credentials = {{"ANTHROPIC_API_KEY", "sk-secret-1"}};
  open(native());
  turn("k1", "bash env > env.txt");
  const auto env = content_of(folder + "/work/env.txt");
  for (const auto& line : {"TROUPE_SESSION_ID=ab12cd34\n", "MINE=yes\n"})
    CAF_CHECK(holds(env, line));
  CAF_CHECK(holds(env, "TROUPE_SESSION_DIR=" + folder + "\n"));
  CAF_CHECK(holds(env, "TMPDIR=" + folder + "/tmp\n"));
  CAF_CHECK(holds(env, "TROUPE_SOCKET=" + folder + "/sock\n"));
  CAF_CHECK(!holds(env, "sk-secret-1"));
  struct stat st {};
  CAF_CHECK(stat((folder + "/tmp").c_str(), &st) == 0 && (st.st_mode & 0777) == 0700);
}

// REST-5
CAF_TEST(prompts wait for their turn) {
  open(native());
  mkfifo((folder + "/work/gate").c_str(), 0600);
  harness->deliver("k1", "bash read x < gate");
  harness->deliver("k2", "say two");
  await([&] { return count("tool") > 1; });
  CAF_CHECK_EQUAL(count("sent"), 1u);
  std::ofstream(folder + "/work/gate") << "go\n";
  await_event("turn_ended", 2);
  CAF_CHECK_EQUAL(told({"ready", "started", "tool"}),
                  (words{"sent k1", "turn_ended k1 end_turn", "sent k2", "turn_ended k2 end_turn"}));
}

// STATE-3 BEYOND-7
CAF_TEST(a question is told with its choices and the first answer reaches the agent) {
  open(native());
  harness->deliver("k1", "ask Ready to go?");
  const auto asked = await_event("question");
  CAF_CHECK_EQUAL(asked.id, "q1.1");
  CAF_CHECK_EQUAL(asked.text, "Ready to go?");
  CAF_REQUIRE_EQUAL(asked.options.size(), 2u);
  CAF_CHECK_EQUAL(asked.options[1].name, "No");
  std::string question, chosen;
  CAF_CHECK(harness->answer("", "9", "the shell", question, chosen).code == errc::bad_request);
  CAF_CHECK(harness->answer("", "1", "the view", question, chosen).code == errc::ok);
  CAF_CHECK_EQUAL(question + " " + chosen, "q1.1 Yes");
  const auto late = harness->answer("q1.1", "2", "the shell", question, chosen);
  CAF_CHECK(late.code == errc::answered && holds(late.text, "by the view"));
  await_event("turn_ended");
  CAF_CHECK_EQUAL(said(), "The answer is Yes.");
}

// KEEP-2
CAF_TEST(a background shell of the native agent is work from its start to its end and counts once) {
  open(native());
  turn("k1", "background sleep 1000");
  CAF_CHECK_EQUAL(told({"ready", "started", "tool", "sent"}),
                  (words{"work [shell sleep 1000]", "turn_ended k1 end_turn"}));
  turn("k2", "kill sh-1");
  await([&] { return events.back().what != "work" && count("work") == 2; });
  CAF_CHECK(await_event("work", 2).work.empty());
}

// REST-4 REST-5
CAF_TEST(a resumed conversation is loaded and its history is not told again) {
  open(native());
  turn("k1", "say hello from the first run\nbash true");
  const auto id = await_event("ready").detail;
  harness->begin_end();
  await_end();
  make(native()).set_former_session(id);
  job.resume = true;
  job.run = 2;
  harness->start(job);
  turn("k2", "say more");
  CAF_CHECK_EQUAL(await_event("ready").detail, id);
  CAF_CHECK_EQUAL(said(), "more");
  CAF_CHECK_EQUAL(count("tool"), 0u);
}

// REST-5
CAF_TEST(an earlier conversation that cannot be loaded is noted and a new one begins) {
  job.resume = true;
  make(native()).set_former_session("nosuchsession");
  harness->start(job);
  CAF_CHECK(await_event("ready").detail != "nosuchsession");
  CAF_CHECK(holds(await_event("note").text, "could not be loaded"));
}

// SUP-4
CAF_TEST(an agent asked to end cancels its turn and its question and goes by itself) {
  open(native());
  harness->deliver("k1", "ask Stay?");
  harness->deliver("k2", "say never");
  await_event("question");
  harness->begin_end();
  CAF_CHECK_EQUAL(events.back().what + " " + events.back().text, "answered cancelled");
  await_end();
  CAF_CHECK(ended->status.known && !ended->status.signalled);
  CAF_CHECK_EQUAL(ended->status.value, 0);
  CAF_CHECK_EQUAL(await_event("turn_ended").detail, "cancelled");
  CAF_CHECK_EQUAL(count("sent"), 1u);
}

// REST-5
CAF_TEST(an agent that dies in a turn leaves the turn without an end) {
  open(native());
  harness->deliver("k1", "exit 3");
  harness->deliver("k2", "say never");
  await_end();
  CAF_CHECK(ended->status.known);
  CAF_CHECK_EQUAL(ended->status.value, 3);
  CAF_CHECK_EQUAL(count("turn_ended"), 0u);
  CAF_CHECK_EQUAL(count("sent"), 1u);
}

CAF_TEST(a directory that is gone is why a session failed to start) {
  job.spec.cwd = folder + "/nowhere";
  make(native()).start(job);
  await_end();
  CAF_CHECK(!ended->status.known);
  CAF_CHECK(holds(ended->evidence, "/nowhere"));
}

// ---- other agents

// ENV-4 ENV-7
CAF_TEST(another agent has the environment and the credentials from its start and runs in the directory) {
  job.credentials.credentials = {{"OPENAI_API_KEY", "sk-secret-2"}};
  job.env.emplace_back("OPENAI_API_KEY", "from the shell");
  open(script("env > \"$1/env.txt\"; pwd >> \"$1/env.txt\"\n" + std::string(opened) + "read -r l"));
  const auto env = content_of(folder + "/env.txt");
  CAF_CHECK(holds(env, "OPENAI_API_KEY=sk-secret-2\n"));
  CAF_CHECK(!holds(env, "from the shell"));
  CAF_CHECK(holds(env, "TROUPE_SESSION_ID=ab12cd34\n"));
  CAF_CHECK(env.ends_with(folder + "/work\n"));
}

// BEYOND-5: never with another mode than was meant
CAF_TEST(an advertised mode is set before the first prompt and one that is not is refused) {
  const std::string agent = R"(
read -r l; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}'
read -r l; say '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s","modes":{"currentModeId":"auto","availableModes":[{"id":"plan"}]}}}'
read -r l; printf '%s\n' "$l" > "$1/third"; say '{"jsonrpc":"2.0","id":3,"result":{}}'
read -r l
)";
  job.spec.permission_mode = "plan";
  open(script(agent));
  CAF_CHECK(holds(content_of(folder + "/third"),
                  R"("method":"session/set_mode","params":{"modeId":"plan","sessionId":"s"})"));
  CAF_CHECK_EQUAL(count("note"), 0u);
  job.spec.permission_mode = "bypassPermissions";
  make(script(agent)).start(job);
  await([&] { return ended.has_value(); });
  CAF_CHECK(!ended->status.known);
  CAF_CHECK(holds(ended->evidence, "has no permission mode 'bypassPermissions' and would run in 'auto'"));
  CAF_CHECK_EQUAL(count("ready"), 0u);
}

// BEYOND-5
CAF_TEST(a mode that the agent advertises and does not take is refused) {
  job.spec.permission_mode = "plan";
  make(script(R"(
read -r l; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1}}'
read -r l; say '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s","modes":{"currentModeId":"auto","availableModes":[{"id":"plan"}]}}}'
read -r l; say '{"jsonrpc":"2.0","id":3,"error":{"code":-32603,"message":"not today"}}'
read -r l
)"))
      .start(job);
  await([&] { return ended.has_value(); });
  CAF_CHECK(holds(ended->evidence, "did not take the permission mode plan: not today"));
  CAF_CHECK_EQUAL(count("ready"), 0u);
}

// KEEP-2
CAF_TEST(a process that outlives its turn is work until it ends) {
  mkfifo((folder + "/gate").c_str(), 0600);
  open(script(then("(setsid sh -c 'echo $$ > \"$0/pid\"; read x < \"$0/gate\"' \"$1\" > /dev/null 2>&1 &)\n"
                   "until [ -s \"$1/pid\" ]; do :; done\n" +
                   end_turn + "read -r l")));
  turn("k1", "go");
  CAF_CHECK_EQUAL(told({"ready", "started", "sent"}), (words{"work [process sh]", "turn_ended k1 end_turn"}));
  std::ofstream(folder + "/gate") << "go\n";
  CAF_CHECK(await_event("work", 2).work.empty());
}

// KEEP-2
CAF_TEST(a process that is named as no work counts as none) {
  auto agent = script(then("(setsid sleep 1000 > /dev/null 2>&1 & echo $! > \"$1/pid\")\n"
                           "until [ \"$(cat /proc/$(cat \"$1/pid\")/comm)\" = sleep ]; do :; done\n" +
                           end_turn + "read -r l"));
  agent.ignored_work = {"setsid", "sleep"};
  open(std::move(agent));
  turn("k1", "go");
  CAF_CHECK_EQUAL(count("work"), 0u);
  kill(pid_in("pid"), SIGKILL);
}

CAF_TEST(a method that is unknown gets its error and a permission its answer) {
  open(script(then(
      "say '{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"fs/read_text_file\",\"params\":{}}'\n"
      "read -r l; printf '%s\\n' \"$l\" > \"$1/first\"\n"
      "say '{\"jsonrpc\":\"2.0\",\"id\":9,\"method\":\"session/request_permission\",\"params\":{\"sessionId\":\"s\","
      "\"toolCall\":{\"toolCallId\":\"t\"},\"options\":[{\"optionId\":\"x\",\"name\":\"Sure\",\"kind\":"
      "\"allow_once\"}]}}'\n"
      "read -r l; printf '%s\\n' \"$l\" > \"$1/second\"\n" +
      end_turn + "read -r l")));
  harness->deliver("k1", "go");
  CAF_CHECK_EQUAL(await_event("question").text, "the agent asks for a permission");
  std::string question, chosen;
  CAF_CHECK(harness->answer("", "yes", "the view", question, chosen).code == errc::ok);
  await_event("turn_ended");
  const auto first = json::parse(content_of(folder + "/first")), second = json::parse(content_of(folder + "/second"));
  CAF_CHECK_EQUAL(first["id"].get<std::string>(), "a");
  CAF_CHECK_EQUAL(first["error"]["code"].get<int>(), -32601);
  CAF_CHECK_EQUAL(second["id"].get<int>(), 9);
  CAF_CHECK_EQUAL(second["result"]["outcome"]["optionId"].get<std::string>(), "x");
}

// ---- hostile agents

CAF_TEST(an agent that never answers is given up) {
  auto silent = script("trap '' TERM; while :; do sleep 1000; done");
  silent.patience = std::chrono::milliseconds(100);
  make(silent).warm_up();
  await_end();
  CAF_REQUIRE(warmed.has_value());
  CAF_CHECK(holds(*warmed, "did not answer initialize"));
  CAF_CHECK(events.empty());
  make(silent).start(job);
  await_end();
  CAF_CHECK(!ended->status.known);
  CAF_CHECK(holds(ended->evidence, "did not answer initialize"));
}

CAF_TEST(an agent that is not there is why a session failed to start) {
  make({"/nonexistent/agent", {"agent"}, {}, false}).start(job);
  CAF_CHECK(!ended.has_value());
  await_end();
  CAF_CHECK(!ended->status.known);
  CAF_CHECK(holds(ended->evidence, "cannot start the agent 'agent'"));
  CAF_CHECK_EQUAL(count("started"), 0u);
}

CAF_TEST(an agent that wants a sign in is why a session failed to start) {
  make(script(R"(
read -r l; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1,"authMethods":[{"id":"o","name":"Log in with a browser"}]}}'
read -r l; say '{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"Authentication required"}}'
read -r l)"))
      .start(job);
  await_end();
  CAF_CHECK(!ended->status.known);
  for (const auto& part :
       {"wants a sign-in: Authentication required", "troupe respawn ab12cd34", "Log in with a browser"})
    CAF_CHECK(holds(ended->evidence, part));
}

CAF_TEST(lines that are no messages are skipped and noted once) {
  open(script(then("say 'Welcome to the agent!'; say '{\"a\":'; say '[1,2]'; say '7'; say '\"x\"'; say ''; say '{}'\n"
                   "head -c 300000 /dev/zero | tr '\\000' '['; say ''\n" +
                   update("[1]") + update(R"({"sessionUpdate":"unknown_kind"})") +
                   update(R"({"sessionUpdate":"agent_message_chunk","content":"no object"})") +
                   update(R"({"sessionUpdate":"agent_message_chunk","content":{"type":"text","text":"fine"}})") +
                   end_turn + "read -r l")));
  turn("k1", "go");
  CAF_CHECK_EQUAL(said(), "fine");
  CAF_CHECK_EQUAL(count("note"), 1u);
  CAF_CHECK(holds(await_event("note").text, "Welcome to the agent!"));
}

CAF_TEST(a line without end is cut off and the agent is killed) {
  open(script(then("head -c 100000000 /dev/zero | tr '\\000' 'x'; read -r l")));
  harness->deliver("k1", "go");
  await_end();
  CAF_CHECK(ended->status.known && ended->status.signalled);
  CAF_CHECK(holds(ended->evidence, "a line of more than 8 MiB"));
}

CAF_TEST(a flood of pieces becomes few events and none is lost) {
  open(script(
      then("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); printf "
           "'{\"jsonrpc\":\"2.0\",\"method\":\"session/update\",\"params\":{\"sessionId\":\"s\",\"update\":"
           "{\"sessionUpdate\":\"agent_message_chunk\",\"content\":{\"type\":\"text\",\"text\":\"%05d,\"}}}}\\n' $i; "
           "done\n" +
           end_turn + "read -r l")));
  turn("k1", "go");
  CAF_CHECK_EQUAL(said().size(), 120000u);
  CAF_CHECK(said().starts_with("00001,00002,") && said().ends_with("19999,20000,"));
  CAF_CHECK(count("text") < 200u);
}

CAF_TEST(the end of an agents standard error is the evidence and secrets are struck out) {
  job.credentials.credentials = {{"OPENAI_API_KEY", "sk-secret-3"}};
  open(script(then("i=0; while [ $i -lt 3000 ]; do i=$((i+1)); echo \"line $i\" >&2; done\n"
                   "echo \"bad key $OPENAI_API_KEY\" >&2; exit 7")));
  harness->deliver("k1", "go");
  await_end();
  CAF_CHECK_EQUAL(ended->status.value, 7);
  CAF_CHECK(ended->evidence.size() <= output_tail::limit);
  CAF_CHECK(ended->evidence.starts_with("line "));
  CAF_CHECK(ended->evidence.ends_with("line 3000\nbad key ***"));
}

// What the loop has seen of a pipe, and what the end of the process makes read of it: in the order in which it was said
CAF_TEST(what is drained when an agent ends follows what has come before) {
  asio::io_context own;
  int said[2], errors[2], to[2];
  CAF_REQUIRE(::pipe2(said, O_CLOEXEC | O_NONBLOCK) == 0 && ::pipe2(errors, O_CLOEXEC | O_NONBLOCK) == 0 &&
              ::pipe2(to, O_CLOEXEC | O_NONBLOCK) == 0);
  unique_fd say(said[1]), complain(errors[1]), heard(to[0]);
  const auto write_all = [](int fd, std::string_view text) {
    CAF_REQUIRE_EQUAL(::write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  };
  write_all(say.get(), "{\"method\":\"a\"}\n");
  write_all(complain.get(), "first\n");
  std::string order;
  auto wire = acp_connection::create(own, unique_fd(said[0]), unique_fd(to[1]));
  wire->start({[&](const std::string& method, const json&, const json&) {
                 order += method;
                 return true;
               },
               [&](std::string_view line) { order += "garbage: " + std::string(line); },
               [](const std::string&, bool) {}});
  auto tail = output_tail::create(own, unique_fd(errors[0]));
  tail->start();
  write_all(say.get(), "{\"method\":\"b\"}\n");
  write_all(complain.get(), "second\n");
  wire->drain();
  tail->drain();
  own.poll();
  CAF_CHECK_EQUAL(order, "ab");
  CAF_CHECK_EQUAL(tail->text(), "first\nsecond");
  wire->close();
  tail->close();
  own.poll();
}

CAF_TEST(an agent that closes its output and lives on is killed) {
  open(script(then("exec > /dev/null; sleep 1000")));
  harness->deliver("k1", "go");
  await_end();
  CAF_CHECK(ended->status.signalled);
  CAF_CHECK(holds(ended->evidence, "it closed its output"));
}

CAF_TEST(a spare that is not wanted is killed with all it has started) {
  make(script("setsid sleep 1000 & echo $! > \"$1/pid\"\n" + std::string(opened))).warm_up();
  const auto below = pid_in("pid");
  await([&] { return warmed.has_value(); });
  harness->close_now();
  await_end();
  CAF_CHECK(ended->status.signalled);
  await([&] { return !runs(below); });
}

CAF_TEST(a harness that goes away takes its agent along) {
  make(script("echo $$ > \"$1/pid\"; while :; do sleep 1000; done")).warm_up();
  const auto pid = pid_in("pid");
  CAF_CHECK(runs(pid));
  harness.reset();
  await([&] { return !runs(pid); });
  CAF_CHECK(!ended.has_value());
}

CAF_TEST_FIXTURE_SCOPE_END()
