// What users of such tools met in the field (docs/failures.md), shown with real processes: those that only the kernel
// can show and that no other suite shows whole.
#define CAF_SUITE field_failures
#include <algorithm>
#include <fstream>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::gone_soon;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

std::vector<json> lines_of(const std::string& path) {
  std::vector<json> out;
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    out.push_back(json::parse(line));
  return out;
}

/// The ledger's lines of one kind about one session.
std::vector<json> ledger(const sandbox& s, const std::string& id, const std::string& what) {
  auto all = lines_of(s.home() + "/ledger.jsonl");
  std::erase_if(all, [&](const json& e) { return e.value("session", "") != id || e["what"] != what; });
  return all;
}

std::vector<json> events(const sandbox& s, const std::string& id, const std::string& what) {
  auto all = lines_of(s.home() + "/sessions/" + id + "/transcript.jsonl");
  std::erase_if(all, [&](const json& e) { return e["what"] != what; });
  return all;
}

/// Numbers without gap or double: one writer at a time.
bool whole(const sandbox& s, const std::string& id) {
  std::uint64_t last = 0;
  for (const auto& e : lines_of(s.home() + "/sessions/" + id + "/transcript.jsonl"))
    if (e["n"].get<std::uint64_t>() != ++last)
      return false;
  return last > 0;
}

/// By the name it was started under; with `argument`, only those that have it.
std::size_t count_program(const sandbox& s, const std::string& name, const std::string& argument = {}) {
  auto all = s.processes();
  return static_cast<std::size_t>(std::count_if(all.begin(), all.end(), [&](const auto& p) {
    auto words = slurp("/proc/" + std::to_string(p.pid) + "/cmdline");
    auto first = words.substr(0, words.find('\0'));
    return first.ends_with(name) && words.find(argument) != std::string::npos;
  }));
}

/// Lets the ledger name another process as the session's worker, while no supervisor runs.
void name_worker(const sandbox& s, const std::string& id, std::int32_t pid, std::uint64_t start) {
  std::string out;
  for (auto e : lines_of(s.home() + "/ledger.jsonl")) {
    if (e.value("session", "") == id && e["what"] == "claimed") {
      e["facts"]["pid"] = std::to_string(pid);
      e["facts"]["start"] = std::to_string(start);
    }
    out += to_line(e) + "\n";
  }
  spill(s.home() + "/ledger.jsonl", out);
}

/// A session at work in its first step, left by a supervisor that is gone, its own worker too.
std::string left_at_work(const sandbox& s) {
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say begun\nwait " + s.work() + "/go\nsay finished"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "wait " + s.work() + "/go"; }));
  auto worker = s.field(id, "pid").get<std::int32_t>();
  auto supervisor = s.supervisor_pid();
  ::kill(supervisor, SIGSTOP); // so that it does not see the worker's end
  kill_and_wait(worker);
  kill_and_wait(supervisor);
  return id; // the next command starts the next supervisor
}

} // namespace

// F-02, KEEP-8
CAF_TEST(however often the supervisor is killed the number of processes stays the same) {
  sandbox s;
  auto running = s.bg({"--exec", "read x"});
  auto ended = s.bg({"--exec", "setsid sleep 351 & exit 0"});
  CAF_CHECK_EQUAL(s.troupe({"wait", ended}).status, 0);
  for (int round = 0; round < 8; ++round) {
    CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); }));
    kill_and_wait(s.supervisor_pid());
    s.troupe({"agents"});
    CAF_REQUIRE(until(s, [&] {
      return s.field(running, "process") == "alive" && s.status()["spares"].contains("ready") &&
             count_program(s, "troupe-worker") == 2; // the session's and one spare
    }));
    CAF_CHECK_EQUAL(count_program(s, "troupe-supervisor"), 1u);
    CAF_CHECK_EQUAL(count_program(s, "troupe-agent"), 1u); // the spare's
    CAF_CHECK_EQUAL(count_program(s, "sleep"), 0u);
  }
  CAF_CHECK(s.stop().empty());
}

// F-05
CAF_TEST(a zombie counts as dead when its supervisor is followed by another) {
  sandbox s;
  auto id = left_at_work(s);
  auto zombie = ::fork();
  if (zombie == 0)
    ::_exit(0);
  siginfo_t who{};
  ::waitid(P_PID, static_cast<id_t>(zombie), &who, WEXITED | WNOWAIT); // ended, and not reaped
  auto stat = slurp("/proc/" + std::to_string(zombie) + "/stat");
  auto field = stat.substr(stat.rfind(')') + 2);
  for (int i = 3; i < 22; ++i)
    field = field.substr(field.find(' ') + 1);
  CAF_CHECK_EQUAL(::kill(zombie, 0), 0); // what fools others
  name_worker(s, id, zombie, std::stoull(field));
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK_EQUAL(ledger(s, id, "unreachable").size(), 0u);
  troupe::test::wait_for(zombie);
  CAF_CHECK(s.stop().empty());
}

// F-09
CAF_TEST(a process that has got the id of a dead worker is left alone) {
  sandbox s;
  auto id = left_at_work(s);
  auto stranger = ::fork();
  if (stranger == 0) {
    ::execlp("sleep", "sleep", "352", nullptr);
    ::_exit(1);
  }
  auto who = identify(stranger);
  CAF_REQUIRE(who);
  name_worker(s, id, stranger, who->start + 1); // the same id, another time of birth
  s.troupe({"agents"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "alive"; }));
  CAF_CHECK(s.field(id, "pid") != stranger);
  CAF_CHECK_EQUAL(s.troupe({"stop", id}).status, 0);
  CAF_CHECK(alive(*who));
  ::kill(stranger, SIGKILL);
  troupe::test::wait_for(stranger);
  CAF_CHECK(s.stop().empty());
}

// F-22, SUP-5
CAF_TEST(a job that writes all the while loses no byte over hand - overs) {
  sandbox s;
  auto id = s.bg({"--exec", "stty -echo; i=0; while [ ! -e " + s.work() +
                                "/go ]; do i=$((i+1)); echo number $i; done; echo $i > " + s.work() + "/count"});
  for (int round = 0; round < 6; ++round) {
    auto seen = s.troupe({"logs", id}).out; // at most 1 MiB: it changes, and need not grow
    if (round % 2 == 0)
      kill_and_wait(s.supervisor_pid());
    else
      CAF_CHECK_EQUAL(s.troupe({"daemon", "stop", "--any", "--keep-workers"}).out, "stopped · 0 ended · 1 kept\n");
    s.troupe({"agents"});
    CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "alive" && s.troupe({"logs", id}).out != seen; }));
  }
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  auto count = std::stoi(slurp(s.work() + "/count"));
  auto out = s.troupe({"logs", id}).out; // the last 1 MiB of it (KEEP-7)
  auto from = std::stoi(out.substr(out.find("number ") + 7));
  std::string expected;
  for (int i = from; i <= count; ++i)
    expected += "number " + std::to_string(i) + "\n";
  CAF_CHECK(out.substr(out.find("number ")) == expected);
  CAF_CHECK_EQUAL(ledger(s, id, "claimed").size(), 1u);
  CAF_CHECK(whole(s, id));
  CAF_CHECK(s.stop().empty());
}

// F-23
CAF_TEST(a worker that hangs is not taken for dead and holds nobody up) {
  sandbox s;
  auto hung = s.bg({"--exec", "read x; echo got $x"}), other = s.bg({"--exec", "read x; echo got $x"});
  CAF_REQUIRE(until(s, [&] { return s.field(hung, "process") == "alive" && s.field(other, "process") == "alive"; }));
  auto worker = s.field(hung, "pid").get<std::int32_t>();
  ::kill(worker, SIGSTOP);
  auto reply = s.start({"reply", hung, "late"}, "late");
  CAF_CHECK_EQUAL(s.troupe({"reply", other, "now"}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", other, "--timeout", "20"}).status, 0);
  auto third = s.bg({"--exec", "exit 0"});
  CAF_CHECK_EQUAL(s.troupe({"wait", third, "--timeout", "20"}).status, 0);
  ::kill(worker, SIGCONT);
  CAF_CHECK_EQUAL(troupe::test::wait_for(reply), 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", hung, "--timeout", "20"}).status, 0);
  CAF_CHECK(s.troupe({"logs", hung}).out.ends_with("got late\n"));
  CAF_CHECK_EQUAL(ledger(s, hung, "kill").size() + ledger(s, hung, "worker_ended").size(), 0u);
  CAF_CHECK(s.stop().empty());
}

// F-24, STATE-4, SUP-5
CAF_TEST(while a worker that does not answer holds the lock no other writes its transcript) {
  sandbox s;
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say begun\nwait " + s.work() + "/go\nsay finished"});
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "wait " + s.work() + "/go"; }));
  auto worker = s.field(id, "pid").get<std::int32_t>();
  ::kill(worker, SIGSTOP);
  kill_and_wait(s.supervisor_pid());
  s.troupe({"agents"});
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "unknown"; }));
  CAF_CHECK_EQUAL(s.field(id, "pid"), worker);
  CAF_CHECK_EQUAL(ledger(s, id, "claimed").size(), 1u);
  ::kill(worker, SIGCONT);
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "pid"), worker);
  CAF_CHECK_EQUAL(ledger(s, id, "claimed").size(), 1u);
  CAF_CHECK(whole(s, id));
  CAF_CHECK(s.stop().empty());
}

// F-25, KEEP-6
CAF_TEST(a reaped session wakes at the first try each time and by a warm worker) {
  sandbox s(R"({"session": {"idleSeconds": 0}})");
  auto id = s.bg({"say word 0"});
  for (int i = 1; i <= 4; ++i) {
    CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "exited" && s.status()["spares"].contains("ready"); }));
    CAF_CHECK_EQUAL(s.troupe({"reply", id, "say word " + std::to_string(i)}).status, 0);
    CAF_REQUIRE(until(s, [&] { return events(s, id, "turn_ended").size() == static_cast<std::size_t>(i) + 1; }));
  }
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "exited"; }));
  auto claims = ledger(s, id, "claimed");
  CAF_CHECK_EQUAL(claims.size(), 5u);
  for (std::size_t i = 1; i < claims.size(); ++i)
    CAF_CHECK_EQUAL(claims[i]["facts"]["warm"], "true");
  for (const char* what : {"refused", "restart", "worker_ended", "kill"})
    CAF_CHECK_EQUAL(ledger(s, id, what).size(), 0u);
  CAF_CHECK(whole(s, id));
  CAF_CHECK(s.stop().empty());
}

// F-30: a machine cannot be put to sleep here; all of Troupe can, for as long as something dies meanwhile
CAF_TEST(what ended while everything slept is told as ended and the rest goes on) {
  sandbox s;
  auto dies = s.bg({"--exec", "read x"}), lives = s.bg({"--exec", "read x; echo got $x"});
  CAF_REQUIRE(until(s, [&] { return s.field(dies, "process") == "alive" && s.field(lives, "process") == "alive"; }));
  auto worker = s.field(dies, "pid").get<std::int32_t>();
  auto children = descendants(worker);
  CAF_REQUIRE_EQUAL(children.size(), 1u);
  auto all = s.processes();
  for (const auto& p : all)
    signal_process(p, SIGSTOP);
  signal_process(children.front(), SIGKILL);
  for (const auto& p : all)
    signal_process(p, SIGCONT);
  CAF_CHECK_EQUAL(s.troupe({"wait", dies, "--timeout", "20"}).status, 137);
  CAF_CHECK_EQUAL(s.field(dies, "state"), "failed");
  CAF_CHECK(s.troupe({"why", dies}).out.find("137") != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"reply", lives, "on"}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"wait", lives, "--timeout", "20"}).status, 0);
  CAF_CHECK(s.stop().empty());
}

// F-34
CAF_TEST(logs and why work for each session that is listed whether a supervisor runs or not) {
  sandbox s;
  auto job = s.bg({"--exec", "echo words; exit 9"}), agent = s.bg({"say words"});
  s.troupe({"wait", job, agent});
  CAF_CHECK(s.stop().empty());
  for (const auto& id : {job, agent}) {
    CAF_CHECK(s.troupe({"logs", id}).out.find("words") != std::string::npos);
    CAF_CHECK(s.stop().empty());
    CAF_CHECK(s.troupe({"why", id}).out.find("dispatched from shell") != std::string::npos);
    CAF_CHECK(s.stop().empty());
  }
}

// F-35, SUP-4
CAF_TEST(daemon stop counts what it ended and nothing of it is left when it says so) {
  sandbox s;
  auto ended = s.bg({"--exec", "exit 0"});
  s.troupe({"wait", ended});
  s.bg({"--exec", "trap '' TERM HUP; while :; do sleep 0.2; done"}); // has to be killed
  s.bg({"--permission-mode", "bypassPermissions", "background sleep 353\nwait " + s.work() + "/never"});
  s.bg({"--exec", "setsid sleep 354 & exec sleep 355"});
  CAF_REQUIRE(until(s, [&] { return count_program(s, "sleep", "353") == 1; }));
  CAF_CHECK_EQUAL(s.troupe({"daemon", "stop", "--any"}).out, "stopped · 3 ended · 0 kept\n");
  CAF_CHECK(s.processes().empty());
}

// SUP-4: a supervisor that was killed is no excuse for what goes on
CAF_TEST(daemon stop ends workers whose supervisor was killed) {
  sandbox s;
  auto id = s.bg({"--exec", "sleep 356"});
  kill_and_wait(s.supervisor_pid());
  CAF_CHECK_EQUAL(s.troupe({"daemon", "stop", "--any"}).out, "stopped · 1 ended · 0 kept\n");
  CAF_CHECK(s.processes().empty());
  CAF_CHECK_EQUAL(s.field(id, "state"), "stopped");
  CAF_CHECK(s.stop().empty());
}
