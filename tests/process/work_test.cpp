// Active work: what still runs keeps its session at work, whoever tells of it.
#define CAF_SUITE active_work
#include <algorithm>
#include <cstdlib>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::until;

namespace {

std::string program(const std::string& name) {
  return std::string(std::getenv("TROUPE_BIN")) + "/" + name;
}

/// An agent that tells nothing of what it leaves running: the built-in one, hosted as a stranger.
std::string stranger(const std::string& more = {}) {
  return R"({"harnesses": {"stranger": {"command": [")" + program("troupe-agent") + "\", \"--model\", \"offline\"]}}" + more + "}";
}

std::string titles(const sandbox& s, const std::string& id) {
  std::string all;
  auto row = s.row(id);
  for (const auto& each : row["activeWork"])
    all += (all.empty() ? "" : ", ") + each["title"].get<std::string>();
  return all;
}

std::int32_t find(const sandbox& s, const std::string& text) {
  for (const auto& p : s.processes())
    if (troupe::test::slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find(text) != std::string::npos)
      return p.pid;
  return 0;
}

} // namespace

// KEEP-2
CAF_TEST(a shell job declares work and its end) {
  sandbox s;
  auto troupe = program("troupe");
  auto id = s.bg({"--exec", troupe + " work start --id deploy Deploy the site; read x; " + troupe +
                                " work end deploy; read y; echo over"});
  CAF_REQUIRE(until(s, [&] { return titles(s, id) == "Deploy the site"; }));
  auto work = s.row(id)["activeWork"][0];
  CAF_CHECK_EQUAL(work["id"], "deploy");
  CAF_CHECK_EQUAL(work["kind"], "declared");
  CAF_CHECK(s.troupe({"agents"}).out.find("[running: Deploy the site]") != std::string::npos);
  s.troupe({"reply", id, "go"});
  CAF_REQUIRE(until(s, [&] { return titles(s, id).empty(); }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working"); // its command has not ended
  s.troupe({"reply", id, "go"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK(s.stop().empty());
}

// KEEP-2, KEEP-5
CAF_TEST(declared work keeps an agent session at work beyond its turn) {
  sandbox s;
  auto id = s.bg({"--permission-mode", "bypassPermissions",
                  "bash " + program("troupe") + " work start --id watch Watch the rollout\nsay it rolls"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "it rolls"; }));
  CAF_REQUIRE(until(s, [&] {
    return troupe::test::slurp(s.home() + "/sessions/" + id + "/transcript.jsonl").find("turn_ended") !=
           std::string::npos;
  }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  CAF_CHECK_EQUAL(titles(s, id), "Watch the rollout");
  s.troupe({"work", "--session", id, "start", "--id", "watch", "Watch it longer"}); // the same work, another title
  CAF_CHECK(until(s, [&] { return titles(s, id) == "Watch it longer"; }));
  CAF_CHECK_EQUAL(s.troupe({"work", "--session", id, "end", "watch"}).out, "ended · watch\n");
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(s.troupe({"work", "--session", id, "end", "watch"}).status, 0); // SUP-11: repeated, it counts once
  auto r = s.troupe({"work", "--session", id, "start", "more"}); // and what begins at rest is work again
  CAF_CHECK_EQUAL(r.status, 0);
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "working" && titles(s, id) == "more"; }));
  s.troupe({"stop", id}); // it goes with its session
  CAF_CHECK_EQUAL(titles(s, id), "");
  CAF_CHECK(s.stop().empty());
}

// KEEP-2, CLI-2
CAF_TEST(work outside a session is refused in one line) {
  sandbox s;
  auto r = s.troupe({"work", "start", "nothing"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.starts_with("troupe: work is declared by a program inside a session, and this is outside of one\n"));
  CAF_CHECK(s.processes().empty()); // nothing was started for it
  auto id = s.bg({"--exec", "exit 0"});
  s.troupe({"wait", id});
  CAF_CHECK(s.troupe({"work", "--session", id, "start", "late"}).err.find("has no process") != std::string::npos);
  CAF_CHECK(s.troupe({"work", "--session", "nobody", "start", "x"}).err.find("no session 'nobody'") !=
            std::string::npos);
  auto live = s.bg({"--exec", "read x"});
  CAF_CHECK(s.troupe({"work", "--session", live, "end", "never"}).err.find("no work 'never'") != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"work", "begin", "x"}).status, 2);
  CAF_CHECK(s.stop().empty());
}

// KEEP-2, F-28
CAF_TEST(a session whose agent leaves a process behind is at work until it ends) {
  sandbox s(stranger());
  ::setenv("XDG_STATE_HOME", s.root().c_str(), 1);
  auto id =
      s.bg({"--harness", "stranger", "--permission-mode", "bypassPermissions", "background sleep 363\nsay it runs"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "it runs" && !titles(s, id).empty(); }));
  CAF_REQUIRE(until(s, [&] {
    return troupe::test::slurp(s.home() + "/sessions/" + id + "/transcript.jsonl").find("turn_ended") !=
           std::string::npos;
  }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  CAF_CHECK(until(s, [&] { return titles(s, id).find("sleep") != std::string::npos; })); // the row names it
  signal_process(*identify(find(s, "sleep" + std::string(1, '\0') + "363")), 15);
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done" && titles(s, id).empty(); }));
  CAF_CHECK(s.stop().empty());
  ::unsetenv("XDG_STATE_HOME");
}

// KEEP-2
CAF_TEST(commands that the settings name count as no work) {
  sandbox s(stranger(R"(, "activeWork": {"ignore": ["sh"]})"));
  ::setenv("XDG_STATE_HOME", s.root().c_str(), 1);
  auto id =
      s.bg({"--harness", "stranger", "--permission-mode", "bypassPermissions", "background sleep 364\nsay it runs"});
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(titles(s, id), "");
  CAF_CHECK(until(s, [&] { return find(s, "sleep" + std::string(1, '\0') + "364") != 0; })); // with what it has started
  CAF_CHECK(s.stop().empty());
  ::unsetenv("XDG_STATE_HOME");
}

// F-20, KEEP-1, KEEP-2: its turn ended before that of the one that is reaped
CAF_TEST(the reaper spares a session with work of any kind) {
  sandbox s(stranger(R"(, "session": {"freezeSeconds": 0, "idleSeconds": 1})"));
  ::setenv("XDG_STATE_HOME", s.root().c_str(), 1);
  auto native = s.bg({"--permission-mode", "bypassPermissions", "background sleep 365\nsay it runs"}),
       other = s.bg(
           {"--harness", "stranger", "--permission-mode", "bypassPermissions", "background sleep 366\nsay it runs"}),
       declared = s.bg(
           {"--permission-mode", "bypassPermissions", "bash " + program("troupe") + " work start Deploy\nsay it runs"});
  for (const auto& id : {native, other, declared})
    CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "it runs" && !titles(s, id).empty(); }));
  auto idle = s.bg({"say hello"});
  CAF_CHECK(until(s, [&] { return s.field(idle, "process") == "exited"; }));
  for (const auto& id : {native, other, declared}) {
    CAF_CHECK_EQUAL(s.field(id, "process"), "alive");
    CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  }
  CAF_CHECK(s.stop().empty());
  ::unsetenv("XDG_STATE_HOME");
}
