// The environment's table and the settings.
#define CAF_SUITE config
#include "caf/test/unit_test.hpp"
#include "runtime/config/environment_policy.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/host/executable_watch.hpp"

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
  CAF_CHECK_EQUAL(s.idle_ms, 3600000);
  CAF_CHECK_EQUAL(s.harnesses.size(), built_in_drivers().size() + 1);
  CAF_CHECK_EQUAL(problems.size(), 3u);
  problems.clear();
  CAF_CHECK_EQUAL(read_settings("nonsense", "f", problems).pool_size, 1u);
  CAF_CHECK_EQUAL(problems.size(), 1u);
}

// POOL-9, POOL-10, SUP-8
CAF_TEST(pool and harness and memory settings are read) {
  std::vector<std::string> problems;
  auto s = read_settings(
      R"({"warmPool": {"size": "auto", "max": 6}, "memory": {"leastAvailablePercent": 3, "infoFile": "/f", "stallMs": 0},
          "harnesses": {"a": {"command": ["x"], "warm": true}, "b": {"command": ["y"]}}})",
      "f", problems);
  CAF_CHECK(s.pool_follow);
  CAF_CHECK_EQUAL(s.pool_most, 6u);
  CAF_CHECK_EQUAL(s.memory.least_percent, 3);
  CAF_CHECK_EQUAL(s.memory.info_file, "/f");
  CAF_CHECK_EQUAL(s.memory.stall_ms, 200);
  CAF_CHECK(!s.harnesses.back().warm && s.harnesses[s.harnesses.size() - 2].warm);
  CAF_CHECK_EQUAL(problems.size(), 1u);
}

// SUP-6: only ever towards a newer version
CAF_TEST(versions are compared number by number and what is none is never newer) {
  CAF_CHECK(is_newer("0.1.1", "0.1.0"));
  CAF_CHECK(is_newer("0.10.0", "0.9.9"));
  CAF_CHECK(is_newer("1.0.0.1", "1.0.0"));
  for (const char* other : {"0.1.0", "0.0.9", "", "newer", "1.x", "2.0-rc1", "-1", "1..2", "1."})
    CAF_CHECK(!is_newer(other, "0.1.0"));
}
