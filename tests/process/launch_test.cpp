// What a session runs with, on real processes: directory, variables, credentials, permission mode.
#define CAF_SUITE launching
#include <algorithm>
#include <sstream>

#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

struct planted { ///< a variable of the shell that the commands run in
  const char* name;
  planted(const char* n, const char* value) : name(n) { ::setenv(n, value, 1); }
  ~planted() { ::unsetenv(name); }
};

/// An ACP agent that writes its environment and directory down and answers one prompt.
std::string settings_with_agent(const std::string& more = {}) {
  return R"({"harnesses": {"recorder": {"credentials": ["ANTHROPIC_API_KEY"], "command": ["/bin/sh", "-c",
"say() { printf '%s\\n' \"$1\"; }; env > agent.env; pwd > agent.cwd; read -r l; say '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":1}}'; read -r l; say '{\"jsonrpc\":\"2.0\",\"id\":2,\"result\":{\"sessionId\":\"s\"}}'; read -r l; say '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"stopReason\":\"end_turn\"}}'; read -r l"]}})" +
         more + "}";
}

void await_spare(const sandbox& s) {
  s.troupe({"agents"});
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
}

/// Dispatches; gives the id and whether a warm worker took it.
std::pair<std::string, bool> dispatch(const sandbox& s, std::vector<std::string> args) {
  args.insert(args.begin(), {"--bg", "--json"});
  auto r = s.troupe(args);
  CAF_REQUIRE_EQUAL(r.err, "");
  auto got = json::parse(r.out);
  return {got["id"].get<std::string>(), got["warm"].get<bool>()};
}

/// Variables by name, without those that name the session.
std::string variables(const std::string& text) {
  std::istringstream in(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);)
    if (!line.starts_with("TROUPE_SESSION_") && !line.starts_with("TROUPE_TOOL_CALL=") &&
        !line.starts_with("TMPDIR=") && !line.starts_with("_="))
      lines.push_back(line);
  std::sort(lines.begin(), lines.end());
  std::string out;
  for (const auto& line : lines)
    out += line + "\n";
  return out;
}

std::string ledger_line(const sandbox& s, const std::string& what) {
  std::istringstream in(slurp(s.home() + "/ledger.jsonl"));
  std::string out;
  for (std::string line; std::getline(in, line);)
    if (line.find("\"what\":\"" + what + "\"") != std::string::npos)
      out = line;
  return out;
}

} // namespace

// F-13, ENV-2: what the spare has lived through is not in the session
CAF_TEST(a warm session has the same variables as a cold one) {
  sandbox s;
  {
    planted left("LEFT_OVER", "from the shell that started the service");
    await_spare(s);
  }
  std::string warm_env, cold_env, warm_agent, cold_agent;
  planted identity("GIT_AUTHOR_NAME", "Somebody");
  auto run = [&](bool warm, std::string& job, std::string& agent) {
    if (warm)
      CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
    auto a = dispatch(s, {"--exec", "env > job.env"});
    CAF_CHECK_EQUAL(a.second, warm);
    CAF_CHECK_EQUAL(s.troupe({"wait", a.first}).status, 0);
    if (warm)
      CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
    auto b = dispatch(s, {"--permission-mode", "bypassPermissions", "bash env > agent.env"});
    CAF_CHECK_EQUAL(b.second, warm);
    CAF_CHECK_EQUAL(s.troupe({"wait", b.first}).status, 0);
    job = variables(slurp(s.work() + "/job.env"));
    agent = variables(slurp(s.work() + "/agent.env"));
  };
  run(true, warm_env, warm_agent);
  CAF_CHECK(s.stop().empty());
  s.configure(R"({"warmPool": {"size": 0}})");
  run(false, cold_env, cold_agent);
  CAF_CHECK_EQUAL(warm_env, cold_env);
  CAF_CHECK_EQUAL(warm_agent, cold_agent);
  CAF_CHECK(warm_env.find("GIT_AUTHOR_NAME=Somebody\n") != std::string::npos);
  CAF_CHECK(warm_agent.find("GIT_AUTHOR_NAME=Somebody\n") != std::string::npos);
  for (const auto& text : {warm_env, warm_agent})
    CAF_CHECK(text.find("LEFT_OVER") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// F-13: one project's identity is not the next one's
CAF_TEST(a variable of one dispatch is not in the next) {
  sandbox s;
  await_spare(s);
  std::string first;
  {
    planted identity("PROJECT_IDENTITY", "alpha");
    first = s.bg({"--exec", "echo $PROJECT_IDENTITY"});
  }
  auto second = s.bg({"--exec", "echo ${PROJECT_IDENTITY-unset}"});
  s.troupe({"wait", first, second});
  CAF_CHECK_EQUAL(s.troupe({"logs", first}).out, "alpha\n");
  CAF_CHECK_EQUAL(s.troupe({"logs", second}).out, "unset\n");
  CAF_CHECK(s.stop().empty());
}

// BEYOND-5
CAF_TEST(the receipt is kept by names and shown by why) {
  sandbox s;
  planted secret("PLAIN_WORD", "walks-by-itself");
  auto id = s.bg({"--exec", "true"});
  s.troupe({"wait", id});
  auto facts = json::parse(ledger_line(s, "assigned"))["facts"];
  for (const char* part : {"arguments", "directory", "variables", "permission_mode", "account"})
    CAF_CHECK_EQUAL(facts[part], "same");
  CAF_CHECK(slurp(s.home() + "/ledger.jsonl").find("walks-by-itself") == std::string::npos);
  auto why = s.troupe({"why", id}).out;
  CAF_CHECK(why.find("as meant: arguments, directory, variables, permission mode, account") != std::string::npos);
  CAF_CHECK(why.find("done since then: its process tree shows it") != std::string::npos); // BEYOND-8
  auto evidence = s.field(id, "evidence");
  CAF_CHECK_EQUAL(evidence["source"], "process tree");
  CAF_CHECK(s.stop().empty());
}

// BEYOND-5: no program can get such a value, and nobody is told otherwise
CAF_TEST(a variable that cannot be passed as it was meant is drift and shown) {
  sandbox s;
  s.troupe({"agents"});
  auto socket = s.connect();
  auto line =
      R"({"jsonrpc":"2.0","id":1,"method":"session/dispatch","params":{"key":"key-00001","kind":"exec","command":["/bin/sleep","300"],"prompt":"sleep","cwd":")" +
      s.work() + R"(","env":[["CUT","before\u0000behind"],["WHOLE","x"]]}})";
  auto id = json::parse(troupe::test::ask(socket.get(), line))["result"]["id"].get<std::string>();
  CAF_CHECK_EQUAL(s.field(id, "problems"), json::array({"runs with other variables CUT than was meant"}));
  CAF_CHECK(s.troupe({"agents"}).out.find("\n    ! runs with other variables CUT than was meant\n") !=
            std::string::npos);
  CAF_CHECK(s.troupe({"why", id}).out.find("not as meant: variables (CUT)") != std::string::npos);
  CAF_CHECK(slurp(s.home() + "/ledger.jsonl").find("behind") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// BEYOND-5, F-15: what the name meant at the dispatch counts
CAF_TEST(a directory that has become another one is refused) {
  sandbox s;
  ::mkdir((s.work() + "/real").c_str(), 0700);
  ::mkdir((s.work() + "/other").c_str(), 0700);
  auto id = s.bg({"--cwd", s.work() + "/real", "--exec", "pwd; exit 1"});
  s.troupe({"wait", id});
  CAF_CHECK_EQUAL(s.troupe({"logs", id}).out, s.work() + "/real\n");
  ::rename((s.work() + "/real").c_str(), (s.work() + "/moved").c_str());
  CAF_REQUIRE_EQUAL(::symlink("other", (s.work() + "/real").c_str()), 0);
  s.troupe({"respawn", id});
  CAF_CHECK(until(s, [&] { return s.field(id, "sentence") == "the worker's directory is not what was meant"; }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "failed");
  CAF_CHECK_EQUAL(s.troupe({"logs", id}).out, s.work() + "/real\n"); // nothing ran in the other one
  CAF_CHECK(s.troupe({"why", id}).out.find("not as meant: directory") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// F-15, ISO: each kind of harness, in a warm worker
CAF_TEST(agents run in the directory of their dispatch) {
  sandbox s(settings_with_agent());
  await_spare(s);
  ::mkdir((s.work() + "/here").c_str(), 0700);
  ::symlink("here", (s.work() + "/link").c_str());
  auto native = s.bg({"--cwd", s.work() + "/here", "--permission-mode", "bypassPermissions", "bash pwd > native.cwd"});
  auto other = s.bg({"--cwd", s.work() + "/link", "--harness", "recorder", "where are you"});
  CAF_CHECK_EQUAL(s.troupe({"wait", native, other}).status, 0);
  CAF_CHECK_EQUAL(slurp(s.work() + "/here/native.cwd"), s.work() + "/here\n");
  CAF_CHECK_EQUAL(slurp(s.work() + "/here/agent.cwd"), s.work() + "/here\n");
  CAF_CHECK(s.stop().empty());
}

// BEYOND-5, ENV-9: never with another mode than was meant
CAF_TEST(a permission mode that the agent does not have is refused before its first prompt) {
  sandbox s(settings_with_agent());
  auto id = s.bg({"--harness", "recorder", "--permission-mode", "plan", "do as you like"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 1);
  CAF_CHECK(s.field(id, "sentence").get<std::string>().find("has no permission mode 'plan'") != std::string::npos);
  CAF_CHECK(slurp(s.home() + "/sessions/" + id + "/transcript.jsonl").find("\"sent\"") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// F-10, F-11, POOL-8, CRED-2
CAF_TEST(a key that is stored after the spare was warmed reaches the session and the spare never had it) {
  sandbox s(settings_with_agent());
  await_spare(s);
  spill(s.home() + "/credentials.json", R"({"keys": {"ANTHROPIC_API_KEY": "sk-stored-late"}})");
  ::chmod((s.home() + "/credentials.json").c_str(), 0600);
  planted wrong("ANTHROPIC_API_KEY", "sk-of-this-shell"); // F-11: one store for all, whoever dispatches
  for (int round = 0; round < 2; ++round) {
    CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
    for (const auto& p : s.processes()) // the spare, its agent, the service
      CAF_CHECK(slurp("/proc/" + std::to_string(p.pid) + "/environ").find("sk-") == std::string::npos);
    auto [id, warm] = dispatch(s, {"--harness", "recorder", "who are you"});
    CAF_CHECK(warm);
    CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
    auto env = slurp(s.work() + "/agent.env");
    CAF_CHECK(env.find("ANTHROPIC_API_KEY=sk-stored-late\n") != std::string::npos);
    CAF_CHECK(env.find("sk-of-this-shell") == std::string::npos);
    auto assigned = json::parse(ledger_line(s, "assigned"));
    CAF_CHECK_EQUAL(assigned["facts"]["account"], "same");
    s.troupe({"stop", id});
  }
  for (const char* file : {"/ledger.jsonl", "/supervisor.log"})
    CAF_CHECK(slurp(s.home() + file).find("sk-") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}
