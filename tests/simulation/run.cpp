// A day in the simulated world.
#include "tests/simulation/run.hpp"

#include <algorithm>

#include "tests/simulation/properties.hpp"

namespace troupe::simulation {

namespace {

constexpr std::int64_t most_steps_of_peace = 50'000;

} // namespace

day::day(run_options options) : around(options.tell, options.bug), crowd(around), options_(options) {
  around.log_in();
  start();
}

day::~day() {
  end_supervisor();
}

void day::start(std::map<session_id, environment> environments) {
  if (supervisor_)
    return;
  ++supervisors;
  supervisor_ = std::make_unique<incarnation>(around, options_.settings, std::move(environments));
  crowd.connected = 1;
  supervisor_->front_ends_now(1);
}

void day::end_supervisor() {
  if (!supervisor_)
    return;
  messages += supervisor_->messages;
  crowd.lose_all();
  supervisor_.reset();
}

void day::crash(bool tear) {
  if (!supervisor_)
    return;
  around.told.say([&] { return "the supervisor is killed" + std::string(tear ? " in the middle of a write" : ""); });
  around.files.torn = tear && !around.ledger->calls.empty();
  end_supervisor();
}

/// A supervisor that has said goodbye is gone; a worker that was not told goodbye starts another (SUP-12).
void day::after_step() {
  if (!supervisor_ || !supervisor_->desk().left)
    return;
  auto estate = std::move(supervisor_->desk().estate);
  around.told.say([&] { return estate ? "the supervisor makes room for a newer version" : "the supervisor leaves"; });
  end_supervisor();
  if (!estate)
    return;
  std::map<session_id, environment> environments;
  for (auto& x : estate->environments)
    environments[x.id] = std::move(x.env);
  start(std::move(environments));
}

bool day::calm_step(bool with_time) {
  if (supervisor_ && supervisor_->jobs() > 0) {
    supervisor_->run_one(0);
  } else if (auto deeds = around.deeds(); !deeds.empty()) {
    around.perform(deeds.front(), 0);
  } else if (!supervisor_) {
    bool wanted =
        std::any_of(around.workers.begin(), around.workers.end(), [](const auto& w) { return w->wants_supervisor(); });
    if (!wanted || !with_time)
      return false;
    around.told.say([] { return "a worker whose supervisor has gone starts another"; });
    start();
  } else if (with_time && supervisor_->next_timer() >= 0) {
    supervisor_->fire_next_timer();
  } else {
    return false;
  }
  after_step();
  return true;
}

void day::step(const choice& c) {
  switch (c.what) {
  case act::message:
    if (!supervisor_ || supervisor_->jobs() == 0)
      break;
    supervisor_->run_one(c.which % supervisor_->jobs());
    return after_step();
  case act::deed:
    if (auto deeds = around.deeds(); !deeds.empty()) {
      around.perform(deeds[c.which % deeds.size()], c.how);
      return after_step();
    }
    break;
  case act::operation:
    start(); // every command that needs the supervisor starts it (SUP-2)
    if (!supervisor_->desk().open)
      break;
    crowd.act(static_cast<operation>(c.which), c.how, *supervisor_);
    return after_step();
  case act::time:
    if (!supervisor_ || supervisor_->next_timer() < 0 || (supervisor_->jobs() > 0 && supervisor_->next_timer() > 2000))
      break;
    supervisor_->fire_next_timer();
    return after_step();
  case act::fault:
    return break_(static_cast<fault>(c.which), c.how);
  case act::calm:
    break;
  }
  calm_step(true);
}

void day::settle() {
  for (std::int64_t i = 0; i < most_steps_of_peace; ++i)
    if (!calm_step(false))
      return;
  around.told.broken("every wait ends", "the world does not come to rest");
}

void day::settle_actors() {
  while (supervisor_ && supervisor_->jobs() > 0)
    calm_step(false);
}

void day::rest(std::int64_t ms) {
  auto until = around.mono() + ms;
  for (std::int64_t i = 0; i < most_steps_of_peace; ++i) {
    bool idle = (!supervisor_ || supervisor_->jobs() == 0) && around.deeds().empty();
    auto next = supervisor_ ? supervisor_->next_timer() : -1;
    if (idle && supervisor_ && (next < 0 || around.mono() + next > until))
      return;
    if (!calm_step(true))
      return;
    crowd.check_patience();
  }
  around.told.broken("every wait ends", "the world does not come to rest");
}

/// Faults off: who hung goes on, the disk has room, a supervisor runs.
void day::quiet() {
  around.told.say([] { return "-- from here on nothing goes wrong --"; });
  around.faults = {};
  around.gone_directories.clear();
  for (auto& w : around.workers)
    w->hung = false;
  start();
  supervisor_->front_ends_now(crowd.connected = 1);
}

void day::break_(fault what, std::uint32_t how) {
  switch (what) {
  case fault::supervisor_crashes:
  case fault::supervisor_tears:
    return crash(what == fault::supervisor_tears);
  case fault::disk_fails:
    around.faults.writes += 1 + how % 3;
    return around.told.say([&] { return "the disk is full for " + std::to_string(1 + how % 3) + " writes"; });
  case fault::launch_fails:
    around.faults.launches += 1 + how % 3;
    return around.told.say([] { return "no process can be started for a while"; });
  case fault::freeze_fails:
    around.faults.freezes += 1 + how % 3;
    return around.told.say([] { return "the processes of a session do not come to rest for a while"; });
  case fault::refresh_refused:
    ++around.faults.refreshes;
    return around.told.say([] { return "the next refresh will be refused"; });
  case fault::credentials_expire:
    if (!around.files.credentials.credentials.empty()) {
      around.files.credentials.expires = around.wall() + (how % 2 == 0 ? 100'000 : 1);
      if (supervisor_)
        supervisor_->credentials_changed();
    }
    return around.told.say([] { return "the credentials are about to expire"; });
  case fault::machine_sleeps:
    return sleep(60'000 * (1 + how % 600));
  case fault::memory_short:
    return run_short_of_memory(how % 4);
  case fault::program_replaced:
    return replace_programs();
  case fault::second_supervisor:
    around.told.say([&] { return running() ? "another supervisor finds the lock held and leaves" : "one is started"; });
    return start();
  case fault::credentials_refused:
    ++around.faults.refusals;
    return around.told.say([] { return "the next request to a model will be turned down with 401"; });
  case fault::directory_goes:
    around.gone_directories.insert("/other");
    return around.told.say([] { return "the directory /other is removed"; });
  case fault::removal_fails:
    around.faults.removals += 1 + how % 2;
    return around.told.say([] { return "git does not end in time for a while"; });
  default:
    break_worker(what, how);
  }
}

void day::sleep(std::int64_t ms) {
  auto since = around.wall();
  around.sleep(ms);
  if (supervisor_)
    supervisor_->machine_has_slept(ms, since);
}

void day::run_short_of_memory(std::uint32_t looks) {
  around.told.say([] { return "memory runs short"; });
  around.faults.shortage = looks;
  if (supervisor_)
    supervisor_->memory_is_short();
}

void day::replace_programs() {
  around.told.say([&] { return "version " + std::to_string(around.installed + 1) + " is installed"; });
  ++around.installed;
  if (supervisor_)
    supervisor_->program_is_replaced();
}

void day::break_worker(fault what, std::uint32_t how) {
  std::vector<worker*> fit;
  for (auto& w : around.workers)
    if (w->alive &&
        (what == fault::agent_dies ? !w->over && !w->harness_gone && !w->hung && (w->warm || w->started)
                                   : w->hung == (what == fault::worker_goes_on) || what == fault::worker_dies))
      fit.push_back(w.get());
  if (fit.empty())
    return;
  auto& w = *fit[how % fit.size()];
  switch (what) {
  case fault::worker_hangs:
    w.hung = true;
    return around.told.say([&] { return name_of(w.id) + " hangs"; });
  case fault::worker_goes_on:
    w.hung = false;
    return around.told.say([&] { return name_of(w.id) + " goes on"; });
  case fault::agent_dies:
    around.told.say([&] { return "the harness in " + name_of(w.id) + " crashes"; });
    return w.harness_dies();
  default:
    return w.die("killed by signal 9");
  }
}

void day::judge() {
  quiet();
  rest(120'000);
  if (around.told.whole())
    check_order(*this);
  rest(1'200'000);
  if (around.told.whole())
    check_order(*this);
  if (around.told.whole())
    check_pulls(*this);
}

run_result play(const tape& t, const run_options& options) {
  day d(options);
  d.around.busy_forge = true;
  for (const auto& c : t) {
    d.step(c);
    if (!d.around.told.whole())
      break;
  }
  if (d.around.told.whole())
    d.judge();
  auto now = d.running() ? d.supervisor().messages : 0;
  return {d.around.told.violations(), d.around.told.lines(), d.messages + now, d.supervisors};
}

} // namespace troupe::simulation
