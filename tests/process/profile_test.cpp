// Spares by profile, with real processes. The built-in agent plays a harness that reads its environment at its start.
#define CAF_SUITE profiles
#include <sstream>

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

bool claimed_warm(const sandbox& s, const std::string& id) {
  return s.troupe({"why", id}).out.find(", a warm one") != std::string::npos;
}

/// Dispatches to the other harness, and waits until its spare for the next one is there.
std::string run(const sandbox& s) {
  auto id = s.bg({"--harness", "other", "--permission-mode", "bypassPermissions", "say hello there"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK(until(s, [&] {
    auto spares = s.status()["spares"];
    return spares.contains("ready") && spares.size() == 1;
  }));
  return id;
}

/// What a session's transcript tells, without what is another at each run: numbers, times, process and other ids.
std::vector<std::string> story(const sandbox& s, const std::string& id) {
  std::istringstream in(slurp(s.home() + "/sessions/" + id + "/transcript.jsonl"));
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    auto e = json::parse(line);
    const auto what = e["what"].get<std::string>();
    const bool of_ids = what == "ready" || what == "taken" || what == "sent";
    out.push_back(what + " | " + (of_ids ? "" : e.value("detail", "")) + " | " + e.value("text", "") + " | " +
                  e.value("options", json()).dump() + e.value("data", json()).dump());
    for (std::size_t at; (at = out.back().find(s.root())) != std::string::npos;)
      out.back().replace(at, s.root().size(), "ROOT");
    for (std::size_t at; (at = out.back().find(id)) != std::string::npos;)
      out.back().replace(at, id.size(), "ID");
  }
  return out;
}

/// The workers and agents of a sandbox.
std::vector<std::int32_t> hosts(const sandbox& s) {
  std::vector<std::int32_t> out;
  for (const auto& p : s.processes())
    if (auto name = slurp("/proc/" + std::to_string(p.pid) + "/comm");
        name == "troupe-worker\n" || name == "troupe-agent\n")
      out.push_back(p.pid);
  return out;
}

} // namespace

// POOL-8, POOL-9
CAF_TEST(the built in agent tells the same story on a spare and on a fresh process) {
  std::vector<std::vector<std::string>> told;
  for (int spares : {0, 1}) {
    sandbox s(json{{"warmPool", {{"size", spares}}}}.dump());
    spill(s.home() + "/credentials.json", R"({"keys": {"ANTHROPIC_API_KEY": "sk-planted-for-later"}})");
    ::chmod((s.home() + "/credentials.json").c_str(), 0600);
    s.troupe({"agents"});
    if (spares > 0)
      CAF_REQUIRE(until(s, [&] { return s.status()["spares"].value("ready", 0) == 1; }));
    const auto waiting = hosts(s);
    CAF_CHECK_EQUAL(waiting.size(), spares > 0 ? 2u : 0u);
    for (auto pid : waiting)
      for (const auto& word : {std::string("sk-planted-for-later"), s.work(), std::string("I end.")})
        CAF_CHECK(!test::process_has(pid, word));
    auto id = s.bg({"say I begin.\nbash echo made > made.txt\nsay I end."});
    CAF_CHECK(until(s, [&] { return s.field(id, "state") == "blocked"; }));
    CAF_CHECK_EQUAL(s.troupe({"answer", id, "yes"}).status, 0);
    CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
    CAF_CHECK_EQUAL(slurp(s.work() + "/made.txt"), "made\n");
    CAF_CHECK_EQUAL(claimed_warm(s, id), spares > 0);
    CAF_CHECK(test::process_has(s.field(id, "pid").get<std::int32_t>(), "sk-planted-for-later") || ::getuid() != 0);
    told.push_back(story(s, id));
    CAF_CHECK(s.stop().empty());
  }
  CAF_CHECK_EQUAL(told[0], told[1]);
  CAF_CHECK(told[0].size() > 8);
}

// POOL-9, BEYOND-4
CAF_TEST(a warmed harness gets its spare after the first use and another environment goes cold and says so) {
  sandbox s;
  auto agent = std::string(std::getenv("TROUPE_BIN")) + "/troupe-agent";
  s.configure(json{{"harnesses", {{"other", {{"command", {agent, "--model", "offline"}}, {"warm", true}}}}}}.dump());
  CAF_CHECK(!claimed_warm(s, run(s)));
  auto second = run(s);
  CAF_CHECK(claimed_warm(s, second));
  ::setenv("PLANTED", "a-value", 1);
  auto third = run(s);
  auto why = s.troupe({"why", third}).out;
  CAF_CHECK(why.find("the spare that was ready differs: environment: PLANTED") != std::string::npos);
  CAF_CHECK(why.find("a-value") == std::string::npos);
  auto fourth = run(s);
  ::unsetenv("PLANTED");
  CAF_CHECK(claimed_warm(s, fourth));
  CAF_CHECK(s.stop().empty());
}

// POOL-10
CAF_TEST(an automatic pool grows with the dispatches) {
  sandbox s(R"({"warmPool": {"size": "auto", "max": 3}})");
  for (int i = 0; i < 4; ++i)
    s.bg({"--exec", "exit 0"});
  CAF_CHECK(until(s, [&] {
    auto spares = s.status()["spares"];
    return spares.contains("ready") && spares["ready"] == 3;
  }));
  CAF_CHECK(s.stop().empty());
}
