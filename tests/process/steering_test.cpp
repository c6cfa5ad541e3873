// How a running conversation goes on otherwise, which agent a dispatch gets when it names none, and the doctor.
#define CAF_SUITE steering
#include <filesystem>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::holds;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

json call(const sandbox& s, const std::string& method, json params) {
  auto socket = s.connect();
  return json::parse(test::ask(
      socket.get(), to_line({{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}})));
}

/// An agent of a few lines of shell, as a program called `name` in a folder of its own; gives the folder.
std::string install(const sandbox& s, const std::string& name, const std::string& lines) {
  auto folder = s.root() + "/agents";
  std::filesystem::create_directories(folder);
  spill(folder + "/" + name, "#!/bin/sh\nsay() { printf '%s\\n' \"$1\"; }\n" + lines);
  ::chmod((folder + "/" + name).c_str(), 0700);
  return folder;
}

constexpr const char* greets = R"(
read -r l; say '{"jsonrpc":"2.0","id":1,"result":{"protocolVersion":1,"agentInfo":{"name":"x","version":"7.8"},"authMethods":[{"id":"o","name":"By browser"}]}}'
read -r l
)";
constexpr const char* opens = R"(say '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"s"}}'; )";

struct path_with {
  explicit path_with(const std::string& folder) : before(std::getenv("PATH")) {
    ::setenv("PATH", (folder + ":" + before).c_str(), 1);
  }
  ~path_with() { ::setenv("PATH", before.c_str(), 1); }
  std::string before;
};

} // namespace

CAF_TEST(a turn is cancelled and the session goes on with what is said next) {
  sandbox s;
  auto id = s.bg({"wait " + s.work() + "/never"});
  CAF_CHECK(until(s, [&] { return holds(slurp(s.home() + "/sessions/" + id + "/transcript.jsonl"), "\"sent\""); }));
  CAF_CHECK_EQUAL(s.troupe({"cancel", id}).out, "cancelled · " + id + " · cancelled\n");
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "idle"; }));
  auto again = s.troupe({"cancel", id});
  CAF_CHECK_EQUAL(again.status, 1);
  CAF_CHECK(holds(again.err, "no turn of the session runs"));
  s.troupe({"reply", id, "say on we go"});
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK(holds(s.troupe({"why", id}).out, "the turn was cancelled"));
  CAF_CHECK(s.stop().empty());
}

// ENV-8
CAF_TEST(a mode that is set holds over a restart and what there is to choose is listed) {
  sandbox s;
  auto id = s.bg({"say hello there"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "permissionMode"), "default");
  auto set = s.troupe({"set", id, "--mode", "plan"});
  CAF_CHECK_EQUAL(set.out, "mode · " + id + " · plan\n");
  CAF_CHECK_EQUAL(s.field(id, "permissionMode"), "plan");
  auto wrong = s.troupe({"set", id, "--mode", "dance"});
  CAF_CHECK_EQUAL(wrong.status, 1);
  CAF_CHECK(holds(wrong.err, "the agent has no permission mode 'dance'") && holds(wrong.err, "it has: default"));
  CAF_CHECK(holds(s.troupe({"set", id}).out, "mode plan  (default, acceptEdits, plan, bypassPermissions)"));
  auto got = call(s, "session/get", {{"id", id}})["result"];
  CAF_CHECK_EQUAL(got["options"]["mode"], "plan");
  got = call(s, "session/set_option", {{"id", id}, {"option", "x"}, {"value", "y"}});
  CAF_CHECK_EQUAL(got["error"]["data"]["code"], "bad_request");
  s.troupe({"respawn", id});
  CAF_CHECK(until(s, [&] { return s.field(id, "process") == "alive" && s.field(id, "permissionMode") == "plan"; }));
  s.troupe({"stop", id});
  auto late = s.troupe({"set", id, "--mode", "default"});
  CAF_CHECK(holds(late.err, "the session has no process that could take it"));
  auto job = s.bg({"--exec", "sleep 1000"});
  CAF_CHECK(until(s, [&] { return s.field(job, "process") == "alive"; }));
  CAF_CHECK(holds(s.troupe({"cancel", job}).err, "a shell job has no turn"));
  CAF_CHECK(s.stop().empty());
}

// BEYOND-7, STATE-3: a form is a question like any other, answered once, from the shell by its fields
CAF_TEST(a form is shown with its fields and answered from the shell) {
  sandbox s;
  auto folder = install(s, "former", std::string(greets) + opens + R"(
read -r l; say '{"jsonrpc":"2.0","id":"f","method":"elicitation/create","params":{"mode":"form","sessionId":"s","message":"Where to?","requestedSchema":{"type":"object","properties":{"town":{"type":"string"},"days":{"type":"integer"}},"required":["town"]}}}'
read -r l; printf '%s\n' "$l" > answer; say '{"jsonrpc":"2.0","id":3,"result":{"stopReason":"end_turn"}}'; read -r l)");
  s.configure(json{{"harnesses", {{"former", {{"command", {folder + "/former"}}}}}}}.dump());
  auto id = s.bg({"--harness", "former", "plan a trip"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 3);
  auto row = s.row(id);
  CAF_CHECK_EQUAL(row["waitingFor"], "form");
  CAF_CHECK_EQUAL(row["question"]["data"]["schema"]["required"][0], "town");
  auto wrong = s.troupe({"answer", id, "days=2"});
  CAF_CHECK(holds(wrong.err, "field 'town' of the form is missing"));
  CAF_CHECK_EQUAL(s.troupe({"answer", id, "town=New York", "days=2"}).out, "answered · days=2, town=New York\n");
  auto late = s.troupe({"answer", id, "decline"});
  CAF_CHECK(holds(late.err, "by command"));
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  const auto heard = json::parse(slurp(s.work() + "/answer"));
  CAF_CHECK_EQUAL(heard["result"], R"({"action":"accept","content":{"days":2,"town":"New York"}})"_json);
  CAF_CHECK(s.stop().empty());
}

CAF_TEST(without a harness the first one that is ready is used and the answer says which) {
  sandbox s;
  auto folder = install(
      s, "qwen",
      std::string(greets) + opens +
          "read -r l; say '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"stopReason\":\"end_turn\"}}'; read -r l");
  path_with path(folder);
  auto first = s.troupe({"--bg", "say hello there"});
  CAF_CHECK(holds(first.err, "runs native, the first that is ready"));
  s.troupe({"daemon", "stop", "--any"});
  spill(s.home() + "/settings.json", "{}"); // no provider, no credential
  ::unsetenv("ANTHROPIC_API_KEY");
  ::unsetenv("OPENAI_API_KEY");
  auto other = s.troupe({"--bg", "--json", "say hello there"});
  const auto told = json::parse(other.out);
  CAF_CHECK_EQUAL(told["harness"], "qwen");
  CAF_CHECK_EQUAL(s.troupe({"wait", told["id"]}).status, 0);
  auto missing = s.troupe({"--bg", "--harness", "cline", "say hello there"});
  CAF_CHECK_EQUAL(missing.status, 1);
  CAF_CHECK(holds(missing.err, "the agent 'cline' is not installed: there is no program 'cline'"));
  CAF_CHECK(holds(missing.err, "npm install -g cline"));
  CAF_CHECK(s.stop().empty());
}

// SEC-6
CAF_TEST(mcp servers in arguments may name variables and hold no values) {
  sandbox s;
  auto secret = s.troupe(
      {"--bg", "--mcp-config", R"({"mcpServers":{"a":{"command":"x","env":{"TOKEN":"t-1"}}}})", "say hello there"});
  CAF_CHECK_EQUAL(secret.status, 2);
  CAF_CHECK(holds(secret.err, "the value of TOKEN could be a secret") && !holds(secret.err, "t-1"));
  CAF_CHECK_EQUAL(s.troupe({"--bg", "--mcp-config", "nowhere.json", "say hello there"}).status, 2);
  spill(s.work() + "/mcp.json", R"({"mcpServers":{}})");
  auto id = s.bg({"--mcp-config", "mcp.json", "--add-dir", ".", "say hello there"});
  CAF_CHECK(holds(slurp(s.home() + "/ledger.jsonl"), "\"mcpConfig\":\"" + s.work() + "/mcp.json\""));
  CAF_CHECK(holds(slurp(s.home() + "/ledger.jsonl"), "\"addDirs\":[\"" + s.work() + "\"]"));
  CAF_CHECK(s.stop().empty());
}

CAF_TEST(the doctor names faults and remedies and mends what it can) {
  sandbox s;
  auto folder = install(s, "well", std::string(greets) + opens + "read -r l");
  install(s, "stranger",
          std::string(greets) +
              R"(say '{"jsonrpc":"2.0","id":2,"error":{"code":-32000,"message":"Who are you?"}}'; read -r l)");
  install(s, "broken", "exit 1");
  s.configure(json{{"session", {{"idleSeconds", "x"}}},
                   {"harnesses",
                    {{"well", {{"command", {folder + "/well"}}}},
                     {"stranger", {{"command", {folder + "/stranger"}}, {"signIn", "stranger login"}}},
                     {"broken", {{"command", {folder + "/broken"}}}}}}}
                  .dump());
  std::filesystem::create_directories(s.home() + "/workers");
  ::chmod((s.home() + "/workers").c_str(), 0755);
  const auto left = s.home() + "/workers/9.sock";
  const int fd = ::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  left.copy(at.sun_path, sizeof at.sun_path - 1);
  CAF_REQUIRE(::bind(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) == 0);
  ::close(fd);

  auto sick = s.troupe({"doctor"});
  CAF_CHECK_EQUAL(sick.status, 1);
  for (const char* part :
       {"/workers is open to others", "nobody listens behind ", "/session/idleSeconds must be", "not running",
        "agent well: ready · 7.8", "agent stranger: sign-in missing", "stranger login (it offers: By browser)",
        "agent broken: does not start", "agent gemini: ", "✓ programs: troupe-worker "})
    if (!holds(sick.out, part))
      CAF_ERROR(part << " is missing in:\n" << sick.out);
  s.configure("{}");
  auto mended = s.troupe({"doctor", "--repair", "--no-agents"});
  CAF_CHECK_EQUAL(mended.status, 0);
  CAF_CHECK(holds(mended.out, "mended: nobody listens behind " + left));
  CAF_CHECK(!std::filesystem::exists(left));
  auto report = json::parse(s.troupe({"doctor", "--json", "--no-agents"}).out);
  for (const auto& f : report["findings"])
    CAF_CHECK(f["grade"] != "fault");
  CAF_CHECK(s.stop().empty());
}
