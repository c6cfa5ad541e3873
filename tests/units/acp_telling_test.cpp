// What an agent asks for beyond a permission, and what it tells of itself.
#define CAF_SUITE acp_telling

#include "caf/test/unit_test.hpp"

#include "runtime/worker/acp/acp_features.hpp"
#include "runtime/worker/acp/acp_state.hpp"
#include "runtime/worker/acp/acp_wire.hpp"

using namespace troupe;
using words = std::vector<std::string>;

namespace {

const char* profile_form = R"({"mode": "form", "message": "Who are you?", "sessionId": "s", "requestedSchema": {
  "type": "object", "required": ["name", "age"], "properties": {
    "name": {"type": "string", "minLength": 2}, "age": {"type": "integer", "minimum": 18, "maximum": 99},
    "share": {"type": "number"}, "news": {"type": "boolean", "default": false},
    "colour": {"type": "string", "enum": ["red", "blue"]},
    "langs": {"type": "array", "items": {"anyOf": [{"const": "c", "title": "C"}, {"const": "go", "title": "Go"}]}}}}})";

question asked(const json& params) {
  auto form = read_form(params);
  CAF_REQUIRE_EQUAL(form.wrong, "");
  return {"q1.1", form.text, form.options, 0, form.kind, to_line(form.data)};
}

std::string answered(const question& q, const std::string& choice) {
  auto said = read_form_answer(q, choice);
  return said.error.code == errc::ok ? said.action + " " + (said.content.is_null() ? "-" : to_line(said.content))
                                     : said.error.text.substr(0, said.error.text.find('\n'));
}

words told(const acp_features::events& events) {
  words out;
  for (const auto& e : events) {
    auto line = e.what;
    for (const auto& part : {e.id, e.detail, e.text, e.data})
      line += part.empty() ? "" : " " + part;
    out.push_back(line);
  }
  return out;
}

std::string first(const acp_features::events& events) {
  const auto all = told(events);
  return all.empty() ? std::string() : all.front();
}

} // namespace

// STATE-3
CAF_TEST(a form takes values of the types that its fields have) {
  const auto q = asked(json::parse(profile_form));
  CAF_CHECK_EQUAL(q.kind, "form");
  CAF_CHECK_EQUAL(q.options.size(), 3u);
  CAF_CHECK_EQUAL(answered(q, R"({"name": "Ann", "age": "42"})"), R"(accept {"age":42,"name":"Ann","news":false})");
  CAF_CHECK_EQUAL(answered(q, R"({"name":"Ann","age":42,"news":"yes","share":"0.5","colour":"blue","langs":"Go,c"})"),
                  R"(accept {"age":42,"colour":"blue","langs":["go","c"],"name":"Ann","news":true,"share":0.5})");
  CAF_CHECK_EQUAL(answered(q, R"({"name":"Ann","age":42,"langs":["c"]})"),
                  R"(accept {"age":42,"langs":["c"],"name":"Ann","news":false})");
  CAF_CHECK_EQUAL(answered(q, "decline"), "decline -");
  CAF_CHECK_EQUAL(answered(q, "3"), "cancel -");
}

CAF_TEST(a form that is not filled in right names the field and what it needs) {
  const auto q = asked(json::parse(profile_form));
  CAF_CHECK_EQUAL(answered(q, "1"), "field 'age' of the form is missing");
  CAF_CHECK_EQUAL(answered(q, R"({"name":"A","age":42})"), "field 'name' must be text of the length it asks for");
  for (const char* age : {"17", "100", "4x", "", "1e99"})
    CAF_CHECK_EQUAL(answered(q, to_line({{"name", "Ann"}, {"age", age}})),
                    "field 'age' must be a whole number within its bounds");
  CAF_CHECK_EQUAL(answered(q, R"({"name":"Ann","age":42,"colour":"green"})"),
                  "field 'colour' must be one of red, blue");
  CAF_CHECK_EQUAL(answered(q, R"({"name":"Ann","age":42,"langs":"java"})"),
                  "field 'langs' must be some of c, go, with commas between");
  CAF_CHECK_EQUAL(answered(q, R"({"name":"Ann","age":42,"hat":"x"})"), "the form has no field 'hat'");
  CAF_CHECK_EQUAL(answered(q, "{not json"), "the values are no JSON object");
  CAF_CHECK_EQUAL(answered(q, "maybe"), "question q1.1 has no choice 'maybe'");
}

CAF_TEST(a form with one field of few choices is answered by a number and one of any words by them) {
  auto q = asked(R"({"message":"Which?","requestedSchema":{"properties":{"env":{"type":"string",
    "oneOf":[{"const":"st","title":"Staging"},{"const":"pr","title":"Production"}]}}}})"_json);
  CAF_CHECK_EQUAL(q.options.size(), 4u);
  CAF_CHECK_EQUAL(q.options[1].name + " " + q.options[1].kind, "Production choose");
  CAF_CHECK_EQUAL(answered(q, "2"), R"(accept {"env":"pr"})");
  CAF_CHECK_EQUAL(answered(q, "Staging"), R"(accept {"env":"st"})");
  CAF_CHECK_EQUAL(answered(q, "pr"), R"(accept {"env":"pr"})");
  CAF_CHECK_EQUAL(answered(q, "4"), "cancel -");
  q = asked(R"({"message":"Sure?","requestedSchema":{"properties":{"ok":{"type":"boolean"}}}})"_json);
  CAF_CHECK_EQUAL(answered(q, "1"), R"(accept {"ok":true})");
  q = asked(R"({"message":"Name?","requestedSchema":{"properties":{"n":{"type":"string"}}}})"_json);
  CAF_CHECK_EQUAL(answered(q, "a tree"), R"(accept {"n":"a tree"})");
}

// SEC-2
CAF_TEST(a link is http or https and nothing else is asked) {
  const auto q = asked({{"mode", "url"}, {"message", "Sign in"}, {"url", "https://x.org/a"}, {"elicitationId", "e"}});
  CAF_CHECK_EQUAL(q.kind, "url");
  CAF_CHECK_EQUAL(answered(q, "accept"), "accept -");
  CAF_CHECK_EQUAL(answered(q, R"({"a":1})"), "a link takes no values");
  for (const char* url : {"javascript:alert(1)", "file:///etc/passwd", "https://x y", "", "https://x\n"})
    CAF_CHECK(!read_form({{"mode", "url"}, {"url", url}}).wrong.empty());
  CAF_CHECK(!read_form({{"mode", "dance"}}).wrong.empty());
  CAF_CHECK(!read_form({{"mode", "form"}, {"requestedSchema", 7}}).wrong.empty());
  CAF_CHECK(!read_form(json()).wrong.empty());
}

// BEYOND-7
CAF_TEST(a form is answered once and the end of its turn answers it with a cancel) {
  acp_state state;
  state.begin(2);
  state.ready("s");
  state.deliver("k", "go");
  const auto open = [&](int id) {
    auto effects = state.asked_form(id, read_form(json::parse(profile_form)));
    const auto& e = std::get<acp_emit>(effects.front()).what;
    CAF_CHECK_EQUAL(e.detail, "form");
    CAF_CHECK(e.data.find("requestedSchema") == std::string::npos && e.data.find("\"age\"") != std::string::npos);
  };
  open(1);
  CAF_CHECK(state.answer("", R"({"name":"Ann"})", "the shell").error.code == errc::bad_request);
  auto first = state.answer("", R"({"name":"Ann","age":42})", "the view");
  CAF_CHECK_EQUAL(first.choice, "age=42, name=Ann, news=false");
  CAF_CHECK_EQUAL(std::get<acp_form_answer>(first.effects.back()).action, "accept");
  const auto late = state.answer("q2.1", "decline", "the shell");
  CAF_CHECK(late.error.code == errc::answered && late.error.text.find("by the view") != std::string::npos);
  open(2);
  auto effects = state.cancel_turn("the view");
  CAF_REQUIRE_EQUAL(effects.size(), 4u);
  CAF_CHECK_EQUAL(std::get<acp_emit>(effects[0]).what.what, "cancel");
  CAF_CHECK(std::holds_alternative<acp_cancel_turn>(effects[1]));
  CAF_CHECK_EQUAL(std::get<acp_form_answer>(effects[3]).action, "cancel");
  effects = state.asked_form(3, read_form(json::parse(profile_form))); // too late to ask
  CAF_CHECK_EQUAL(std::get<acp_form_answer>(effects[0]).action, "cancel");
  effects = state.prompt_ended({{}, "it broke", false}, {}); // acp.md: an error after a cancel is one
  CAF_CHECK_EQUAL(std::get<acp_emit>(effects.back()).what.detail, "cancelled");
  CAF_CHECK(state.cancel_turn("the view").empty());
}

CAF_TEST(modes and models and options are told once and again when they change) {
  acp_features f;
  auto first =
      told(f.opened(R"({"sessionId":"s","modes":{"currentModeId":"ask","availableModes":[{"id":"ask","name":"Ask"},
    {"id":"yolo"}]},"configOptions":[{"id":"m","name":"Model","category":"model","type":"select","currentValue":"big",
    "options":[{"value":"big","name":"Big"},{"group":"g","name":"G","options":[{"value":"small","name":"Small"}]}]},
    {"id":"fast","name":"Fast","type":"boolean","currentValue":false}]})"_json));
  CAF_REQUIRE_EQUAL(first.size(), 3u);
  CAF_CHECK_EQUAL(first[1], "mode ask");
  CAF_CHECK_EQUAL(first[2], "model big");
  CAF_CHECK(f.has_mode("yolo") && !f.has_mode("plan"));
  CAF_CHECK_EQUAL(f.option("m")->values.size(), 2u);
  auto now = told(f.took_mode("yolo", true, "bypassPermissions"));
  CAF_CHECK_EQUAL(now[0], "mode asked yolo bypassPermissions");
  CAF_CHECK_EQUAL(told(f.updated("current_mode_update", {{"currentModeId", "yolo"}})).size(), 0u);
  now = told(f.took_option("m", "small", true));
  CAF_CHECK_EQUAL(now[0], "model asked small");
  CAF_CHECK_EQUAL(told(f.took_option("m", "small", false)).size(), 0u);
  now = told(f.took_option("fast", true, true));
  CAF_CHECK(now.size() == 1 && now[0].find(R"("id":"fast","name":"Fast","value":true)") != std::string::npos);
  CAF_CHECK_EQUAL(told(f.updated("config_option_update", {{"configOptions", 7}})).size(), 0u);
}

CAF_TEST(a mode that is an option counts as the mode) {
  acp_features f;
  f.opened(R"({"configOptions":[{"id":"p","category":"mode","currentValue":"auto","options":[{"value":"auto"},
    {"value":"default"}]}]})"_json);
  CAF_CHECK(f.mode_is_option() && f.has_mode("default"));
  CAF_CHECK_EQUAL(f.mode(), "auto");
}

// NAT-1, JSON-1
CAF_TEST(usage adds up over turns and over the runs before) {
  acp_features f;
  f.set_former_usage(R"({"inputTokens":100,"cost":0.5})");
  const auto turn = R"({"usage":{"inputTokens":10,"outputTokens":5,"totalTokens":15,"thoughtTokens":null}})"_json;
  f.turn_ended(turn);
  auto now = told(f.turn_ended(turn));
  CAF_CHECK_EQUAL(now, (words{R"(usage {"cost":0.5,"inputTokens":120,"outputTokens":10,"totalTokens":30})"}));
  CAF_CHECK_EQUAL(
      told(f.updated("usage_update", R"({"used":5000,"size":200000,"cost":{"amount":0.25,"currency":"USD"}})"_json))
          .size(),
      1u);
  CAF_CHECK_EQUAL(told(f.updated("usage_update", R"({"used":5001,"size":200000})"_json)).size(),
                  0u); // no change to see
  now = told(f.turn_ended(json::object()));
  CAF_REQUIRE_EQUAL(now.size(), 1u);
  CAF_CHECK(now[0].find(R"("cost":0.75)") != std::string::npos && now[0].find("5001") != std::string::npos);
  acp_features whole(false);
  whole.turn_ended(turn);
  CAF_CHECK_EQUAL(told(whole.turn_ended(turn)).size(), 0u);
  CAF_CHECK_EQUAL(told(f.updated("usage_update", R"({"used":"x","cost":7})"_json)).size(), 0u);
}

CAF_TEST(plan and commands and title are told and what has no shape is left out) {
  acp_features f;
  CAF_CHECK_EQUAL(
      first(f.updated("plan", R"({"entries":[{"content":"look","priority":"high","status":"completed"},7]})"_json)),
      R"(plan [{"content":"look","priority":"high","status":"completed"},{"content":"","priority":"","status":""}])");
  CAF_CHECK_EQUAL(
      first(f.updated("available_commands_update",
                      R"({"availableCommands":[{"name":"web","description":"d","input":{"hint":"q"}},{}]})"_json)),
      R"(commands [{"description":"d","hint":"q","name":"web"}])");
  CAF_CHECK_EQUAL(first(f.updated("session_info_update", {{"title", "Fix it"}})), "title Fix it");
  CAF_CHECK_EQUAL(told(f.updated("session_info_update", {{"title", "Fix it"}})).size(), 0u);
  CAF_CHECK_EQUAL(told(f.updated("agent_message_chunk", {{"content", 1}})).size(), 0u);
}

CAF_TEST(mcp servers are read as acp has them with variables from the session) {
  std::vector<std::string> problems;
  const auto all = read_mcp_servers(R"({"mcpServers":{"fs":{"command":"sh","args":["-c","${GREETING:-hi}"],
    "env":{"TOKEN":"${TOKEN}"}},"web":{"type":"http","url":"http://localhost:1/${GREETING}","headers":{"A":"b"}},
    "none":{"x":1}}})",
                                    {{"PATH", "/bin:/usr/bin"}, {"TOKEN", "t-1"}}, problems);
  CAF_REQUIRE_EQUAL(all.size(), 2u);
  CAF_CHECK_EQUAL(
      all[0], R"({"name":"fs","command":"/bin/sh","args":["-c","hi"],"env":[{"name":"TOKEN","value":"t-1"}]})"_json);
  CAF_CHECK_EQUAL(
      all[1], R"({"type":"http","name":"web","url":"http://localhost:1/","headers":[{"name":"A","value":"b"}]})"_json);
  CAF_CHECK_EQUAL(problems.size(), 1u);
  read_mcp_servers("nonsense", {}, problems);
  read_mcp_servers("/nonexistent/mcp.json", {}, problems);
  CAF_CHECK_EQUAL(problems.size(), 3u);
}
