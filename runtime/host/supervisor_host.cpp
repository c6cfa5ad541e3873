// One supervisor, put together.
#include "runtime/host/supervisor_host.hpp"

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <random>
#include <set>

#include <sys/random.h>
#include <unistd.h>

#include <asio/dispatch.hpp>
#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include "caf/exit_reason.hpp"
#include "caf/send.hpp"
#include "caf/stateful_actor.hpp"
#include "caf/typed_event_based_actor.hpp"

#include "actors/credential_store/credential_store.hpp"
#include "actors/supervisor/supervisor.hpp"
#include "actors/warm_pool/warm_pool.hpp"
#include "runtime/io/sockets.hpp"
#include "runtime/services/journal_keeper.hpp"
#include "runtime/services/machine.hpp"
#include "runtime/services/vault.hpp"

namespace troupe {

namespace {

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

environment picked(const environment& from, const std::set<std::string_view>& names) {
  environment out;
  for (const auto& pair : from)
    if (names.count(pair.first) != 0)
      out.push_back(pair);
  return out;
}

std::string value_in(const environment& from, std::string_view name) {
  for (const auto& [each, value] : from)
    if (each == name)
      return value;
  return {};
}

settings load_settings(const host_setup& setup, event_log& log) {
  failure error;
  std::vector<std::string> problems;
  auto path = setup.where.config + "/settings.json";
  auto text = read_file(path, error);
  if (error.code != errc::ok)
    problems.push_back(error.text);
  settings out = read_settings(laid_over(text.value_or("{}"), setup.settings), path, problems);
  for (const auto& [name, make] : setup.agents.makers)
    out.hosted.insert(name);
  if (setup.guest && ::access(setup.worker_program.c_str(), X_OK) != 0) {
    out.pool_size = 0; // an embedding program may do with agents of its own
    log.write("event=no_workers what=" + json(setup.worker_program).dump());
  }
  for (const auto& p : problems)
    log.write("event=settings_fault what=" + json(p).dump(-1, ' ', true, json::error_handler_t::replace));
  return out;
}

} // namespace

supervisor_host::supervisor_host(host_setup setup)
    : setup_(std::move(setup)), log_(setup_.where.log(), setup_.echo), chosen_(load_settings(setup_, log_)),
      system_(config_), children_(loop_, setup_.guest ? reaper::reach::watched : reaper::reach::all),
      directories_(std::make_shared<directory_settings>(setup_.where, setup_.settings, setup_.shell)) {
  directories_->reads_projects = [hosted = chosen_.hosted](const std::string& harness) {
    return harness != "native" && harness != "exec" && hosted.count(harness) == 0;
  };
  if (setup_.listening)
    server_.emplace(loop_, std::move(setup_.listening), greeting());
  scheduler().enter(loop_);
}

std::string supervisor_host::beside_worker(const char* program) const {
  return setup_.worker_program.substr(0, setup_.worker_program.rfind('/') + 1) + program;
}

loop_scheduler& supervisor_host::scheduler() {
  return static_cast<loop_scheduler&>(system_.scheduler());
}

/// Timers that are pending would keep the actors, and handles in each other's states would keep the system: so each is
/// ended by name and seen to have ended; the sessions end with the supervisor. What is left of the timers is dropped
/// with the system's clock.
supervisor_host::~supervisor_host() {
  auto end = [](const auto& handle) {
    if (handle)
      caf::anon_send_exit(handle, caf::exit_reason::kill);
  };
  end(supervisor_);
  end(desk_);
  end(around_->pool);
  end(around_->machine);
  end(around_->repository);
  end(around_->credentials);
  end(vault_);
  end(around_->host);
  end(around_->keeper);
  vault_store_.reset();
  scheduler().leave();
  system_.await_all_actors_done();
  *around_ = {};
  server_.reset();
  if (bench_)
    bench_->drop_all();
}

/// Sockets of spares that died with the supervisor before, or are about to: `again` looks a second time.
void supervisor_host::clear_dead_sockets(bool again) {
  constexpr auto spares_are_gone = std::chrono::seconds(5);
  if (again) {
    clearing_.expires_after(spares_are_gone);
    clearing_.async_wait([this](const asio::error_code& e) {
      if (!e)
        clear_dead_sockets(false);
    });
  }
  std::error_code none;
  for (const auto& entry : std::filesystem::directory_iterator(setup_.where.sockets + "/workers", none))
    if (auto path = entry.path().string(); is_dead_socket(path) && ::unlink(path.c_str()) == 0)
      log_.write("event=cleared what=" + json(path).dump(-1, ' ', true, json::error_handler_t::replace));
}

int supervisor_host::run() {
  auto until_left = asio::make_work_guard(loop_);
  spawn_services();
  spawn_deciders();
  caf::anon_send(supervisor_, load_journal{});
  asio::post(loop_, [this] { clear_dead_sockets(true); });
  loop_.run();
  log_.write("event=exit code=" + std::to_string(code_));
  log_.flush();
  return code_;
}

void supervisor_host::ask_stop(bool keep_workers) {
  caf::anon_send(supervisor_, stop_supervisor{true, keep_workers});
}

std::string supervisor_host::greeting() const {
  return to_line(
      {{"jsonrpc", "2.0"},
       {"method", "hello"},
       {"params",
        {{"troupe", setup_.version}, {"protocol", {1, 1}}, {"pid", ::getpid()}, {"epoch", setup_.right.epoch}}}});
}

void supervisor_host::spawn_services() {
  auto write = [this](const std::string& line) { log_.write(line); };
  bench_setup bench{setup_.where,
                    setup_.worker_program,
                    setup_.agent_program,
                    picked(setup_.shell, {"HOME", "USER", "SHELL", "PATH", "LANG", "TROUPE_HOME", "TROUPE_SOCKET_DIR",
                                          "XDG_CONFIG_HOME", "XDG_STATE_HOME"}),
                    setup_.right.epoch,
                    setup_.version,
                    {},
                    setup_.guest,
                    (chosen_.harness.empty() || chosen_.harness == "native") && chosen_.provider != "offline"};
  for (const auto& d : chosen_.harnesses)
    bench.drivers[d.name] = to_line(to_json(d));
  bench_ =
      std::make_shared<host_bench>(loop_, children_, std::make_shared<worker_bench>(loop_, children_, std::move(bench)),
                                   setup_.agents, beside_worker("troupe-worktree"));
  around_->policy.idle = chosen_.idle_ms;
  around_->policy.freeze = chosen_.freeze_ms;
  around_->policy.sentence = chosen_.sentence_ms;
  around_->ignored_work = chosen_.ignored_work;
  around_->policy.row = chosen_.row_seconds * 1000;
  around_->warmed = {"native", setup_.version};
  for (const auto& d : chosen_.harnesses)
    around_->drivers[d.name] = {to_line(to_json(d)), d.warm};
  around_->epoch = setup_.right.epoch;
  around_->sessions = setup_.where.state + "/sessions";
  if (server_)
    around_->control_socket = setup_.where.control_socket();
  around_->supervisor = setup_.supervisor_program;
  around_->fallback = picked(setup_.shell, {"HOME", "USER", "SHELL", "PATH", "LANG"});
  catalog_ = std::make_shared<agent_catalog>(setup_.where.config, value_in(setup_.shell, "HOME"));
  catalog_->trusts_project = [directories = directories_.get()](const std::string& cwd) {
    return directories->look(cwd, {}, false, false).trusted();
  };
  directories_->definition = [catalog = catalog_](const std::string& name, const std::string& cwd, bool with_project) {
    failure ignored; // `admit` tells of it
    return catalog->for_agent(name, cwd, with_project, ignored);
  };
  around_->admit = [catalog = catalog_](const dispatch_spec& spec) { // CLI-3
    failure missing;
    if (spec.kind == "agent" && !spec.agent.empty())
      static_cast<void>(
          catalog->for_agent(spec.agent, spec.cwd, !spec.without_project && catalog->with_project(spec.cwd), missing));
    return missing;
  };
  around_->settle = [directories = directories_](const session_id& id, const dispatch_spec& spec,
                                                 const environment& env) { return directories->settle(id, spec, env); };
  around_->now = wall_now;
  around_->keeper = system_.spawn(make_journal_keeper, setup_.where, write);
  around_->host = system_.spawn(make_worker_host, &loop_, bench_);
  vault_store_ = std::make_shared<credential_vault>(
      loop_, children_,
      vault_setup{setup_.where, setup_.shell, beside_worker("troupe-credentials"),
                  [directories = directories_] { return directories->user_settings(); }, write, wall_now});
  vault_ = system_.spawn(make_vault, &loop_, vault_store_);
  around_->credentials = system_.spawn(make_credential_store, vault_, wall_now, setup_.right.epoch, [this](snapshot s) {
    if (supervisor_)
      caf::anon_send(supervisor_, snapshot_changed{std::move(s)});
  });
  around_->repository = system_.spawn(
      make_repository, &loop_,
      std::make_shared<worktree_keeper>(
          loop_, children_,
          repository_setup{beside_worker("troupe-worktree"),
                           picked(setup_.shell, {"HOME", "USER", "SHELL", "PATH", "LANG", "XDG_CONFIG_HOME"}),
                           [directories = directories_](const std::string& directory) {
                             return directories->remove_hook(directory);
                           },
                           write}));
  vault_store_->watch([this] { caf::anon_send(around_->credentials, load_credentials{}); });
}

void supervisor_host::spawn_deciders() {
  supervisor_setup s;
  s.policy.linger_ms = chosen_.linger_seconds * 1000;
  s.policy.on_demand = setup_.on_demand;
  s.pulls.every_ms = chosen_.pull_refresh_ms;
  s.around = around_;
  s.fresh_id = random_id;
  s.origin = setup_.origin;
  s.version = setup_.version;
  s.pid = ::getpid();
  s.environments = std::move(setup_.environments);
  supervisor_ = system_.spawn(make_supervisor, std::move(s));
  around_->supervisor_handle = supervisor_;
  spawn_machine();
  spawn_pool();
  spawn_desk();
  listen_to_workers();
}

void supervisor_host::spawn_machine() {
  constexpr std::int64_t quiet_ms = 60'000; // it is told as often as it is seen; the log hears it once a minute
  machine_watch::news tell{[this, logged = -quiet_ms](memory_state now) mutable {
                             if (steady_now() - logged >= quiet_ms) {
                               logged = steady_now();
                               log_.write("event=memory_short evidence=\"" + now.evidence + "\"");
                             }
                             caf::anon_send(supervisor_, std::move(now));
                           },
                           [this](machine_slept slept) { caf::anon_send(supervisor_, slept); }};
  auto watch = std::make_shared<machine_watch>(loop_, chosen_.memory);
  around_->machine = system_.spawn(make_machine, &loop_, std::move(watch), std::move(tell));
}

void supervisor_host::spawn_pool() {
  warm_pool_setup p;
  p.policy.size = chosen_.pool_size;
  p.policy.follow = chosen_.pool_follow;
  p.policy.most = chosen_.pool_most;
  p.policy.max_age_ms = chosen_.pool_max_age_seconds * 1000;
  p.policy.most_starting = chosen_.launch_most;
  p.policy.warmed = around_->warmed;
  p.epoch = setup_.right.epoch;
  p.host = around_->host;
  p.keeper = around_->keeper;
  p.supervisor = supervisor_;
  p.now = steady_now;
  p.jitter = [random = std::mt19937_64(std::random_device{}())]() mutable {
    return std::uniform_real_distribution<>(0, 1)(random);
  };
  p.wall = wall_now;
  around_->pool = system_.spawn(make_warm_pool, std::move(p));
}

void supervisor_host::listen_to_workers() {
  bench_->listen({[this](worker_id w, const std::string& version) {
                    caf::anon_send(supervisor_, worker_ready{w, version});
                  },
                  [this](worker_id w, session_id s, event e) {
                    if (setup_.ends.written)
                      setup_.ends.written(s, e.n);
                    caf::anon_send(supervisor_, worker_event{w, std::move(s), std::move(e)});
                  },
                  [this](worker_id w, session_id s, std::string line) {
                    caf::anon_send(supervisor_, worker_output{w, std::move(s), std::move(line)});
                  },
                  [this](worker_id w, session_id s, std::string evidence) {
                    caf::anon_send(supervisor_, worker_exited{w, std::move(s), std::move(evidence)});
                  }},
                 [this](const session_id& s, std::function<void()> done) { when_seen(s, std::move(done)); });
}

void supervisor_host::spawn_desk() {
  front_lines lines;
  lines.send = [this](connection_id to, std::string line) {
    if (to >= first_local) {
      setup_.ends.line(to, std::move(line));
      return;
    }
    asio::dispatch(loop_, [this, to, line = std::move(line)]() mutable {
      if (server_)
        server_->send(to, std::move(line));
    });
  };
  lines.answered = [this](connection_id who) {
    asio::dispatch(loop_, [this, who] {
      if (server_)
        server_->answered(who);
    });
  };
  lines.open = [this] {
    asio::post(loop_, [this] { open(); });
    if (setup_.ends.opened)
      setup_.ends.opened();
  };
  lines.leave = [this](std::uint32_t code) { asio::post(loop_, [this, code] { leave(code); }); };
  lines.make_room = [this](hand_over estate) {
    asio::post(loop_, [this, estate = std::move(estate)]() mutable { make_room(std::move(estate)); });
  };
  front_desk_setup d{
      supervisor_,   around_->credentials,    std::move(lines),   chosen_,           directories_, setup_.version,
      setup_.origin, around_->control_socket, setup_.where.log(), around_->sessions, ::getpid(),   setup_.right.epoch,
      wall_now};
  d.catalog = catalog_;
  d.given = std::make_shared<consents>(setup_.where.config);
  if (!chosen_.notify_command.empty()) {
    notifier_.emplace(loop_, children_, chosen_.notify_command, forwarded(setup_.shell), // SEC-5: without credentials
                      [this](const std::string& line) { log_.write(line); });
    d.notify = [this](const row& now) { asio::post(loop_, [this, now] { notifier_->tell(now); }); };
  }
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
void supervisor_host::at_desk(std::function<void()> act) {
  caf::anon_send(desk_, thunk{std::move(act)});
}

/// What the session asks of itself goes behind all events that were told of it, and the answer behind all rows that
/// they caused: a bound on what waits in mailboxes.
void supervisor_host::when_seen(const session_id& session, std::function<void()> done) {
  at_desk([this, session, done = std::move(done)] {
    auto seen = [this, done] { asio::post(loop_, done); };
    desk_state_->self->request(supervisor_, deadline::local, find_place{session, false, {}})
        .then([seen](place&) { seen(); }, [seen](caf::error&) { seen(); });
  });
}

void supervisor_host::call(front_call what) {
  at_desk([this, what = std::move(what)] { desk_state_->take(what); });
}

void supervisor_host::hang_up(connection_id who) {
  at_desk([this, who] { desk_state_->gone(who); });
}

void supervisor_host::open() {
  if (!server_)
    return;
  server_->open([this](front_call call) { at_desk([this, call = std::move(call)] { desk_state_->take(call); }); },
                [this](connection_id id, std::uint32_t count) {
                  at_desk([this, id, count] {
                    desk_state_->gone(id);
                    desk_state_->count(count);
                  });
                },
                [this](std::uint32_t count) { at_desk([this, count] { desk_state_->count(count); }); });
  if (setup_.follow_program)
    executable_.emplace(loop_, children_, setup_.supervisor_program, "troupe-supervisor", setup_.version,
                        executable_watch::news{[this](const std::string& version) {
                                                 caf::anon_send(supervisor_, executable_replaced{version});
                                               },
                                               [this](const std::string& line) { log_.write(line); }});
}

/// SUP-6: the socket is taken out of this program's hands and stays open: whoever connects meanwhile is served by the
/// next version.
void supervisor_host::make_room(hand_over estate) {
  succession_.emplace();
  succession_->right = std::move(setup_.right);
  succession_->environments = std::move(estate.environments);
  succession_->listening = server_->release();
  server_->leave([this] { loop_.stop(); });
}

void supervisor_host::leave(std::uint32_t code) {
  code_ = static_cast<int>(code);
  if (!server_) {
    loop_.stop();
    return;
  }
  ::unlink(setup_.where.control_socket().c_str());
  server_->leave([this] { loop_.stop(); });
}

} // namespace troupe
