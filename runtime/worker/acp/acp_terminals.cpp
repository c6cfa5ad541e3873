// Commands for an agent.
#include "runtime/worker/acp/acp_terminals.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <asio/buffer.hpp>

#include "runtime/worker/acp/acp_wire.hpp"
#include "runtime/worker/acp/agent_process.hpp"

namespace troupe {
namespace {

void put(environment& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const auto& pair) { return pair.first == name; });
  env.emplace_back(name, value);
}

bool is_command(const json& params) {
  const auto* args = field_of(params, "args");
  return !text_of(params, "command").empty() &&
         (args == nullptr || args->is_null() ||
          (args->is_array() && std::all_of(args->begin(), args->end(), [](const json& x) { return x.is_string(); })));
}

} // namespace

acp_terminals::acp_terminals(asio::io_context& loop, reaper& children) : loop_(loop), children_(children) {}

acp_terminals::~acp_terminals() {
  for (auto& [id, t] : all_)
    end(*t);
}

void acp_terminals::end(terminal& t) {
  if (t.pid > 0)
    kill_agent(t.pid);
}

json acp_terminals::status_of(const terminal& t) {
  json out{{"exitCode", nullptr}, {"signal", nullptr}};
  if (t.status.signalled)
    out["signal"] = "SIG" + std::string(::sigabbrev_np(t.status.value) ? ::sigabbrev_np(t.status.value) : "?");
  else
    out["exitCode"] = t.status.value;
  return out;
}

bool acp_terminals::called(const std::string& method, const json& params, const environment& env,
                           const std::string& cwd, const answer& done) {
  static const json nothing = json::object();
  const auto verb = method.starts_with("terminal/") ? method.substr(9) : std::string();
  failure error;
  if (verb == "create") {
    const auto made = create(params, env, cwd, error);
    done(error.code == errc::ok ? &made : nullptr, error);
    return true;
  }
  if (verb != "output" && verb != "wait_for_exit" && verb != "kill" && verb != "release")
    return false;
  const auto id = text_of(params, "terminalId");
  const auto at = all_.find(id);
  if (at == all_.end()) {
    done(nullptr, {errc::no_such_session, "there is no terminal '" + clipped(id, 100) + "'"});
    return true;
  }
  const auto t = at->second;
  if (verb == "output") {
    drain(*t);
    json out{{"output", t->output}, {"truncated", t->truncated}};
    if (t->ended)
      out["exitStatus"] = status_of(*t);
    done(&out, {});
  } else if (verb == "wait_for_exit") {
    if (!t->ended)
      t->waiting.push_back(done);
    else if (const auto status = status_of(*t); true)
      done(&status, {});
  } else {
    end(*t);
    if (verb == "release") // its end is still waited for; who waits hears of it
      all_.erase(at);
    done(&nothing, {});
  }
  return true;
}

json acp_terminals::create(const json& params, environment env, const std::string& cwd, failure& error) {
  const auto where = text_of(params, "cwd");
  if (!is_command(params) || (!where.empty() && !where.starts_with("/")))
    error = {errc::bad_request, "terminal/create: command, a list args, and an absolute cwd are needed"};
  else if (all_.size() == most)
    error = {errc::bad_request, "terminal/create: " + std::to_string(most) + " terminals are open, release one"};
  int fds[2];
  if (error.code == errc::ok && ::pipe2(fds, O_CLOEXEC) != 0)
    error = {errc::bad_request, std::string("terminal/create: ") + std::strerror(errno)};
  if (error.code != errc::ok)
    return {};
  unique_fd ours(fds[0]), theirs(fds[1]), null(::open("/dev/null", O_RDONLY | O_CLOEXEC));
  ::fcntl(ours.get(), F_SETFL, ::fcntl(ours.get(), F_GETFL) | O_NONBLOCK);
  spawn_request r;
  r.program = text_of(params, "command");
  r.arguments = {r.program};
  if (const auto* args = field_of(params, "args"); args != nullptr && args->is_array())
    for (const auto& each : *args)
      r.arguments.push_back(each.get<std::string>());
  if (const auto* more = field_of(params, "env"); more != nullptr && more->is_array())
    for (const auto& each : *more)
      put(env, text_of(each, "name"), text_of(each, "value"));
  r.env = std::move(env);
  r.cwd = where.empty() ? cwd : where;
  r.new_session = true;
  r.fds = {{null.get(), 0}, {theirs.get(), 1}, {theirs.get(), 2}};
  const auto pid = spawn(r);
  if (pid <= 0) {
    error = {errc::bad_request, "cannot start " + r.program + ": " + std::strerror(-pid)};
    return {};
  }
  auto t = std::make_shared<terminal>();
  t->pid = pid;
  if (const auto* limit = field_of(params, "outputByteLimit"); limit != nullptr && limit->is_number_unsigned())
    t->limit = std::min(limit->get<std::size_t>(), most_bytes);
  t->pipe = std::make_unique<asio::posix::stream_descriptor>(loop_, ours.release());
  children_.watch(pid, [t](exit_status status) { ended(t, status); });
  read(t);
  const auto id = "term-" + std::to_string(next_++);
  all_[id] = std::move(t);
  return {{"terminalId", id}};
}

void acp_terminals::read(const slot& t) {
  t->pipe->async_wait(asio::posix::stream_descriptor::wait_read, [t](const asio::error_code& e) {
    if (!e && drain(*t))
      read(t);
  });
}

/// The latest bytes; what goes, goes at a character's begin.
void acp_terminals::keep(terminal& t, const char* bytes, std::size_t n) {
  t.output.append(bytes, n);
  if (t.output.size() <= t.limit)
    return;
  auto from = t.output.size() - t.limit;
  while (from < t.output.size() && (static_cast<unsigned char>(t.output[from]) & 0xc0) == 0x80)
    ++from;
  t.output.erase(0, from);
  t.truncated = true;
}

/// Reads what is there; false at its end.
bool acp_terminals::drain(terminal& t) {
  char chunk[16384];
  for (int rounds = 0; rounds < 64; ++rounds) { // who writes without end does not hold the worker up
    const auto n = ::read(t.pipe->native_handle(), chunk, sizeof chunk);
    if (n <= 0)
      return n < 0 && errno == EAGAIN;
    keep(t, chunk, static_cast<std::size_t>(n));
  }
  return true;
}

void acp_terminals::ended(const slot& t, exit_status status) {
  t->pid = 0;
  t->ended = true;
  t->status = status;
  drain(*t);
  const auto how = status_of(*t);
  for (const auto& done : std::exchange(t->waiting, {}))
    done(&how, {});
}

} // namespace troupe
