// A conversation copied into a session of its own: with the built-in agent, and with agents that can and cannot.
#define CAF_SUITE forking
#include <filesystem>

#include <sys/stat.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::holds;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

std::string file(const sandbox& s, const std::string& id, const std::string& name) {
  return slurp(s.home() + "/sessions/" + id + "/" + name);
}

std::string fork(const sandbox& s, std::vector<std::string> args) {
  args.insert(args.begin(), {"fork", "-q"});
  auto done = s.troupe(args);
  CAF_CHECK_EQUAL(done.err, "");
  return done.out.substr(0, done.out.find('\n'));
}

/// An agent of a few lines of shell that tells `capabilities`, as a harness called "foreign".
void install(const sandbox& s, const std::string& capabilities, const std::string& second) {
  auto program = s.root() + "/foreign";
  spill(program,
        "#!/bin/sh\nsay() { printf '%s\\n' \"$1\"; }\nread -r l\n"
        "say '{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"protocolVersion\":1,\"agentCapabilities\":" +
            capabilities + "}}'\nread -r l; printf '%s\\n' \"$l\" >> " + s.root() + "/asked\n" + second +
            "read -r l; printf '%s\\n' \"$l\" >> " + s.root() +
            "/asked\nsay '{\"jsonrpc\":\"2.0\",\"id\":3,\"result\":{\"stopReason\":\"end_turn\"}}'\nread -r l\n");
  ::chmod(program.c_str(), 0700);
  s.configure(json{{"harnesses", {{"foreign", {{"command", {program}}}}}}, {"warmPool", {{"size", 0}}}}.dump());
}

} // namespace

// BG-2
CAF_TEST(a copy begins with what was said and both go on independently) {
  sandbox s;
  auto id = s.bg({"--name", "plan", "--permission-mode", "acceptEdits", "say the first plan"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 0);
  auto copy = fork(s, {"plan", "say the other way"});
  CAF_REQUIRE(copy != id && !copy.empty());
  CAF_CHECK_EQUAL(s.troupe({"wait", copy}).status, 0);
  auto row = s.row(copy);
  CAF_CHECK_EQUAL(row["name"], "plan-fork");
  CAF_CHECK_EQUAL(row["permissionMode"], "acceptEdits");
  CAF_CHECK_EQUAL(row["cwd"], s.field(id, "cwd"));
  auto log = s.troupe({"logs", copy}).out;
  CAF_CHECK(holds(log, "the first plan") && holds(log, "the other way"));
  s.troupe({"reply", id, "say only here"});
  CAF_CHECK(until(s, [&] { return holds(s.troupe({"logs", id}).out, "only here"); }));
  s.troupe({"reply", copy, "say only there"});
  CAF_CHECK(until(s, [&] { return holds(file(s, copy, "conversation.jsonl"), "only there"); }));
  CAF_CHECK(until(s, [&] { return holds(file(s, id, "conversation.jsonl"), "only here"); }));
  // the agent itself has the copy, and neither has what came later to the other
  CAF_CHECK(holds(file(s, copy, "conversation.jsonl"), "the first plan"));
  CAF_CHECK(!holds(file(s, copy, "conversation.jsonl"), "only here"));
  CAF_CHECK(!holds(file(s, id, "conversation.jsonl"), "only there"));
  CAF_CHECK(!holds(file(s, id, "conversation.jsonl"), "the other way"));
  CAF_CHECK(s.stop().empty());
}

// BG-2
CAF_TEST(without a prompt the copy waits and it survives a restart and the removal of its source) {
  sandbox s;
  auto id = s.bg({"say the first plan"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 0);
  auto copy = fork(s, {id});
  CAF_REQUIRE(until(s, [&] { return s.field(copy, "state") == "idle"; }));
  CAF_CHECK_EQUAL(s.field(copy, "sentence"), "the first plan");
  CAF_CHECK_EQUAL(s.troupe({"rm", id}).status, 0);
  test::kill_and_wait(s.field(copy, "pid").get<std::int32_t>());
  CAF_CHECK(until(s, [&] { return s.field(copy, "process") == "exited"; }));
  CAF_CHECK_EQUAL(s.troupe({"reply", copy, "say on we go"}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", copy}).status, 0);
  CAF_CHECK(holds(file(s, copy, "conversation.jsonl"), "the first plan"));
  CAF_CHECK(holds(file(s, copy, "conversation.jsonl"), "on we go"));
  CAF_CHECK(s.stop().empty());
}

// BG-2: in the middle of a turn what is saved is copied, and what runs goes on where it runs
CAF_TEST(a conversation is copied while its turn runs) {
  sandbox s;
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say begun\nwait " + s.work() + "/go\nsay finished"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "wait " + s.work() + "/go"; }));
  auto copy = fork(s, {id, "say the copy speaks"});
  CAF_CHECK_EQUAL(s.troupe({"wait", copy}).status, 0);
  CAF_CHECK(holds(file(s, copy, "conversation.jsonl"), "this runs on in the conversation that this one is a copy of"));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK(!holds(file(s, copy, "conversation.jsonl"), "finished\"}"));
  CAF_CHECK(holds(file(s, id, "conversation.jsonl"), "finished"));
  CAF_CHECK(s.stop().empty());
}

// BG-2, SUP-11
CAF_TEST(what cannot be copied is refused with the reason and a key counts once) {
  sandbox s;
  auto job = s.bg({"--exec", "exit 0"}), id = s.bg({"say hello"});
  s.troupe({"wait", job, id});
  auto refused = s.troupe({"fork", job});
  CAF_CHECK_EQUAL(refused.status, 1);
  CAF_CHECK(holds(refused.err, "a shell job has no conversation to copy\n  run its command again: troupe respawn "));
  auto none = s.troupe({"fork", "nobody"});
  CAF_CHECK_EQUAL(none.status, 1);
  auto socket = s.connect();
  auto line = to_line({{"jsonrpc", "2.0"},
                       {"id", 1},
                       {"method", "session/fork"},
                       {"params", {{"id", id}, {"key", "key-of-a-fork"}, {"env", json::array()}}}});
  auto first = json::parse(test::ask(socket.get(), line)), second = json::parse(test::ask(socket.get(), line));
  CAF_CHECK_EQUAL(first["result"]["id"], second["result"]["id"]);
  CAF_CHECK_EQUAL(second["result"]["repeated"], true);
  CAF_CHECK(s.stop().empty());
}

// BG-2
CAF_TEST(an agent of another make copies its conversation where it can and is left alone where not ) {
  for (bool can : {true, false}) {
    sandbox s;
    install(s, can ? R"({"loadSession":true,"sessionCapabilities":{"fork":{}}})" : R"({"loadSession":true})",
            R"(say '{"jsonrpc":"2.0","id":2,"result":{"sessionId":"own-1"}}'
)");
    auto id = s.bg({"--harness", "foreign", "a first prompt"});
    CAF_REQUIRE(until(s, [&] { return s.field(id, "state") == "done"; }));
    auto forked = s.troupe({"fork", id, "a second one"});
    if (can) {
      CAF_CHECK_EQUAL(forked.status, 0);
      CAF_CHECK(until(s, [&] { return holds(slurp(s.root() + "/asked"), "a second one"); }));
      CAF_CHECK(holds(slurp(s.root() + "/asked"), "\"session/fork\",\"params\":"));
      CAF_CHECK(holds(slurp(s.root() + "/asked"), R"("sessionId":"own-1")"));
    } else {
      CAF_CHECK_EQUAL(forked.status, 1);
      CAF_CHECK(holds(forked.err, "the agent 'foreign' cannot copy a conversation\n  begin a new one: "));
      CAF_CHECK_EQUAL(s.rows().size(), 1u);
    }
    CAF_CHECK(s.stop().empty());
  }
}
