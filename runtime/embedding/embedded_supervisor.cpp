// A supervisor inside this process.
#include "runtime/embedding/embedded_supervisor.hpp"

#include <algorithm>
#include <future>

#include "runtime/config/settings.hpp"
#include "runtime/io/sockets.hpp"

namespace troupe {

namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

constexpr auto start_lock_retry = milliseconds(10);

embed::error ended() {
  return {embed::errc::ended, "the runtime has ended\nstart another: troupe::embed::runtime::start"};
}

milliseconds left(steady_clock::time_point until) {
  return std::max(milliseconds(0), std::chrono::duration_cast<milliseconds>(until - steady_clock::now()));
}

std::optional<paths> folders_of(const std::string& directory, failure& error) {
  if (directory.empty())
    return find_paths(error);
  if (directory.front() != '/') {
    error = {errc::bad_request, "not an absolute path: " + directory};
    return {};
  }
  auto plain = directory;
  while (plain.size() > 1 && plain.back() == '/')
    plain.pop_back();
  return paths{plain, plain, plain};
}

/// What a worker finds the directory by.
environment with_home(environment env, const std::string& directory) {
  if (directory.empty())
    return env;
  std::erase_if(env, [](const auto& pair) {
    return pair.first == "TROUPE_HOME" || pair.first == "TROUPE_SOCKET_DIR" || pair.first == "XDG_CONFIG_HOME" ||
           pair.first == "XDG_STATE_HOME";
  });
  env.emplace_back("TROUPE_HOME", directory);
  return env;
}

} // namespace

embed::error to_embed(const failure& f) {
  static const std::map<errc, embed::errc> same{
      {errc::bad_request, embed::errc::bad_request},
      {errc::no_such_session, embed::errc::no_such_session},
      {errc::ambiguous, embed::errc::ambiguous},
      {errc::key_reused, embed::errc::key_reused},
      {errc::draining, embed::errc::draining},
      {errc::not_running, embed::errc::not_running},
      {errc::wrong_state, embed::errc::wrong_state},
      {errc::answered, embed::errc::answered},
      {errc::refused, embed::errc::refused},
      {errc::not_started, embed::errc::not_started},
      {errc::worker_gone, embed::errc::worker_gone},
      {errc::timed_out, embed::errc::timed_out},
      {errc::no_credentials, embed::errc::no_credentials},
      {errc::disk, embed::errc::disk},
      {errc::directory, embed::errc::directory},
      {errc::overloaded, embed::errc::overloaded},
      {errc::kept, embed::errc::kept},
  };
  auto at = same.find(f.code);
  return {at == same.end() ? embed::errc::bad_request : at->second, f.text};
}

void transcript_watch::tell(std::uint64_t n, bool is_over) {
  std::lock_guard guard(mutex);
  written = std::max(written, n);
  over = over || is_over;
  changed.notify_all();
}

embedded_supervisor::embedded_supervisor(embed::options how)
    : how_(std::move(how)), shell_(how_.env ? *how_.env : own_environment()),
      agents_(std::make_shared<agent_threads>()) {}

embedded_supervisor::~embedded_supervisor() {
  abandon();
}

embed::error embedded_supervisor::check() {
  for (const auto& [name, make] : how_.agents)
    if (name.empty() || name == "native" || name == "exec" || !make)
      return {embed::errc::bad_request, "options::agents: '" + name + "' is taken or empty, or nothing makes it"};
  if (how_.agent_grace < milliseconds(0) || how_.agent_grace > milliseconds(60'000))
    return {embed::errc::bad_request, "options::agent_grace must be 0 to 60,000 ms"};
  std::vector<std::string> problems;
  if (!how_.settings.empty())
    read_settings(how_.settings, "options::settings", problems);
  if (!problems.empty())
    return {embed::errc::bad_request, problems.front()};
  return {};
}

embed::error embedded_supervisor::prepare(host_setup& setup, milliseconds deadline) {
  auto until = steady_clock::now() + deadline;
  failure error;
  auto where = folders_of(how_.directory, error);
  if (!where || !make_folders(*where, error))
    return to_embed(error);
  unique_fd start_lock; // whoever starts one holds it until the socket accepts (SUP-1); no signal bounds the wait here
  while (how_.control_socket && !(start_lock = lock_file(where->start_lock(), 0, error))) {
    if (error.code != errc::ok)
      return to_embed(error);
    if (left(until) == milliseconds(0))
      return {embed::errc::timed_out,
              "a command has been starting a supervisor here for too long\nlook at: " + where->log()};
    std::this_thread::sleep_for(start_lock_retry);
  }
  auto right = take_directory(*where, 0, error);
  if (!right && error.code != errc::ok)
    return to_embed(error);
  if (!right)
    return {embed::errc::in_use, "another supervisor has this directory: " + where->state +
                                     "\nname another, or end it: troupe daemon stop --any"};
  if (how_.control_socket)
    setup.listening.reset(listen_on(where->control_socket(), error));
  if (error.code != errc::ok)
    return to_embed(error);
  setup.where = *where;
  setup.right = std::move(*right);
  return {};
}

embed::error embedded_supervisor::start(milliseconds deadline) {
  auto until = steady_clock::now() + deadline;
  host_setup setup;
  if (auto wrong = check())
    return wrong;
  if (auto wrong = prepare(setup, deadline))
    return wrong;
  setup.origin = how_.origin;
  setup.version = TROUPE_VERSION;
  setup.on_demand = false;
  setup.echo = how_.echo_log;
  setup.shell = with_home(shell_, how_.directory);
  auto programs = how_.programs.empty() ? std::string() : how_.programs + "/";
  setup.worker_program = programs.empty() ? own_program("troupe-worker") : programs + "troupe-worker";
  setup.agent_program = programs.empty() ? own_program("troupe-agent") : programs + "troupe-agent";
  setup.supervisor_program = how_.successor;
  setup.settings = how_.settings;
  setup.guest = true;
  setup.agents = {how_.agents, how_.agent_grace, agents_, how_.agent_worktrees};
  setup.ends.line = [this](connection_id to, std::string line) { take_line(to, std::move(line)); };
  setup.ends.written = [this](const session_id& s, std::uint64_t n) { written(s, n); };
  setup.ends.opened = [this] {
    std::lock_guard guard(mutex_);
    if (phase_ == phase::starting)
      phase_ = phase::serving;
    changed_.notify_all();
  };
  std::unique_lock guard(mutex_);
  phase_ = phase::starting;
  thread_ = std::thread([this, s = std::make_shared<host_setup>(std::move(setup))] { serve(std::move(*s)); });
  changed_.wait_until(guard, until, [&] { return phase_ != phase::starting; });
  if (phase_ == phase::serving)
    return {};
  bool late = phase_ == phase::starting;
  guard.unlock();
  abandon();
  if (late)
    return {embed::errc::timed_out, "the ledger could not be read in time\ngive a longer deadline"};
  return {embed::errc::disk, "the ledger could not be read\nsee the log: supervisor.log in the directory"};
}

/// The supervisor's thread, from its making to its end.
void embedded_supervisor::serve(host_setup setup) {
  {
    supervisor_host host(std::move(setup));
    {
      std::lock_guard guard(mutex_);
      host_ = &host;
      changed_.notify_all();
    }
    host.run();
    std::lock_guard guard(mutex_);
    host_ = nullptr;
  }
  std::map<connection_id, line_taker> last;
  {
    std::lock_guard guard(mutex_);
    phase_ = phase::over;
    last.swap(lines_);
    changed_.notify_all();
  }
  for (auto& [id, take] : last)
    take({});
  std::lock_guard guard(watches_mutex_);
  for (auto& [session, w] : watches_)
    if (auto at = w.lock())
      at->tell(0, true);
  watches_.clear();
}

void embedded_supervisor::join() {
  std::lock_guard guard(join_mutex_);
  if (thread_.joinable())
    thread_.join();
}

embed::error embedded_supervisor::end(embed::workers how, milliseconds deadline) {
  if (inside_agent())
    return {embed::errc::would_deadlock, "an agent's member cannot end the runtime that waits for it\ncall end from "
                                         "another thread"};
  auto until = steady_clock::now() + deadline;
  {
    std::unique_lock guard(mutex_);
    if (phase_ == phase::over)
      return ended();
    if (host_)
      host_->ask_stop(how == embed::workers::keep);
    if (!changed_.wait_until(guard, until, [&] { return phase_ == phase::over; }))
      return {embed::errc::timed_out, "the runtime is still ending\ncall end again"};
  }
  join();
  if (!agents_->close(std::max(left(until), milliseconds(1))))
    return {embed::errc::timed_out, "the runtime has ended, and an agent's call has not returned\nlet agents return "
                                    "when their turn is cancelled"};
  return {};
}

void embedded_supervisor::abandon() {
  {
    std::unique_lock guard(mutex_);
    if (phase_ == phase::starting) // not made yet, perhaps: then it ends as soon as it is
      changed_.wait(guard, [&] { return host_ != nullptr || phase_ == phase::over; });
    if (host_)
      host_->loop().stop();
  }
  join();
  agents_->close(milliseconds(0));
}

bool embedded_supervisor::over() const {
  std::lock_guard guard(mutex_);
  return phase_ == phase::over;
}

bool embedded_supervisor::inside_agent() const {
  std::string whose;
  return agents_->inside(whose);
}

void embedded_supervisor::take_line(connection_id to, std::string line) {
  line_taker take;
  {
    std::lock_guard guard(mutex_);
    auto at = lines_.find(to);
    if (at == lines_.end())
      return;
    take = at->second;
  }
  take(std::move(line));
}

connection_id embedded_supervisor::open_line(const std::string& method, json params, line_taker take) {
  std::lock_guard guard(mutex_);
  if (!host_)
    return 0;
  auto id = next_line_++;
  lines_[id] = std::move(take);
  host_->call({{id, 1}, method, std::move(params)});
  return id;
}

void embedded_supervisor::hang_up(connection_id line) {
  std::lock_guard guard(mutex_);
  if (lines_.erase(line) != 0 && host_)
    host_->hang_up(line);
}

embed::result<json> embedded_supervisor::ask(const std::string& method, json params, milliseconds deadline) {
  auto answer = std::make_shared<std::promise<std::string>>();
  auto once = std::make_shared<std::atomic<bool>>(false);
  auto coming = answer->get_future();
  auto id = open_line(method, std::move(params), [answer, once](std::string line) {
    if (!once->exchange(true))
      answer->set_value(std::move(line));
  });
  if (id == 0)
    return ended();
  bool came = coming.wait_for(deadline) == std::future_status::ready;
  hang_up(id);
  if (!came)
    return embed::error{embed::errc::timed_out, method + " has had no answer within its deadline"};
  auto line = coming.get();
  if (line.empty())
    return ended();
  auto parsed = json::parse(line, nullptr, false);
  if (!parsed.is_object() || !parsed.contains("result"))
    return to_embed(failure_of(parsed.is_object() ? parsed.value("error", json()) : json()));
  return parsed["result"];
}

embed::result<json> embedded_supervisor::ask_for_end(const std::vector<std::string>& sessions,
                                                     const std::string& method, json params, milliseconds deadline) {
  if (std::string mine; agents_->inside(mine))
    for (const auto& s : sessions)
      if (auto row = ask("session/get", {{"id", s}}, deadline); row && row->value("id", "") == mine)
        return embed::error{embed::errc::would_deadlock,
                            method + " of the agent's own session would wait for the call that it comes from"};
  return ask(method, std::move(params), deadline);
}

void embedded_supervisor::watch(const std::string& session, const std::shared_ptr<transcript_watch>& w) {
  std::scoped_lock guard(watches_mutex_);
  std::erase_if(watches_, [](const auto& each) { return each.second.expired(); });
  watches_.emplace(session, w);
  watched_ = true;
  if (over())
    w->tell(0, true);
}

void embedded_supervisor::written(const session_id& session, std::uint64_t n) {
  if (!watched_)
    return;
  std::lock_guard guard(watches_mutex_);
  auto [from, to] = watches_.equal_range(session.value);
  for (auto at = from; at != to; ++at)
    if (auto w = at->second.lock())
      w->tell(n, false);
}

} // namespace troupe
