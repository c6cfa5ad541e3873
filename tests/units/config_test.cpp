// The environment's table and the settings.
#define CAF_SUITE config
#include <algorithm>
#include <map>

#include "caf/test/unit_test.hpp"

#include "runtime/config/environment_policy.hpp"
#include "runtime/config/harnesses.hpp"
#include "runtime/config/project_trust.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/config/settings_layers.hpp"
#include "runtime/host/executable_watch.hpp"

using namespace troupe;

CAF_TEST(the environment table forwards and withholds) {
  auto is = [](const char* name, environment_rule rule) { CAF_CHECK(environment_policy().rule_for(name) == rule); };
  is("PATH", environment_rule::forward);
  is("AWS_PROFILE", environment_rule::forward);
  is("ANTHROPIC_BASE_URL", environment_rule::gateway);
  is("MY_OWN_API_BASE", environment_rule::gateway);
  is("OPENAI_API_KEY", environment_rule::credential);
  is("TERM", environment_rule::own);
  is("TMUX_PANE", environment_rule::drop);
  CAF_CHECK_EQUAL(forwarded({{"A", "1"}, {"X_API_KEY", "2"}, {"TMUX", "3"}}), (environment{{"A", "1"}}));
}

// ENV-2, ENV-3, ENV-6
CAF_TEST(the table is extended by the user and matching gateways are all or none) {
  std::vector<std::string> problems;
  environment_policy policy(
      json{{"rules", {{"MY_*", "drop"}, {"X_API_KEY", "forward"}, {"BAD", "somehow"}}}, {"forwardGateway", "matching"}},
      "f", &problems);
  CAF_CHECK_EQUAL(problems.size(), 1u);
  environment shell{{"MY_WORD", "1"}, {"X_API_KEY", "2"}, {"A_BASE_URL", "u"}, {"ANTHROPIC_AUTH_TOKEN", "t"}};
  CAF_CHECK_EQUAL(forwarded(shell, policy, shell, true),
                  (environment{{"X_API_KEY", "2"}, {"A_BASE_URL", "u"}, {"ANTHROPIC_AUTH_TOKEN", "t"}}));
  CAF_CHECK_EQUAL(forwarded(shell, policy, shell, false), (environment{{"X_API_KEY", "2"}}));
  environment service{{"A_BASE_URL", "u"}, {"ANTHROPIC_AUTH_TOKEN", "other"}};
  CAF_CHECK_EQUAL(forwarded(shell, policy, service, true), (environment{{"X_API_KEY", "2"}}));
  CAF_CHECK_EQUAL(kept_choices({{"CLAUDE_CODE_USE_VERTEX", "1"},
                                {"ANTHROPIC_DEFAULT_OPUS_MODEL", "m"},
                                {"ANTHROPIC_DEFAULT_X", "n"},
                                {"A", "b"}}),
                  (environment{{"CLAUDE_CODE_USE_VERTEX", "1"}, {"ANTHROPIC_DEFAULT_OPUS_MODEL", "m"}}));
}

// ENV-1: nearer ones count, and no layer loses a lower one's deny rule
CAF_TEST(layers are laid over each other and each value knows its source) {
  std::vector<settings_layer> layers{
      {"user settings", "/u",
       json::parse(
           R"({"model": "a", "env": {"A": "1", "B": "1"}, "permissions": {"deny": ["x"], "defaultMode": "plan"}})"),
       false},
      {"project settings", "/p",
       json::parse(R"({"env": {"B": "2"}, "permissions": {"deny": ["y", "x"], "allow": ["z"]}})"), true},
      {"--settings", "", json::parse(R"({"model": "c"})"), false}};
  auto all = merged(layers);
  CAF_CHECK_EQUAL(
      all,
      json::parse(
          R"({"model": "c", "env": {"A": "1", "B": "2"}, "permissions": {"deny": ["x", "y"], "allow": ["z"], "defaultMode": "plan"}})"));
  std::map<std::string, std::pair<std::string, json>> rows;
  for (const auto& row : sourced(layers))
    rows[row["key"]] = {row["source"], row["value"]};
  CAF_CHECK_EQUAL(rows["/model"].first, "--settings");
  CAF_CHECK_EQUAL(rows["/env/B"].first, "project settings");
  CAF_CHECK_EQUAL(rows["/env/B"].second, "***");
  CAF_CHECK_EQUAL(rows["/permissions/deny"].first, "user settings, project settings");
}

// TRUST-4
CAF_TEST(what a project may not say is left out and told) {
  auto project = json::parse(
      R"({"harnesses": {}, "apiKeyHelper": "x", "notify": {}, "environment": {}, "supervisor": {}, "warmPool": {}, "trust": {},
    "auth": {}, "model": "m", "env": {"LD_PRELOAD": "1", "DYLD_X": "1", "PATH": "1", "HOME": "1", "XDG_DATA_HOME": "1", "TROUPE_HOME": "1", "GIT_DIR": "1",
    "NODE_OPTIONS": "1", "NODE_ENV": "test", "BASH_ENV": "1", "ENV": "1", "PYTHONPATH": "1", "PERL5LIB": "1", "RUBYOPT": "1", "JAVA_TOOL_OPTIONS": "1",
    "https_proxy": "1", "SSL_CERT_FILE": "1", "EDITOR": "1", "VISUAL": "1", "PAGER": "1", "PLAIN": "1"}, "permissions": {"defaultMode": "bypassPermissions", "allow": ["a"]}})");
  std::vector<std::string> warnings;
  CAF_CHECK_EQUAL(
      admitted(project, {"acceptEdits", {}}, "p", warnings),
      json::parse(R"({"model": "m", "env": {"NODE_ENV": "test", "PLAIN": "1"}, "permissions": {"allow": ["a"]}})"));
  CAF_CHECK_EQUAL(warnings.size(), 8u + 19u + 1u);
  warnings.clear();
  auto lifted = admitted(project, {"bypassPermissions", {"EDITOR", "notify"}}, "p", warnings);
  CAF_CHECK_EQUAL(lifted["env"]["EDITOR"], "1");
  CAF_CHECK(lifted.contains("notify"));
  CAF_CHECK_EQUAL(lifted["permissions"]["defaultMode"], "bypassPermissions");
}

// ENV-9, ENV-10
CAF_TEST(mode and model are looked for in order) {
  auto settings = json::parse(R"({"model": "s", "permissions": {"defaultMode": "plan"}})");
  CAF_CHECK_EQUAL(choose_mode({"f", "d", "v"}, settings), "f");
  CAF_CHECK_EQUAL(choose_mode({"", "d", "v"}, settings), "d");
  CAF_CHECK_EQUAL(choose_mode({"", "", "v"}, settings), "v");
  CAF_CHECK_EQUAL(choose_mode({}, settings), "plan");
  CAF_CHECK_EQUAL(choose_mode({}, json::object()), "");
  environment env{{"ANTHROPIC_MODEL", "e"}};
  CAF_CHECK_EQUAL(choose_model({"f", "d", "v"}, env, settings), "f");
  CAF_CHECK_EQUAL(choose_model({"", "d", "v"}, env, settings), "d");
  CAF_CHECK_EQUAL(choose_model({"", "", "v"}, env, settings), "v");
  CAF_CHECK_EQUAL(choose_model({}, env, settings), "e");
  CAF_CHECK_EQUAL(choose_model({}, {}, settings), "s");
}

// TRUST-3
CAF_TEST(what executes or redirects is hashed and a model is not ) {
  project_files files;
  files.settings = json::parse(R"({"model": "a", "env": {"A": "1"}, "permissions": {"allow": ["x"]}})");
  auto before = word_of(files).executes;
  files.settings["model"] = "b";
  CAF_CHECK_EQUAL(word_of(files).executes, before);
  for (const char* change : {R"({"env": {"A": "2"}})", R"({"permissions": {"allow": ["x", "y"]}})", R"({"hooks": {}})",
                             R"({"permissions": {"deny": ["q"]}})", R"({"mcpServers": {"m": {"command": "c"}}})"}) {
    auto changed = files;
    changed.settings.merge_patch(json::parse(change));
    CAF_CHECK(word_of(changed).executes != before);
  }
  CAF_CHECK(!word_of({}).speaks);
}

// CRED-8
CAF_TEST(the host of a URL is what is in front of a path and behind a name) {
  bool secure = false;
  CAF_CHECK_EQUAL(host_of("https://User:pw@API.Example.com:8443/v1?x=@evil", &secure), "api.example.com:8443");
  CAF_CHECK(secure);
  CAF_CHECK_EQUAL(host_of("http://127.0.0.1:80/", &secure), "127.0.0.1:80");
  CAF_CHECK(secure);
  CAF_CHECK_EQUAL(host_of("http://127.0.0.1.evil.com", &secure), "127.0.0.1.evil.com");
  CAF_CHECK(!secure);
  CAF_CHECK_EQUAL(host_of("http://example.com#@127.0.0.1", &secure), "example.com");
  CAF_CHECK(!secure);
  CAF_CHECK_EQUAL(host_of("no url"), "");
}

// SEC-6
CAF_TEST(a secret in settings is found by its name and by its look) {
  CAF_CHECK_EQUAL(secret_in(json::parse(R"({"env": {"GH_TOKEN": "abc"}})")), "/env/GH_TOKEN");
  CAF_CHECK_EQUAL(secret_in(json::parse(R"({"mcpServers": {"m": {"args": ["x", "ghp_0123456789abcdef"]}}})")),
                  "/mcpServers/m/args/1");
  CAF_CHECK_EQUAL(secret_in(json::parse(R"({"model": "m", "env": {"MAX_TOKENS": "100", "GH_TOKEN": ""}})")), "");
}

CAF_TEST(bad settings are told and leave the default) {
  std::vector<std::string> problems;
  auto s = read_settings(
      R"({"warmPool": {"size": 3, "maxAgeSeconds": -1}, "session": {"idleSeconds": "x"}, "harnesses": {"a": {"command": ["x", "y"]}, "b": 7}})",
      "f", problems);
  CAF_CHECK_EQUAL(s.pool_size, 3u);
  CAF_CHECK_EQUAL(s.pool_max_age_seconds, 3600);
  CAF_CHECK_EQUAL(s.idle_ms, 3600000);
  CAF_CHECK_EQUAL(s.pull_refresh_ms, 300'000);
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

// CRED-7
CAF_TEST(the credentials of a harness are all or those that are named or none) {
  std::vector<std::string> problems;
  auto rows = read_drivers(
      json::parse(R"({"harnesses": {"gemini": {"credentials": true}, "a": {"command": ["x"], "credentials": ["K"]},
      "b": {"command": ["x"], "credentials": false}, "c": {"command": ["x"], "warm": true, "credentials": true},
      "d": {"command": ["x"], "credentials": "all"}}})"),
      "f", problems);
  auto row = [&](const std::string& name) {
    return *std::find_if(rows.begin(), rows.end(), [&](const auto& r) { return r.name == name; });
  };
  CAF_CHECK(row("gemini").credentials.all);
  CAF_CHECK_EQUAL(row("a").credentials.variables, std::vector<std::string>{"K"});
  CAF_CHECK(!row("b").credentials.any());
  CAF_CHECK(!row("codex").credentials.any());
  CAF_CHECK_EQUAL(problems.size(), 2u); // c gets them at its start and cannot be warmed up, d is neither
  auto again = driver_from_json(to_json(row("gemini")));
  CAF_CHECK(again.credentials.all && again.auth_variable == "GEMINI_API_KEY");
}

// SUP-6: only ever towards a newer version
CAF_TEST(versions are compared number by number and what is none is never newer) {
  CAF_CHECK(is_newer("0.1.1", "0.1.0"));
  CAF_CHECK(is_newer("0.10.0", "0.9.9"));
  CAF_CHECK(is_newer("1.0.0.1", "1.0.0"));
  for (const char* other : {"0.1.0", "0.0.9", "", "newer", "1.x", "2.0-rc1", "-1", "1..2", "1."})
    CAF_CHECK(!is_newer(other, "0.1.0"));
}
