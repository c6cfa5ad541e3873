// Spares by profile, with real processes. The built-in agent plays a harness that reads its environment at its start.
#define CAF_SUITE profiles
#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
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

} // namespace

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
