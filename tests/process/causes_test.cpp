// A scripted day, and then its ledger line by line: everything that was done has a cause that stands there.
#define CAF_SUITE causes
#include <map>
#include <set>
#include <sstream>

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

/// What may begin a chain: a person's word, and the service's own start.
const std::set<std::string> first_causes{
    "dispatched",         "reply", "answer", "stop", "remove", "respawn", "rename", "pin", "wake", "supervisor_started",
    "supervisor_stopping"};

std::vector<json> ledger(const sandbox& s) {
  std::istringstream in(slurp(s.home() + "/ledger.jsonl"));
  std::vector<json> out;
  for (std::string line; std::getline(in, line);)
    out.push_back(json::parse(line));
  return out;
}

std::int32_t spare_of(const sandbox& s) {
  for (const auto& p : s.processes())
    if (slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("--warm") != std::string::npos)
      return p.pid;
  return 0;
}

void await_spare(const sandbox& s) {
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
}

/// Dispatches, a question, a reply, deaths of a spare, a worker and the supervisor, stops, restarts and removals.
void day(const sandbox& s) {
  s.troupe({"agents"});
  await_spare(s);
  auto job = s.bg({"--name", "job", "--exec", "echo x; exit 3"});
  s.troupe({"wait", job});
  await_spare(s);
  kill_and_wait(spare_of(s));
  auto asker = s.bg({"ask Shall I?\nsay as you like"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", asker}).status, 3);
  s.troupe({"answer", asker, "1"});
  s.troupe({"wait", asker});
  s.troupe({"reply", asker, "say once more"});
  CAF_CHECK(until(s, [&] { return s.field(asker, "sentence") == "once more"; }));
  auto task = s.bg({"--permission-mode", "bypassPermissions", "say begun\nwait " + s.work() + "/go"});
  CAF_REQUIRE(until(s, [&] { return s.field(task, "sentence") == "wait " + s.work() + "/go"; }));
  auto old = s.field(task, "pid");
  kill_and_wait(old);
  CAF_REQUIRE(until(s, [&] { return s.field(task, "process") == "alive" && s.field(task, "pid") != old; }));
  s.troupe({"rename", job, "other"});
  s.troupe({"pin", job});
  s.troupe({"respawn", job});
  s.troupe({"wait", job});
  kill_and_wait(s.supervisor_pid());
  s.troupe({"agents"});
  spill(s.work() + "/go", "");
  s.troupe({"wait", task});
  s.troupe({"stop", task});
  s.troupe({"rm", job});
  auto last = s.bg({"--exec", "sleep 351"});
  CAF_CHECK_EQUAL(s.troupe({"daemon", "stop", "--any", "--keep-workers"}).status, 0);
  CAF_CHECK_EQUAL(s.field(last, "state"), "working");
}

} // namespace

// F-08, BEYOND-1
CAF_TEST(each line of a day has a cause that stands before it or is a first cause) {
  sandbox s;
  day(s);
  CAF_CHECK(s.stop().empty());
  std::map<std::uint64_t, std::string> seen;
  std::map<std::string, int> count;
  for (const auto& e : ledger(s)) {
    auto n = e["n"].get<std::uint64_t>();
    auto what = e["what"].get<std::string>();
    auto cause = e.value("cause", std::uint64_t{0});
    if (cause == 0)
      CAF_CHECK_EQUAL(what + (first_causes.count(what) != 0 ? "" : " has no cause"), what);
    else
      CAF_CHECK_EQUAL(what + (cause < n && seen.count(cause) != 0 ? "" : " names a cause that is not there"), what);
    seen[n] = what;
    ++count[what];
  }
  for (const char* what : {"dispatched", "spawned", "claimed", "assigned", "start", "reply", "answer", "worker_ended",
                           "restart", "respawn", "stop", "remove", "removed", "settled", "adopted", "kill",
                           "supervisor_started", "supervisor_stopping"})
    CAF_CHECK_EQUAL(std::string(what) + (count[what] > 0 ? "" : " was not written"), what);
}

// F-08: by whom, and why
CAF_TEST(a daemon stop is the cause of the stops it makes) {
  sandbox s;
  auto id = s.bg({"--exec", "sleep 361"});
  CAF_CHECK(s.stop().empty());
  std::map<std::uint64_t, std::string> what;
  for (const auto& e : ledger(s)) {
    what[e["n"]] = e["what"];
    if (e["what"] == "stop") {
      CAF_CHECK_EQUAL(e["facts"]["by"], "daemon stop");
      CAF_CHECK_EQUAL(what[e.value("cause", std::uint64_t{0})], "supervisor_stopping");
    }
  }
  CAF_CHECK(s.troupe({"why", id}).out.find("stop was asked for by daemon stop") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// F-08: nothing is killed without a word
CAF_TEST(a worker that does not take the assignment is killed with the reason on record) {
  sandbox s;
  s.troupe({"agents"});
  await_spare(s);
  auto spare = *identify(spare_of(s));
  signal_process(spare, SIGSTOP); // it hangs
  auto id = s.bg({"--exec", "exit 4"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 4);
  CAF_CHECK(test::gone_soon(spare));
  auto why = s.troupe({"why", id}).out;
  auto killed = why.find("was killed: no answer"), refused = why.find("did not take the assignment: no answer");
  CAF_CHECK(killed != std::string::npos && refused != std::string::npos && killed < refused);
  CAF_CHECK(s.stop().empty());
}
