// kill -9 of everything that can be killed.
#define CAF_SUITE deaths
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <set>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::until;

namespace {

std::string command_of(std::int32_t pid) {
  return troupe::test::slurp("/proc/" + std::to_string(pid) + "/cmdline");
}

std::int32_t find(const sandbox& s, const std::string& text, std::int32_t below = 0, std::int32_t but = 0) {
  auto among = below == 0 ? s.processes() : descendants(below);
  for (const auto& p : among)
    if (p.pid != but && command_of(p.pid).find(text) != std::string::npos)
      return p.pid;
  return 0;
}

std::string fifo(const sandbox& s) {
  auto path = s.work() + "/gate";
  ::mkfifo(path.c_str(), 0600);
  return path;
}

/// The transcript's numbers run without gap or double.
void check_numbers(const sandbox& s, const std::string& id) {
  std::ifstream in(s.home() + "/sessions/" + id + "/transcript.jsonl");
  std::uint64_t last = 0;
  for (std::string line; std::getline(in, line);)
    CAF_CHECK_EQUAL(json::parse(line)["n"].get<std::uint64_t>(), ++last);
  CAF_CHECK(last > 0);
}

void adopt_all(bool by_kill) {
  sandbox s;
  auto gate = fifo(s);
  auto shell =
      s.bg({"--exec", "i=0; while [ $i -lt 200 ]; do echo line $i; i=$((i+1)); done; cat " + gate + "; echo end"});
  auto agent = s.bg({"--permission-mode", "bypassPermissions", "say one\nwait " + s.work() + "/go\nsay two"});
  auto asker = s.bg({"ask Still there?"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", asker}).status, 3);
  CAF_REQUIRE(until(s, [&] { return s.field(agent, "sentence") == "wait " + s.work() + "/go"; }));
  auto before = s.rows();
  auto supervisor = s.supervisor_pid();
  if (by_kill)
    kill_and_wait(supervisor);
  else
    CAF_CHECK_EQUAL(s.troupe({"daemon", "stop", "--any", "--keep-workers"}).out, "stopped · 0 ended · 3 kept\n");
  troupe::test::spill(s.work() + "/go", ""); // what happens while nobody looks
  troupe::test::spill(gate, "through the gate\n");
  CAF_CHECK_EQUAL(s.troupe({"wait", shell, "--timeout", "20"}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", agent, "--timeout", "20"}).status, 0);
  CAF_CHECK(s.supervisor_pid() != supervisor);
  for (const auto& row : before) {
    auto now = s.row(row["id"]);
    CAF_CHECK(!now.is_null());
    if (now["process"] == "alive")
      CAF_CHECK_EQUAL(now["pid"], row["pid"]); // the same worker, not a new one
    check_numbers(s, row["id"]);
  }
  std::string expected;
  for (int i = 0; i < 200; ++i)
    expected += "line " + std::to_string(i) + "\n";
  CAF_CHECK_EQUAL(s.troupe({"logs", shell}).out, expected + "through the gate\nend\n");
  CAF_CHECK_EQUAL(s.troupe({"answer", asker, "1"}).status, 0);
  CAF_CHECK(s.stop().empty());
}

} // namespace

// SUP-5, F-01
CAF_TEST(a killed supervisor is followed by one that adopts every session) {
  adopt_all(true);
}

// SUP-4, SUP-5, F-22
CAF_TEST(a supervisor that left its workers is followed by one that adopts them) {
  adopt_all(false);
}

// SUP-12
CAF_TEST(a worker starts the supervisor when its channel closes without goodbye) {
  sandbox s;
  auto id = s.bg({"--exec", "read x"});
  auto old = s.supervisor_pid();
  kill_and_wait(old);
  auto log = s.home() + "/supervisor.log";
  for (int i = 0; i < 200 && s.troupe({"daemon", "status"}).status != 0; ++i)
    ::poll(nullptr, 0, 50);
  CAF_CHECK(s.supervisor_pid() != old);
  CAF_CHECK(s.troupe({"daemon", "status"}).out.find("worker of session " + id) != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"stop", id}).status, 0); // the supervisor is that worker's child, and lives on
  CAF_CHECK_EQUAL(s.field(id, "state"), "stopped");
  CAF_CHECK(s.stop().empty());
}

// POOL-4, POOL-5, F-31
CAF_TEST(a killed spare is replaced and a dispatch starts all the same) {
  sandbox s;
  s.troupe({"agents"});
  for (int round = 0; round < 5; ++round) {
    auto spare = find(s, "--warm");
    if (spare != 0)
      kill_and_wait(spare);
    auto id = s.bg({"--exec", "exit 0"});
    CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  }
  CAF_CHECK(s.stop().empty());
}

// POOL-7, F-02
CAF_TEST(a spare ends with its supervisor) {
  sandbox s;
  s.troupe({"agents"});
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
  auto all = s.processes();
  CAF_CHECK(all.size() >= 3); // supervisor, spare, its agent
  kill_and_wait(s.supervisor_pid());
  for (const auto& p : all)
    CAF_CHECK(troupe::test::gone_soon(p));
  CAF_CHECK(s.processes().empty());
}

// POOL-7, SUP-5
CAF_TEST(the next supervisor clears the sockets of spares that died with the last) {
  sandbox s;
  auto id = s.bg({"--exec", "read x; echo got $x"});
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
  auto spare =
      *identify(find(s, "--warm", 0, s.field(id, "pid").get<std::int32_t>())); // the session's may have been one
  auto sockets = [&] {
    std::set<std::string> all;
    for (const auto& entry : std::filesystem::directory_iterator(s.home() + "/workers"))
      all.insert(entry.path().filename().string());
    return all;
  };
  auto before = sockets();
  CAF_REQUIRE_EQUAL(before.size(), 2u);
  kill_and_wait(s.supervisor_pid());
  CAF_REQUIRE(troupe::test::gone_soon(spare));
  CAF_CHECK(sockets() == before); // nobody was left to take it away
  s.troupe({"agents"});
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
  auto after = sockets();
  CAF_CHECK_EQUAL(after.size(), 2u); // that of the session, and of the new spare
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "it"}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK(s.stop().empty());
}

// POOL-8
CAF_TEST(a spare knows no credential and no directory) {
  sandbox s;
  ::setenv("ANTHROPIC_API_KEY", "sk-planted-secret", 1);
  s.troupe({"agents"});
  ::unsetenv("ANTHROPIC_API_KEY");
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
  auto spare = find(s, "--warm");
  CAF_REQUIRE(spare != 0);
  auto tree = descendants(spare);
  tree.push_back(*identify(spare));
  for (const auto& p : tree) {
    CAF_CHECK(troupe::test::slurp("/proc/" + std::to_string(p.pid) + "/environ").find("sk-planted-secret") ==
              std::string::npos);
    char cwd[256] = {};
    CAF_CHECK(::readlink(("/proc/" + std::to_string(p.pid) + "/cwd").c_str(), cwd, sizeof cwd - 1) > 0);
    CAF_CHECK_EQUAL(std::string(cwd), "/");
  }
  CAF_CHECK(s.stop().empty());
}

// REST-1: a shell job is not run again
CAF_TEST(the shell job of a killed worker fails with its cause and leaves no process) {
  sandbox s;
  auto id = s.bg({"--exec", "echo before; setsid sleep 341 & sleep 342"});
  CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", id}).out == "before\n"; }));
  kill_and_wait(s.field(id, "pid"));
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "failed" && s.field(id, "process") == "exited"; }));
  CAF_CHECK(s.field(id, "sentence").get<std::string>().find("killed by signal 9") != std::string::npos);
  CAF_CHECK_EQUAL(find(s, "sleep"), 0);                    // KEEP-8
  CAF_CHECK_EQUAL(s.troupe({"logs", id}).out, "before\n"); // KEEP-7: its output outlives it
  CAF_CHECK(s.stop().empty());
}

// REST-1, REST-5, F-33
CAF_TEST(the agent session of a killed worker goes on and repeats no step) {
  sandbox s;
  auto id = s.bg({"--permission-mode", "bypassPermissions",
                  "bash echo once >> marks\nwait " + s.work() + "/go\nbash echo twice >> marks\nsay finished"});
  CAF_REQUIRE(until(
      s, [&] { return troupe::test::slurp(s.work() + "/marks") == "once\n" && s.field(id, "process") == "alive"; }));
  auto old = s.field(id, "pid");
  kill_and_wait(old);
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "alive" && s.field(id, "pid") != old; }));
  troupe::test::spill(s.work() + "/go", "");
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(troupe::test::slurp(s.work() + "/marks"), "once\ntwice\n");
  check_numbers(s, id);
  CAF_CHECK(s.troupe({"why", id}).out.find("restart 1, at once") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// REST-1
CAF_TEST(an agent that dies in its turn is restarted by a fresh worker) {
  sandbox s;
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say start\nwait " + s.work() + "/go\nsay finished"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "wait " + s.work() + "/go"; }));
  auto worker = s.field(id, "pid").get<int>();
  kill_and_wait(find(s, "troupe-agent", worker));
  troupe::test::spill(s.work() + "/go", "");
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK(s.field(id, "pid") != worker);
  CAF_CHECK(s.stop().empty());
}

// REST-2, F-07
CAF_TEST(a stopped session stays stopped over restarts of everything) {
  sandbox s;
  auto id = s.bg({"wait " + s.work() + "/never"});
  CAF_CHECK_EQUAL(s.troupe({"stop", id}).status, 0);
  kill_and_wait(s.supervisor_pid());
  CAF_CHECK_EQUAL(s.field(id, "state"), "stopped");
  CAF_CHECK_EQUAL(s.field(id, "process"), "exited");
  CAF_CHECK(s.stop().empty());
  CAF_CHECK_EQUAL(s.field(id, "state"), "stopped");
  CAF_CHECK(s.stop().empty());
}
