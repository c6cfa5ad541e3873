// The model side's pure parts: streams in any cut, signatures, bodies and answers of each dialect, choices, troubles.
#define CAF_SUITE model_parts
#include <algorithm>

#include "caf/test/unit_test.hpp"

#include "runtime/agent/compaction.hpp"
#include "runtime/agent/model/choice.hpp"
#include "runtime/agent/model/dialect.hpp"
#include "runtime/agent/model/endpoint.hpp"
#include "runtime/agent/model/event_stream.hpp"
#include "runtime/agent/model/models.hpp"
#include "runtime/agent/model/sse.hpp"
#include "runtime/agent/model/trouble.hpp"
#include "runtime/agent/transport/sigv4.hpp"

using namespace troupe::agent;
using namespace std::chrono_literals;

namespace {

using pairs = std::vector<std::pair<std::string, std::string>>;

pairs events_in(const std::string& text, std::size_t cut) {
  pairs seen;
  sse_reader in;
  for (std::size_t at = 0; at < text.size(); at += cut)
    in.feed(std::string_view(text).substr(at, cut),
            [&](const std::string& name, const std::string& data) { seen.emplace_back(name, data); });
  return seen;
}

/// Notes what a reader passes on.
struct told : step_sink {
  std::string words, thoughts, proofs;
  std::vector<std::pair<std::string, json>> calls;
  std::vector<std::string> ids;
  token_usage usage;
  void text(std::string_view more) override { words += more; }
  void thought(std::string_view more) override { thoughts += more; }
  void proof(std::string signature, bool redacted) override { proofs += (redacted ? "#" : "") + signature; }
  void call(std::string id, std::string tool, json input) override {
    ids.push_back(std::move(id));
    calls.emplace_back(std::move(tool), std::move(input));
  }
  void used(const token_usage& u) override { usage = u; }
  void note(const std::string&) override {}
  void finish(step_end) override {}
  void fail(const std::string&) override {}
  void when_drained(event_loop::task next) override { next(); }
};

piece text_piece(const std::string& text) {
  return {piece::kind::text, text, {}, {}, {}};
}

piece call_piece(const std::string& id, json input) {
  return {piece::kind::call, {}, id, "bash", std::move(input)};
}

message said(message::role who, std::vector<piece> pieces) {
  message m;
  m.from = who;
  m.pieces = std::move(pieces);
  return m;
}

message result(const std::string& call, const std::string& text) {
  message m;
  m.from = message::role::tool;
  m.call = call;
  m.result = text;
  return m;
}

std::string chosen(environment env, environment snapshot = {}, const std::string& provider = {},
                   const std::string& model = {}) {
  session_setup setup;
  setup.env = std::move(env);
  setup.snapshot = std::move(snapshot);
  setup.provider = provider;
  setup.model = model;
  std::string error;
  const auto name = choose_provider(setup, error);
  return name.empty() ? error.substr(0, error.find('\n')) : name;
}

std::string event_message(const std::string& payload) {
  const auto number = [](std::uint32_t n) {
    std::string out;
    for (int shift = 24; shift >= 0; shift -= 8)
      out.push_back(static_cast<char>(n >> shift & 0xff));
    return out;
  };
  const std::string name = ":event-type", value = "chunk";
  const auto headers =
      std::string(1, static_cast<char>(name.size())) + name + '\x07' + std::string("\0\x05", 2) + value;
  auto head = number(static_cast<std::uint32_t>(16 + headers.size() + payload.size())) +
              number(static_cast<std::uint32_t>(headers.size()));
  head += number(crc32(head));
  head += headers + payload;
  return head + number(crc32(head));
}

std::string header_of(const pairs& headers, const std::string& name) {
  for (const auto& [key, value] : headers)
    if (key == name)
      return value;
  return {};
}

} // namespace

CAF_TEST(server sent events are the same in any cut and with any line ends) {
  const std::string text = ": hello\n\nevent: a\ndata: one\ndata:two\n\nid: 7\ndata:  x\r\n\r\ndata\r\rdata: cut";
  const pairs whole{{"a", "one\ntwo"}, {"", " x"}, {"", ""}};
  for (std::size_t cut = 1; cut <= text.size(); ++cut)
    CAF_CHECK(events_in(text, cut) == whole);
}

CAF_TEST(an event stream of AWS is the same in any cut and a wrong byte ends it) {
  CAF_CHECK_EQUAL(crc32("123456789"), 0xcbf43926u);
  const auto text = event_message("{}") + event_message(std::string(300, 'x'));
  for (std::size_t cut = 1; cut < 80; ++cut) {
    event_stream_reader in;
    std::vector<aws_message> seen;
    for (std::size_t at = 0; at < text.size(); at += cut)
      CAF_CHECK(in.feed(std::string_view(text).substr(at, cut), [&](const aws_message& m) { seen.push_back(m); }));
    CAF_REQUIRE_EQUAL(seen.size(), 2u);
    CAF_CHECK_EQUAL(seen[0].headers.at(":event-type"), "chunk");
    CAF_CHECK_EQUAL(seen[1].payload, std::string(300, 'x'));
  }
  for (std::size_t at = 0; at < text.size(); ++at) {
    auto wrong = text;
    wrong[at] = static_cast<char>(wrong[at] ^ 1);
    event_stream_reader in;
    std::size_t good = 0;
    const bool fine = in.feed(wrong, [&](const aws_message&) { ++good; });
    CAF_CHECK(!fine || good < 2); // a length that grew within its bounds is waited for
  }
}

// Vectors of AWS: the signing example of its documentation, and get-vanilla, post-vanilla and
// get-vanilla-query-order-key-case of its test suite.
CAF_TEST(signatures are those that AWS publishes) {
  const std::string secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", time = "20150830T123600Z";
  const auto signature = [&](aws_request request, const std::string& service) {
    const auto all = header_of(sign(request, {"AKIDEXAMPLE", secret, "", "us-east-1", service}, time), "authorization");
    return all.substr(all.rfind('=') + 1);
  };
  CAF_CHECK_EQUAL(
      signature({"GET",
                 "/",
                 "Action=ListUsers&Version=2010-05-08",
                 {{"content-type", "application/x-www-form-urlencoded; charset=utf-8"}, {"host", "iam.amazonaws.com"}},
                 ""},
                "iam"),
      "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7");
  const pairs host{{"host", "example.amazonaws.com"}};
  CAF_CHECK_EQUAL(signature({"GET", "/", "", host, ""}, "service"),
                  "5fa00fa31553b73ebf1942676e86291e8372ff2a2260956d9b8aae1d763fbf31");
  CAF_CHECK_EQUAL(signature({"POST", "/", "", host, ""}, "service"),
                  "5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b");
  CAF_CHECK_EQUAL(signature({"GET", "/", "Param2=value2&Param1=value1", host, ""}, "service"),
                  "b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500");
  const auto canonical = canonical_request({"POST", "/model/a.b-v2%3A0/invoke", "", host, ""}, host);
  CAF_CHECK(canonical.starts_with("POST\n/model/a.b-v2%253A0/invoke\n"));
}

// NAT-1
CAF_TEST(calls and results go in pairs whatever the conversation holds) {
  std::vector<message> talk{said(message::role::user, {text_piece("go")}),
                            said(message::role::assistant, {call_piece("a", {}), call_piece("b", {})}),
                            result("b", "B"),
                            result("stray", "?"),
                            said(message::role::user, {text_piece("on")}),
                            result("a", "late, still before the next answer"),
                            said(message::role::assistant, {text_piece("done")})};
  const auto out = paired(talk);
  CAF_REQUIRE_EQUAL(out.size(), 6u);
  CAF_CHECK_EQUAL(out[2].call, "a");
  CAF_CHECK_EQUAL(out[3].result, "B");
  talk.erase(talk.begin() + 5);
  CAF_CHECK(paired(talk)[2].failed);
}

// NAT-1
CAF_TEST(a request to Anthropic marks what may be kept and passes thoughts on with their proof) {
  auto thought = piece{piece::kind::thought, "hm", {}, {}, {}};
  auto proven = thought;
  proven.proof = "sig";
  auto hidden = piece{piece::kind::thought, {}, {}, {}, {}};
  hidden.proof = "data";
  hidden.redacted = true;
  const std::vector<message> talk{
      said(message::role::user, {text_piece("go")}),
      said(message::role::assistant, {thought, proven, hidden, text_piece(""), call_piece("a", {{"command", "ls"}})}),
      result("a", "x")};
  const std::vector<tool_offer> tools{{"bash", "runs", {{"type", "object"}}}};
  const std::string system = "be brief";
  body_options options;
  options.model = "m";
  options.max_tokens = 99;
  options.extra = {{"temperature", 0}};
  const auto body = anthropic_body({talk, system, tools}, options);
  const json cached{{"type", "ephemeral"}};
  CAF_CHECK_EQUAL(body["system"][0]["cache_control"], cached);
  CAF_CHECK_EQUAL(body["tools"][0]["cache_control"], cached);
  CAF_CHECK_EQUAL(body["tools"][0]["input_schema"]["type"], "object");
  CAF_CHECK_EQUAL(body["temperature"], 0);
  CAF_CHECK_EQUAL(body["stream"], true);
  CAF_REQUIRE_EQUAL(body["messages"].size(), 3u);
  const auto& content = body["messages"][1]["content"];
  CAF_REQUIRE_EQUAL(content.size(), 3u);
  CAF_CHECK_EQUAL(content[0], (json{{"type", "thinking"}, {"thinking", "hm"}, {"signature", "sig"}}));
  CAF_CHECK_EQUAL(content[1], (json{{"type", "redacted_thinking"}, {"data", "data"}}));
  CAF_CHECK_EQUAL(content[2]["input"]["command"], "ls");
  CAF_CHECK_EQUAL(body["messages"][2]["content"][0]["tool_use_id"], "a");
  CAF_CHECK_EQUAL(body["messages"][2]["content"][0]["cache_control"], cached);
  options.version = "bedrock-2023-05-31";
  options.streams_by_path = true;
  const auto other = anthropic_body({talk, system, tools}, options);
  CAF_CHECK_EQUAL(other["anthropic_version"], "bedrock-2023-05-31");
  CAF_CHECK(!other.contains("model") && !other.contains("stream"));
}

// NAT-1
CAF_TEST(an answer of Anthropic is read in pieces and its errors are told) {
  told out;
  auto in = anthropic_reader(call_ids());
  for (
      const char* event :
      {R"({"type":"message_start","message":{"model":"m","usage":{"input_tokens":3,"cache_read_input_tokens":7,"output_tokens":1}}})",
       R"({"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":""}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"hm"}})",
       R"({"type":"content_block_delta","index":0,"delta":{"type":"signature_delta","signature":"sig"}})",
       R"({"type":"content_block_stop","index":0})",
       R"({"type":"content_block_start","index":1,"content_block":{"type":"redacted_thinking","data":"d"}})",
       R"({"type":"content_block_stop","index":1})", R"({"type":"ping"})",
       R"({"type":"content_block_start","index":2,"content_block":{"type":"text","text":""}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"I lo"}})",
       R"({"type":"content_block_delta","index":2,"delta":{"type":"text_delta","text":"ok"}})",
       R"({"type":"content_block_stop","index":2})",
       R"({"type":"content_block_start","index":3,"content_block":{"type":"tool_use","id":"t","name":"bash","input":{}}})",
       R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":"{\"a\""}})",
       R"({"type":"content_block_delta","index":3,"delta":{"type":"input_json_delta","partial_json":":1}"}})",
       R"({"type":"content_block_stop","index":3})",
       R"({"type":"message_delta","delta":{"stop_reason":"tool_use"},"usage":{"output_tokens":9}})",
       R"({"type":"message_stop"})"})
    in->take(event, out);
  CAF_CHECK(in->finish(out) == step_end::end_turn);
  CAF_CHECK_EQUAL(out.words, "I look");
  CAF_CHECK_EQUAL(out.thoughts, "hm");
  CAF_CHECK_EQUAL(out.proofs, "sig#d");
  CAF_REQUIRE_EQUAL(out.calls.size(), 1u);
  CAF_CHECK_EQUAL(out.calls[0].second, (json{{"a", 1}}));
  CAF_CHECK_EQUAL(out.usage.context(), 3 + 7 + 9);
  auto cut = anthropic_reader(call_ids());
  cut->take(R"({"type":"content_block_delta","delta":{"type":"text_delta","text":"I"}})", out);
  CAF_CHECK(!cut->finish(out) && cut->said());
  CAF_CHECK_EQUAL(cut->error().kind, "dropped");
  auto wrong = anthropic_reader(call_ids());
  wrong->take(R"({"type":"error","error":{"type":"overloaded_error","message":"later"}})", out);
  CAF_CHECK_EQUAL(wrong->error().kind, "overloaded_error");
  auto nonsense = anthropic_reader(call_ids());
  nonsense->take("<html>", out);
  CAF_CHECK_EQUAL(nonsense->error().kind, "unreadable");
}

// NAT-1
CAF_TEST(tool calls of chat completions are put together from deltas and get ids of their own) {
  told out;
  auto in = chat_reader(call_ids({said(message::role::assistant, {call_piece("c1", {})})}));
  for (
      const char* event :
      {R"({"choices":[{"delta":{"role":"assistant","content":""}}]})",
       R"({"choices":[{"delta":{"reasoning_content":"hm"}}]})", R"({"choices":[{"delta":{"content":"Hi"}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"id":"c1","function":{"name":"bash","arguments":""}}]}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"a\":"}}]}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":1,"id":"c2","function":{"name":"read","arguments":"{}"}}]}}]})",
       R"({"choices":[{"delta":{"tool_calls":[{"index":0,"function":{"arguments":"1}"}}]}}]})",
       R"({"choices":[{"delta":{},"finish_reason":"tool_calls"}]})",
       R"({"choices":[],"usage":{"prompt_tokens":10,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":4}}})",
       "[DONE]"})
    in->take(event, out);
  CAF_CHECK(in->finish(out) == step_end::end_turn);
  CAF_CHECK_EQUAL(out.words, "Hi");
  CAF_REQUIRE_EQUAL(out.calls.size(), 2u);
  CAF_CHECK_EQUAL(out.calls[0].second, (json{{"a", 1}}));
  CAF_CHECK_EQUAL(out.ids[0], "c1_1");
  CAF_CHECK_EQUAL(out.ids[1], "c2");
  CAF_CHECK_EQUAL(out.usage.input, 6);
  CAF_CHECK_EQUAL(out.usage.cache_read, 4);
  told whole; // a server that sends calls whole and without index
  auto plain = chat_reader(call_ids());
  plain->take(R"({"choices":[{"delta":{"tool_calls":[{"id":"a","function":{"name":"x","arguments":"{}"}},)"
              R"({"id":"b","function":{"name":"y","arguments":"{}"}}]},"finish_reason":"stop"}]})",
              whole);
  CAF_CHECK(plain->finish(whole) == step_end::end_turn);
  CAF_CHECK_EQUAL(whole.calls.size(), 2u);
  auto short_one = chat_reader(call_ids());
  short_one->take(R"({"choices":[{"delta":{"content":"I"},"finish_reason":"length"}]})", out);
  CAF_CHECK(short_one->finish(out) == step_end::max_tokens);
}

// NAT-1
CAF_TEST(a compaction keeps the end of a conversation and never tears a call from its result) {
  std::vector<message> talk{said(message::role::user, {text_piece("do it")})};
  for (int i = 0; i < 50; ++i) {
    const auto id = "c" + std::to_string(i);
    talk.push_back(said(message::role::assistant, {call_piece(id + "a", {}), call_piece(id + "b", {})}));
    talk.push_back(result(id + "a", std::string(400, 'x')));
    talk.push_back(result(id + "b", std::string(400, 'y')));
  }
  for (std::int64_t window = 100; window < 40'000; window += 97) {
    const auto keep = keep_from(talk, window);
    CAF_REQUIRE(keep <= talk.size());
    if (keep > 0 && keep < talk.size())
      CAF_CHECK(talk[keep].from != message::role::tool);
    std::int64_t kept = 0;
    for (auto i = keep == 0 ? talk.size() : keep; i < talk.size(); ++i)
      kept += estimate(talk[i]);
    CAF_CHECK(kept <= window / 5);
    if (keep == 0)
      continue;
    const auto asked = to_summarise(talk, keep, window);
    CAF_CHECK(asked.size() < 3 || asked[1].from != message::role::tool);
    CAF_CHECK(asked.back().from == message::role::user);
    CAF_CHECK(paired(asked).size() == asked.size());
  }
  CAF_CHECK_EQUAL(keep_from({talk.front()}, 100), 0u); // nothing to leave out
  talk.push_back(said(message::role::user, {text_piece(std::string(100'000, 'z'))}));
  CAF_CHECK_EQUAL(keep_from(talk, 1000), talk.size() - 1); // nobody has answered it yet
  CAF_CHECK(is_full(80, {100, 0, 0, 0, 0, 0}, 80) && !is_full(79, {100, 0, 0, 0, 0, 0}, 80));
  CAF_CHECK(!is_full(100, {100, 0, 0, 0, 0, 0}, 0) && !is_full(100, {}, 80));
}

// ENV-2
CAF_TEST(the provider follows the session and then its switches and its credentials) {
  const environment key{{"ANTHROPIC_API_KEY", "k"}}, other{{"OPENAI_API_KEY", "k"}};
  CAF_CHECK_EQUAL(chosen({}), "Could not resolve authentication method");
  CAF_CHECK_EQUAL(chosen({}, key), "anthropic");
  CAF_CHECK_EQUAL(chosen({}, other), "openai");
  CAF_CHECK_EQUAL(chosen({{"OPENAI_BASE_URL", "http://127.0.0.1:1/v1"}}), "openai");
  CAF_CHECK_EQUAL(chosen({{"CLAUDE_CODE_USE_BEDROCK", "1"}}, key), "bedrock");
  CAF_CHECK_EQUAL(chosen({{"CLAUDE_CODE_USE_BEDROCK", "0"}, {"CLAUDE_CODE_USE_VERTEX", "true"}}, key), "vertex");
  CAF_CHECK_EQUAL(chosen({}, key, "openai"), "openai");
  CAF_CHECK_EQUAL(chosen({}, key, "openai", "offline"), "offline");
}

// ENV-2
CAF_TEST(names that stand for a model follow the sessions variables and then the table) {
  session_setup setup;
  setup.model = "opus";
  CAF_CHECK(resolve_model(setup, "anthropic").find("opus") != std::string::npos);
  CAF_CHECK(resolve_model(setup, "bedrock").find("anthropic.claude-opus") != std::string::npos);
  setup.env = {{"ANTHROPIC_DEFAULT_OPUS_MODEL", "mine"}};
  CAF_CHECK_EQUAL(resolve_model(setup, "bedrock"), "mine");
  setup.model = "claude-x";
  CAF_CHECK_EQUAL(resolve_model(setup, "vertex"), "claude-x");
  setup.model.clear();
  setup.env = {{"ANTHROPIC_MODEL", "a"}, {"OPENAI_MODEL", "o"}};
  CAF_CHECK_EQUAL(resolve_model(setup, "anthropic"), "a");
  CAF_CHECK_EQUAL(resolve_model(setup, "openai"), "o");
  setup.env = {{"OPENAI_BASE_URL", "http://127.0.0.1:1"}};
  CAF_CHECK_EQUAL(resolve_model(setup, "openai"), "");
  setup.settings = {{"native", {{"models", {{"claude-sonnet-4-5", {{"window", 7}}}}}}}};
  CAF_CHECK_EQUAL(facts_of(setup, "claude-sonnet-4-5").window, 7);
  CAF_CHECK(facts_of(setup, "claude-sonnet-4-5").input > 0);
  CAF_CHECK_EQUAL(cost_of({0, 0, 3, 15, 0.3, 3.75}, {1'000'000, 1'000'000, 0, 0, {}}), 18.0);
}

// CRED-8
CAF_TEST(credentials go to HTTPS or loopback only) {
  for (const char* url :
       {"https://api.example.com/v1", "http://127.0.0.1:8080", "http://localhost/x", "http://[::1]:1"})
    CAF_CHECK(is_safe(url));
  for (const char* url : {"http://api.example.com", "http://127.0.0.1.example.com", "http://127.example.com", "ftp://x",
                          "http://localhost@example.com", "example.com"})
    CAF_CHECK(!is_safe(url));
  session_setup setup;
  setup.snapshot = {{"ANTHROPIC_API_KEY", "secret-key"}};
  setup.env = {{"ANTHROPIC_BASE_URL", "http://gateway.example.com"}};
  std::string error;
  CAF_CHECK(!resolve_endpoint(setup, "anthropic", error));
  CAF_CHECK(error.find("without TLS") != std::string::npos && error.find("secret-key") == std::string::npos);
}

// NAT-1
CAF_TEST(each provider has its address and its credential) {
  session_setup setup;
  setup.model = "a.b-v2:0";
  setup.snapshot = {{"ANTHROPIC_API_KEY", "k"}};
  std::string error;
  auto to = resolve_endpoint(setup, "anthropic", error);
  CAF_REQUIRE(to);
  CAF_CHECK_EQUAL(to->request.url, "https://api.anthropic.com/v1/messages");
  CAF_CHECK_EQUAL(header_of(to->request.headers, "x-api-key"), "k");
  CAF_CHECK_EQUAL(header_of(to->request.headers, "anthropic-version"), "2023-06-01");
  setup.env = {{"ANTHROPIC_BASE_URL", "https://gate.example.com/"},
               {"ANTHROPIC_AUTH_TOKEN", "t"},
               {"ANTHROPIC_CUSTOM_HEADERS", "X-One: 1\nX-Two:2\nbad"},
               {"https_proxy", "http://proxy:3128"},
               {"NO_PROXY", "intern"}};
  to = resolve_endpoint(setup, "anthropic", error);
  CAF_CHECK_EQUAL(to->request.url, "https://gate.example.com/v1/messages");
  CAF_CHECK_EQUAL(header_of(to->request.headers, "authorization"), "Bearer t");
  CAF_CHECK_EQUAL(header_of(to->request.headers, "x-api-key"), "");
  CAF_CHECK_EQUAL(header_of(to->request.headers, "X-Two"), "2");
  CAF_CHECK_EQUAL(to->request.proxy, "http://proxy:3128");
  CAF_CHECK_EQUAL(to->request.no_proxy, "intern");
  setup.env = {{"AWS_REGION", "eu-west-1"}, {"AWS_ACCESS_KEY_ID", "a"}, {"AWS_SECRET_ACCESS_KEY", "s"}};
  to = resolve_endpoint(setup, "bedrock", error);
  CAF_CHECK_EQUAL(to->request.url, "https://bedrock-runtime.eu-west-1.amazonaws.com/model/a.b-v2%3A0/"
                                   "invoke-with-response-stream");
  CAF_CHECK(to->request.aws && to->helper.empty());
  setup.env = {{"CLOUD_ML_REGION", "europe-west1"}, {"ANTHROPIC_VERTEX_PROJECT_ID", "p"}};
  to = resolve_endpoint(setup, "vertex", error);
  CAF_CHECK_EQUAL(to->request.url, "https://europe-west1-aiplatform.googleapis.com/v1/projects/p/locations/"
                                   "europe-west1/publishers/anthropic/models/a.b-v2:0:streamRawPredict");
  CAF_CHECK(take_credential(*to, " token \n", error));
  CAF_CHECK_EQUAL(header_of(to->request.headers, "authorization"), "Bearer token");
  CAF_CHECK(!take_credential(*to, "two words", error));
  setup.env.clear();
  setup.snapshot.clear();
  CAF_CHECK(!resolve_endpoint(setup, "openai", error));
  CAF_CHECK(error.starts_with("Could not resolve authentication method\n"));
}

// NAT-1
CAF_TEST(what may pass is tried again after a while that grows and what cannot pass is not ) {
  const retry_policy policy;
  const auto of = [](int status, json headers = json::object()) { return of_status(status, headers, ""); };
  for (const int status : {400, 401, 403, 404, 302})
    CAF_CHECK(!next_try(policy, of(status), 1, false, 0.5));
  for (const int status : {429, 500, 502, 503, 529}) {
    CAF_CHECK(next_try(policy, of(status), 1, false, 0.5) == 500ms);
    CAF_CHECK(next_try(policy, of(status), 3, false, 0.5) == 2s);
    CAF_CHECK(!next_try(policy, of(status), 1, true, 0.5));
    CAF_CHECK(!next_try(policy, of(status), policy.most, false, 0.5));
  }
  CAF_CHECK(*next_try(policy, of(500), 1, false, 0) < *next_try(policy, of(500), 1, false, 1));
  CAF_CHECK(*next_try(policy, of(429, {{"retry-after", "7"}}), 1, false, 0) >= 7s);
  CAF_CHECK(*next_try(policy, of(429, {{"retry-after-ms", "20"}}), 1, false, 0) >= 20ms);
  CAF_CHECK(!next_try(policy, of(429, {{"retry-after", "3600"}}), 1, false, 0.5));
  CAF_CHECK(next_try(policy, of_transport({"dropped", ""}), 1, false, 0.5).has_value());
  CAF_CHECK(!next_try(policy, of_transport({"tls", ""}), 1, false, 0.5));
  endpoint where;
  where.host = "h";
  std::set<std::string> words;
  for (const char* kind : {"dns", "connect", "tls", "dropped", "other"})
    words.insert(explain(of_transport({kind, "x"}), where, 1));
  for (const int status : {302, 400, 401, 404, 429, 500, 529})
    words.insert(explain(of(status), where, 1));
  words.insert(explain(of_silence(3s), where, 1));
  CAF_CHECK_EQUAL(words.size(), 13u);
  CAF_CHECK(of_status(400, {}, R"({"error":{"message":"prompt is too long: 9 > 8"}})").is == trouble::kind::too_long);
  CAF_CHECK_EQUAL(explain(of_status(429, {}, R"({"error":{"message":"slow down"}})"), where, 3),
                  "h is rate limiting (429), 3 times: slow down\n  wait a while, then send a message to go on");
}
