// One worker: its socket, and the supervisor at the other end.
#include <chrono>
#include <random>

#include <fcntl.h>
#include <unistd.h>
extern "C" {
#include <sys/pidfd.h>
}

#include "runtime/files/paths.hpp"
#include "runtime/io/sockets.hpp"
#include "runtime/worker/refusal.hpp"
#include "runtime/worker/worker.hpp"

namespace troupe {

namespace {
constexpr std::size_t backlog = std::size_t{64} << 20; ///< events that a busy supervisor has not read yet
constexpr auto lonely_spare = std::chrono::seconds(10);
} // namespace

worker::worker(asio::io_context& loop, worker_options options, int listening)
    : loop_(loop), options_(std::move(options)), acceptor_(loop, asio::local::stream_protocol(), listening),
      children_(loop), ending_(loop, children_), timer_(loop), place_(loop, children_, own_program("troupe-worktree")),
      attached_([this](std::size_t n) {
        terminals_ = static_cast<std::uint32_t>(n);
        if (!job_ || over_)
          return;
        event e;
        e.what = "attached";
        e.value = static_cast<std::int64_t>(n);
        emit(std::move(e));
      }) {
  accept();
  watch_parent();
  if (!options_.warm.empty())
    warm_up();
  else
    ready_ = true;
  timer_.expires_after(lonely_spare);
  timer_.async_wait([this](const asio::error_code& error) {
    if (!error && !job_ && !supervisor_)
      std::_Exit(0); // POOL-7
  });
}

worker::~worker() = default;

/// POOL-7: a supervisor that dies between the start of a spare and its first word leaves no channel that could close.
void worker::watch_parent() {
  if (options_.parent == 0)
    return;
  unique_fd pidfd(::pidfd_open(options_.parent, 0));
  if (!pidfd || ::getppid() != options_.parent) // gone already; what has its id now is another process
    std::_Exit(0);
  parent_ = std::make_unique<exit_watch>(loop_, std::move(pidfd), [this] {
    if (!job_ && !supervisor_)
      std::_Exit(0);
  });
}

void worker::accept() {
  acceptor_.async_accept([this](const asio::error_code& error, asio::local::stream_protocol::socket s) {
    if (error)
      return;
    if (same_user(s.native_handle())) // SEC-3
      greet(std::move(s));
    accept();
  });
}

void worker::greet(asio::local::stream_protocol::socket s) {
  auto peer = rpc_peer::create(line_channel::create(std::move(s), backlog));
  std::weak_ptr<rpc_peer> weak = peer;
  peer->start({[this, weak](const std::string& method, const json& params, const json& id) {
                 if (auto from = weak.lock())
                   request(from, method, params, id);
               },
               [this, weak](const std::string&) {
                 if (auto from = weak.lock(); from && from == supervisor_)
                   channel_closed();
               }});
  // Whoever never says anything is closed with the worker; a connection costs a descriptor only.
}

void worker::request(const std::shared_ptr<rpc_peer>& from, const std::string& method, const json& params,
                     const json& id) {
  try {
    if (method == "worker/hello") {
      from->respond(id, hello(from, params));
      auto since = required_unsigned(params, "since");
      if (job_)
        for (const auto& e : events_.after(since))
          send_event(e);
      if (says_ && !says_->told().empty())
        send_line();
      if (ready_ && !job_)
        from->notify("worker/ready", json::object());
    } else if (method == "worker/attach") {
      attach(from, params, id);
    } else if (from != supervisor_) {
      throw refusal{errc::refused, "only the supervisor may ask that"};
    } else if (method == "worker/assign") {
      std::vector<event> happened;
      from->respond_text(id, assign(params, happened)); // first: whoever dispatches waits for it
      for (const auto& e : happened)
        send_event(e);
    } else if (method == "worker/start") {
      start(params);
    } else if (method == "worker/deliver") {
      from->respond(id, deliver(params));
    } else if (method == "worker/answer") {
      from->respond(id, answer(params));
    } else if (method == "worker/freeze") {
      from->respond(id, freeze(params));
    } else if (method == "worker/thaw") {
      thaw(optional_text(params, "why", "asked by the supervisor"));
    } else if (method == "worker/work") {
      from->respond(id, work(params));
    } else if (method == "worker/credentials") {
      from->respond(id, credentials(params));
    } else if (method == "worker/steer") {
      steer(from, params, id);
    } else if (method == "worker/end") {
      from->respond(id, end(params));
    } else if (method == "worker/goodbye") {
      goodbye_ = true;
    } else {
      from->respond_error(id, -32601, "there is no method '" + method + "'");
    }
  } catch (const refusal& r) {
    from->respond_failure(id, r);
  } catch (const std::exception& e) { // a field that is missing or wrong
    from->respond_error(id, -32602, e.what());
  }
}

json worker::hello(const std::shared_ptr<rpc_peer>& from, const json& params) {
  auto epoch = required_unsigned(params, "epoch");
  if (epoch < epoch_)
    throw refusal{errc::refused, "a newer supervisor has this worker"}; // SUP-1
  epoch_ = epoch;
  if (supervisor_ && supervisor_ != from) {
    auto old = std::move(supervisor_);
    old->channel().close();
  }
  supervisor_ = from;
  goodbye_ = false;
  if (job_ && !over_)
    timer_.cancel();
  json out{{"version", options_.version},
           {"protocol", 1},
           {"ready", ready_},
           {"last", events_.last()},
           {"state", over_  ? "ended"
                     : job_ ? "assigned"
                            : "spare"}};
  if (auto self = identify(::getpid()))
    out["process"] = to_json(*self);
  if (job_) {
    out["session"] = job_->session.value;
    out["run"] = job_->run;
    out["assignment"] = to_json(*job_);
  }
  return out;
}

bool worker::attach(const std::shared_ptr<rpc_peer>& from, const json& params, const json& id) {
  auto word = optional_text(params, "mode", "terminal");
  auto rows = optional_number(params, "rows", 24), cols = optional_number(params, "cols", 80);
  auto how = word == "terminal" ? attach_server::mode::terminal
             : word == "read"   ? attach_server::mode::read
                                : attach_server::mode::follow;
  if (word != "terminal" && word != "read" && word != "follow")
    throw field_error("field 'mode' must be terminal, read or follow");
  if (rows < 0 || cols < 0 || rows > 65535 || cols > 65535)
    throw field_error("fields 'rows' and 'cols' must be 0 (not known) to 65535");
  if (!job_ || !started_ || over_)
    throw refusal{errc::not_running, "the session is not running here"};
  if (how != attach_server::mode::follow) // who follows reads what is written, and wakes nobody
    thaw("attach");
  if (pty_ && !pty_->ring().valid())
    throw refusal{errc::not_running, "the session has no output"};
  auto start = static_cast<std::uint64_t>(optional_number(params, "from", 0));
  auto history = static_cast<std::size_t>(std::max<std::int64_t>(optional_number(params, "history", 0), 0));
  json result{{"kind", pty_ ? "pty" : "conversation"}, {"offset", pty_ ? pty_->ring().end() : events_.last()}};
  if (auto away = pty_ ? pty_->since_left() : std::nullopt)
    result["away"] = {{"ms", away->ms}, {"bytes", away->bytes}, {"lines", away->lines}, {"more", away->more}};
  auto line = to_line({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
  std::string rest;
  auto s = from->channel().detach(rest);
  asio::error_code ignored;
  s.non_blocking(false, ignored);
  line += '\n';
  [[maybe_unused]] auto written = ::write(s.native_handle(), line.data(), line.size());
  attached_.take(std::move(s), how, static_cast<std::uint16_t>(rows), static_cast<std::uint16_t>(cols), start, history,
                 rest);
  return true;
}

void worker::channel_closed() {
  supervisor_.reset();
  if (over_)
    std::_Exit(0);
  if (!job_)
    std::_Exit(0); // POOL-7: a spare never outlives its supervisor
  if (!goodbye_)
    start_supervisor(0);
}

/// SUP-12: so that restarts, replies and stops go on with nobody typing. The supervisor's own lock makes a double start
/// harmless.
void worker::start_supervisor(int attempt) {
  if (job_->supervisor.empty())
    return; // whoever embeds the supervisor starts it again itself
  static std::mt19937 random(std::random_device{}());
  auto base = 1000 << std::min(attempt, 6);
  timer_.expires_after(std::chrono::milliseconds(std::min(base, 60'000) + static_cast<int>(random() % 500)));
  timer_.async_wait([this, attempt](const asio::error_code& error) {
    if (error || supervisor_ || over_)
      return;
    spawn_request r;
    r.program = job_->supervisor;
    auto sessions = job_->directory.substr(0, job_->directory.rfind('/'));
    r.arguments = {"troupe-supervisor", "--started-by", "worker of session " + job_->session.value, "--instance",
                   sessions.substr(0, sessions.rfind('/'))};
    r.env = own_environment();
    r.cwd = "/";
    r.new_session = true;
    unique_fd null(::open("/dev/null", O_RDWR | O_CLOEXEC));
    r.fds = {{null.get(), 0}, {null.get(), 1}, {2, 2}};
    auto pid = spawn(r);
    if (pid > 0) {
      disown_tree(pid); // it and its workers are no part of this session
      children_.watch(pid, [](exit_status) {});
    }
    start_supervisor(attempt + 1);
  });
}

} // namespace troupe
