// The built-in agent with a model, as a user meets it: a model server on loopback, `troupe --bg`, rows, logs.
#define CAF_SUITE models
#include <sys/stat.h>

#include "caf/test/unit_test.hpp"

#include "tests/support/model_stub.hpp"
#include "tests/support/sandbox.hpp"

using troupe::json;
using troupe::test::model_stub;
using troupe::test::sandbox;
using troupe::test::spill;

namespace {

constexpr const char* secret = "sk-planted-key";

struct with_model {
  model_stub stub;
  sandbox s;

  /// A login and a model server of that provider; `more`: other settings.
  explicit with_model(const std::string& provider, json more = json::object()) {
    more["provider"] = provider;
    more["env"] = {{"ANTHROPIC_BASE_URL", stub.url()}, {"OPENAI_BASE_URL", stub.url() + "/v1"}};
    more["native"] = {{"tries", 2}, {"retryMs", 5}, {"stallSeconds", 1}};
    s.configure(more.dump());
    sign_in({{"ANTHROPIC_API_KEY", secret}, {"OPENAI_API_KEY", secret}});
  }

  void sign_in(const json& keys) const {
    const auto file = s.home() + "/credentials.json";
    spill(file, json{{"keys", keys}}.dump());
    ::chmod(file.c_str(), 0600);
  }
  std::string run(const std::string& prompt) {
    return s.bg({prompt, "--model", "stub", "--permission-mode", "bypassPermissions"});
  }
  /// Waits for its end: done, or failed.
  int end_of(const std::string& id) { return s.troupe({"wait", id, "--timeout", "20"}).status; }
};

} // namespace

// NAT-1
CAF_TEST(a task runs on a model with a tool and its words are in the log) {
  for (const char* provider : {"anthropic", "openai"}) {
    with_model t(provider);
    t.stub.add(
        json::array({{{"text", "I look."}, {"calls", {{{"name", "bash"}, {"input", {{"command", "echo made > it"}}}}}}},
                     {{"text", "It is made."}}}));
    const auto id = t.run("make it");
    CAF_CHECK_EQUAL(t.end_of(id), 0);
    CAF_CHECK_EQUAL(troupe::test::slurp(t.s.work() + "/it"), "made\n");
    const auto log = t.s.troupe({"logs", id}).out;
    CAF_CHECK(log.find("I look.") != std::string::npos && log.find("It is made.") != std::string::npos);
    const auto first = t.stub.request();
    CAF_CHECK_EQUAL(first["body"]["model"].get<std::string>(), "stub");
    CAF_CHECK(first["body"].dump().find("make it") != std::string::npos);
    CAF_CHECK(first["headers"].dump().find(secret) != std::string::npos);
    // a reply goes on with the same conversation
    t.stub.add({{"text", "Still made."}});
    CAF_CHECK_EQUAL(t.s.troupe({"reply", id, "and now?"}).status, 0);
    CAF_CHECK(troupe::test::until(t.s, [&] {
      return t.s.troupe({"logs", id}).out.find("Still made.") != std::string::npos;
    }));
    t.stub.request();
    CAF_CHECK(t.stub.request()["body"].dump().find("It is made.") != std::string::npos);
    CAF_CHECK(t.s.stop().empty());
  }
}

// NAT-1
CAF_TEST(each fault of a provider stands on the row and in the log and the session goes on) {
  with_model t("anthropic");
  const std::vector<std::pair<json, std::string>> faults{
      {{{"status", 401}}, "refused the sign-in (401)"},
      {{{"status", 400}, {"message", "no"}}, "refused the request (400): no"},
      {{{"status", 429}, {"retryAfter", 9999}}, "is rate limiting (429)"},
      {{{"text", "half of it"}, {"drop", 2}}, "was dropped"},
      {{{"text", "half of it"}, {"stall", 2}}, "went silent"},
      {{{"text", "half of it"}, {"error", "overloaded_error"}}, "is overloaded"},
  };
  for (const auto& [step, words] : faults) {
    t.stub.add(step);
    const auto id = t.run("go on then");
    CAF_CHECK_EQUAL(t.end_of(id), 1);
    CAF_CHECK(t.s.field(id, "sentence").get<std::string>().find(words) != std::string::npos);
    const auto log = t.s.troupe({"logs", id}).out;
    CAF_CHECK(log.find(words) != std::string::npos && log.find(secret) == std::string::npos);
    t.stub.add({{"text", "Well again."}});
    t.s.troupe({"reply", id, "try again"});
    CAF_CHECK(troupe::test::until(t.s, [&] {
      return t.s.troupe({"logs", id}).out.find("Well again.") != std::string::npos;
    }));
  }
  CAF_CHECK(t.s.stop().empty());
}

// CRED-4, NAT-1
CAF_TEST(without a credential a session fails with the cause and the remedy and stays) {
  with_model t("");
  t.s.configure(R"({"provider": ""})");
  t.sign_in(json::object());
  const auto id = t.s.bg({"say hello"});
  CAF_CHECK_EQUAL(t.end_of(id), 1);
  CAF_CHECK(t.s.field(id, "sentence").get<std::string>().starts_with("Could not resolve authentication method"));
  CAF_CHECK(t.s.troupe({"logs", id}).out.find("troupe login") != std::string::npos);
  const auto offline = t.s.bg({"say hello", "--model", "offline"});
  CAF_CHECK_EQUAL(t.end_of(offline), 0);
  CAF_CHECK(t.s.stop().empty());
}

// REST-1, NAT-1
CAF_TEST(a worker that is killed while its model answers is restarted and goes on) {
  with_model t("anthropic");
  t.stub.add({{"text", "half of it"}, {"stall", 2}});
  const auto id = t.run("a long task");
  t.stub.request();
  t.stub.add({{"text", "The rest."}});
  troupe::test::kill_and_wait(t.s.field(id, "pid").get<std::int32_t>());
  CAF_CHECK_EQUAL(t.end_of(id), 0);
  CAF_CHECK(t.stub.request()["body"].dump().find("a long task") != std::string::npos);
  CAF_CHECK(t.s.stop().empty());
}
