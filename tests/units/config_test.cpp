// The environment's table and the settings.
#define CAF_SUITE config
#include "caf/test/unit_test.hpp"
#include "runtime/config/environment_policy.hpp"
#include "runtime/config/settings.hpp"

using namespace troupe;

CAF_TEST(the environment table forwards and withholds) {
  auto is = [](const char* name, environment_rule rule) { CAF_CHECK(rule_for(name) == rule); };
  is("PATH", environment_rule::forward);
  is("AWS_PROFILE", environment_rule::forward);
  is("ANTHROPIC_BASE_URL", environment_rule::gateway);
  is("MY_OWN_API_BASE", environment_rule::gateway);
  is("OPENAI_API_KEY", environment_rule::credential);
  is("TERM", environment_rule::own);
  is("TMUX_PANE", environment_rule::drop);
  CAF_CHECK_EQUAL(forwarded({{"A", "1"}, {"X_API_KEY", "2"}, {"TMUX", "3"}}), (environment{{"A", "1"}}));
}

CAF_TEST(bad settings are told and leave the default) {
  std::vector<std::string> problems;
  auto s = read_settings(
      R"({"warmPool": {"size": 3, "maxAgeSeconds": -1}, "session": {"idleSeconds": "x"}, "harnesses": {"a": {"command": ["x", "y"]}, "b": 7}})",
      "f", problems);
  CAF_CHECK_EQUAL(s.pool_size, 3u);
  CAF_CHECK_EQUAL(s.pool_max_age_seconds, 3600);
  CAF_CHECK_EQUAL(s.idle_seconds, 3600);
  CAF_CHECK_EQUAL(s.harnesses.size(), 1u);
  CAF_CHECK_EQUAL(problems.size(), 3u);
  problems.clear();
  CAF_CHECK_EQUAL(read_settings("nonsense", "f", problems).pool_size, 1u);
  CAF_CHECK_EQUAL(problems.size(), 1u);
}
