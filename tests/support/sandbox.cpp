// A Troupe of its own for a test with real processes.
#include "tests/support/sandbox.hpp"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/io/process.hpp"
#include "runtime/io/sockets.hpp"

extern char** environ;

namespace troupe::test {

namespace {

std::string bin() {
  const char* value = std::getenv("TROUPE_BIN");
  if (!value)
    throw std::runtime_error("TROUPE_BIN is not set: run the tests by ctest");
  return value;
}

int spawn_in(const sandbox& s, const std::vector<std::string>& args, int in, int out, int err) {
  spawn_request r;
  r.program = s.programs() + "/troupe";
  r.arguments = {"troupe"};
  r.arguments.insert(r.arguments.end(), args.begin(), args.end());
  for (char** at = environ; *at; ++at) {
    std::string_view pair(*at);
    auto split = pair.find('=');
    if (pair.starts_with("TROUPE_") || pair.starts_with("SHELL="))
      continue;
    r.env.emplace_back(pair.substr(0, split), pair.substr(split + 1));
  }
  r.env.emplace_back("TROUPE_HOME", s.home());
  r.env.emplace_back("SHELL", "/bin/sh");
  r.cwd = s.work();
  r.fds = {{in, 0}, {out, 1}, {err, 2}};
  auto pid = spawn(r);
  if (pid < 0)
    throw std::runtime_error("troupe cannot be started: " + std::string(std::strerror(-pid)));
  return pid;
}

unique_fd open_file(const std::string& path, int flags) {
  return unique_fd(::open(path.c_str(), flags | O_CLOEXEC, 0600));
}

} // namespace

sandbox::sandbox(const std::string& settings) {
  const char* folder = std::getenv("TMPDIR");
  root_ = std::string(folder && *folder ? folder : "/tmp") + "/troupe-test-XXXXXX";
  if (!::mkdtemp(root_.data()))
    throw std::runtime_error("no folder can be made: " + root_);
  home_ = root_ + "/home";
  std::filesystem::create_directory(home_);
  std::filesystem::permissions(home_, std::filesystem::perms::owner_all);
  std::filesystem::create_directory(work());
  configure(settings.empty() ? "{}" : settings);
  spill(home_ + "/consents.json", R"({"bypassPermissions": 1})"); // as a user has who dispatches that way
  std::filesystem::permissions(home_ + "/consents.json",
                               std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
  programs_ = bin();
}

void sandbox::configure(const std::string& settings) const {
  auto all = json::parse(settings, nullptr, false);
  if (all.is_object()) {
    all.emplace("provider", "offline");
    spill(root_ + "/pressure", "some avg10=0.00 avg60=0.00 avg300=0.00 total=0\n");
    all.emplace("memory", json{{"pressureFile", root_ + "/pressure"}}); // a busy machine's would end resting sessions
    if (!all.contains("session") || (all["session"].is_object() && !all["session"].contains("sentenceSeconds")))
      all["session"]["sentenceSeconds"] = 0; // rows tell at once what goes on (VIEW-8)
  }
  const auto file = home_ + "/settings.json";
  spill(file, all.is_object() ? all.dump() : settings);
  ::chmod(file.c_str(), 0600);
}

void sandbox::own_programs() {
  auto own = root_ + "/bin";
  std::filesystem::create_directory(own);
  for (const char* name : {"troupe", "troupe-supervisor", "troupe-worker", "troupe-agent", "troupe-model",
                           "troupe-credentials", "troupe-worktree"})
    if (std::filesystem::exists(programs_ + "/" + name))
      std::filesystem::copy_file(programs_ + "/" + name, own + "/" + name);
  programs_ = own;
}

sandbox::~sandbox() {
  for (const auto& p : stop()) { // a test that looks has failed already; nobody is left behind all the same
    std::fprintf(stderr, "left behind: process %d\n", p.pid);
    signal_process(p, SIGKILL);
  }
  std::error_code ignored;
  std::filesystem::remove_all(root_, ignored);
}

run_result sandbox::troupe(const std::vector<std::string>& args, const std::string& input) const {
  static std::atomic<int> number = 0; // sandboxes may be used from several threads
  auto base = root_ + "/run" + std::to_string(::getpid()) + "." + std::to_string(++number);
  spill(base + ".in", input);
  run_result out;
  {
    auto in = open_file(base + ".in", O_RDONLY), o = open_file(base + ".out", O_WRONLY | O_CREAT | O_TRUNC),
         e = open_file(base + ".err", O_WRONLY | O_CREAT | O_TRUNC);
    out.status = wait_for(spawn_in(*this, args, in.get(), o.get(), e.get()));
  }
  out.out = slurp(base + ".out");
  out.err = slurp(base + ".err");
  return out;
}

int sandbox::start(const std::vector<std::string>& args, const std::string& log) const {
  auto in = open_file("/dev/null", O_RDONLY), out = open_file(root_ + "/" + log, O_WRONLY | O_CREAT | O_TRUNC);
  return spawn_in(*this, args, in.get(), out.get(), out.get());
}

std::string sandbox::bg(const std::vector<std::string>& args) const {
  std::vector<std::string> all{"--bg", "-q"};
  all.insert(all.end(), args.begin(), args.end());
  auto r = troupe(all);
  if (r.status != 0)
    throw std::runtime_error("dispatch failed: " + r.err);
  r.out.pop_back();
  return r.out;
}

json sandbox::rows() const {
  return json::parse(troupe({"agents", "--json", "--all"}).out);
}

json sandbox::row(const std::string& id) const {
  for (const auto& r : rows())
    if (r["id"] == id)
      return r;
  return {};
}

json sandbox::field(const std::string& id, const std::string& name) const {
  auto r = row(id);
  return r.is_object() && r.contains(name) ? r[name] : json();
}

json sandbox::status() const {
  return json::parse(troupe({"daemon", "status", "--json"}).out);
}

std::int32_t sandbox::supervisor_pid() const {
  return status()["pid"].get<std::int32_t>();
}

std::vector<process_identity> sandbox::processes() const {
  std::vector<process_identity> out;
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    auto pid = std::atoi(entry.path().filename().c_str());
    if (pid <= 0 || pid == ::getpid())
      continue;
    auto base = entry.path().string();
    // who is undumpable shows its environment to root alone: it says whose it is in its arguments
    if (slurp(base + "/environ").find(home_) != std::string::npos ||
        (slurp(base + "/comm").starts_with("troupe-") && slurp(base + "/cmdline").find(home_) != std::string::npos))
      if (auto who = identify(pid))
        out.push_back(*who);
  }
  auto known = out;
  for (const auto& p : known) // the built-in agent says nothing; it is below its worker
    for (const auto& below : descendants(p.pid))
      if (std::find(out.begin(), out.end(), below) == out.end())
        out.push_back(below);
  return out;
}

std::vector<process_identity> sandbox::stop() const {
  troupe({"daemon", "stop", "--any"});
  return processes();
}

bool sandbox::stop_with_terminals() const {
  auto left = stop();
  return std::all_of(left.begin(), left.end(), [](const auto& p) { return gone_soon(p); }) && processes().empty();
}

unique_fd sandbox::connect() const {
  unique_fd fd(connect_to(home_ + "/supervisor.sock"));
  if (!fd || read_line(fd.get()).find("\"hello\"") == std::string::npos)
    throw std::runtime_error("no greeting on the control socket");
  return fd;
}

int wait_for(int pid) {
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

void kill_and_wait(std::int32_t pid) {
  auto who = identify(pid);
  if (!who)
    return;
  signal_process(*who, SIGKILL);
  gone_soon(*who);
}

bool gone_soon(const process_identity& p, int ms) {
  auto fd = open_process(p);
  pollfd ready{fd.get(), POLLIN, 0};
  return !fd || ::poll(&ready, 1, ms) == 1;
}

std::string read_line(int socket, int ms) {
  std::string out;
  auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds(ms);
  for (char c = 0; c != '\n';) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    pollfd ready{socket, POLLIN, 0};
    if (left <= 0 || ::poll(&ready, 1, static_cast<int>(left)) != 1 || ::read(socket, &c, 1) != 1)
      return out;
    if (c != '\n')
      out += c;
  }
  return out;
}

bool write_bytes(int socket, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::send(socket, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

std::string ask(int socket, const std::string& line) {
  write_bytes(socket, line + "\n");
  return read_line(socket);
}

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    auto n = ::write(fd, bytes.data(), bytes.size());
    if (n <= 0)
      return false;
    bytes.remove_prefix(static_cast<std::size_t>(n));
  }
  return true;
}

bool process_has(std::int32_t pid, const std::string& word) {
  const auto base = "/proc/" + std::to_string(pid);
  if ((slurp(base + "/cmdline") + slurp(base + "/environ")).find(word) != std::string::npos)
    return true;
  constexpr unsigned long most = 512UL << 20;
  const unique_fd memory(::open((base + "/mem").c_str(), O_RDONLY | O_CLOEXEC));
  std::istringstream maps(slurp(base + "/maps"));
  for (std::string line; memory && std::getline(maps, line);) {
    unsigned long from = 0, to = 0;
    char rights[5] = "";
    if (std::sscanf(line.c_str(), "%lx-%lx %4s", &from, &to, rights) != 3 || rights[1] != 'w' || to - from > most)
      continue;
    std::string bytes(to - from, '\0');
    const auto n = ::pread(memory.get(), bytes.data(), bytes.size(), static_cast<off_t>(from));
    if (n > 0 && bytes.find(word) != std::string::npos)
      return true;
  }
  return false;
}

std::string slurp(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf(); // stops without a word where a process is gone by now; an iterator would throw
  return text.str();
}

void spill(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

bool until(const sandbox& s, const std::function<bool()>& holds, int seconds) {
  auto end = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  auto socket = s.connect();
  write_bytes(socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/subscribe","params":{"all":true}})"
                            "\n");
  read_line(socket.get());
  while (!holds()) {
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    if (left <= 0)
      return false;
    read_line(socket.get(), static_cast<int>(std::min<long>(left, 1000)));
  }
  return true;
}

} // namespace troupe::test
