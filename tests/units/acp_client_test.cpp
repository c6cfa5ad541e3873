// The client's side in full: agents of a few lines that ask for everything that ACP lets them ask for.
#define CAF_SUITE acp_client

#include "caf/test/unit_test.hpp"

#include <fstream>

#include "tests/support/text.hpp"
#include "tests/units/acp_host.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// Lines of shell: a session with these fields in its answer, then `then`. `hear` reads a line and keeps it in the file
/// `heard`, `ask METHOD PARAMS ID` asks and hears the answer, `ok ID RESULT` answers.
std::string agent(const std::string& session, const std::string& then, const std::string& capabilities = "{}") {
  return "hear() { read -r l; printf '%s\\n' \"$l\" >> \"$dir/heard\"; }\n"
         "dir=$1\n"
         "ask() { say "
         "\"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":\\\"$3\\\",\\\"method\\\":\\\"$1\\\",\\\"params\\\":$2}\"; hear; "
         "}\n"
         "ok() { say \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"id\\\":$1,\\\"result\\\":$2}\"; }\n"
         "hear; ok 1 '{\"protocolVersion\":1,\"agentCapabilities\":" +
         capabilities + "}'\nhear; ok 2 '{\"sessionId\":\"s\"" + (session.empty() ? "" : "," + session) + "}'\n" + then;
}

constexpr const char* modes =
    R"("modes":{"currentModeId":"auto","availableModes":[{"id":"auto"},{"id":"ask"},{"id":"yolo"}]})";

struct fixture : acp_host {
  /// A part of the line that the agent has heard as its `which`-th, from 0; null where there is none.
  json heard(std::size_t which, const char* pointer = "") {
    std::ifstream in(folder + "/heard");
    std::string line;
    for (std::size_t i = 0; i <= which; ++i)
      if (!std::getline(in, line))
        return {};
    const auto all = json::parse(line);
    const json::json_pointer at{std::string(pointer)};
    return all.contains(at) ? all.at(at) : json();
  }
  acp_options driven(const std::string& lines, const json& row = json::object()) {
    auto o = script(lines);
    o.driver = driver_from_json(row);
    return o;
  }
  /// What came of a change; waits for it.
  std::string steer(const std::string& action, const std::string& name, const std::string& value) {
    std::optional<std::string> got;
    harness->steer(action, name, value, "the view", [&](const failure& error, const std::string& taken) {
      got = error.code == errc::ok ? taken : std::string(name_of(error.code)) + ": " + error.text;
    });
    await([&] { return got.has_value(); });
    return *got;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(acp_client_tests, fixture)

// acp.md: fs and terminal are not offered unless the driver says so
CAF_TEST(files and terminals are not offered and not served unless the driver says so) {
  open(driven(agent("", "hear; ask fs/read_text_file '{\"path\":\"/etc/passwd\"}' a; ask terminal/create "
                        "'{\"command\":\"true\"}' b; ask _x/y '{}' c; ok 3 '{\"stopReason\":\"end_turn\"}'; hear")));
  harness->deliver("k", "go");
  await_event("turn_ended");
  CAF_CHECK_EQUAL(heard(0, "/params/clientCapabilities/fs/readTextFile"), false);
  CAF_CHECK_EQUAL(heard(0, "/params/clientCapabilities/terminal"), false);
  CAF_CHECK_EQUAL(heard(0, "/params/clientCapabilities/elicitation"), R"({"form":{},"url":{}})"_json);
  for (std::size_t i : {3, 4, 5})
    CAF_CHECK_EQUAL(heard(i, "/error/code"), -32601);
}

CAF_TEST(files are read by lines and written where the driver offers them) {
  std::ofstream(folder + "/work/in") << "one\ntwo\nthree\n";
  const auto path = [&](const char* name) { return "\"path\":\"" + folder + "/work/" + name + "\""; };
  open(driven(
      agent("",
            "hear; ask fs/read_text_file '{" + path("in") + ",\"line\":2,\"limit\":1}' a\n" +
                "ask fs/write_text_file '{" + path("new/out") + ",\"content\":\"x\"}' b\n" +
                "ask fs/read_text_file '{" + path("none") + "}' c\n" +
                "ask fs/read_text_file '{\"path\":\"in\"}' d\nask fs/read_text_file '{\"path\":\"/dev/zero\"}' e\n" +
                "ok 3 '{\"stopReason\":\"end_turn\"}'; hear"),
      {{"fs", true}}));
  harness->deliver("k", "go");
  await_event("turn_ended");
  CAF_CHECK_EQUAL(heard(0, "/params/clientCapabilities/fs/writeTextFile"), true);
  CAF_CHECK_EQUAL(heard(3, "/result/content"), "two\n");
  CAF_CHECK_EQUAL(content_of(folder + "/work/new/out"), "x");
  CAF_CHECK_EQUAL(heard(5, "/error/code"), -32002);
  CAF_CHECK_EQUAL(heard(6, "/error/code"), -32602);
  CAF_CHECK_EQUAL(heard(7, "/error/code"), -32602);
}

CAF_TEST(a terminal runs in the session and tells its output and its end and can be killed) {
  open(driven(agent("", R"(hear
ask terminal/create '{"command":"/bin/sh","args":["-c","echo $MINE; pwd; echo 12345; exit 3"],"env":[{"name":"MINE","value":"m"}],"outputByteLimit":8}' a
ask terminal/wait_for_exit '{"terminalId":"term-1"}' b
ask terminal/output '{"terminalId":"term-1"}' c
ask terminal/release '{"terminalId":"term-1"}' d
ask terminal/output '{"terminalId":"term-1"}' e
ask terminal/create '{"command":"sleep","args":["1000"]}' f
ask terminal/kill '{"terminalId":"term-2"}' g
ask terminal/wait_for_exit '{"terminalId":"term-2"}' h
ask terminal/create '{"command":"/nonexistent"}' i
ask terminal/create '{"command":"sleep","args":["1000"]}' j
say '{"jsonrpc":"2.0","id":"w","method":"terminal/wait_for_exit","params":{"terminalId":"term-3"}}'
say '{"jsonrpc":"2.0","method":"$/cancel_request","params":{"requestId":"w"}}'; hear
ok 3 '{"stopReason":"end_turn"}'; hear)"),
              {{"terminal", true}}));
  harness->deliver("k", "go");
  await_event("turn_ended");
  CAF_CHECK_EQUAL(heard(3, "/result/terminalId"), "term-1");
  CAF_CHECK_EQUAL(heard(4, "/result/exitCode"), 3);
  CAF_CHECK_EQUAL(heard(5, "/result/output"), "k\n12345\n"); // the last eight bytes
  CAF_CHECK_EQUAL(heard(5, "/result/truncated"), true);
  CAF_CHECK_EQUAL(heard(5, "/result/exitStatus/exitCode"), 3);
  CAF_CHECK(heard(6).contains("result"));
  CAF_CHECK_EQUAL(heard(7, "/error/code"), -32002);
  CAF_CHECK_EQUAL(heard(10, "/result/signal"), "SIGKILL");
  CAF_CHECK_EQUAL(heard(11, "/error/code"), -32602);
  CAF_CHECK_EQUAL(heard(13, "/error/code"), -32800);
}

// STATE-3, BEYOND-7
CAF_TEST(a form of the agent is a question and its values reach the agent) {
  open(driven(agent("", R"(hear
ask elicitation/create '{"mode":"form","sessionId":"s","message":"Where to?","requestedSchema":{"properties":{"town":{"type":"string"},"days":{"type":"integer"}},"required":["town"]}}' a
ask elicitation/create '{"mode":"url","sessionId":"s","message":"Look","url":"javascript:x","elicitationId":"e"}' b
say '{"jsonrpc":"2.0","method":"elicitation/complete","params":{"elicitationId":"e"}}'
ok 3 '{"stopReason":"end_turn"}'; hear)")));
  harness->deliver("k", "go");
  const auto asked = await_event("question");
  CAF_CHECK_EQUAL(asked.text + " " + asked.detail, "Where to? form");
  CAF_CHECK(holds(asked.data, R"("required":["town"])"));
  std::string question, chosen;
  CAF_CHECK(harness->answer("", R"({"days": 2})", "the shell", question, chosen).code == errc::bad_request);
  CAF_CHECK(harness->answer("", R"({"town":"Rome","days":"2"})", "the shell", question, chosen).code == errc::ok);
  CAF_CHECK_EQUAL(chosen, "days=2, town=Rome");
  await_event("turn_ended");
  CAF_CHECK_EQUAL(heard(3, "/result"), R"({"action":"accept","content":{"days":2,"town":"Rome"}})"_json);
  CAF_CHECK_EQUAL(heard(4, "/error/code"), -32602);
}

// ENV-9: an agent whose own default asks nobody gets the safe mode
CAF_TEST(without a wish the safe mode of the driver is set and a wish goes by its table) {
  const json row{{"modes", {{"default", "ask"}, {"bypassPermissions", "yolo"}}}};
  open(driven(agent(modes, "hear; ok 3 '{}'; hear"), row));
  CAF_CHECK_EQUAL(heard(2, "/params/modeId"), "ask");
  CAF_CHECK_EQUAL(await_event("mode", 2).detail, "ask");
  std::ofstream(folder + "/heard", std::ios::trunc);
  job.spec.permission_mode = "bypassPermissions";
  open(driven(agent(modes, "hear; ok 3 '{}'; hear"), row));
  CAF_CHECK_EQUAL(heard(2, "/params/modeId"), "yolo");
}

// ENV-8
CAF_TEST(mode and model and options of a running session are changed through the agent) {
  open(driven(
      agent(
          std::string(modes) +
              R"(,"configOptions":[{"id":"m","category":"model","currentValue":"big","options":[{"value":"big"},{"value":"small"}]},{"id":"deep","type":"boolean","currentValue":false}])",
          "hear; ok 3 '{}'; hear; ok 4 '{\"configOptions\":[]}'; hear; ok 5 '{}'; hear; "
          "say '{\"jsonrpc\":\"2.0\",\"id\":6,\"error\":{\"code\":-32603,\"message\":\"not now\"}}'; hear; hear; hear"),
      {{"modes", {{"plan", "ask"}}}}));
  CAF_CHECK_EQUAL(steer("mode", "", "plan"), "ask");
  CAF_CHECK_EQUAL(await_event("mode", 2).id + " " + events.back().what, "asked options");
  CAF_CHECK(holds(steer("mode", "", "nonsense"),
                  "bad_request: the agent has no permission mode 'nonsense'\n  it has: auto, ask, yolo"));
  CAF_CHECK_EQUAL(steer("model", "", "small"), "small");
  CAF_CHECK_EQUAL(await_event("model", 2).detail, "small");
  CAF_CHECK(holds(steer("model", "", "huge"), "it has: big, small"));
  CAF_CHECK_EQUAL(steer("option", "deep", "true"), "true");
  CAF_CHECK_EQUAL(heard(4, "/params"), R"({"sessionId":"s","configId":"deep","type":"boolean","value":true})"_json);
  CAF_CHECK(holds(steer("option", "wide", "1"), "it has: m, deep"));
  CAF_CHECK(holds(steer("mode", "", "yolo"), "refused: the agent 'sh' did not take it: not now"));
  CAF_CHECK(holds(steer("cancel", "", ""), "wrong_state"));
}

// `$/cancel_request`: what is not answered in time is taken back
CAF_TEST(a change that the agent does not answer is withdrawn) {
  auto o = driven(agent(modes, "hear; hear; hear"));
  o.change_patience = std::chrono::milliseconds(50);
  open(std::move(o));
  CAF_CHECK(holds(steer("mode", "", "ask"), "timed_out"));
  await([&] { return heard(3).is_object(); });
  CAF_CHECK_EQUAL(heard(3, "/method"), "$/cancel_request");
  CAF_CHECK_EQUAL(heard(3, "/params/requestId"), heard(2, "/id"));
}

CAF_TEST(a cancelled turn ends as cancelled whatever the agent says and the next prompt follows) {
  open(driven(
      agent("", "hear; hear; say '{\"jsonrpc\":\"2.0\",\"id\":3,\"error\":{\"code\":-32603,\"message\":\"aborted\"}}'\n"
                "hear; ok 4 '{\"stopReason\":\"end_turn\"}'; hear")));
  harness->deliver("k1", "go");
  harness->deliver("k2", "go on");
  CAF_CHECK_EQUAL(steer("cancel", "", ""), "cancelled");
  await_event("turn_ended", 2);
  CAF_CHECK_EQUAL(heard(3, "/method"), "session/cancel");
  CAF_CHECK_EQUAL(await_event("turn_ended").detail, "cancelled");
  CAF_CHECK_EQUAL(await_event("turn_ended", 2).detail, "end_turn");
  CAF_CHECK_EQUAL(await_event("cancel").detail, "the view");
}

// CRED-7, SEC-5
CAF_TEST(a credential comes late where the agent takes it late) {
  job.credentials.credentials = {{"X_API_KEY", "sk-secret-9"}};
  const json row{{"credentialsBy", "authenticate"}, {"authenticate", {{"method", "key"}, {"meta", "api-key"}}}};
  open(driven("env > \"$1/env\"\ndir=$1; hear() { read -r l; printf '%s\\n' \"$l\" >> \"$dir/heard\"; }\n"
              "hear; say '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":1}}'\n"
              "hear; say '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{}}'\n"
              "hear; say '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"sessionId\":\"s\"}}'; hear",
              row));
  CAF_CHECK(!holds(content_of(folder + "/env"), "sk-secret-9"));
  CAF_CHECK_EQUAL(heard(1, "/method"), "authenticate");
  CAF_CHECK_EQUAL(heard(1, "/params"), R"({"methodId":"key","_meta":{"api-key":"sk-secret-9"}})"_json);
  std::ofstream(folder + "/heard", std::ios::trunc);
  open(driven(agent("", "hear"), {{"credentialsBy", "session"}, {"sessionMeta", "/claudeCode/options/env"}}));
  CAF_CHECK_EQUAL(heard(1, "/params/_meta/claudeCode/options/env/X_API_KEY"), "sk-secret-9");
}

// CRED-7: never one that just happens to be there
CAF_TEST(an agent that takes one credential late gets the one of its row) {
  json row{{"credentials", true},
           {"credentialsBy", "authenticate"},
           {"authenticate", {{"method", "key"}, {"meta", "api-key"}, {"variable", "X_API_KEY"}}}};
  const std::string takes = "dir=$1; hear() { read -r l; printf '%s\\n' \"$l\" >> \"$dir/heard\"; }\n"
                            "hear; say '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":1}}'\n"
                            "hear; say '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"sessionId\":\"s\"}}'\n"
                            "hear; say '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"sessionId\":\"s\"}}'; hear";
  job.credentials.credentials = {{"OTHER_API_KEY", "sk-of-another"}, {"X_API_KEY", "sk-secret-9"}};
  open(driven(takes, row));
  CAF_CHECK_EQUAL(heard(1, "/params"), R"({"methodId":"key","_meta":{"api-key":"sk-secret-9"}})"_json);
  CAF_CHECK(!holds(content_of(folder + "/heard"), "sk-of-another"));
  std::ofstream(folder + "/heard", std::ios::trunc);
  job.credentials.credentials = {{"OTHER_API_KEY", "sk-of-another"}};
  open(driven(takes, row));
  CAF_CHECK_EQUAL(heard(1, "/method"), "session/new");
  std::ofstream(folder + "/heard", std::ios::trunc);
  row["credentials"] = {"OTHER_API_KEY"}; // the user has named it
  open(driven(takes, row));
  CAF_CHECK_EQUAL(heard(1, "/params/_meta/api-key"), "sk-of-another");
}

CAF_TEST(further directories and mcp servers go to an agent that takes them and are noted for one that does not) {
  job.spec.add_dirs = {folder};
  job.spec.mcp_config = R"({"mcpServers":{"a":{"command":"/bin/true"},"b":{"url":"http://localhost:1"}}})";
  open(driven(
      agent("", "hear", R"({"sessionCapabilities":{"additionalDirectories":{}},"mcpCapabilities":{"http":true}})")));
  CAF_CHECK_EQUAL(heard(1, "/params/additionalDirectories/0"), folder);
  CAF_CHECK_EQUAL(heard(1, "/params/mcpServers").size(), 2u);
  CAF_CHECK_EQUAL(count("note"), 0u);
  std::ofstream(folder + "/heard", std::ios::trunc);
  open(driven(agent("", "hear")));
  CAF_CHECK(!heard(1, "/params").contains("additionalDirectories"));
  CAF_CHECK_EQUAL(heard(1, "/params/mcpServers").size(), 1u);
  CAF_CHECK_EQUAL(count("note"), 2u);
}

CAF_TEST(mcp servers of the settings go to every agent and the first of a name counts) {
  job.spec.mcp_config = R"({"mcpServers":{"a":{"command":"/bin/true"}}})";
  job.settings = R"({"mcpServers":{"a":{"command":"/bin/false"},"c":{"command":"/bin/echo","args":["hi"]}}})";
  open(driven(agent("", "hear")));
  CAF_CHECK_EQUAL(heard(1, "/params/mcpServers").size(), 2u);
  CAF_CHECK_EQUAL(heard(1, "/params/mcpServers/0/command"), "/bin/true");
  CAF_CHECK_EQUAL(heard(1, "/params/mcpServers/1/name"), "c");
}

CAF_TEST(what an agent tells of itself counts from the start of its session on) {
  const std::string tell =
      "tell() { say \"{\\\"jsonrpc\\\":\\\"2.0\\\",\\\"method\\\":\\\"session/update\\\",\\\"params\\\":{"
      "\\\"sessionId\\\":\\\"s\\\",\\\"update\\\":$1}}\"; }\n";
  open(driven(agent(
      "",
      tell +
          R"(tell '{"sessionUpdate":"available_commands_update","availableCommands":[{"name":"web","description":"d"}]}'
hear; tell '{"sessionUpdate":"plan","entries":[{"content":"look","status":"pending","priority":"low"}]}'
tell '{"sessionUpdate":"session_info_update","title":"A trip"}'; tell '{"sessionUpdate":"notice","severity":"info","title":"slow today"}'
tell '{"sessionUpdate":"usage_update","used":7,"size":10}'
ok 3 '{"stopReason":"end_turn","usage":{"inputTokens":3,"outputTokens":4,"totalTokens":7}}'; hear)")));
  harness->deliver("k", "go");
  await_event("turn_ended");
  CAF_CHECK(holds(await_event("commands").data, "\"web\""));
  CAF_CHECK(holds(await_event("plan").data, "look"));
  CAF_CHECK_EQUAL(await_event("title").text, "A trip");
  CAF_CHECK_EQUAL(await_event("note").text, "slow today");
  CAF_CHECK_EQUAL(await_event("usage", 2).data,
                  R"({"inputTokens":3,"outputTokens":4,"size":10,"totalTokens":7,"used":7})");
}

CAF_TEST_FIXTURE_SCOPE_END()
