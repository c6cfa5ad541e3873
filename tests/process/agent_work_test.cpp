// What the built-in agent has running beside its turns, through the programs as a user meets them.
#define CAF_SUITE agent_work
#include <algorithm>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

std::string kinds(const sandbox& s, const std::string& id) {
  std::string all;
  auto row = s.row(id);
  for (const auto& each : row["activeWork"])
    all += (all.empty() ? "" : ", ") + each["kind"].get<std::string>() + " " + each["title"].get<std::string>();
  return all;
}

std::string transcript(const sandbox& s, const std::string& id) {
  return slurp(s.home() + "/sessions/" + id + "/transcript.jsonl");
}

} // namespace

// KEEP-2
CAF_TEST(a subagent in the background keeps its worker beyond the turn and its result comes as a prompt) {
  sandbox s(R"({"session": {"idleSeconds": 0}})");
  auto id =
      s.bg({"--permission-mode", "bypassPermissions", "delegate wait " + s.work() + "/go\\nsay found\nsay turn over"});
  CAF_REQUIRE(until(s, [&] { return transcript(s, id).find("turn_ended") != std::string::npos; }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  CAF_CHECK(kinds(s, id).starts_with("subagent task wait "));
  CAF_CHECK(s.field(id, "pid").is_number()); // KEEP-1: kept, though it may idle for no time at all
  spill(s.work() + "/go", "");
  CAF_REQUIRE(until(s, [&] { return transcript(s, id).find("The subagent task-1") != std::string::npos; }));
  CAF_REQUIRE(until(s, [&] { return s.field(id, "state") == "done" && kinds(s, id).empty(); }));
  CAF_CHECK(transcript(s, id).find(R"("id":"wake-1.1")") != std::string::npos); // kept as a reply is (REST-5)
  CAF_CHECK(until(s, [&] { return s.field(id, "pid").is_null(); }));
  CAF_CHECK(s.stop().empty());
}

// KEEP-2
CAF_TEST(a monitor wakes a session that has come to rest) {
  sandbox s;
  auto id =
      s.bg({"--permission-mode", "bypassPermissions",
            "monitor ^say => until [ -e " + s.work() + "/go ]; do sleep 0.05; done; echo say deployed\nsay watching"});
  CAF_REQUIRE(until(s, [&] { return transcript(s, id).find("turn_ended") != std::string::npos; }));
  CAF_CHECK_EQUAL(s.field(id, "sentence"), "watching");
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  CAF_CHECK(kinds(s, id).starts_with("monitor until "));
  spill(s.work() + "/go", "");
  CAF_REQUIRE(until(s, [&] { return transcript(s, id).find("has ended: its command exited 0") != std::string::npos; }));
  CAF_CHECK(transcript(s, id).find(R"("text":"deployed")") != std::string::npos);
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done" && kinds(s, id).empty(); }));
  CAF_CHECK(s.stop().empty());
}
