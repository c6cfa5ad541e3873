// The real troupe-agent and troupe-model against a model server on loopback, in each dialect and with each fault.
#define CAF_SUITE agent_model
#include <csignal>
#include <map>

#include <unistd.h>

#include "caf/test/unit_test.hpp"

#include "runtime/io/process.hpp"
#include "tests/support/model_stub.hpp"
#include "tests/units/agent_client.hpp"

using troupe::test::agent_client;
using troupe::test::json;
using troupe::test::model_stub;
using troupe::test::scratch_folder;
using troupe::test::text_of_file;

namespace {

json quick() {
  return {{"native", {{"tries", 3}, {"retryMs", 5}, {"stallSeconds", 1}, {"firstByteSeconds", 1}}}};
}

/// An object as a list of pairs.
json pairs(const json& object) {
  auto list = json::array();
  for (const auto& [name, value] : object.items())
    list.push_back(json::array({name, value}));
  return list;
}

struct fixture {
  scratch_folder work;
  model_stub stub{true};
  agent_client agent{work};
  std::string session;

  /// Opens a session with that provider at the stub.
  void open(const std::string& provider, json variables = json::object(), json settings = quick(),
            json definition = json()) {
    json all{{"ANTHROPIC_BASE_URL", stub.url()},
             {"OPENAI_BASE_URL", stub.url() + "/v1"},
             {"ANTHROPIC_BEDROCK_BASE_URL", stub.url()},
             {"ANTHROPIC_VERTEX_BASE_URL", stub.url()},
             {"AWS_REGION", "us-east-1"},
             {"AWS_ACCESS_KEY_ID", model_stub::aws_key},
             {"AWS_SECRET_ACCESS_KEY", model_stub::aws_secret},
             {"ANTHROPIC_VERTEX_PROJECT_ID", "p"},
             {"PATH", "/usr/bin:/bin"},
             {"HOME", work.path}};
    all.update(variables);
    folder = work / ("session" + std::to_string(++sessions));
    session =
        agent.open_session("bypassPermissions",
                           {{"provider", provider},
                            {"sessionDir", folder},
                            {"model", "stub"},
                            {"env", pairs(all)},
                            {"settings", settings},
                            {"definition", definition},
                            {"snapshot", pairs({{"ANTHROPIC_API_KEY", "the-key"}, {"OPENAI_API_KEY", "other-key"}})}});
  }

  /// The stop reason of a prompt's answer, or its error.
  std::string prompt(const std::string& text) {
    answer = agent.prompt(session, text);
    return answer.contains("error") ? answer["error"]["message"].get<std::string>()
                                    : answer["result"]["stopReason"].get<std::string>();
  }
  /// What the agent has said.
  [[nodiscard]] std::string spoken() const {
    auto all = agent.said();
    std::erase(all, '|');
    return all;
  }
  json answer;
  std::string folder; ///< of the session
  int sessions = 0;
};

const char* helper = "echo the-token";

/// The agent's troupe-model; 0 where there is none.
pid_t transport_of(pid_t agent) {
  for (const auto& each : troupe::descendants(agent))
    if (text_of_file("/proc/" + std::to_string(each.pid) + "/comm") == "troupe-model\n")
      return each.pid;
  return 0;
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(agent_model_tests, fixture)

// VIEW-8
CAF_TEST(a small model says in a sentence what a turn came to and is not waited for) {
  auto settings = quick();
  settings["native"]["sentenceModel"] = "small";
  open("anthropic", json::object(), settings);
  stub.add(json::array({{{"text", "The test failed for want of a file. I made one; it passes."}},
                        {{"text", "\"Made the missing file; the test passes.\"\nMore."}}}));
  CAF_CHECK_EQUAL(prompt("mend the test"), "end_turn");
  const auto told = agent.await([](const json& m) { return m.value("method", "") == "_troupe/sentence"; });
  CAF_CHECK_EQUAL(told["params"]["sessionId"], session);
  CAF_CHECK_EQUAL(told["params"]["text"], "Made the missing file; the test passes.");
  const auto first = stub.request();
  CAF_CHECK_EQUAL(first["body"]["model"], "stub");
  const auto asked = stub.request()["body"];
  CAF_CHECK_EQUAL(asked["model"], "small");
  CAF_CHECK(asked.dump().find("mend the test") != std::string::npos);
  CAF_CHECK(asked.dump().find("I made one; it passes.") != std::string::npos);
  CAF_CHECK(!asked.contains("tools") || asked["tools"].empty());
  // it is no part of the conversation, and its failure nobody's
  stub.add(json::array(
      {{{"text", "Yes."}}, {{"status", 400}, {"message", "no"}}, {{"text", "Again."}}, {{"text", "Said it again."}}}));
  CAF_CHECK_EQUAL(prompt("does it?"), "end_turn");
  CAF_CHECK(stub.request()["body"].dump().find("Made the missing file") == std::string::npos);
  const auto second = stub.request();
  CAF_CHECK_EQUAL(second["body"]["model"], "small");
  CAF_CHECK_EQUAL(prompt("again"), "end_turn");
  const auto again = agent.await([](const json& m) { return m.value("method", "") == "_troupe/sentence"; });
  CAF_CHECK_EQUAL(again["params"]["text"], "Said it again.");
}

// NAT-1
CAF_TEST(a turn with thoughts a tool and words goes the same way in each dialect) {
  const std::map<std::string, std::string> paths{
      {"anthropic", "/v1/messages"},
      {"openai", "/v1/chat/completions"},
      {"bedrock", "/model/stub/invoke-with-response-stream"},
      {"vertex", "/projects/p/locations/global/publishers/anthropic/models/stub:streamRawPredict"}};
  for (const auto& [provider, path] : paths) {
    auto settings = quick();
    settings["native"]["vertexTokenHelper"] = helper;
    open(provider, json::object(), settings);
    agent.seen.clear();
    stub.add(json::array({{{"thinking", "let me see"},
                           {"text", "I look."},
                           {"calls", {{{"name", "bash"}, {"input", {{"command", "echo $((40+2))"}}}}}}},
                          {{"text", "It is 42."}, {"usage", {{"input", 3}, {"output", 4}, {"cached", 5}}}}}));
    CAF_CHECK_EQUAL(prompt("what is it?"), "end_turn");
    CAF_CHECK_EQUAL(spoken(), "I look.It is 42.");
    const auto first = stub.request(), second = stub.request();
    CAF_CHECK_EQUAL(first["path"].get<std::string>(), path);
    const auto& headers = first["headers"];
    if (provider == "anthropic")
      CAF_CHECK_EQUAL(headers["x-api-key"].get<std::string>(), "the-key");
    if (provider == "openai")
      CAF_CHECK_EQUAL(headers["authorization"].get<std::string>(), "Bearer other-key");
    if (provider == "vertex")
      CAF_CHECK_EQUAL(headers["authorization"].get<std::string>(), "Bearer the-token");
    if (provider == "bedrock")
      CAF_CHECK_EQUAL(first["signed"], json(true));
    const auto sent = second["body"]["messages"].dump();
    CAF_CHECK(sent.find("42\\n") != std::string::npos);
    if (provider != "openai")
      CAF_CHECK(sent.find(R"("signature":"sig)") != std::string::npos);
    const auto usage = answer["result"].value("usage", json::object({{"none", answer}}));
    CAF_MESSAGE(usage.dump());
    CAF_CHECK_EQUAL(usage.value("inputTokens", 0), 13);
    CAF_CHECK_EQUAL(usage.value("cachedReadTokens", 0), 5);
  }
}

// NAT-1
CAF_TEST(what may pass is tried again and then the turn goes on as if nothing was) {
  open("anthropic");
  stub.add(json::array({{{"status", 429}, {"retryAfter", 0.05}},
                        {{"status", 529}},
                        {{"text", "After all."}},
                        {{"status", 500}},
                        {{"drop", "connect"}},
                        {{"text", "Again."}},
                        {{"drop", "headers"}},
                        {{"stall", "headers"}},
                        {{"text", "And again."}}}));
  for (const char* words : {"After all.", "Again.", "And again."}) {
    agent.seen.clear();
    CAF_CHECK_EQUAL(prompt("go"), "end_turn");
    CAF_CHECK_EQUAL(spoken(), words);
    const auto first = stub.request(), second = stub.request(), third = stub.request();
    CAF_CHECK_EQUAL(first["body"], second["body"]);
    if (std::string(words) == "After all.")
      CAF_CHECK(second["t"].get<double>() - first["t"].get<double>() >= 0.05);
  }
}

// NAT-1, CRED-8
CAF_TEST(each fault has its own words and the conversation goes on after it) {
  open("anthropic");
  const std::vector<std::pair<json, std::string>> faults{
      {{{"status", 401}, {"message", "who are you"}}, "127.0.0.1 refused the sign-in (401): who are you\n"},
      {{{"status", 403}}, "127.0.0.1 refused the sign-in (403)"},
      {{{"status", 404}}, "127.0.0.1 does not know the model 'stub'"},
      {{{"status", 400}, {"message", "no"}}, "127.0.0.1 refused the request (400): no\n"},
      {{{"status", 307}, {"location", stub.url() + "/other"}}, "127.0.0.1 redirects elsewhere"},
      {{{"status", 429}, {"retryAfter", 7200}}, "127.0.0.1 is rate limiting (429)"},
      {{{"text", "half of it"}, {"drop", 2}}, "the connection to 127.0.0.1 was dropped"},
      {{{"text", "half of it"}, {"stall", 2}}, "127.0.0.1 went silent: nothing came for 1 s\n"},
      {{{"text", "half"}, {"error", "overloaded_error"}}, "127.0.0.1 is overloaded"},
      {{{"raw", {{"no", "stream"}}}}, "the connection to 127.0.0.1 was dropped"},
  };
  for (const auto& [step, words] : faults) {
    stub.add(step);
    if (step.contains("raw"))
      stub.add(json::array({step, step})); // it is tried again: nothing was said
    const auto got = prompt("go");
    CAF_CHECK_EQUAL(got.substr(0, words.size()), words);
    CAF_CHECK(got.find("\n  ") != std::string::npos);
  }
  stub.add({{"text", "Fine now."}});
  agent.seen.clear();
  CAF_CHECK_EQUAL(prompt("and now?"), "end_turn");
  CAF_CHECK_EQUAL(spoken(), "Fine now.");
  for (std::size_t i = 0; i < faults.size() + 2; ++i)
    stub.request();
  const auto last = stub.request()["body"]["messages"].dump();
  CAF_CHECK(last.find("half") != std::string::npos);
  for (const auto& m : agent.seen)
    CAF_CHECK(m.dump().find("the-key") == std::string::npos);
  CAF_CHECK(troupe::test::text_of_file(folder + "/conversation.jsonl").find("the-key") == std::string::npos);
}

// NAT-1
CAF_TEST(a server that is not there and a name that is none and a wrong certificate are told apart) {
  auto settings = quick();
  settings["native"]["tries"] = 1;
  open("anthropic", {{"ANTHROPIC_BASE_URL", "http://127.0.0.1:1"}}, settings);
  CAF_CHECK(prompt("go").starts_with("no connection to 127.0.0.1: Connection refused\n"));
  open("anthropic", {{"ANTHROPIC_BASE_URL", "https://no-such-host.invalid"}}, settings);
  CAF_CHECK(prompt("go").starts_with("the name no-such-host.invalid was not found"));
  // a proxy is asked for what is not on loopback, and hears no secret
  open("anthropic", {{"ANTHROPIC_BASE_URL", "https://no-such-host.invalid"}, {"https_proxy", stub.url()}}, settings);
  CAF_CHECK(prompt("go").starts_with("no connection to no-such-host.invalid: the proxy answers 403\n"));
  const auto asked = stub.next()["request"];
  CAF_CHECK_EQUAL(asked["path"].get<std::string>(), "no-such-host.invalid:443");
  CAF_CHECK(asked.dump().find("the-key") == std::string::npos);
  open("anthropic", {{"http_proxy", "http://127.0.0.1:1"}, {"https_proxy", "http://127.0.0.1:1"}}, settings);
  CAF_CHECK_EQUAL(prompt("go"), "end_turn");
  open("anthropic", {{"ANTHROPIC_BASE_URL", stub.tls_url()}}, settings);
  CAF_CHECK(prompt("go").starts_with("no safe connection to 127.0.0.1: SSL certificate problem"));
  open("anthropic", {{"ANTHROPIC_BASE_URL", stub.tls_url()}, {"SSL_CERT_FILE", stub.certificate()}}, settings);
  CAF_CHECK_EQUAL(prompt("go"), "end_turn");
}

// CRED-4
CAF_TEST(without a credential the prompt says how to get one and can be tried again) {
  session = agent.open_session("bypassPermissions", {{"provider", ""}});
  const auto got = prompt("go");
  CAF_CHECK(got.starts_with("Could not resolve authentication method\n"));
  CAF_CHECK(got.find("troupe login") != std::string::npos && got.find("--model offline") != std::string::npos);
  CAF_CHECK(prompt("again").starts_with("Could not resolve"));
}

// NAT-1
CAF_TEST(a cancel is heard while a request waits and while it streams and while it is about to be tried again) {
  auto settings = quick();
  settings["native"] = {{"retryMs", 60'000}};
  open("anthropic", json::object(), settings);
  for (const json& step : {json{{"stall", "connect"}}, json{{"text", "some words"}, {"stall", 2}}}) {
    stub.add(step);
    const auto id = agent.start_prompt(session, "go");
    stub.request();
    if (step.contains("text"))
      agent.await([](const json& m) { return m.dump().find("agent_message_chunk") != std::string::npos; });
    agent.notify("session/cancel", {{"sessionId", session}});
    CAF_CHECK_EQUAL(agent.response(id)["result"]["stopReason"].get<std::string>(), "cancelled");
    CAF_CHECK(stub.next().contains("gone")); // the connection was closed
  }
  stub.add({{"status", 500}});
  const auto id = agent.start_prompt(session, "go");
  agent.await([](const json& m) { return m.dump().find("tries again in") != std::string::npos; });
  agent.notify("session/cancel", {{"sessionId", session}});
  CAF_CHECK_EQUAL(agent.response(id)["result"]["stopReason"].get<std::string>(), "cancelled");
  stub.add({{"text", "Here."}});
  CAF_CHECK_EQUAL(prompt("go on"), "end_turn");
}

// NAT-1, SEC-5
CAF_TEST(the program that carries the requests may die and has no secret to show and ends with its agent) {
  open("anthropic");
  stub.add(json::array({{{"stall", "connect"}}, {{"text", "Back."}}}));
  const auto id = agent.start_prompt(session, "go");
  stub.request();
  const auto first = transport_of(agent.pid());
  CAF_REQUIRE(first > 0);
  for (const char* file : {"/cmdline", "/environ"})
    CAF_CHECK(text_of_file("/proc/" + std::to_string(first) + file).find("the-key") == std::string::npos);
  CAF_CHECK_EQUAL(::kill(first, SIGKILL), 0);
  CAF_CHECK_EQUAL(agent.response(id)["result"]["stopReason"].get<std::string>(), "end_turn");
  CAF_CHECK_EQUAL(spoken(), "Back.");
  const auto second = transport_of(agent.pid());
  CAF_CHECK(second > 0 && second != first);
  const auto identity = troupe::identify(second);
  agent.kill_hard();
  for (int i = 0; i < 1000 && identity && troupe::alive(*identity); ++i)
    ::usleep(10'000);
  CAF_CHECK(identity && !troupe::alive(*identity));
}

// NAT-1
CAF_TEST(at rest the agent is alone and the next turn works as the first) {
  auto settings = quick();
  settings["native"]["transportRestSeconds"] = 0;
  open("anthropic", json::object(), settings);
  for (int i = 0; i < 2; ++i) {
    CAF_CHECK_EQUAL(prompt("go"), "end_turn");
    for (int n = 0; n < 1000 && transport_of(agent.pid()) != 0; ++n)
      ::usleep(10'000);
    CAF_CHECK_EQUAL(transport_of(agent.pid()), 0);
  }
}

// NAT-1
CAF_TEST(a helper that fails is told and one whose token is refused runs again) {
  auto settings = quick();
  settings["native"]["vertexTokenHelper"] = "exit 3";
  open("vertex", json::object(), settings);
  const auto got = prompt("go");
  CAF_CHECK(got.starts_with("Could not resolve authentication method\n'exit 3' failed with status 3\n"));
  settings["native"]["vertexTokenHelper"] = "echo x >> runs; echo token-$(wc -l < runs)";
  open("vertex", json::object(), settings);
  stub.add(json::array({{{"status", 401}}, {{"text", "Yes."}}, {{"text", "Kept."}}}));
  CAF_CHECK_EQUAL(prompt("go"), "end_turn");
  CAF_CHECK_EQUAL(prompt("go"), "end_turn");
  for (const char* token : {"Bearer token-1", "Bearer token-2", "Bearer token-2"})
    CAF_CHECK_EQUAL(stub.request()["headers"]["authorization"].get<std::string>(), token);
}

// NAT-1
CAF_TEST(a full conversation is compacted and goes on and its file keeps all) {
  auto settings = quick();
  settings["native"]["models"] = {{"stub", {{"window", 1000}, {"input", 1.0}, {"output", 2.0}}}};
  open("anthropic", json::object(), settings);
  const json full{{"input", 800}, {"output", 100}};
  stub.add(json::array(
      {{{"text", "First."}},
       {{"text", "I look."}, {"usage", full}, {"calls", {{{"name", "bash"}, {"input", {{"command", "seq 2000"}}}}}}},
       {{"text", "SUMMARY"}},
       {{"text", "Done."}}}));
  CAF_CHECK_EQUAL(prompt("remember the word plum"), "end_turn");
  CAF_CHECK_EQUAL(prompt("and count"), "end_turn");
  CAF_CHECK(spoken().ends_with("Done."));
  stub.request();
  stub.request();
  const auto asked = stub.request()["body"]["messages"].dump(), after = stub.request()["body"]["messages"].dump();
  CAF_CHECK(asked.find("plum") != std::string::npos && asked.find("about to be shortened") != std::string::npos);
  CAF_CHECK(after.find("SUMMARY") != std::string::npos && after.find("plum") == std::string::npos);
  const auto file = troupe::test::text_of_file(folder + "/conversation.jsonl");
  CAF_CHECK(file.find("plum") != std::string::npos && file.find(R"("compacted")") != std::string::npos);
  std::vector<json> told;
  for (const auto& m : agent.seen)
    if (m.dump().find("usage_update") != std::string::npos)
      told.push_back(m["params"]["update"]);
  CAF_REQUIRE_EQUAL(told.size(), 3u);
  CAF_CHECK_EQUAL(told[1]["used"], 900);
  CAF_CHECK_EQUAL(told[1]["size"], 1000);
  CAF_CHECK(told[2]["cost"]["amount"].get<double>() > told[1]["cost"]["amount"].get<double>());
  // another process goes on behind the compaction
  agent.call("session/close", {{"sessionId", session}});
  const auto loaded = agent.load_session(session, {{"provider", "anthropic"},
                                                   {"sessionDir", folder},
                                                   {"model", "stub"},
                                                   {"settings", settings},
                                                   {"env", pairs({{"ANTHROPIC_BASE_URL", stub.url()}})},
                                                   {"snapshot", pairs({{"ANTHROPIC_API_KEY", "k"}})}});
  CAF_CHECK(!loaded.contains("error"));
  stub.add({{"text", "Still here."}});
  CAF_CHECK_EQUAL(prompt("go on"), "end_turn");
  const auto last = stub.request()["body"]["messages"].dump();
  CAF_CHECK(last.find("SUMMARY") != std::string::npos && last.find("Done.") != std::string::npos);
  CAF_CHECK(last.find("plum") == std::string::npos);
}

// NAT-1
CAF_TEST(a conversation that the provider finds too long is compacted once and tried again) {
  open("openai");
  const json refusal{{"status", 400}, {"message", "this model's maximum context length is 5 tokens"}};
  stub.add(json::array({{{"text", "First."}}, refusal, {{"text", "SUMMARY"}}, {{"text", "Second."}}}));
  CAF_CHECK_EQUAL(prompt("one"), "end_turn");
  CAF_CHECK_EQUAL(prompt("two"), "end_turn");
  stub.add(json::array({refusal, {{"text", "SUMMARY"}}, refusal}));
  CAF_CHECK(prompt("three").starts_with("the conversation is too long for 'stub' (400)"));
  stub.add({{"text", "Four."}});
  CAF_CHECK_EQUAL(prompt("four"), "end_turn");
}

// NAT-2, CRED-5: its definition's model, with the credentials that the session has by then
CAF_TEST(a subagent asks the model of its definition and one that wants a worktree is refused) {
  const auto agents =
      json::array({{{"name", "quick"}, {"description", "d"}, {"path", work / "quick.md"}, {"model", "haiku"}},
                   {{"name", "alike"}, {"description", "d"}, {"path", work / "alike.md"}, {"model", "inherit"}},
                   {{"name", "apart"}, {"description", "d"}, {"path", work / "apart.md"}, {"isolation", "worktree"}}});
  open("anthropic", {{"ANTHROPIC_DEFAULT_HAIKU_MODEL", "small-one"}}, quick(), {{"catalog", {{"agents", agents}}}});
  auto task = [](const char* named) {
    return json{{"name", "task"}, {"input", {{"description", "look"}, {"prompt", "look at it"}, {"agent", named}}}};
  };
  stub.add(json::array({{{"calls", {task("quick")}}},
                        {{"text", "One."}},
                        {{"calls", {task("alike")}}},
                        {{"text", "Two."}},
                        {{"calls", {task("apart")}}},
                        {{"text", "Three."}}}));
  CAF_CHECK_EQUAL(prompt("go"), "end_turn");
  std::vector<std::string> models;
  json last;
  for (int i = 0; i < 6; ++i) {
    last = stub.request();
    models.push_back(last["body"]["model"]);
  }
  CAF_CHECK_EQUAL(models, (std::vector<std::string>{"stub", "small-one", "stub", "stub", "stub", "stub"}));
  CAF_CHECK(last["body"]["messages"].dump().find(
                "the agent apart works in a worktree of its own, which a subagent cannot "
                "have: it can be a session, by troupe --bg --agent apart") != std::string::npos);
  agent.notify("_troupe/credentials", {{"sessionId", session},
                                       {"snapshot", pairs(json::object({{"ANTHROPIC_API_KEY", "the-new-key"}}))},
                                       {"snapshotEpoch", 9}});
  stub.add(json::array({{{"calls", {task("quick")}}}, {{"text", "One."}}, {{"text", "Two."}}}));
  CAF_CHECK_EQUAL(prompt("again"), "end_turn");
  for (int i = 0; i < 3; ++i) {
    const auto asked = stub.request();
    CAF_CHECK_EQUAL(asked["headers"]["x-api-key"], "the-new-key");
  }
}

// NAT-1, NAT-2
CAF_TEST(subagents ask the model at the same time and what they cost counts for the session) {
  auto settings = quick();
  settings["native"]["models"] = {{"stub", {{"window", 100'000}, {"input", 1.0}, {"output", 1.0}}}};
  open("anthropic", json::object(), settings);
  const json task{{"name", "task"}, {"input", {{"description", "look"}, {"prompt", "look at it"}}}};
  stub.add(json::array({{{"calls", {task, task}}},
                        {{"text", "One."}, {"delay", 0.2}},
                        {{"text", "Two."}, {"delay", 0.2}},
                        {{"text", "Both."}}}));
  CAF_CHECK_EQUAL(prompt("go"), "end_turn");
  CAF_CHECK_EQUAL(spoken(), "Both.");
  stub.request();
  const auto first = stub.request(), second = stub.request();
  CAF_CHECK(second["t"].get<double>() - first["t"].get<double>() < 0.2);
  const auto last = stub.request()["body"]["messages"].dump();
  CAF_CHECK(last.find("One.") != std::string::npos && last.find("Two.") != std::string::npos);
  double cost = 0;
  for (const auto& m : agent.seen)
    if (m.dump().find("usage_update") != std::string::npos)
      cost = m["params"]["update"]["cost"]["amount"].get<double>();
  CAF_CHECK(cost > 59.9e-6 && cost < 60.1e-6); // four answers of 15 tokens
}

CAF_TEST_FIXTURE_SCOPE_END()
