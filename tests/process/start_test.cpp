// Starting, leaving and stopping the supervisor, with real processes.
#define CAF_SUITE starting
#include "tests/support/sandbox.hpp"

#include <set>
#include <sys/stat.h>

#include "caf/test/unit_test.hpp"

using namespace troupe;
using troupe::test::sandbox;

// SUP-1, SUP-2
CAF_TEST(two first commands at once leave one supervisor and both are answered) {
  for (int round = 0; round < 100; ++round) {
    sandbox s;
    int a = s.start({"agents", "--json"}, "a"), b = s.start({"agents", "--json"}, "b");
    CAF_CHECK_EQUAL(troupe::test::wait_for(a), 0);
    CAF_CHECK_EQUAL(troupe::test::wait_for(b), 0);
    CAF_CHECK_EQUAL(troupe::test::slurp(s.root() + "/a"), "[]\n");
    CAF_CHECK_EQUAL(troupe::test::slurp(s.root() + "/b"), "[]\n");
    CAF_CHECK_EQUAL(troupe::test::slurp(s.home() + "/epoch"), "1\n");
    CAF_CHECK(s.stop().empty());
  }
}

// SUP-1, SUP-7, F-09
CAF_TEST(leftover files of a killed supervisor do not keep the next from starting) {
  sandbox s;
  s.troupe({"agents"});
  auto pid = s.supervisor_pid();
  auto before = s.processes();
  troupe::test::kill_and_wait(pid);
  for (const auto& p : before) // its spare ends by itself (POOL-7)
    CAF_CHECK(troupe::test::gone_soon(p));
  CAF_CHECK_EQUAL(s.troupe({"agents", "--json"}).out, "[]\n");
  CAF_CHECK(s.supervisor_pid() != pid);
  CAF_CHECK_EQUAL(troupe::test::slurp(s.home() + "/epoch"), "2\n");
  CAF_CHECK(s.stop().empty());
}

// SUP-3
CAF_TEST(a supervisor that nothing holds open leaves by itself and its spare with it) {
  sandbox s(R"({"supervisor": {"lingerSeconds": 0}})");
  s.troupe({"agents"});
  for (const auto& p : s.processes())
    CAF_CHECK(troupe::test::gone_soon(p));
  CAF_CHECK(s.processes().empty());
}

// SUP-3
CAF_TEST(a session with a process holds the supervisor open) {
  sandbox s(R"({"supervisor": {"lingerSeconds": 0}})");
  auto id = s.bg({"--exec", "read line"});
  CAF_CHECK_EQUAL(s.troupe({"daemon", "status"}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  CAF_CHECK(s.stop().empty());
}

// SUP-4, CLI-2
CAF_TEST(daemon stop asks for any and then what it says is true) {
  sandbox s;
  s.bg({"--exec", "sleep 300 & setsid sleep 301 & sleep 302"});
  auto refused = s.troupe({"daemon", "stop"});
  CAF_CHECK_EQUAL(refused.status, 2);
  CAF_CHECK(refused.err.find("troupe daemon stop --any") != std::string::npos);
  auto stopped = s.troupe({"daemon", "stop", "--any"});
  CAF_CHECK_EQUAL(stopped.out, "stopped · 1 ended · 0 kept\n");
  CAF_CHECK(s.processes().empty()); // F-35, F-32: at once, whole trees
}

// SUP-9, SUP-10
CAF_TEST(status and log tell what runs) {
  sandbox s;
  auto id = s.bg({"--exec", "--name", "idler", "read line"});
  auto text = s.troupe({"daemon", "status"}).out;
  for (const char* word : {"state    serving", "origin   troupe --bg", "workers  1", "sessions 1", "pool     steady"})
    CAF_CHECK(text.find(word) != std::string::npos);
  auto log = s.troupe({"daemon", "logs"}).out;
  CAF_CHECK(log.find("event=dispatched") != std::string::npos);
  CAF_CHECK(log.find("session=" + id) != std::string::npos);
  CAF_CHECK(s.stop().empty());
  CAF_CHECK_EQUAL(s.troupe({"daemon", "status"}).out, "not running\n");
}

// FILES-1, FILES-2, SEC-3
CAF_TEST(everything lies under the home and is private) {
  sandbox s;
  s.bg({"--exec", "true"});
  for (const char* folder : {"", "/sessions", "/workers"}) {
    struct stat st {};
    CAF_REQUIRE_EQUAL(::stat((s.home() + folder).c_str(), &st), 0);
    CAF_CHECK_EQUAL(st.st_mode & 0777, 0700u);
  }
  for (const char* file : {"/ledger.jsonl", "/supervisor.sock", "/epoch", "/supervisor.log"}) {
    struct stat st {};
    CAF_REQUIRE_EQUAL(::stat((s.home() + file).c_str(), &st), 0);
    CAF_CHECK_EQUAL(st.st_mode & 0077, 0u);
  }
  CAF_CHECK(s.stop().empty());
}

// SEC-3
CAF_TEST(a home that is open to others is refused with the remedy) {
  sandbox s;
  ::chmod(s.home().c_str(), 0755);
  auto r = s.troupe({"agents"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.find("chmod 700") != std::string::npos);
  ::chmod(s.home().c_str(), 0700);
}

// FILES-1, F-26
CAF_TEST(a home whose path is too long for a socket works) {
  sandbox s;
  auto deep = s.home() + "/" + std::string(90, 'a') + "/" + std::string(90, 'b');
  ::setenv("DEEP", deep.c_str(), 1);
  auto r = s.troupe({"--bg", "-q", "--exec", "--", "/bin/sh", "-c",
                     "TROUPE_HOME=" + deep + " " + std::getenv("TROUPE_BIN") +
                         "/troupe agents --json >out; TROUPE_HOME=" + deep + " " + std::getenv("TROUPE_BIN") +
                         "/troupe daemon stop --any >>out"});
  r.out.pop_back();
  CAF_CHECK_EQUAL(s.troupe({"wait", r.out}).status, 0);
  CAF_CHECK_EQUAL(troupe::test::slurp(s.work() + "/out"), "[]\nstopped · 0 ended · 0 kept\n");
  CAF_CHECK(s.stop().empty());
}

// DEMO-1
CAF_TEST(the demo plays through and leaves nothing behind) {
  sandbox s;
  auto r = s.troupe({"demo"});
  CAF_CHECK_EQUAL(r.status, 0);
  for (const char* word : {"edit-greeting", "ask-release", "greeting.txt holds: Hello from Troupe",
                           "running: sleep 600", "stopped all of it"})
    CAF_CHECK(r.out.find(word) != std::string::npos);
  auto at = r.out.find("/tmp/troupe-demo-");
  auto root = r.out.substr(at, r.out.find(',', at) - at);
  struct stat st {};
  CAF_CHECK(::stat(root.c_str(), &st) != 0);
  CAF_CHECK(s.processes().empty());
}
