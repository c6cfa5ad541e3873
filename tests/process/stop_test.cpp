// A stop is written before it is carried out, and outlives whatever dies meanwhile.
#define CAF_SUITE stopping
#include <poll.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

/// Waits until the ledger has that line about the session.
bool written(const sandbox& s, const std::string& id, const std::string& what) {
  for (int i = 0; i < 10'000; ++i) {
    auto all = slurp(s.home() + "/ledger.jsonl");
    for (std::size_t at = 0; (at = all.find("\"what\":\"" + what + "\"", at)) != std::string::npos; ++at) {
      auto begin = all.rfind('\n', at);
      auto line = all.substr(begin + 1, all.find('\n', at) - begin - 1);
      if (line.find("\"" + id + "\"") != std::string::npos)
        return true;
    }
    ::poll(nullptr, 0, 1);
  }
  return false;
}

struct victim {
  const char* name;
  std::vector<std::string> args;
};

/// A job that lets itself be ended, one that has to be killed, and an agent in the middle of its answer.
std::vector<victim> victims(const sandbox& s) {
  return {{"a job", {"--exec", "echo up; read x"}},
          {"a stubborn job", {"--exec", "trap '' TERM HUP; echo up; while :; do sleep 0.2; done"}},
          {"an agent", {"--permission-mode", "bypassPermissions", "say up\nwait " + s.work() + "/never"}}};
}

/// Stops it; when the stop is on record, what `dies` names is killed. In the end it is stopped, for ever.
void stop_while(const std::string& dies) {
  sandbox s;
  for (const auto& v : victims(s)) {
    auto id = s.bg(v.args);
    CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", id}).out.find("up") != std::string::npos; }));
    auto worker = s.field(id, "pid").get<int>();
    auto supervisor = s.supervisor_pid();
    auto stop = s.start({"stop", id}, "stop");
    CAF_CHECK_EQUAL(std::string(v.name) + (written(s, id, "stop") ? "" : ": no stop on record"), v.name);
    if (dies.find("worker") == 0)
      kill_and_wait(worker);
    if (dies.find("supervisor") != std::string::npos)
      kill_and_wait(supervisor);
    if (dies.ends_with("then worker"))
      kill_and_wait(worker);
    test::wait_for(stop);
    auto end = s.troupe({"wait", id, "--timeout", "30"}).status;
    CAF_CHECK_EQUAL(std::string(v.name) + " " + std::to_string(end), std::string(v.name) + " 4");
    kill_and_wait(s.supervisor_pid());
    auto row = s.row(id);
    CAF_CHECK_EQUAL(row["state"], "stopped");
    CAF_CHECK_EQUAL(row["process"], "exited");
  }
  for (const auto& p : s.processes()) // of the three only the service and its spare are left
    CAF_CHECK(slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("sleep") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

} // namespace

// F-07, REST-2
CAF_TEST(a stop outlives the supervisor) {
  stop_while("supervisor");
}

// F-07, REST-2
CAF_TEST(a stop outlives the worker) {
  stop_while("worker");
}

// F-07, REST-2
CAF_TEST(a stop outlives both of them in either order) {
  stop_while("worker and supervisor");
  stop_while("supervisor then worker");
}

// F-07, SUP-4: what it stopped does not come back with the next one
CAF_TEST(what a daemon stop has stopped stays stopped when the supervisor dies in the middle) {
  sandbox s;
  auto v = victims(s);
  auto stubborn = s.bg(v[1].args), agent = s.bg(v[2].args);
  CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", stubborn}).out == "up\n"; }));
  auto supervisor = s.supervisor_pid();
  auto stop = s.start({"daemon", "stop", "--any"}, "stop");
  CAF_CHECK(written(s, stubborn, "stop") && written(s, agent, "stop"));
  kill_and_wait(supervisor);
  test::wait_for(stop);
  for (const auto& id : {stubborn, agent})
    CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "30"}).status, 4);
  CAF_CHECK(s.stop().empty());
}
