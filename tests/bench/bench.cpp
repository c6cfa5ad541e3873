// The figures of a dispatch, a listing, output and memory, with peers and floors measured in the same run. Not a timed
// test: it prints a table. `troupe-bench [--short]`; medians. Its files are in /dev/shm unless TMPDIR names another
// folder: ext4 without a journal looks at every inode that was deleted in the last minutes before it makes one, so that
// on such a disk each figure would tell how much the figures before it have deleted.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <functional>
#include <map>
#include <sstream>
#include <thread>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

extern char** environ;

using namespace troupe;
using troupe::test::sandbox;
using clock_type = std::chrono::steady_clock;

namespace {

int rounds = 200;
bool brief = false;

double ms_since(clock_type::time_point t) {
  return std::chrono::duration<double, std::milli>(clock_type::now() - t).count();
}

double median(std::vector<double> xs) {
  std::sort(xs.begin(), xs.end());
  return xs.empty() ? 0 : xs[xs.size() / 2];
}

/// Runs a command to its end, output thrown away.
int run(const std::vector<std::string>& words, const std::string& home = {}) {
  static int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  spawn_request r;
  r.program = words[0];
  r.arguments = words;
  for (char** at = environ; *at; ++at) {
    std::string_view pair(*at);
    auto split = pair.find('=');
    r.env.emplace_back(pair.substr(0, split), pair.substr(split + 1));
  }
  if (!home.empty())
    r.env.emplace_back("TROUPE_HOME", home);
  r.fds = {{null, 0}, {null, 1}, {null, 2}};
  auto pid = spawn(r);
  return pid < 0 ? pid : test::wait_for(pid);
}

std::string bin(const char* name) {
  return std::string(std::getenv("TROUPE_BIN")) + "/" + name;
}

double timed(int n, const std::function<void()>& before, const std::function<void()>& act) {
  std::vector<double> all;
  for (int i = 0; i < n; ++i) {
    before();
    auto t = clock_type::now();
    act();
    all.push_back(ms_since(t));
  }
  return median(all);
}

/// Ours and a peer's by turns, some of each at a time: what else the machine does falls on both. Neither begins before
/// the other has done what it does behind its answers.
std::pair<double, double> by_turns(int n, const std::function<void()>& before_ours, const std::function<void()>& ours,
                                   const std::function<void()>& peers) {
  const int turn = std::max(1, n / 10);
  std::vector<double> all[2];
  auto take = [&](int which, const std::function<void()>& act) {
    auto t = clock_type::now();
    act();
    all[which].push_back(ms_since(t));
  };
  const auto quiet = std::chrono::milliseconds(300);
  for (int left = n; left > 0; left -= turn) {
    for (int i = 0; i < std::min(turn, left); ++i) {
      before_ours();
      take(0, ours);
    }
    std::this_thread::sleep_for(quiet);
    for (int i = 0; i < std::min(turn, left); ++i)
      take(1, peers);
    std::this_thread::sleep_for(quiet);
  }
  return {median(all[0]), median(all[1])};
}

void show(const char* what, const std::string& ours, const std::string& peers, double ratio, double must) {
  std::printf("%-46s %-12s %-44s %6.2f  must %.2f  %s\n", what, ours.c_str(), peers.c_str(), ratio, must,
              ratio <= must ? "ok" : "MISS");
  std::fflush(stdout);
}

std::string in_ms(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.2f ms", x);
  return text;
}

void await_spare(const sandbox& s) {
  auto socket = s.connect();
  while (test::ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"supervisor/status"})").find("\"ready\":1") ==
         std::string::npos) {
  }
}

double floor_dispatch(const sandbox& s) {
  auto path = s.root() + "/floor";
  int ends[2];
  if (::pipe2(ends, O_CLOEXEC) != 0)
    return 0;
  spawn_request r;
  r.program = bin("bench-floor-server");
  r.arguments = {"floor", path};
  r.fds = {{ends[1], 1}};
  auto pid = spawn(r);
  char byte;
  if (::read(ends[0], &byte, 1) != 1)
    return 0;
  auto out = timed(
      rounds, [] {},
      [&] {
        run({bin("bench-floor-server"), path, "ask"});
      });
  ::kill(pid, SIGKILL);
  ::waitpid(pid, nullptr, 0);
  return out;
}

void dispatching() {
  sandbox s;
  s.troupe({"agents"});
  std::vector<std::string> command{bin("troupe"), "--bg", "-q", "--exec", "--", "/bin/true"};
  auto tmux = s.root() + "/tmux";
  run({"tmux", "-S", tmux, "-f", "/dev/null", "new-session", "-d", "sleep 1000"});
  auto [warm, peer] = by_turns(
      rounds, [&] { await_spare(s); }, [&] { run(command, s.home()); },
      [&] {
        run({"tmux", "-S", tmux, "-f", "/dev/null", "new-session", "-d", "true"});
      });
  run({"tmux", "-S", tmux, "kill-server"});
  auto burst = timed(
      rounds, [] {}, [&] { run(command, s.home()); });
  int n = 0;
  auto dtach = timed(
      rounds, [] {},
      [&] {
        run({"dtach", "-n", s.root() + "/d" + std::to_string(++n), "true"});
      });
  auto floor = floor_dispatch(s);
  auto peers = "tmux " + in_ms(peer) + ", dtach " + in_ms(dtach) + ", floor " + in_ms(floor);
  show("dispatch, return to prompt (to tmux)", in_ms(warm), peers, warm / peer, 0.5);
  show("  the same, to the floor", in_ms(warm), peers, warm / floor, 1.6);
  show("  back to back, spare or not", in_ms(burst), peers, burst / peer, 1);
}

/// Until the command's own `main` runs: it writes to a FIFO.
void running() {
  sandbox s;
  s.troupe({"agents"});
  auto fifo = s.root() + "/fifo", tmux = s.root() + "/tmux";
  ::mkfifo(fifo.c_str(), 0600);
  unique_fd reader(::open(fifo.c_str(), O_RDWR | O_CLOEXEC)); // both ends, so that no open waits
  auto marked = [&](const std::vector<std::string>& command, const std::string& home) {
    run(command, home);
    char byte = 0;
    [[maybe_unused]] auto n = ::read(reader.get(), &byte, 1);
  };
  std::vector<std::string> peer_command{"tmux", "-S", tmux, "-f", "/dev/null", "new-session", "-d"};
  auto keep = peer_command, mark = peer_command;
  keep.emplace_back("sleep 1000");
  mark.insert(mark.end(), {bin("bench-floor-server"), "mark", fifo});
  run(keep);
  auto [ours, peer] = by_turns(
      rounds, [&] { await_spare(s); },
      [&] {
        marked({bin("troupe"), "--bg", "-q", "--exec", "--", bin("bench-floor-server"), "mark", fifo}, s.home());
      },
      [&] { marked(mark, {}); });
  run({"tmux", "-S", tmux, "kill-server"});
  show("dispatch until the command's main (to tmux)", in_ms(ours), "tmux " + in_ms(peer), ours / peer, 0.7);
}

/// From a dispatch's line on the socket until its worker holds the assignment, and until the line with the answer.
struct claim_times {
  double held, answered;
};

/// CLOCK_MONOTONIC, which is one for all processes.
double monotonic_ms() {
  return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

/// When each session's worker took it, by the ledger.
std::map<std::string, double> held_at_ms(const sandbox& s) {
  std::map<std::string, double> out;
  std::istringstream in(test::slurp(s.home() + "/ledger.jsonl"));
  for (std::string line; std::getline(in, line);)
    if (auto entry = json::parse(line); entry["what"] == "assigned")
      out[entry["session"]] = std::stod(entry["facts"]["held_ns"].get<std::string>()) / 1e6;
  return out;
}

claim_times claim(const sandbox& s, bool wait) {
  auto socket = s.connect();
  std::vector<double> held, answered;
  std::vector<std::pair<std::string, double>> begun;
  for (int n = 0; n < rounds; ++n) {
    if (wait)
      await_spare(s);
    auto from = monotonic_ms();
    auto answer = test::ask(socket.get(),
                            R"({"jsonrpc":"2.0","id":1,"method":"session/dispatch","params":{"key":"bench-)" +
                                std::to_string(::getpid()) + "-" + std::to_string(wait) + std::to_string(n) +
                                R"(","kind":"exec","command":["/bin/true"],"prompt":"true","cwd":"/tmp","env":[]}})");
    answered.push_back(monotonic_ms() - from);
    begun.emplace_back(json::parse(answer)["result"]["id"], from);
  }
  const auto taken = held_at_ms(s);
  for (const auto& [id, from] : begun)
    held.push_back(taken.at(id) - from);
  return {median(held), median(answered)};
}

void claiming() {
  sandbox warm, cold(R"({"warmPool": {"size": 0}})");
  warm.troupe({"agents"});
  cold.troupe({"agents"});
  auto w = claim(warm, true), c = claim(cold, false);
  show("warm claim, line to worker (to 0.4 ms)", in_ms(w.held),
       "cold start " + in_ms(c.held) + ", answered after " + in_ms(w.answered), w.held / 0.4, 1);
}

/// Failed shell jobs: they end at once and their rows stay.
void fill(const sandbox& s, int from, int to) {
  auto socket = s.connect();
  for (int i = from; i < to; ++i)
    test::ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/dispatch","params":{"key":"listing-)" +
                                std::to_string(i) +
                                R"(","kind":"exec","command":["/bin/false"],"prompt":"false","cwd":"/tmp","env":[]}})");
  test::until(
      s,
      [&] {
        return s.troupe({"agents", "--json"}).out == "[]\n";
      },
      60);
}

double listed(const sandbox& s) {
  return timed(
      rounds, [] {},
      [&] {
        run({bin("troupe"), "agents", "--json", "--all"}, s.home());
      });
}

void listing() {
  sandbox s(R"({"launch": {"maxConcurrent": 8}})");
  int many = brief ? 40 : 1000;
  s.troupe({"agents"});
  auto none = listed(s);
  fill(s, 0, many / 4);
  auto quarter = listed(s) - none;
  fill(s, many / 4, many);
  auto list = listed(s);
  auto named = "list " + std::to_string(many) + " sessions as JSON";
  show((named + " (to 5 ms)").c_str(), in_ms(list), "none " + in_ms(none), list / 5, 1);
  show("  growth from a quarter to all (to linear, 4)", in_ms(list - none), "a quarter " + in_ms(quarter),
       (list - none) / quarter / 4, 1.5);
  std::ifstream in("/proc/" + std::to_string(s.supervisor_pid()) + "/smaps_rollup");
  double kb = 0;
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("Pss:"))
      kb = std::stod(line.substr(4));
  show("supervisor with them at rest (to 25 MB PSS)", std::to_string(static_cast<int>(kb / 1024)) + " MB", "",
       kb / 1024 / 25, 1);
}

void output() {
  sandbox s;
  auto megabytes = std::to_string(brief ? 5 : 200);
  auto script = "yes 'a line of output as compilers print it, some sixty bytes' | head -c " + megabytes + "000000";
  s.troupe({"agents"});
  auto t = clock_type::now();
  auto id = s.bg({"--exec", script});
  s.troupe({"wait", id});
  auto ours = ms_since(t);
  int master = ::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC);
  char name[128];
  ::grantpt(master);
  ::unlockpt(master);
  ::ptsname_r(master, name, sizeof name);
  spawn_request r;
  r.program = "/bin/sh";
  r.arguments = {"sh", "-c", script};
  r.terminal = name;
  r.env = {{"PATH", "/usr/bin:/bin"}};
  t = clock_type::now();
  auto pid = spawn(r);
  std::vector<char> block(65536);
  while (::read(master, block.data(), block.size()) > 0) {
  }
  test::wait_for(pid);
  auto raw = ms_since(t);
  ::close(master);
  show("output of one session, nobody attached", in_ms(ours), "raw reader " + in_ms(raw), ours / raw, 1.15);
}

void memory() {
  sandbox s;
  int n = brief ? 3 : 20;
  for (int i = 0; i < n; ++i)
    s.bg({"--exec", "--", "/bin/sleep", "1000"});
  double kb = 0;
  for (const auto& row : s.rows()) {
    std::ifstream in("/proc/" + std::to_string(row["pid"].get<int>()) + "/smaps_rollup");
    for (std::string line; std::getline(in, line);)
      if (line.starts_with("Pss:"))
        kb += std::stod(line.substr(4));
  }
  show("a live session's worker (to 1 MB PSS)", std::to_string(static_cast<int>(kb / n)) + " kB", "", kb / n / 1024, 1);
}

/// A first restart comes at once, the second waits on purpose (REST-1): a session each.
void restarting() {
  sandbox s;
  s.troupe({"agents"});
  auto socket = s.connect();
  test::ask(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/subscribe","params":{"all":true}})");
  std::vector<double> all;
  for (int i = 0; i < (brief ? 1 : 20); ++i) {
    auto id = s.bg({"wait " + s.work() + "/never"});
    test::until(s, [&] { return s.field(id, "process") == "alive"; });
    auto pid = s.field(id, "pid").get<int>();
    auto t = clock_type::now();
    ::kill(pid, SIGKILL);
    for (auto line = test::read_line(socket.get()); !line.empty(); line = test::read_line(socket.get())) {
      auto params = json::parse(line)["params"];
      if (params.contains("session") && params["session"]["id"] == id && params["session"]["process"] == "alive" &&
          params["session"]["pid"] != pid)
        break;
    }
    all.push_back(ms_since(t));
    s.troupe({"stop", id});
  }
  show("a killed worker's session held again (to 200 ms)", in_ms(median(all)), "", median(all) / 200, 1);
}

} // namespace

int main(int argc, char** argv) {
  brief = argc > 1 && std::strcmp(argv[1], "--short") == 0;
  if (brief)
    rounds = 5;
  if (!std::getenv("TROUPE_BIN")) {
    char self[4096];
    auto n = ::readlink("/proc/self/exe", self, sizeof self);
    std::string path(self, static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    ::setenv("TROUPE_BIN", path.substr(0, path.rfind('/')).c_str(), 1);
  }
  ::setenv("TMPDIR", "/dev/shm", 0);
  std::printf("files in %s\n", std::getenv("TMPDIR"));
  for (auto* act : {dispatching, running, claiming, listing, output, memory, restarting})
    act();
  return 0;
}
