// A newer version on the disk goes on in the supervisor's own process; others are left alone.
#define CAF_SUITE replacing
#include <atomic>
#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include <poll.h>
#include <sys/stat.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::until;

namespace {

/// Puts `file` in the place of a program of the sandbox's own, by a rename.
void install(const sandbox& s, const std::string& program, const std::string& file) {
  auto fresh = s.programs() + "/" + program + ".new";
  std::filesystem::copy_file(file, fresh);
  std::filesystem::rename(fresh, s.programs() + "/" + program);
}

void install_script(const sandbox& s, const std::string& program, const std::string& text) {
  auto file = s.root() + "/script";
  troupe::test::spill(file, text);
  ::chmod(file.c_str(), 0755);
  install(s, program, file);
}

std::string built(const std::string& program) {
  return std::string(std::getenv("TROUPE_BIN")) + "/" + program;
}

template <class F>
bool soon(F holds, int seconds = 60) {
  for (int i = 0; i < seconds * 20; ++i) {
    if (holds())
      return true;
    ::poll(nullptr, 0, 50);
  }
  return false;
}

bool logged(const sandbox& s, const std::string& what) {
  return troupe::test::slurp(s.home() + "/supervisor.log").find(what) != std::string::npos;
}

void check_numbers(const std::string& path) {
  std::ifstream in(path);
  std::uint64_t last = 0;
  for (std::string line; std::getline(in, line);)
    CAF_CHECK_EQUAL(json::parse(line)["n"].get<std::uint64_t>(), ++last);
  CAF_CHECK(last > 0);
}

/// Connects again and again and counts who is refused or gets no greeting.
struct visitors {
  std::atomic<bool> done{false};
  std::atomic<int> served{0}, refused{0};
  std::thread thread;
  explicit visitors(const std::string& socket)
      : thread([this, socket] {
          while (!done) {
            unique_fd fd(connect_to(socket));
            auto hello = fd ? troupe::test::read_line(fd.get(), 10'000) : std::string();
            ++(hello.find("\"hello\"") == std::string::npos ? refused : served);
            ::poll(nullptr, 0, 1);
          }
        }) {}
  ~visitors() {
    done = true;
    thread.join();
  }
};

} // namespace

// SUP-6, SUP-1, F-22
CAF_TEST(a newer version goes on in the same process and nothing is lost or doubled or refused) {
  sandbox s;
  s.own_programs();
  auto gate = s.work() + "/gate";
  ::mkfifo(gate.c_str(), 0600);
  auto shell = s.bg({"--exec", "i=0; while [ $i -lt 20000 ]; do echo line $i; i=$((i+1)); done; cat " + gate});
  auto agent = s.bg({"--permission-mode", "bypassPermissions", "say one\nwait " + s.work() + "/go\nsay two"});
  auto asker = s.bg({"ask Still there?"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", asker}).status, 3);
  CAF_REQUIRE(until(s, [&] { return s.field(agent, "sentence") == "wait " + s.work() + "/go"; }));
  auto before = s.rows();
  auto old = s.status();
  int waiter = s.start({"wait", agent, "--timeout", "120"}, "waiter");
  int follower = s.start({"logs", "-f", shell}, "followed");
  {
    visitors door(s.home() + "/supervisor.sock");
    install(s, "troupe-worker", built("troupe-worker-next"));
    install(s, "troupe-supervisor", built("troupe-supervisor-next"));
    CAF_REQUIRE(soon([&] {
      auto got = s.troupe({"daemon", "status", "--json"}); // no command fails meanwhile
      CAF_CHECK_EQUAL(got.status, 0);
      return got.status == 0 && json::parse(got.out)["version"] == "9.0.0";
    }));
    door.done = true;
    CAF_CHECK_EQUAL(door.refused.load(), 0);
    CAF_CHECK(door.served.load() > 0);
  }
  auto now = s.status();
  CAF_CHECK_EQUAL(now["pid"], old["pid"]);
  CAF_CHECK_EQUAL(now["epoch"].get<int>(), old["epoch"].get<int>() + 1);
  CAF_CHECK_EQUAL(now["origin"], old["origin"]);
  for (const auto& row : before) {
    auto same = s.row(row["id"]);
    CAF_CHECK_EQUAL(same["pid"], row["pid"]);
    CAF_CHECK_EQUAL(same["process"], row["process"]);
  }
  troupe::test::spill(s.work() + "/go", "");
  troupe::test::spill(gate, "through the gate\n");
  CAF_CHECK_EQUAL(troupe::test::wait_for(waiter), 0); // it went on waiting with the next version
  CAF_CHECK_EQUAL(s.troupe({"wait", shell, "--timeout", "60"}).status, 0);
  CAF_CHECK_EQUAL(troupe::test::wait_for(follower), 0);
  CAF_CHECK_EQUAL(s.troupe({"answer", asker, "1"}).status, 0);
  std::string expected;
  for (int i = 0; i < 20'000; ++i)
    expected += "line " + std::to_string(i) + "\n";
  expected += "through the gate\n";
  CAF_CHECK(s.troupe({"logs", shell}).out == expected);
  CAF_CHECK(troupe::test::slurp(s.root() + "/followed") == expected);
  check_numbers(s.home() + "/sessions/" + agent + "/transcript.jsonl");
  check_numbers(s.home() + "/sessions/" + shell + "/transcript.jsonl");
  CAF_REQUIRE(until(s, [&] { return s.status()["spares"].contains("ready"); })); // of the new version (POOL-4)
  CAF_CHECK_EQUAL(s.troupe({"wait", s.bg({"--exec", "exit 0"})}).status, 0);
  CAF_CHECK(s.troupe({"daemon", "logs"}).out.find("successor=\"9.0.0\"") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// SUP-6
CAF_TEST(the environment of a session without a process reaches the next version and no file) {
  sandbox s(R"({"session": {"idleSeconds": 0}})");
  s.own_programs();
  ::setenv("PLANTED", "value-of-the-shell", 1);
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say one"});
  ::unsetenv("PLANTED");
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "exited"; }));
  install(s, "troupe-worker", built("troupe-worker-next"));
  install(s, "troupe-supervisor", built("troupe-supervisor-next"));
  CAF_REQUIRE(soon([&] { return s.status()["version"] == "9.0.0"; }));
  auto socket = s.connect(); // a front end that brings no environment
  troupe::test::ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/reply","params":{"id":")" + id +
                                      R"(","key":"a-fresh-key","text":"bash printf $PLANTED > out"}})");
  CAF_CHECK(soon([&] { return troupe::test::slurp(s.work() + "/out") == "value-of-the-shell"; }));
  for (const auto& file : std::filesystem::recursive_directory_iterator(s.home()))
    if (file.is_regular_file())
      CAF_CHECK(troupe::test::slurp(file.path()).find("value-of-the-shell") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// SUP-6
CAF_TEST(an older version and a program that does not answer are left alone) {
  sandbox s;
  s.own_programs();
  auto id = s.bg({"--exec", "read x"});
  auto old = s.status();
  install_script(s, "troupe-supervisor", "#!/bin/sh\necho troupe-supervisor 0.0.1\n");
  CAF_CHECK(soon([&] { return logged(s, "its version is not newer than"); }));
  install_script(s, "troupe-supervisor", "#!/bin/sh\nexec sleep 618\n");
  CAF_CHECK(soon([&] { return logged(s, "it does not answer --version"); }));
  auto now = s.status();
  CAF_CHECK_EQUAL(now["pid"], old["pid"]);
  CAF_CHECK_EQUAL(now["epoch"], old["epoch"]);
  CAF_CHECK_EQUAL(s.field(id, "process"), "alive");
  for (const auto& p : s.processes()) // who was asked in vain is ended
    CAF_CHECK(troupe::test::slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("618") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}
