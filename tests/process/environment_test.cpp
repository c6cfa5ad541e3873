// Which variable reaches a session, on real processes: the shell that dispatches, the one that started the service, and
// the settings of the directory, for each kind of harness, warm and cold.
#define CAF_SUITE environments
#include <filesystem>
#include <map>
#include <sstream>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

namespace fs = std::filesystem;

using words = std::map<std::string, std::string>;

/// Variables of the shell that commands run in, as long as this lives.
struct shell {
  std::vector<std::string> names;
  explicit shell(const std::map<std::string, std::string>& values) {
    for (const auto& [name, value] : values) {
      ::setenv(name.c_str(), value.c_str(), 1);
      names.push_back(name);
    }
  }
  ~shell() {
    for (const auto& name : names)
      ::unsetenv(name.c_str());
  }
  shell(const shell&) = delete;
  shell& operator=(const shell&) = delete;
};

constexpr const char* followers[] = {"CLAUDE_CODE_USE_BEDROCK",
                                     "CLAUDE_CODE_USE_VERTEX",
                                     "CLAUDE_CODE_USE_FOUNDRY",
                                     "ANTHROPIC_DEFAULT_OPUS_MODEL",
                                     "AWS_PROFILE",
                                     "GOOGLE_APPLICATION_CREDENTIALS",
                                     "AZURE_CLIENT_ID",
                                     "GH_TOKEN",
                                     "LC_ALL",
                                     "NO_PROXY",
                                     "ANTHROPIC_DEFAULT_HAIKU_MODEL"};
constexpr const char* gateways[] = {
    "ANTHROPIC_BASE_URL",      "ANTHROPIC_BEDROCK_BASE_URL", "ANTHROPIC_VERTEX_BASE_URL", "ANTHROPIC_FOUNDRY_BASE_URL",
    "OPENAI_BASE_URL",         "GOOGLE_GEMINI_BASE_URL",     "MISTRAL_API_BASE",          "ANTHROPIC_AUTH_TOKEN",
    "ANTHROPIC_CUSTOM_HEADERS"};
constexpr const char* keys[] = {"ANTHROPIC_API_KEY", "OPENAI_API_KEY", "GEMINI_API_KEY"};

std::map<std::string, std::string> all_of(const std::string& whose) {
  std::map<std::string, std::string> out;
  for (const char* name : followers)
    out[name] = std::string(name) == "LC_ALL" ? "C" : whose;
  for (const char* name : gateways)
    out[name] = "http://" + whose + ".invalid";
  for (const char* name : keys)
    out[name] = "sk-" + whose;
  return out;
}

std::map<std::string, std::string> variables(const std::string& path) {
  std::istringstream in(slurp(path));
  std::map<std::string, std::string> out;
  for (std::string line; std::getline(in, line);)
    if (auto split = line.find('='); split != std::string::npos)
      out[line.substr(0, split)] = line.substr(split + 1);
  return out;
}

json settings_of_user(int spares) {
  return {
      {"warmPool", {{"size", spares}}},
      {"permissions", {{"defaultMode", "bypassPermissions"}}},
      {"harnesses",
       {{"recorder",
         {{"command",
           {"/bin/sh", "-c",
            "say() { printf '%s\\n' \"$1\"; }; env > agent.env; read -r l; "
            "say '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":1}}'; read -r l; "
            "say '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"sessionId\":\"s\",\"modes\":{\"currentModeId\":"
            "\"bypassPermissions\",\"availableModes\":[{\"id\":\"bypassPermissions\",\"name\":\"b\"}]}}}'; read -r l; "
            "say '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"stopReason\":\"end_turn\"}}'; read -r l"}}}}}}};
}

/// Runs each kind of harness, and gives what each had.
std::map<std::string, std::map<std::string, std::string>> run_all(const sandbox& s, const std::string& dir, bool warm) {
  std::map<std::string, std::map<std::string, std::string>> out;
  auto ready = [&] {
    if (warm)
      CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
  };
  ready();
  auto job = s.bg({"--cwd", dir, "--exec", "env > job.env"});
  CAF_CHECK_EQUAL(s.troupe({"wait", job}).status, 0);
  ready();
  auto native = s.bg({"--cwd", dir, "--permission-mode", "bypassPermissions", "bash env > native.env"});
  CAF_CHECK_EQUAL(s.troupe({"wait", native}).status, 0);
  ready();
  auto other = s.bg({"--cwd", dir, "--harness", "recorder", "who are you"});
  CAF_CHECK_EQUAL(s.troupe({"wait", other}).status, 0);
  out["exec"] = variables(dir + "/job.env");
  out["native"] = variables(dir + "/native.env");
  out["recorder"] = variables(dir + "/agent.env");
  s.troupe({"stop", native, other});
  return out;
}

} // namespace

// ENV-1, ENV-2, ENV-3, ENV-4, ENV-7, F-14: the matrix
CAF_TEST(each variable comes from where its rule says for every harness warm and cold) {
  for (bool warm : {true, false}) {
    sandbox s(settings_of_user(warm ? 1 : 0).dump());
    auto dir = s.work() + "/project";
    fs::create_directories(dir + "/.troupe");
    {
      shell of_service(all_of("service"));
      s.troupe({"agents"});
    }
    std::string stored = "sk-service"; // CRED-1: what the shell of the service has counts as stored
    shell of_dispatch(all_of("dispatch"));
    for (auto& [harness, env] : run_all(s, dir, warm)) {
      CAF_MESSAGE(harness << (warm ? " warm" : " cold"));
      for (const char* name : followers)
        CAF_CHECK_EQUAL(env[name], std::string(name) == "LC_ALL" ? "C" : "dispatch");
      for (const char* name : gateways)
        CAF_CHECK_EQUAL(env.count(name), 0u);
      for (const char* name : keys)
        CAF_CHECK_EQUAL(env.count(name), 0u);
      for (const char* name : {"TROUPE_SESSION_ID", "TROUPE_SESSION_DIR", "TROUPE_SOCKET"})
        CAF_CHECK_EQUAL(env.count(name), 1u);
    }
    spill(dir + "/.troupe/settings.json", json{{"env",
                                                {{"AWS_PROFILE", "project"},
                                                 {"CLAUDE_CODE_USE_VERTEX", "project"},
                                                 {"ANTHROPIC_BASE_URL", "http://127.0.0.1:9"},
                                                 {"OPENAI_API_KEY", "sk-project"},
                                                 {"OWN_WORD", "project"}}}}
                                              .dump());
    spill(dir + "/.troupe/settings.local.json", R"({"env": {"OWN_WORD": "local"}})");
    CAF_REQUIRE_EQUAL(s.troupe({"trust", "--yes", dir}).status, 0);
    for (auto& [harness, env] : run_all(s, dir, warm)) {
      CAF_MESSAGE(harness << (warm ? " warm, with settings" : " cold, with settings"));
      CAF_CHECK_EQUAL(env["AWS_PROFILE"], "project");
      CAF_CHECK_EQUAL(env["CLAUDE_CODE_USE_VERTEX"], "project");
      CAF_CHECK_EQUAL(env["CLAUDE_CODE_USE_BEDROCK"], "dispatch");
      CAF_CHECK_EQUAL(env["ANTHROPIC_BASE_URL"], "http://127.0.0.1:9");
      if (harness != "native")                                // its tools get none (SEC-5)
        CAF_CHECK_EQUAL(env["OPENAI_API_KEY"], "sk-project"); // CRED-8: what the project itself supplies
      CAF_CHECK_EQUAL(env["OWN_WORD"], "local");
      CAF_CHECK_EQUAL(env.count("ANTHROPIC_API_KEY"), 0u);
    }
    for (const auto& file : fs::recursive_directory_iterator(s.home())) // ENV-5: no value is written
      if (file.is_regular_file() && file.path().filename() != "settings.json") {
        auto text = slurp(file.path());
        for (const char* value : {"sk-service", "sk-dispatch", "sk-project", ".invalid"})
          CAF_CHECK(text.find(value) == std::string::npos);
      }
    CAF_CHECK(s.stop().empty());
  }
}

// ENV-3: both started with the very same, and the session where its shell is; nothing of one with the other's
CAF_TEST(gateways are forwarded only where settings say so and both shells have the same) {
  auto settings = settings_of_user(0);
  settings["environment"] = {{"forwardGateway", "matching"}};
  sandbox s(settings.dump());
  fs::create_directories(s.work() + "/elsewhere");
  std::map<std::string, std::string> gateway{{"ANTHROPIC_BASE_URL", "http://127.0.0.1:9"},
                                             {"ANTHROPIC_AUTH_TOKEN", "t"}};
  auto seen = [&](const std::vector<std::string>& more) {
    auto args = more;
    args.insert(args.end(), {"--exec", "echo ${ANTHROPIC_BASE_URL-none} ${ANTHROPIC_AUTH_TOKEN-none}"});
    auto id = s.bg(args);
    s.troupe({"wait", id});
    return s.troupe({"logs", id}).out;
  };
  shell same(gateway);
  CAF_CHECK_EQUAL(seen({}), "http://127.0.0.1:9 t\n");
  CAF_CHECK_EQUAL(seen({"--cwd", s.work() + "/elsewhere"}), "none none\n");
  gateway["ANTHROPIC_AUTH_TOKEN"] = "another";
  shell other(gateway);
  CAF_CHECK_EQUAL(seen({}), "none none\n");
  CAF_CHECK(s.stop().empty());
}

// ENV-5, ENV-8: the choice outlives the service; everything else is the waking shell's, or the service's
CAF_TEST(provider selection and aliases persist with the session and nothing else does) {
  sandbox s(settings_of_user(0).dump());
  std::string id;
  {
    shell first(words{
        {"CLAUDE_CODE_USE_BEDROCK", "1"}, {"ANTHROPIC_DEFAULT_OPUS_MODEL", "opus-x"}, {"PASSING", "secret-word"}});
    id = s.bg({"--exec", "env > job.env; exit 1"});
    CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 1);
    CAF_CHECK(s.stop().empty());
  }
  CAF_CHECK(slurp(s.home() + "/ledger.jsonl").find("secret-word") == std::string::npos);
  ::unlink((s.work() + "/job.env").c_str());
  shell second(words{{"PASSING", "of the second"}});
  CAF_CHECK_EQUAL(s.troupe({"respawn", id}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 1);
  auto env = variables(s.work() + "/job.env");
  CAF_CHECK_EQUAL(env["CLAUDE_CODE_USE_BEDROCK"], "1");
  CAF_CHECK_EQUAL(env["ANTHROPIC_DEFAULT_OPUS_MODEL"], "opus-x");
  CAF_CHECK_EQUAL(env["PASSING"], "of the second");
  CAF_CHECK(s.stop().empty());
}

// ENV-2: attach brings the agent of the shell that attaches
CAF_TEST(the link to the ssh agent follows whoever attaches) {
  sandbox s(settings_of_user(0).dump());
  std::string id;
  {
    shell first(words{{"SSH_AUTH_SOCK", "/first/agent"}});
    id = s.bg({"--exec", "echo $SSH_AUTH_SOCK; sleep 300"});
  }
  auto link = s.home() + "/sessions/" + id + "/ssh-agent";
  CAF_CHECK(until(s, [&] { return s.troupe({"logs", id}).out == link + "\n"; }));
  CAF_CHECK_EQUAL(fs::read_symlink(link).string(), "/first/agent");
  auto socket = s.connect();
  troupe::test::ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/attach","params":{"id":")" + id +
                                      R"(","env":[["SSH_AUTH_SOCK","/second/agent"]]}})");
  CAF_CHECK_EQUAL(fs::read_symlink(link).string(), "/second/agent");
  CAF_CHECK(s.stop().empty());
}

// ENV-1, ENV-9, ENV-10, ENV-8: what is said nearer counts
CAF_TEST(mode and model and variables come from the nearest that says something) {
  auto user = settings_of_user(0);
  user["model"] = "model-of-user";
  user["permissions"]["defaultMode"] = "acceptEdits";
  sandbox s(user.dump());
  auto dir = s.work() + "/project";
  fs::create_directories(dir + "/.claude");
  spill(dir + "/.claude/settings.json",
        R"({"model": "model-of-project", "permissions": {"defaultMode": "plan"}, "hooks": {"Stop": []}})");
  CAF_REQUIRE_EQUAL(s.troupe({"trust", "--yes", dir}).status, 0);
  auto modes = [&](const std::string& id) {
    for (const auto& line : {slurp(s.home() + "/ledger.jsonl")}) {
      std::istringstream in(line);
      for (std::string l; std::getline(in, l);)
        if (auto e = json::parse(l); e["what"] == "dispatched" && e["session"] == id)
          return e["spec"].value("permissionMode", "") + " " + e["spec"].value("model", "");
    }
    return std::string();
  };
  CAF_CHECK_EQUAL(modes(s.bg({"say hello"})), "acceptEdits model-of-user");
  CAF_CHECK_EQUAL(modes(s.bg({"--cwd", dir, "say hello"})), "plan model-of-project");
  CAF_CHECK_EQUAL(modes(s.bg({"--cwd", dir, "--settings", R"({"model": "model-of-settings"})", "say hello"})),
                  "plan model-of-settings");
  {
    shell here(words{{"ANTHROPIC_MODEL", "model-of-shell"}});
    CAF_CHECK_EQUAL(modes(s.bg({"--cwd", dir, "say hello"})), "plan model-of-shell");
    CAF_CHECK_EQUAL(
        modes(s.bg({"--cwd", dir, "--model", "model-of-flag", "--permission-mode", "default", "say hello"})),
        "default model-of-flag");
  }
  auto shown = json::parse(s.troupe({"config", "--json", dir}).out);
  std::map<std::string, std::string> from;
  for (const auto& row : shown["values"])
    from[row["key"]] = row["source"];
  CAF_CHECK_EQUAL(from["/model"], "project settings");
  CAF_CHECK_EQUAL(from["/warmPool/size"], "user settings");
  CAF_CHECK(s.stop().empty());
}

// SEC-6
CAF_TEST(a secret in an argument is refused and one in a file is not told) {
  sandbox s;
  auto r = s.troupe({"--bg", "--settings", R"({"env": {"MY_API_KEY": "abc"}})", "say hello"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.find("holds a secret at /env/MY_API_KEY") != std::string::npos);
  CAF_CHECK(r.err.find("abc") == std::string::npos);
  CAF_CHECK_EQUAL(
      s.troupe({"--bg", "--settings", R"({"native": {"x": "sk-ant-0123456789abcdef"}})", "say hello"}).status, 1);
  spill(s.work() + "/mine.json", R"({"env": {"MY_API_KEY": "abc-of-file"}})");
  auto id = s.bg({"--settings", "mine.json", "--exec", "echo $MY_API_KEY > seen"});
  s.troupe({"wait", id});
  CAF_CHECK_EQUAL(slurp(s.work() + "/seen"), "abc-of-file\n");
  CAF_CHECK(slurp(s.home() + "/ledger.jsonl").find("abc-of-file") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// ENV-6
CAF_TEST(each variable is told with its origin and its rule and without its value) {
  sandbox s(
      R"({"environment": {"rules": {"MY_*": "drop", "TEAM_TOKEN": "credential"}}, "env": {"FROM_USER": "user-value"}})");
  shell here(words{{"MY_WORD", "my-value"},
                   {"TEAM_TOKEN", "team-value"},
                   {"PLAIN", "plain-value"},
                   {"OPENAI_BASE_URL", "http://x"}});
  auto id = s.bg({"--exec", "env > job.env"});
  s.troupe({"wait", id});
  auto env = variables(s.work() + "/job.env");
  CAF_CHECK_EQUAL(env.count("MY_WORD"), 0u);
  CAF_CHECK_EQUAL(env.count("TEAM_TOKEN"), 0u);
  CAF_CHECK_EQUAL(env["FROM_USER"], "user-value");
  auto r = s.troupe({"doctor", "--env"});
  CAF_CHECK_EQUAL(r.status, 0);
  for (const char* line : {"MY_WORD", "drop MY_* (settings)", "credential TEAM_TOKEN (settings)", "forward *",
                           "gateway *_BASE_URL", "user settings"})
    CAF_CHECK(r.out.find(line) != std::string::npos);
  for (const char* value : {"my-value", "team-value", "plain-value", "user-value", "http://x"})
    CAF_CHECK(r.out.find(value) == std::string::npos);
  CAF_CHECK(s.stop().empty());
}
