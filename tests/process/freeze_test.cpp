// Frozen sessions with real agents: nothing runs, nothing is lost, nothing is left.
#define CAF_SUITE freezing
#include <algorithm>
#include <ctime>
#include <sstream>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::until;

namespace {

constexpr const char* soon = R"({"session": {"freezeSeconds": 1}})";

/// What the kernel says of a process: its control group is frozen, or it is stopped.
bool is_frozen(std::int32_t pid) {
  auto proc = "/proc/" + std::to_string(pid);
  auto status = slurp(proc + "/stat");
  if (auto at = status.rfind(')'); at != std::string::npos && status.substr(at + 2, 1) == "T")
    return true;
  std::istringstream groups(slurp(proc + "/cgroup"));
  for (std::string line; std::getline(groups, line);)
    if (line.starts_with("0::/"))
      for (const char* top : {"/sys/fs/cgroup", "/sys/fs/cgroup/unified"})
        if (slurp(top + line.substr(3) + "/cgroup.events").find("frozen 1") != std::string::npos)
          return true;
  return false;
}

bool tree_is_frozen(std::int32_t worker) {
  auto all = descendants(worker);
  return !all.empty() && std::all_of(all.begin(), all.end(), [](const auto& p) { return is_frozen(p.pid); });
}

/// How often its worker has written `what` into the transcript.
std::size_t times(const sandbox& s, const std::string& id, const std::string& what) {
  auto text = slurp(s.home() + "/sessions/" + id + "/transcript.jsonl");
  std::size_t n = 0;
  for (auto at = text.find('"' + what + '"'); at != std::string::npos; at = text.find('"' + what + '"', at + 1))
    ++n;
  return n;
}

/// Clock ticks that the processes below a worker have used.
std::uint64_t ticks_below(std::int32_t worker) {
  std::uint64_t all = 0;
  for (const auto& p : descendants(worker)) {
    auto text = slurp("/proc/" + std::to_string(p.pid) + "/stat");
    std::istringstream fields(text.substr(text.rfind(')') + 2));
    std::string field;
    for (int i = 3; i <= 15 && fields >> field; ++i)
      if (i >= 14)
        all += std::stoull(field);
  }
  return all;
}

std::string frozen_one(const sandbox& s, const std::string& script = "say hello") {
  auto id = s.bg({"--permission-mode", "bypassPermissions", script});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "frozen"; }));
  return id;
}

} // namespace

// BEYOND-3, F-20
CAF_TEST(an agent at rest is frozen in place and a reply thaws it) {
  sandbox s(soon);
  auto id = frozen_one(s);
  auto row = s.row(id);
  auto worker = row["pid"].get<std::int32_t>();
  CAF_CHECK_EQUAL(row["state"], "done");
  CAF_CHECK_EQUAL(row["status"], "frozen");
  CAF_CHECK(tree_is_frozen(worker));
  auto before = ticks_below(worker);
  for (auto end = std::clock() + CLOCKS_PER_SEC / 5; std::clock() < end;) {
  }
  CAF_CHECK_EQUAL(ticks_below(worker), before);
  CAF_CHECK(s.troupe({"agents"}).out.starts_with("❄ " + id));
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "say again"}).out, "delivered\n");
  CAF_CHECK(until(s, [&] { return s.field(id, "sentence") == "again" && s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(s.field(id, "pid"), worker);
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "frozen"; })); // and again
  auto why = s.troupe({"why", id}).out;
  CAF_CHECK(why.find("frozen after 1 s at rest") != std::string::npos);
  CAF_CHECK(why.find("thawed: reply") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// BEYOND-3, KEEP-6
CAF_TEST(logs leave a frozen session frozen and attach and peek thaw it) {
  sandbox s(soon);
  auto id = frozen_one(s);
  auto worker = s.field(id, "pid").get<std::int32_t>();
  CAF_CHECK(s.troupe({"logs", id}).out.find("hello") != std::string::npos);
  CAF_CHECK(tree_is_frozen(worker));
  auto control = s.connect();
  auto ask = R"({"jsonrpc":"2.0","id":1,"method":"session/attach","params":{"id":")" + id + R"("}})";
  auto place = json::parse(troupe::test::ask(control.get(), ask))["result"];
  CAF_CHECK_EQUAL(place["process"], "alive");
  CAF_REQUIRE(until(s, [&] { return times(s, id, "thawed") == 1; }));
  CAF_REQUIRE(until(s, [&] { return times(s, id, "frozen") == 2 && s.field(id, "process") == "frozen"; }));
  // A client that speaks to the worker itself: the worker thaws, and tells.
  unique_fd direct(connect_to(place["socket"].get<std::string>()));
  troupe::test::ask(direct.get(), R"({"jsonrpc":"2.0","id":1,"method":"worker/attach","params":{"mode":"terminal"}})");
  CAF_CHECK_EQUAL(times(s, id, "thawed"), 2u);
  CAF_CHECK(until(s, [&] {
    return s.troupe({"why", id}).out.find("thawed by its worker: attach") != std::string::npos;
  }));
  CAF_CHECK(s.stop().empty());
}

// BEYOND-3, KEEP-8, F-02
CAF_TEST(a stop of a frozen session leaves nothing) {
  sandbox s(soon);
  auto id = frozen_one(s);
  auto worker = s.field(id, "pid").get<std::int32_t>();
  auto tree = descendants(worker);
  CAF_CHECK(!tree.empty());
  CAF_CHECK_EQUAL(s.troupe({"stop", id}).status, 0);
  CAF_CHECK(std::none_of(tree.begin(), tree.end(), [](const auto& p) { return alive(p); }));
  CAF_CHECK(!identify(worker));
  CAF_CHECK(s.stop().empty());
}

// BEYOND-3, SUP-4, F-35
CAF_TEST(a supervisor that is stopped takes frozen sessions with it) {
  sandbox s(soon);
  frozen_one(s);
  CAF_CHECK_EQUAL(s.troupe({"daemon", "stop", "--any"}).out, "stopped · 1 ended · 0 kept\n");
  CAF_CHECK(s.processes().empty());
}

// BEYOND-3, SUP-5, SUP-12
CAF_TEST(a frozen session outlives its supervisor frozen and the next one knows) {
  sandbox s(soon);
  auto id = frozen_one(s);
  auto worker = s.field(id, "pid").get<std::int32_t>();
  kill_and_wait(s.supervisor_pid());
  CAF_CHECK_EQUAL(s.field(id, "process"), "frozen"); // the command starts the next supervisor
  CAF_CHECK_EQUAL(s.field(id, "pid"), worker);
  CAF_CHECK(tree_is_frozen(worker));
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "say after"}).status, 0);
  CAF_CHECK(until(s, [&] { return s.field(id, "sentence") == "after" && s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(s.field(id, "pid"), worker);
  CAF_CHECK(s.stop().empty());
}

// BEYOND-3, KEEP-4
CAF_TEST(a frozen session is reaped in the end and a reply wakes it) {
  sandbox s(R"({"session": {"freezeSeconds": 1, "idleSeconds": 5}})");
  auto id = frozen_one(s);
  auto worker = *identify(s.field(id, "pid").get<std::int32_t>());
  CAF_CHECK(until(s, [&] { return s.field(id, "process") == "exited"; }));
  CAF_CHECK(!alive(worker));
  CAF_CHECK_EQUAL(s.field(id, "state"), "done");
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "say woken"}).out, "saved\n");
  CAF_CHECK(until(s, [&] { return s.field(id, "sentence") == "woken" && s.field(id, "state") == "done"; }));
  CAF_CHECK(s.stop().empty());
}

// BEYOND-3, KEEP-8
CAF_TEST(a frozen worker that is killed leaves no process) {
  sandbox s(soon);
  auto id = frozen_one(s);
  auto worker = s.field(id, "pid").get<std::int32_t>();
  auto tree = descendants(worker);
  kill_and_wait(worker);
  CAF_CHECK(until(s, [&] { return s.field(id, "process") == "exited"; }));
  CAF_CHECK(std::none_of(tree.begin(), tree.end(), [](const auto& p) { return alive(p); }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "done");
  CAF_CHECK(s.stop().empty());
}

// BEYOND-3, KEEP-2: its turn ended before that of the one that is frozen
CAF_TEST(a session with active work is not frozen) {
  sandbox s(soon);
  auto busy = s.bg({"--permission-mode", "bypassPermissions", "background sleep 362\nsay it runs"});
  CAF_REQUIRE(until(s, [&] { return s.field(busy, "sentence") == "it runs"; }));
  frozen_one(s);
  CAF_CHECK_EQUAL(s.field(busy, "process"), "alive");
  CAF_CHECK_EQUAL(s.field(busy, "state"), "working");
  CAF_CHECK_EQUAL(times(s, busy, "frozen"), 0u);
  CAF_CHECK(s.stop().empty());
}
