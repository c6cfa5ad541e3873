// troupe-supervisor: takes the lock, opens the socket, and puts actors, services and front desk together.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <set>

#include <fcntl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <unistd.h>

#include <asio/post.hpp>

#include "caf/actor_system.hpp"
#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

#include "actors/credential_store/credential_store.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "actors/warm_pool/warm_pool.hpp"
#include "runtime/config/settings.hpp"
#include "runtime/control/control_server.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/io/sockets.hpp"
#include "runtime/services/journal_keeper.hpp"
#include "runtime/services/vault.hpp"
#include "runtime/services/worker_host.hpp"
#include "runtime/supervisor/log.hpp"
#include "runtime/supervisor/options.hpp"

extern char** environ;

namespace troupe {

namespace {

constexpr const char* version = TROUPE_VERSION;

wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::int64_t steady_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

session_id random_id() {
  constexpr char letters[] = "0123456789abcdefghjkmnpqrstvwxyz";
  unsigned char bytes[8] = {};
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    std::abort();
  session_id id;
  for (auto b : bytes)
    id.value += letters[b % 32];
  return id;
}

environment own_environment() {
  environment out;
  for (char** at = environ; *at; ++at) {
    std::string_view pair(*at);
    if (auto split = pair.find('='); split != std::string_view::npos)
      out.emplace_back(pair.substr(0, split), pair.substr(split + 1));
  }
  return out;
}

environment picked(const environment& from, const std::set<std::string_view>& names) {
  environment out;
  for (const auto& pair : from)
    if (names.count(pair.first) != 0)
      out.push_back(pair);
  return out;
}

int complain(const failure& error) {
  std::fprintf(stderr, "troupe-supervisor: %s\n", error.text.c_str());
  return 1;
}

/// Every supervisor has a number higher than all before it; workers refuse a lower one (SUP-1). Only the lock's holder
/// counts it up.
std::uint64_t next_epoch(const paths& where, failure& error) {
  auto path = where.state + "/epoch";
  auto text = read_file(path, error);
  std::uint64_t epoch = text ? std::strtoull(text->c_str(), nullptr, 10) : 0;
  if (text && epoch == 0) {
    set_aside(path);
    epoch = static_cast<std::uint64_t>(wall_now() / 1000); // lost count: the clock is beyond any count so far
  }
  ++epoch;
  return replace_file(path, std::to_string(epoch) + "\n", true, error) ? epoch : 0;
}

settings load_settings(const paths& where, event_log& log) {
  failure error;
  std::vector<std::string> problems;
  auto path = where.config + "/settings.json";
  settings out;
  if (auto text = read_file(path, error))
    out = read_settings(*text, path, problems);
  else if (error.code != errc::ok)
    problems.push_back(error.text);
  for (const auto& p : problems)
    log.write("event=settings_fault what=" + json(p).dump(-1, ' ', true, json::error_handler_t::replace));
  return out;
}

/// Everything of one supervisor, put together. Ends by exiting: a supervisor never unlocks (SUP-1).
class program {
public:
  program(paths where, supervisor_options options, unique_fd listening, std::uint64_t epoch)
      : where_(std::move(where)), options_(std::move(options)), epoch_(epoch), log_(where_.log(), options_.foreground),
        chosen_(load_settings(where_, log_)), system_(config()), children_(loop_), signals_(loop_, SIGTERM, SIGINT),
        server_(loop_, std::move(listening), greeting()) {}

  void run() {
    spawn_services();
    spawn_deciders();
    signals_.async_wait([this](const asio::error_code& e, int) {
      if (!e)
        caf::anon_send(supervisor_, stop_supervisor{true, true});
    });
    caf::anon_send(supervisor_, load_journal{});
    loop_.run();
    log_.write("event=exit code=" + std::to_string(code_));
    log_.flush();
    std::_Exit(code_); // the kernel frees lock and sockets; actors with timers pending would hold an orderly end up
  }

private:
  static actor_config& config() {
    static actor_config c;
    c.add_message_types<caf::id_block::troupe_services>();
    return c;
  }

  std::string greeting() const {
    return to_line({{"jsonrpc", "2.0"},
                    {"method", "hello"},
                    {"params", {{"troupe", version}, {"protocol", {1, 1}}, {"pid", ::getpid()}, {"epoch", epoch_}}}});
  }

  void spawn_services() {
    auto env = own_environment();
    auto plain = picked(env, {"HOME", "USER", "SHELL", "PATH", "LANG"});
    auto write = [this](const std::string& line) { log_.write(line); };
    bench_setup bench{where_,
                      own_program("troupe-worker"),
                      own_program("troupe-agent"),
                      picked(env, {"HOME", "USER", "SHELL", "PATH", "LANG", "TROUPE_HOME", "TROUPE_SOCKET_DIR",
                                   "XDG_CONFIG_HOME", "XDG_STATE_HOME"}),
                      epoch_,
                      version};
    bench_ = std::make_shared<worker_bench>(loop_, children_, std::move(bench));
    around_->policy.idle = chosen_.idle_seconds * 1000;
    around_->policy.row = chosen_.row_seconds * 1000;
    around_->warmed = {"native", version};
    around_->epoch = epoch_;
    around_->sessions = where_.state + "/sessions";
    around_->control_socket = where_.control_socket();
    around_->supervisor = own_program("troupe-supervisor");
    around_->fallback = plain;
    around_->now = wall_now;
    around_->keeper = system_.spawn(make_journal_keeper, where_, write);
    around_->host = system_.spawn(make_worker_host, &loop_, bench_);
    auto vault = system_.spawn(make_vault, where_, env, write);
    around_->credentials = system_.spawn(make_credential_store, vault, wall_now);
  }

  void spawn_deciders() {
    supervisor_setup s;
    s.policy.linger_ms = chosen_.linger_seconds * 1000;
    s.policy.on_demand = !options_.foreground;
    s.around = around_;
    s.fresh_id = random_id;
    s.origin = options_.origin;
    s.version = version;
    s.pid = ::getpid();
    supervisor_ = system_.spawn(make_supervisor, std::move(s));
    around_->supervisor_handle = supervisor_;
    warm_pool_setup p;
    p.policy.size = chosen_.pool_size;
    p.policy.max_age_ms = chosen_.pool_max_age_seconds * 1000;
    p.policy.most_starting = chosen_.launch_most;
    p.policy.warmed = around_->warmed;
    p.epoch = epoch_;
    p.host = around_->host;
    p.keeper = around_->keeper;
    p.supervisor = supervisor_;
    p.now = steady_now;
    p.jitter = [random = std::mt19937_64(std::random_device{}())]() mutable {
      return std::uniform_real_distribution<>(0, 1)(random);
    };
    p.wall = wall_now;
    around_->pool = system_.spawn(make_warm_pool, std::move(p));
    spawn_desk();
    bench_->listen({[this](worker_id w) { caf::anon_send(supervisor_, worker_ready{w}); },
                    [this](worker_id w, session_id s, event e) {
                      caf::anon_send(supervisor_, worker_event{w, std::move(s), std::move(e)});
                    },
                    [this](worker_id w, session_id s, std::string evidence) {
                      caf::anon_send(supervisor_, worker_exited{w, std::move(s), std::move(evidence)});
                    }});
  }

  void spawn_desk() {
    front_lines lines;
    lines.send = [this](connection_id to, std::string line) {
      asio::post(loop_, [this, to, line = std::move(line)]() mutable { server_.send(to, std::move(line)); });
    };
    lines.answered = [this](connection_id who) { asio::post(loop_, [this, who] { server_.answered(who); }); };
    lines.open = [this] { asio::post(loop_, [this] { open(); }); };
    lines.leave = [this](std::uint32_t code) { asio::post(loop_, [this, code] { leave(code); }); };
    front_desk_setup d{supervisor_,
                       around_->credentials,
                       std::move(lines),
                       chosen_,
                       version,
                       options_.origin,
                       where_.control_socket(),
                       where_.log(),
                       around_->sessions,
                       ::getpid(),
                       epoch_,
                       wall_now};
    auto desk = system_.spawn(
        [this](real_front_desk::stateful_pointer<front_desk_state> self, front_desk_setup setup) {
          desk_state_ = &self->state;
          return make_front_desk(self, std::move(setup));
        },
        std::move(d));
    desk_ = desk;
    around_->desk = desk;
  }

  /// Runs something in the front desk's context.
  void at_desk(std::function<void()> act) { caf::anon_send(desk_, thunk{std::move(act)}); }

  void open() {
    server_.open([this](front_call call) { at_desk([this, call = std::move(call)] { desk_state_->take(call); }); },
                 [this](connection_id id, std::uint32_t count) {
                   at_desk([this, id, count] {
                     desk_state_->gone(id);
                     desk_state_->count(count);
                   });
                 },
                 [this](std::uint32_t count) { at_desk([this, count] { desk_state_->count(count); }); });
  }

  void leave(std::uint32_t code) {
    code_ = static_cast<int>(code);
    ::unlink(where_.control_socket().c_str());
    server_.leave([this] { loop_.stop(); });
  }

  paths where_;
  supervisor_options options_;
  std::uint64_t epoch_;
  event_log log_;
  settings chosen_;
  caf::actor_system system_;
  asio::io_context loop_{1};
  reaper children_;
  asio::signal_set signals_;
  control_server server_;
  std::shared_ptr<worker_bench> bench_;
  std::shared_ptr<session_surroundings> around_ = std::make_shared<session_surroundings>();
  supervisor_actor supervisor_;
  real_front_desk desk_;
  front_desk_state* desk_state_ = nullptr; ///< touched in the desk's own context only
  int code_ = 0;
};

void raise_descriptor_limit() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) == 0) {
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
  }
}

void tell_ready(const supervisor_options& o, unique_fd start_lock) {
  if (o.ready_fd >= 0) {
    [[maybe_unused]] auto written = ::write(o.ready_fd, "1", 1);
    ::close(o.ready_fd);
  }
  start_lock.reset();
}

int run(supervisor_options o) {
  failure error;
  auto where = find_paths(error);
  if (!where || !make_folders(*where, error))
    return complain(error);
  unique_fd start_lock(o.start_lock_fd); // whoever starts one holds it until the socket accepts (SUP-1)
  if (start_lock)
    ::fcntl(start_lock.get(), F_SETFD, FD_CLOEXEC);
  else if (start_lock = lock_start(*where, error); !start_lock)
    return complain(error);
  if (o.ready_fd >= 0)
    ::fcntl(o.ready_fd, F_SETFD, FD_CLOEXEC);
  if (unique_fd other(connect_to(where->control_socket())); other) {
    if (o.foreground)
      return complain({errc::refused, "the background service runs already\n  see it: troupe daemon status"});
    tell_ready(o, std::move(start_lock));
    return 0;
  }
  auto lock = lock_file(where->supervisor_lock(), leaving_seconds, error); // the last one may be about to leave
  if (!lock) {
    if (error.code == errc::ok)
      error = {errc::timed_out, "another background service holds " + where->supervisor_lock() +
                                    " and does not serve\n  who holds it: fuser " + where->supervisor_lock()};
    return complain(error);
  }
  auto epoch = next_epoch(*where, error);
  if (epoch == 0)
    return complain(error);
  become_subreaper();
  raise_descriptor_limit();
  unique_fd listening(listen_on(where->control_socket(), error));
  if (!listening)
    return complain(error);
  static program all(*where, o, std::move(listening), epoch);
  tell_ready(o, std::move(start_lock));
  all.run();
  return 0;
}

} // namespace

} // namespace troupe

int main(int argc, char** argv) {
  troupe::supervisor_options options;
  auto fault = troupe::read_options(argc, argv, options);
  if (!fault.empty()) {
    std::fprintf(stderr, "troupe-supervisor: %s\n", fault.c_str());
    return 2;
  }
  if (options.version) {
    std::printf("troupe-supervisor %s\n", TROUPE_VERSION);
    return 0;
  }
  return troupe::run(std::move(options));
}
