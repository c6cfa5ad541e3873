// The agent view's figures (VIEW-9): opening, keys, changes, bytes, memory. The program runs in a terminal that
// libvterm plays; the roster comes from a control socket that this program serves. `troupe-bench-view [--short]` prints
// a table.
#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstring>
#include <fstream>
#include <map>
#include <memory>
#include <regex>
#include <thread>
#include <vector>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <vterm.h>

#include "messages/json.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using clock_type = std::chrono::steady_clock;

namespace {

double ms_since(clock_type::time_point t) {
  return std::chrono::duration<double, std::milli>(clock_type::now() - t).count();
}

row make_row(int i, int turn = 0) {
  static const char* states[] = {"working", "done", "done", "idle", "failed", "blocked", "done", "stopped"};
  row r;
  r.id.value = "s" + std::to_string(10'000'000 + i);
  r.name = "session-" + std::to_string(i);
  r.cwd = "/home/ann/project-" + std::to_string(i % 20);
  r.harness = "native";
  r.state = i < 8 ? "working" : states[i % 8];
  r.process = r.state == "working" || r.state == "blocked" || r.state == "idle" ? "alive" : "exited";
  r.sentence = "step " + std::to_string(turn) + " of what this session does, in a sentence of usual length";
  r.started_at = 1'700'000'000'000 + (10'000 - i) * 1000LL;
  r.changed_at = r.started_at;
  r.told = {"protocol", r.started_at};
  return r;
}

/// Answers one view's requests; then changes as many rows a second as it is told.
class roster_server {
public:
  roster_server(const std::string& socket, int sessions) : sessions_(sessions) {
    failure error;
    listening_.reset(listen_on(socket, error));
    for (int i = 0; i < sessions_; ++i) // ahead of time: a supervisor has them at hand
      rows_ += (i > 0 ? "," : "") + to_line(to_json(make_row(i)));
    thread_ = std::thread([this] { serve(); });
  }
  ~roster_server() {
    over_ = true;
    thread_.join();
  }
  std::atomic<int> rate{0};
  std::atomic<int> once{0}; ///< so many single changes of the first row
  /// The step that each row has come to; while nothing changes.
  [[nodiscard]] int step_of(int i) const { return steps_[static_cast<std::size_t>(i)]; }

private:
  void serve() {
    pollfd wait{listening_.get(), POLLIN, 0};
    while (!over_ && ::poll(&wait, 1, 50) == 0) {
    }
    unique_fd peer(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    say(peer.get(),
        R"({"jsonrpc":"2.0","method":"hello","params":{"troupe":"0.1.0","protocol":[1,1],"pid":1,"epoch":1}})");
    auto next = clock_type::now();
    while (!over_) {
      pollfd ready{peer.get(), POLLIN, 0};
      if (::poll(&ready, 1, 1) == 1 && !answer(peer.get()))
        return;
      const int per_second = rate; // read once: it is set to 0 at any time
      if (per_second == 0)
        next = clock_type::now();
      else
        for (; rate > 0 && next <= clock_type::now(); next += std::chrono::microseconds(1'000'000 / per_second))
          change(peer.get(), turn_ % sessions_);
      for (; once > 0; --once)
        change(peer.get(), 13);
    }
  }
  bool answer(int peer) {
    char block[65536];
    auto n = ::read(peer, block, sizeof block);
    if (n <= 0)
      return false;
    in_.append(block, static_cast<std::size_t>(n));
    for (std::size_t end; (end = in_.find('\n')) != std::string::npos; in_.erase(0, end + 1)) {
      auto request = json::parse(in_.substr(0, end));
      if (request["method"] != "session/subscribe") {
        say(peer,
            to_line({{"jsonrpc", "2.0"}, {"id", request["id"]}, {"result", {{"accounts", {{{"variable", "X"}}}}}}}));
        continue;
      }
      say(peer, "{\"jsonrpc\":\"2.0\",\"id\":" + request["id"].dump() + ",\"result\":{\"seq\":1,\"sessions\":[" +
                    rows_ + "]}}");
    }
    return true;
  }
  void change(int peer, int i) {
    steps_[static_cast<std::size_t>(i)] = ++turn_;
    say(peer, to_line({{"jsonrpc", "2.0"},
                       {"method", "session/changed"},
                       {"params", {{"seq", turn_}, {"session", to_json(make_row(i, turn_))}}}}));
  }
  static void say(int peer, const std::string& line) { test::write_all(peer, line + "\n"); }
  int sessions_, turn_ = 0;
  std::vector<int> steps_ = std::vector<int>(static_cast<std::size_t>(sessions_), 0);
  unique_fd listening_;
  std::string in_, rows_;
  std::atomic<bool> over_{false};
  std::thread thread_;
};

/// A terminal with the view in it, which answers its questions as a real one does.
class terminal {
public:
  terminal(const std::string& home, int rows, int columns) : vt_(::vterm_new(rows, columns), ::vterm_free) {
    ::vterm_set_utf8(vt_.get(), 1);
    ::vterm_screen_reset(::vterm_obtain_screen(vt_.get()), 1);
    master_.reset(::posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC));
    ::grantpt(master_.get());
    ::unlockpt(master_.get());
    char name[128];
    ::ptsname_r(master_.get(), name, sizeof name);
    winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
    spawn_request r;
    r.program = std::string(std::getenv("TROUPE_BIN")) + "/troupe-view";
    r.arguments = {"troupe-view"};
    r.terminal = name;
    r.env = {{"TROUPE_HOME", home}, {"PATH", std::getenv("PATH")}, {"TERM", "xterm-256color"}, {"LC_ALL", "C.UTF-8"}};
    started_ = clock_type::now();
    pid_ = spawn(r);
  }
  ~terminal() {
    ::kill(pid_, SIGKILL);
    test::wait_for(pid_);
  }
  /// Reads what comes within `ms`; how many bytes, 0 for none.
  std::size_t take(int ms) {
    pollfd ready{master_.get(), POLLIN, 0};
    if (::poll(&ready, 1, ms) != 1)
      return 0;
    char block[65536];
    auto n = ::read(master_.get(), block, sizeof block);
    if (n <= 0)
      return 0;
    seen_.append(block, static_cast<std::size_t>(n));
    ::vterm_input_write(vt_.get(), block, static_cast<std::size_t>(n));
    char answers[4096];
    if (auto size = ::vterm_output_read(vt_.get(), answers, sizeof answers); size > 0)
      test::write_all(master_.get(), {answers, size});
    return static_cast<std::size_t>(n);
  }
  bool await(const std::string& text, int ms) {
    for (auto end = clock_type::now() + std::chrono::milliseconds(ms); clock_type::now() < end;)
      if (take(10); seen_.find(text) != std::string::npos)
        return true;
    return false;
  }
  std::size_t rest() { ///< until nothing has come for a while
    std::size_t all = 0;
    for (std::size_t n; (n = take(20)) > 0; all += n) {
    }
    return all;
  }
  void resize(int rows, int columns) {
    ::vterm_set_size(vt_.get(), rows, columns);
    winsize size{static_cast<unsigned short>(rows), static_cast<unsigned short>(columns), 0, 0};
    ::ioctl(master_.get(), TIOCSWINSZ, &size);
  }
  /// What stands on the screen, a line each.
  [[nodiscard]] std::string text() const {
    int rows = 0, columns = 0;
    ::vterm_get_size(vt_.get(), &rows, &columns);
    std::string out(4 * static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns), 0);
    out.resize(
        ::vterm_screen_get_text(::vterm_obtain_screen(vt_.get()), out.data(), out.size(), {0, rows, 0, columns}));
    return out;
  }
  void type(const std::string& bytes) { test::write_all(master_.get(), bytes); }
  [[nodiscard]] double age_ms() const { return ms_since(started_); }
  [[nodiscard]] double cpu_ms() const {
    auto text = test::slurp("/proc/" + std::to_string(pid_) + "/stat");
    auto fields = text.substr(text.rfind(')') + 2);
    unsigned long user = 0, system = 0;
    std::sscanf(fields.c_str(), "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system);
    return static_cast<double>(user + system) * 1000.0 / static_cast<double>(::sysconf(_SC_CLK_TCK));
  }
  [[nodiscard]] double pss_mb() const {
    auto text = test::slurp("/proc/" + std::to_string(pid_) + "/smaps_rollup");
    long kb = 0;
    if (auto at = text.find("\nPss:"); at != std::string::npos)
      std::sscanf(text.c_str() + at, "\nPss: %ld", &kb);
    return static_cast<double>(kb) / 1024;
  }

private:
  std::unique_ptr<VTerm, void (*)(VTerm*)> vt_;
  unique_fd master_;
  std::string seen_;
  clock_type::time_point started_;
  int pid_ = 0;
};

/// A home with a control socket that is served here.
struct home {
  home() {
    char pattern[] = "/dev/shm/troupe-view-bench-XXXXXX";
    path = ::mkdtemp(pattern);
  }
  ~home() { std::system(("rm -rf '" + path + "'").c_str()); }
  std::string path;
};

bool all_good = true;

void show(const char* what, double value, const char* unit, double must) {
  bool good = value <= must;
  all_good = all_good && good;
  std::printf("%-58s %9.2f %-6s must %.0f  %s\n", what, value, unit, must, good ? "ok" : "MISS");
  std::fflush(stdout);
}

void opening(int rounds) {
  std::vector<double> all;
  for (int i = 0; i < rounds; ++i) {
    home h;
    roster_server server(h.path + "/supervisor.sock", 1000);
    terminal t(h.path, 30, 100);
    if (t.await("session-", 5000))
      all.push_back(t.age_ms());
  }
  std::sort(all.begin(), all.end());
  show("open to the first frame, 1,000 sessions (median)", all.empty() ? 1e9 : all[all.size() / 2], "ms", 30);
}

/// Reads all rows, page by page from the top: which step each shows.
std::map<int, int> read_rows(terminal& t) {
  std::map<int, int> seen;
  static const std::regex row("session-([0-9]+) +step ([0-9]+) of");
  t.type("\x1b[H");
  for (int idle = 0; idle < 3; t.type("\x1b[6~")) {
    t.take(500); // a frame is due a while after the one before
    t.rest();
    const auto text = t.text();
    const auto before = seen.size();
    for (std::sregex_iterator at(text.begin(), text.end(), row), end; at != end; ++at)
      seen[std::stoi((*at)[1])] = std::stoi((*at)[2]);
    idle = seen.size() == before ? idle + 1 : 0;
  }
  return seen;
}

/// How many rows are not as they were told last, or not there. A page that was read half drawn is read again.
int lost_rows(terminal& t, const roster_server& server, int sessions) {
  t.resize(500, 160); // few pages
  t.type("\x13");     // by directory: nothing is folded
  int lost = sessions;
  std::map<int, int> seen;
  for (int pass = 0; lost > 0 && pass < 3; ++pass) {
    for (const auto& [i, step] : read_rows(t))
      seen[i] = step;
    lost = 0;
    for (int i = 0; i < sessions; ++i)
      lost += seen.count(i) == 0 || seen[i] != server.step_of(i) ? 1 : 0;
  }
  return lost;
}

void with_ten_thousand(int keys, int seconds) {
  home h;
  roster_server server(h.path + "/supervisor.sock", 10'000);
  terminal t(h.path, 50, 160);
  if (!t.await("session-", 10'000)) {
    std::printf("the view did not open\n");
    all_good = false;
    return;
  }
  t.rest();
  std::vector<double> all;
  for (int i = 0; i < keys; ++i) {
    ::poll(nullptr, 0, 35); // as fast as a key repeats
    while (t.take(0) > 0) {
    }
    auto before = clock_type::now();
    t.type(i % 40 < 20 ? "\x1b[B" : "\x1b[A");
    t.take(1000);
    all.push_back(ms_since(before));
  }
  std::sort(all.begin(), all.end());
  show("a key to its bytes, 10,000 sessions (median)", all[all.size() / 2], "ms", 2);
  show("a key to its bytes, 10,000 sessions (worst)", all.back(), "ms", 16);
  t.type("?"); // nothing moves by itself behind the help
  t.rest();
  t.type("x");
  t.rest();
  std::size_t least = 100'000;
  for (int i = 0; i < 9; ++i) { // what also moves by itself meanwhile is not the change's
    ::poll(nullptr, 0, 40);
    t.rest();
    server.once = 1;
    std::size_t n = t.take(1000);
    least = std::min(least, n);
  }
  show("bytes of a frame with one row changed", static_cast<double>(least), "bytes", 200);
  auto cpu = t.cpu_ms();
  auto begun = clock_type::now();
  server.rate = 1000;
  int frames = 0;
  while (ms_since(begun) < seconds * 1000.0)
    frames += t.take(10) > 0 ? 1 : 0;
  server.rate = 0;
  auto wall = ms_since(begun);
  show("1,000 changes a second: of a processor", (t.cpu_ms() - cpu) / wall * 100, "%", 20);
  show("1,000 changes a second: frames a second", frames * 1000.0 / wall, "", 31);
  show("PSS with 10,000 sessions", t.pss_mb(), "MB", 40);
  show("1,000 changes a second: rows that lost one", lost_rows(t, server, 10'000), "rows", 0);
}

} // namespace

int main(int argc, char** argv) {
  ::signal(SIGPIPE, SIG_IGN); // a view that has been measured is ended while it is answered
  bool brief = argc > 1 && std::strcmp(argv[1], "--short") == 0;
  opening(brief ? 3 : 15);
  with_ten_thousand(brief ? 50 : 1000, brief ? 2 : 10);
  return all_good || brief ? 0 : 1; // a short run tells that it works, not how fast on a machine that others use
}
