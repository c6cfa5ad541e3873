// One supervisor of the simulated world.
#include "tests/simulation/incarnation.hpp"

#include <algorithm>

#include "caf/send.hpp"

namespace troupe::simulation {

namespace {

struct testing_config : actor_config {
  testing_config() {
    set("scheduler.policy", caf::atom("testing"));
    set("logger.inline-output", true);
  }
};

testing_config& config() {
  thread_local testing_config one; // its tables cost more than all actors of a run
  return one;
}

/// The state of an actor that runs in this process.
template <class State, class Handle>
State& state_of(const Handle& h) {
  using base = typename Handle::template stateful_base<State>;
  return static_cast<base&>(*caf::actor_cast<caf::abstract_actor*>(h)).state;
}

} // namespace

incarnation::incarnation(world& around, const simulated_settings& chosen,
                         std::map<session_id, environment> environments)
    : world_(around), stage_(std::make_shared<stage>(stage{&around})), system_(config()),
      sched_(dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler())), zero_(sched_.clock().current_time),
      born_(around.mono()) {
  auto epoch = ++world_.files.epoch;
  world_.told.say([&] { return "supervisor " + std::to_string(epoch) + " starts"; });
  world_.host = std::make_unique<bench>(world_, epoch);
  world_.ledger = std::make_unique<keeper>(world_);
  world_.accounts = std::make_unique<vault>(world_);
  world_.trees = std::make_unique<tree_keeper>(world_);
  around_->epoch = epoch;
  around_->policy.freeze = chosen.freeze;
  spawn_services(epoch);
  world_.seen.supervisor_starts(around_->warmed.version);
  spawn_deciders(chosen, std::move(environments));
  caf::anon_send(supervisor_, load_journal{});
}

void incarnation::spawn_services(std::uint64_t epoch) {
  around_->policy.idle = world_.idle_ms;
  around_->policy.row = 300'000;
  around_->warmed = {"native", std::to_string(world_.installed)};
  around_->sessions = "/state/sessions";
  around_->control_socket = "/run/supervisor.sock";
  around_->fallback = {{"PATH", "/bin"}};
  around_->now = [this] { return world_.wall(); };
  around_->keeper = system_.spawn(make_keeper, stage_);
  around_->host = system_.spawn(make_host, stage_);
  around_->machine = system_.spawn(make_machine, stage_);
  around_->repository = system_.spawn(make_repository, stage_);
  vault_ = system_.spawn(make_vault, stage_);
  around_->credentials = system_.spawn(make_credential_store, vault_, around_->now, epoch, [this](snapshot s) {
    if (around_->supervisor_handle)
      caf::anon_send(around_->supervisor_handle, snapshot_changed{std::move(s)});
  });
}

void incarnation::spawn_deciders(const simulated_settings& chosen, std::map<session_id, environment> environments) {
  supervisor_setup s;
  s.policy.linger_ms = chosen.linger;
  s.policy.on_demand = chosen.on_demand;
  s.pulls.every_ms = 300'000;
  s.around = around_;
  s.fresh_id = [this] { return session_id{"s" + std::to_string(++world_.sessions)}; };
  s.origin = "simulation";
  s.version = around_->warmed.version;
  s.environments = std::move(environments);
  supervisor_ = system_.spawn(make_supervisor, std::move(s));
  around_->supervisor_handle = supervisor_;
  warm_pool_setup p;
  p.policy.size = chosen.pool_size;
  p.policy.max_age_ms = 900'000;
  p.policy.most_starting = chosen.most_starting;
  p.policy.warmed = around_->warmed;
  p.epoch = around_->epoch;
  p.host = around_->host;
  p.keeper = around_->keeper;
  p.supervisor = supervisor_;
  p.now = [this] { return world_.mono(); };
  p.jitter = [this] { return static_cast<double>(world_.mono() % 97) / 97; };
  p.wall = around_->now;
  around_->pool = system_.spawn(make_warm_pool, std::move(p));
  desk_handle_ = system_.spawn(make_desk, stage_);
  desk_ = &state_of<desk_state>(desk_handle_);
  desk_->supervisor = supervisor_;
  around_->desk = desk_handle_;
  world_.host->listen({[this](worker_id w, const std::string& version) {
                         caf::anon_send(supervisor_, worker_ready{w, version});
                       },
                       [this](worker_id w, session_id of, event e) {
                         caf::anon_send(supervisor_, worker_event{w, std::move(of), std::move(e)});
                       },
                       [this](worker_id w, session_id of, std::string line) {
                         caf::anon_send(supervisor_, worker_output{w, std::move(of), std::move(line)});
                       },
                       [this](worker_id w, session_id of, std::string evidence) {
                         caf::anon_send(supervisor_, worker_exited{w, std::move(of), std::move(evidence)});
                       }});
}

incarnation::~incarnation() {
  stage_->around = nullptr;
  world_.host->drop();
  world_.trees->drop();
  world_.ledger->drop();                    // a removed session has left the roster and waits for its last line only
  for (int round = 0; round < 2; ++round) { // the first may still spawn sessions from what waits in its mailbox
    for (const auto& [id, session] : supervisor().roster)
      caf::anon_send_exit(session, caf::exit_reason::kill);
    drain(false);
  }
  for (const auto& h : {caf::actor_cast<caf::actor>(supervisor_), caf::actor_cast<caf::actor>(around_->pool),
                        caf::actor_cast<caf::actor>(around_->credentials), caf::actor_cast<caf::actor>(desk_handle_)})
    caf::anon_send_exit(h, caf::exit_reason::kill);
  drain(true); // a removed session tries its last line again
  for (const auto& h : {caf::actor_cast<caf::actor>(around_->keeper), caf::actor_cast<caf::actor>(around_->host),
                        caf::actor_cast<caf::actor>(vault_), caf::actor_cast<caf::actor>(around_->machine),
                        caf::actor_cast<caf::actor>(around_->repository)})
    caf::anon_send_exit(h, caf::exit_reason::kill);
  drain(true);
  world_.host.reset();
  world_.ledger.reset();
  world_.accounts.reset();
  world_.trees.reset();
}

/// Lets the actors take what is in their mailboxes; the world hears nothing of it.
void incarnation::drain(bool timers) {
  while (sched_.try_run_once() || (timers && sched_.trigger_timeout()))
    ;
}

void incarnation::run_one(std::size_t which) {
  ++messages;
  auto& jobs = sched_.jobs;
  auto at = jobs.begin() + static_cast<std::ptrdiff_t>(which);
  std::rotate(jobs.begin(), at, at + 1);
  sched_.try_run_once();
}

std::int64_t incarnation::next_timer() const {
  const auto& armed = sched_.clock().schedule();
  if (armed.empty())
    return -1;
  auto left = std::chrono::duration_cast<std::chrono::milliseconds>(armed.begin()->first - sched_.clock().current_time);
  return std::max<std::int64_t>(left.count(), 0);
}

void incarnation::fire_next_timer() {
  sched_.trigger_timeout();
  move_time();
}

void incarnation::move_time() {
  auto ran = sched_.clock().current_time - zero_;
  world_.set_time(born_ + std::chrono::duration_cast<std::chrono::milliseconds>(ran).count());
}

const supervisor_state& incarnation::supervisor() const {
  return state_of<supervisor_state>(supervisor_);
}

const warm_pool_state& incarnation::pool() const {
  return state_of<warm_pool_state>(around_->pool);
}

const credential_store_state& incarnation::credentials() const {
  return state_of<credential_store_state>(around_->credentials);
}

std::vector<const session_state*> incarnation::sessions() const {
  std::vector<const session_state*> out;
  for (const auto& [id, h] : supervisor().roster)
    out.push_back(&state_of<session_state>(h));
  return out;
}

} // namespace troupe::simulation
