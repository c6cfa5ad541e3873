// The example agent and the example client of the protocol's own library, both ways round.
#define CAF_SUITE agents_sdk
#include <cstdlib>
#include <filesystem>

#include <fcntl.h>
#include <sys/stat.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/agents/foreign.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

const std::string examples = "node_modules/@agentclientprotocol/sdk/dist/examples/";

foreign_agent example() {
  return {"example", {{"command", {"node", agent_file(examples + "agent.js")}}}, {}, {}, {}, {}};
}

std::string detail_of_turn(const foreign& f, const std::string& id) {
  for (const auto& e : f.events(id))
    if (e["what"] == "turn_ended")
      return e.value("detail", "");
  return {};
}

} // namespace

// BEYOND-7, NAT-3
CAF_TEST(the example agent asks and is allowed and is denied and is cancelled) {
  if (!agents_missing().empty())
    return;
  foreign f(example());
  auto allowed = f.dispatch("go on"), denied = f.dispatch("go on"), cancelled = f.dispatch("go on");
  CAF_CHECK(f.sees([&] { return f.count(cancelled, "tool") > 0; }));
  CAF_CHECK_EQUAL(f.box.troupe({"cancel", cancelled}).status, 0);
  CAF_CHECK(f.reaches(allowed, "blocked"));
  CAF_CHECK(f.reaches(denied, "blocked"));
  const auto asked = f.box.field(allowed, "question");
  CAF_CHECK_EQUAL(asked["text"], "Modifying critical configuration file");
  CAF_CHECK_EQUAL(f.box.troupe({"answer", allowed, "allow_once"}).status, 0);
  CAF_CHECK_EQUAL(f.box.troupe({"answer", denied, "no"}).status, 0);
  CAF_CHECK(f.reaches(allowed, "done"));
  CAF_CHECK(f.reaches(denied, "done"));
  CAF_CHECK(f.reaches(cancelled, "idle"));
  CAF_CHECK(f.said(allowed).find("successfully updated") != std::string::npos);
  CAF_CHECK(f.said(denied).find("prefer not to make that change") != std::string::npos);
  CAF_CHECK_EQUAL(detail_of_turn(f, cancelled), "cancelled");
  CAF_CHECK(f.box.stop().empty());
}

// POOL-9, BEYOND-5: the same script, warm and cold; nothing of what a warmed one cannot have is drift
CAF_TEST(the example agent tells the same story warm and cold) {
  if (!agents_missing().empty())
    return;
  foreign f(example(), true);
  std::vector<std::vector<std::string>> told;
  for (bool warm : {false, true}) {
    auto id = f.dispatch("go on");
    CAF_REQUIRE(f.reaches(id, "blocked"));
    CAF_CHECK_EQUAL(f.box.troupe({"answer", id, "yes"}).status, 0);
    CAF_CHECK(f.reaches(id, "done"));
    CAF_CHECK_EQUAL(f.box.troupe({"why", id}).out.find(", a warm one") != std::string::npos, warm);
    CAF_CHECK_EQUAL(f.box.field(id, "problems"), json());
    told.push_back(f.story(id));
    CAF_CHECK(f.sees([&] { return f.box.status()["spares"].value("ready", 0) >= 1; }));
  }
  CAF_CHECK_EQUAL(told[0], told[1]);
  CAF_CHECK(f.box.stop().empty());
}

// The client starts its agent by `npx`: ours stands in for it. It has one line to say, which becomes one that the
// offline provider plays.
CAF_TEST(the example client talks with the built in agent) {
  if (!agents_missing().empty())
    return;
  foreign f(example());
  const auto fake = f.box.root() + "/npx-bin";
  std::filesystem::create_directories(fake);
  spill(fake + "/npx",
        "#!/bin/sh\nsed -u 's/Hello, agent!/say well met\\\\nbash echo made > made.txt\\\\nsay farewell/' | "
        "\"$TROUPE_BIN/troupe-agent\" --model offline\n");
  ::chmod((fake + "/npx").c_str(), 0700);
  spill(f.box.root() + "/answers", "1\n");
  spawn_request r;
  r.program = "node";
  r.arguments = {"node", agent_file(examples + "client.js")};
  for (auto& pair : own_environment())
    if (pair.first != "PATH")
      r.env.push_back(std::move(pair));
  r.env.emplace_back("PATH", fake + ":" + std::getenv("PATH"));
  r.cwd = f.box.work();
  unique_fd in(::open((f.box.root() + "/answers").c_str(), O_RDONLY | O_CLOEXEC)),
      out(::open((f.box.root() + "/said").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  r.fds = {{in.get(), 0}, {out.get(), 1}, {out.get(), 2}};
  const auto pid = spawn(r);
  CAF_REQUIRE(pid > 0);
  CAF_CHECK_EQUAL(wait_for(pid), 0);
  const auto said = slurp(f.box.root() + "/said");
  for (const char* part : {"Connected to agent (protocol v1)", "well met", "Permission requested: ", "(allow_once)",
                           "farewell", "end_turn"})
    if (said.find(part) == std::string::npos)
      CAF_ERROR(part << " is missing in:\n" << said);
  CAF_CHECK_EQUAL(f.content("made.txt"), "made\n");
}
