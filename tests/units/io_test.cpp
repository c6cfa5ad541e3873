// Processes and sockets.
#define CAF_SUITE io
#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <asio/io_context.hpp>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"

using namespace troupe;

namespace {

std::int32_t start(const std::string& script) {
  spawn_request r;
  r.program = "sh";
  r.arguments = {"sh", "-c", script};
  r.env = {{"PATH", "/usr/bin:/bin"}, {"TROUPE_SESSION_ID", "unit"}, {"TROUPE_SESSION_DIR", "/nowhere"}};
  r.new_session = true;
  return spawn(r);
}

} // namespace

// POOL-4, F-05
CAF_TEST(a zombie counts as dead and an identity fits one process only) {
  auto pid = start("exit 0");
  siginfo_t info{};
  ::waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
  CAF_CHECK(!identify(pid).has_value());
  ::waitpid(pid, nullptr, 0);
  auto self = identify(::getpid());
  CAF_REQUIRE(self.has_value());
  CAF_CHECK(alive(*self));
  auto other = *self;
  ++other.start;
  CAF_CHECK(!alive(other));
  CAF_CHECK(!open_process(other));
  other = *self;
  other.boot = "another boot";
  CAF_CHECK(!alive(other));
}

// KEEP-8
CAF_TEST(a subreaper finds setsid grandchildren and a session finds its processes) {
  become_subreaper();
  int ends[2];
  CAF_REQUIRE_EQUAL(::pipe(ends), 0);
  spawn_request r;
  r.program = "/bin/sh";
  r.arguments = {"sh", "-c", "setsid sh -c 'echo up >&3; exec sleep 351' & exit 0"};
  r.env = {{"PATH", "/usr/bin:/bin"}, {"TROUPE_SESSION_ID", "unit"}, {"TROUPE_SESSION_DIR", "/nowhere"}};
  r.fds = {{ends[1], 3}};
  auto pid = spawn(r);
  char byte;
  CAF_CHECK_EQUAL(::read(ends[0], &byte, 1), 1);
  ::waitpid(pid, nullptr, 0);
  CAF_CHECK_EQUAL(descendants(::getpid()).size(), 1u);
  auto of_session = processes_of_session("unit", "/nowhere");
  CAF_REQUIRE_EQUAL(of_session.size(), 1u);
  CAF_CHECK(processes_of_session("unit", "/elsewhere").empty());
  CAF_CHECK(signal_process(of_session[0], SIGKILL));
  ::waitpid(of_session[0].pid, nullptr, 0);
  CAF_CHECK(descendants(::getpid()).empty());
  ::close(ends[0]);
  ::close(ends[1]);
}

CAF_TEST(the reaper tells each status to its watcher) {
  asio::io_context loop(1);
  reaper all(loop);
  std::vector<std::string> told;
  for (const char* script : {"exit 7", "kill -9 $$", "exit 0"})
    all.watch(start(script), [&](exit_status s) {
      told.push_back(to_text(s));
      if (told.size() == 3)
        loop.stop();
    });
  loop.run();
  std::sort(told.begin(), told.end());
  CAF_CHECK_EQUAL(told, (std::vector<std::string>{"exited 0", "exited 7", "killed by signal 9"}));
}

// KEEP-8
CAF_TEST(a guest in another process reaps what it watches and nothing else) {
  asio::io_context loop(1);
  reaper guest(loop, reaper::reach::watched);
  auto foreign = start("exit 3");
  std::vector<std::string> told;
  for (const char* script : {"exit 7", "kill -9 $$"})
    guest.watch(start(script), [&](exit_status s) { told.push_back(to_text(s)); });
  guest.watch(1, [&](exit_status s) { told.push_back(to_text(s)); });
  loop.run();
  std::sort(told.begin(), told.end());
  CAF_CHECK_EQUAL(told, (std::vector<std::string>{"exited 7", "killed by signal 9", "status unknown: not our child"}));
  int status = 0;
  CAF_CHECK_EQUAL(::waitpid(foreign, &status, 0), foreign);
  CAF_CHECK_EQUAL(WEXITSTATUS(status), 3);
  struct sigaction now {};
  ::sigaction(SIGCHLD, nullptr, &now);
  CAF_CHECK(now.sa_handler == SIG_DFL);
}

CAF_TEST(what cannot be started gives its errno) {
  spawn_request r;
  r.program = "/no/such/program";
  r.arguments = {"x"};
  CAF_CHECK_EQUAL(spawn(r), -ENOENT);
}

// FILES-1
CAF_TEST(a socket path of any length is listened on and connected to) {
  for (std::size_t n : {5u, 100u, 180u}) {
    auto folder = "/tmp/troupe-sock-" + std::to_string(::getpid()) + std::string(n, 'x');
    ::mkdir(folder.c_str(), 0700);
    failure error;
    int listening = listen_on(folder + "/s", error);
    CAF_CHECK(listening >= 0);
    int connected = connect_to(folder + "/s");
    CAF_CHECK(connected >= 0);
    CAF_CHECK(same_user(connected)); // SEC-3
    struct stat st {};
    CAF_CHECK_EQUAL(::stat((folder + "/s").c_str(), &st), 0);
    CAF_CHECK_EQUAL(st.st_mode & 0777, 0600u); // FILES-2
    ::close(connected);
    ::close(listening);
    CAF_CHECK_EQUAL(connect_to(folder + "/s"), -1);
    ::unlink((folder + "/s").c_str());
    ::rmdir(folder.c_str());
  }
}

// SUP-11: or a client would wait for ever for a supervisor that is dead
CAF_TEST(a child holds no descriptor that it was not given) {
  int ends[2];
  CAF_REQUIRE_EQUAL(::pipe(ends), 0); // as Asio accepts: without O_CLOEXEC
  auto child = start("exec sleep 60");
  ::close(ends[1]);
  char byte = 0;
  pollfd ready{ends[0], POLLIN, 0};
  CAF_CHECK_EQUAL(::poll(&ready, 1, 10'000), 1);
  CAF_CHECK_EQUAL(::read(ends[0], &byte, 1), 0); // the other end is closed, although the child lives
  CAF_CHECK(identify(child).has_value());
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  ::close(ends[0]);
}
