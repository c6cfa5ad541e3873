// The doctor's look at agents: does each start, and is it signed in?
#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/doctor.hpp"
#include "cli/output.hpp"
#include "runtime/io/process.hpp"

namespace troupe::doctor {

namespace {

using clock = std::chrono::steady_clock;
constexpr int sign_in_needed = -32000;
constexpr std::size_t line_most = std::size_t{8} << 20;

int since(clock::time_point then) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - then).count());
}

/// One agent that was started and is being asked.
struct patient {
  const harness_driver* row = nullptr;
  agent_report report;
  std::int32_t pid = 0;
  unique_fd to, from;
  std::string in, cwd, offers;
  clock::time_point started = clock::now();
  int asked = 0; ///< the request that waits for its answer: 1 initialize, 2 session/new; 0: none any more
};

void say(patient& p, const json& message) {
  auto line = to_line(message) + "\n";
  for (std::size_t at = 0; at < line.size();) {
    auto n = ::write(p.to.get(), line.data() + at, line.size() - at);
    if (n <= 0)
      return; // its end is seen where it is read
    at += static_cast<std::size_t>(n);
  }
}

void ask(patient& p, const char* method, json params) {
  say(p, {{"jsonrpc", "2.0"}, {"id", ++p.asked}, {"method", method}, {"params", std::move(params)}});
}

void conclude(patient& p, const std::string& state, const std::string& text, const std::string& remedy) {
  p.report.state = state;
  p.report.text = text;
  p.report.remedy = remedy;
  p.asked = 0;
}

std::string start_it(const patient& p) {
  std::string words;
  for (const auto& w : p.row->command)
    words += (words.empty() ? "" : " ") + w;
  return "start it in a terminal to see why: " + words;
}

bool begin(patient& p) {
  int in[2], out[2];
  if (::pipe2(in, O_CLOEXEC) != 0)
    return false;
  p.to.reset(in[1]);
  unique_fd theirs_in(in[0]);
  if (::pipe2(out, O_CLOEXEC) != 0)
    return false;
  p.from.reset(out[0]);
  unique_fd theirs_out(out[1]), null(::open("/dev/null", O_WRONLY | O_CLOEXEC));
  spawn_request r;
  r.program = p.row->command.front();
  r.arguments = p.row->command;
  r.env = own_environment();
  r.cwd = p.cwd;
  r.new_session = true;
  r.fds = {{theirs_in.get(), 0}, {theirs_out.get(), 1}, {null.get(), 2}};
  p.pid = spawn(r);
  if (p.pid <= 0) {
    conclude(p, "does not start", std::string("it cannot be started: ") + std::strerror(-p.pid), start_it(p));
    return false;
  }
  ask(p, "initialize",
      {{"protocolVersion", 1},
       {"clientCapabilities", {{"fs", {{"readTextFile", false}, {"writeTextFile", false}}}, {"terminal", false}}},
       {"clientInfo", {{"name", "troupe"}, {"version", TROUPE_VERSION}}}});
  return true;
}

std::string message_of(const json& error) {
  return error.is_object() ? text_of(error, "message") : std::string("error");
}

void initialized(patient& p, const json& message) {
  p.report.ms = since(p.started);
  if (message.contains("error"))
    return conclude(p, "does not start", "it refused initialize: " + message_of(message["error"]), start_it(p));
  const auto result = message.value("result", json::object());
  const auto info = result.value("agentInfo", json::object());
  p.report.version = info.is_object() ? text_of(info, "version") : "";
  if (result.value("protocolVersion", 0) != 1)
    return conclude(p, "does not start", "it speaks another version of ACP than 1",
                    "install a version of it that speaks 1");
  const auto ways = result.value("authMethods", json::array());
  if (ways.is_array() && !ways.empty() && ways[0].is_object())
    p.offers = text_of(ways[0], "name");
  ask(p, "session/new", {{"cwd", p.cwd}, {"mcpServers", json::array()}});
}

void opened(patient& p, const json& message) {
  if (!message.contains("error"))
    return conclude(p, "ready", "", "");
  const auto& error = message["error"];
  const auto sign_in = "sign in" + (p.row->sign_in.empty() ? " with its own command" : ": " + p.row->sign_in) +
                       (p.offers.empty() ? "" : " (it offers: " + p.offers + ")");
  if (error.is_object() && error.value("code", 0) == sign_in_needed)
    return conclude(p, "sign-in missing", message_of(error), sign_in);
  conclude(p, "does not start", "it made no session: " + message_of(error), start_it(p));
}

void heard(patient& p, const std::string& line) {
  const auto message = json::parse(line, nullptr, false);
  if (!message.is_object() || !message.contains("id"))
    return; // a notification, or a line that is none of ACP's
  if (message.contains("method"))
    return say(p, {{"jsonrpc", "2.0"},
                   {"id", message["id"]},
                   {"error", {{"code", -32601}, {"message", "the doctor has no such method"}}}});
  if (message["id"] == 1 && p.asked == 1)
    initialized(p, message);
  else if (message["id"] == 2 && p.asked == 2)
    opened(p, message);
}

void read_some(patient& p) {
  char block[65536];
  auto n = ::read(p.from.get(), block, sizeof block);
  if (n <= 0 || p.in.size() > line_most)
    return conclude(p, "does not start", "it ended before it answered", start_it(p));
  p.in.append(block, static_cast<std::size_t>(n));
  for (std::size_t end; p.asked != 0 && (end = p.in.find('\n')) != std::string::npos;) {
    auto line = p.in.substr(0, end);
    p.in.erase(0, end + 1);
    heard(p, line);
  }
}

void end_tree(patient& p) {
  p.to.reset();
  if (p.pid <= 0)
    return;
  ::kill(p.pid, SIGSTOP); // it starts nobody while the others are looked for
  for (const auto& each : descendants(p.pid))
    signal_process(each, SIGKILL);
  ::kill(p.pid, SIGKILL);
  ::waitpid(p.pid, nullptr, 0);
}

void listen(std::vector<patient>& all, clock::time_point until) {
  for (;;) {
    std::vector<pollfd> fds;
    std::vector<patient*> who;
    for (auto& p : all)
      if (p.asked != 0) {
        fds.push_back({p.from.get(), POLLIN, 0});
        who.push_back(&p);
      }
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(until - clock::now()).count();
    if (fds.empty() || left <= 0 || ::poll(fds.data(), fds.size(), static_cast<int>(left)) <= 0)
      break;
    for (std::size_t i = 0; i < fds.size(); ++i)
      if (fds[i].revents != 0)
        read_some(*who[i]);
  }
  for (auto& p : all)
    if (p.asked == 1)
      conclude(p, "does not start", "it did not answer initialize in time", start_it(p));
    else if (p.asked == 2)
      conclude(p, "does not start", "it answers, and makes no session in time", start_it(p));
}

} // namespace

std::vector<agent_report> examine_agents(const std::vector<harness_driver>& rows, int patience_ms) {
  const char* path = std::getenv("PATH");
  const char* temporary = std::getenv("TMPDIR");
  std::string scratch = std::string(temporary && *temporary ? temporary : "/tmp") + "/troupe-doctor-XXXXXX";
  if (!::mkdtemp(scratch.data()))
    return {};
  become_subreaper(); // what an agent lets loose ends with this command
  std::vector<patient> all;
  for (const auto& row : rows) {
    patient p;
    p.row = &row;
    p.report.name = row.name;
    p.cwd = scratch;
    if (find_program(row.command.front(), path ? path : "").empty())
      conclude(p, "not installed", "there is no program '" + row.command.front() + "'", install_remedy(row));
    else if (!begin(p) && p.report.state.empty())
      conclude(p, "does not start", std::string("it cannot be started: ") + std::strerror(errno), start_it(p));
    all.push_back(std::move(p));
  }
  listen(all, clock::now() + std::chrono::milliseconds(patience_ms));
  std::vector<agent_report> out;
  for (auto& p : all) {
    end_tree(p);
    out.push_back(std::move(p.report));
  }
  for (const auto& left : descendants(::getpid()))
    signal_process(left, SIGKILL);
  std::error_code ignored;
  std::filesystem::remove_all(scratch, ignored);
  return out;
}

} // namespace troupe::doctor
