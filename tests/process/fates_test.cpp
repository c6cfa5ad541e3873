// No session shares another's fate: one worker, one agent, one terminal dies, and nobody else notices.
#define CAF_SUITE fates
#include <signal.h>
#include <sys/stat.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

std::int32_t agent_below(std::int32_t worker) {
  for (const auto& p : descendants(worker))
    if (slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("troupe-agent") != std::string::npos)
      return p.pid;
  return 0;
}

/// A job and an agent that live until they are told to go on, and what shows that they are the same as before.
struct bystanders {
  const sandbox& s;
  std::string job, agent;
  json job_row, agent_row;

  explicit bystanders(const sandbox& in) : s(in) {
    job = s.bg({"--exec", "echo up; while [ ! -e " + s.work() + "/go ]; do sleep 0.1; done; echo through"});
    agent = s.bg({"--permission-mode", "bypassPermissions", "say up\nwait " + s.work() + "/go\nsay through"});
    CAF_REQUIRE(until(s, [&] {
      return s.troupe({"logs", job}).out == "up\n" && s.field(agent, "sentence") == "wait " + s.work() + "/go";
    }));
    job_row = s.row(job);
    agent_row = s.row(agent);
  }
  void untouched() const {
    for (const auto& [id, before] : {std::pair(job, job_row), std::pair(agent, agent_row)}) {
      auto now = s.row(id);
      for (const char* field : {"pid", "state", "process"})
        CAF_CHECK_EQUAL(now[field], before[field]);
      CAF_CHECK_EQUAL(s.troupe({"why", id}).out.find("restart"), std::string::npos);
    }
  }
  void finish() const {
    spill(s.work() + "/go", "");
    CAF_CHECK_EQUAL(s.troupe({"wait", job, agent}).status, 0);
    CAF_CHECK_EQUAL(s.troupe({"logs", job}).out, "up\nthrough\n");
    CAF_CHECK_EQUAL(s.field(agent, "sentence"), "through");
  }
};

} // namespace

// F-21
CAF_TEST(the death of a worker touches no other session) {
  sandbox s;
  bystanders others(s);
  auto id = s.bg({"--exec", "sleep 371"});
  kill_and_wait(s.field(id, "pid"));
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "failed"; }));
  others.untouched();
  others.finish();
  CAF_CHECK(s.stop().empty());
}

// F-21
CAF_TEST(the death of an agent touches no other session) {
  sandbox s;
  bystanders others(s);
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say up\nwait " + s.work() + "/never"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "wait " + s.work() + "/never"; }));
  auto old = s.field(id, "pid").get<int>();
  kill_and_wait(agent_below(old));
  CAF_CHECK(until(s, [&] { return s.field(id, "process") == "alive" && s.field(id, "pid") != old; }));
  others.untouched();
  others.finish();
  CAF_CHECK(s.stop().empty());
}

// F-21: a terminal that dies, and one that reads nothing any more
CAF_TEST(the death of a terminal touches neither its session nor another) {
  sandbox s;
  bystanders others(s);
  auto id = s.bg({"--exec", "echo up; while [ ! -e " + s.work() + "/go ]; do echo noise; sleep 0.01; done; echo end"});
  auto follower = s.start({"logs", "-f", id}, "follower");
  CAF_REQUIRE(until(s, [&] { return slurp(s.root() + "/follower").find("noise") != std::string::npos; }));
  auto desk = s.connect();
  auto place = json::parse(
      test::ask(desk.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/attach","params":{"id":")" + id + "\"}}"));
  unique_fd terminal(connect_to(place["result"]["socket"].get<std::string>()));
  CAF_CHECK(
      test::ask(terminal.get(), R"({"jsonrpc":"2.0","id":1,"method":"worker/attach","params":{"mode":"terminal"}})")
          .find("\"pty\"") != std::string::npos);
  CAF_CHECK(until(s, [&] { return s.field(id, "attached") == 1; }));
  signal_process(*identify(follower), SIGKILL);
  CAF_CHECK_EQUAL(test::wait_for(follower), 128 + SIGKILL);
  terminal.reset();
  CAF_CHECK(until(s, [&] { return s.field(id, "attached").is_null(); }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  others.untouched();
  others.finish();
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK(s.troupe({"logs", id, "--lines", "1"}).out == "end\n");
  CAF_CHECK(s.stop().empty());
}

// F-23, SUP-5, BEYOND-8: slow is not dead, and holds nobody up
CAF_TEST(a worker that hangs is unknown and lives on and every other session is served meanwhile) {
  sandbox s;
  auto slow = s.bg({"--exec", "echo up; while [ ! -e " + s.work() + "/go ]; do sleep 0.1; done; echo through"});
  auto other = s.bg({"--exec", "read x"});
  CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", slow}).out == "up\n"; }));
  auto worker = *identify(s.field(slow, "pid"));
  signal_process(worker, SIGSTOP);
  kill_and_wait(s.supervisor_pid());
  CAF_CHECK_EQUAL(s.troupe({"stop", other}).status, 0); // by the next one, which asks the slow one who it is
  auto fresh = s.bg({"--exec", "exit 5"});
  CAF_CHECK_EQUAL(s.troupe({"wait", fresh}).status, 5);
  CAF_CHECK_EQUAL(s.field(slow, "pid"), worker.pid);
  CAF_CHECK(until(
      s, [&] { return s.field(slow, "state") == "unknown"; }, 30));
  auto evidence = s.field(slow, "evidence");
  CAF_CHECK_EQUAL(evidence["source"], "none");
  CAF_CHECK(alive(worker));
  signal_process(worker, SIGCONT);
  CAF_CHECK(until(
      s, [&] { return s.field(slow, "state") == "working"; }, 30));
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", slow}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"logs", slow}).out, "up\nthrough\n");
  CAF_CHECK(s.stop().empty());
}

// F-02: a process count is an invariant
CAF_TEST(restarts of the supervisor leave as many processes as there were) {
  sandbox s;
  auto id = s.bg({"--exec", "read x"});
  auto done = s.bg({"--exec", "exit 1"});
  s.troupe({"wait", done});
  std::size_t first = 0;
  for (int round = 0; round < 5; ++round) {
    CAF_REQUIRE(until(s, [&] { return s.status()["spares"] == json{{"ready", 1}}; }));
    auto now = s.processes().size(); // the service, a spare with its agent, a worker with its job
    CAF_CHECK_EQUAL(now, first == 0 ? now : first);
    first = now;
    kill_and_wait(s.supervisor_pid());
    s.troupe({"agents"});
  }
  CAF_CHECK_EQUAL(first, 5u);
  CAF_CHECK_EQUAL(s.field(id, "process"), "alive");
  CAF_CHECK(s.stop().empty());
}
