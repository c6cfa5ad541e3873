// A session inside this process.
#include "runtime/host/hosted_session.hpp"

#include <climits>
#include <cstdlib>
#include <exception>

#include <unistd.h>

#include <asio/post.hpp>

#include "runtime/files/paths.hpp"
#include "runtime/worker/acp/acp_wire.hpp"
#include "runtime/worker/launch.hpp"

namespace troupe {

namespace {

constexpr std::size_t calls_at_once = agent_calls_limit / 4;

wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// The directory as the kernel names it; empty where it may not be entered.
std::string entered(const std::string& path) {
  char real[PATH_MAX];
  return ::access(path.c_str(), X_OK) == 0 && ::realpath(path.c_str(), real) ? real : "";
}

/// What `call` threw, in words; empty: nothing.
template <class F>
std::string thrown(F call) {
  try {
    call();
    return {};
  } catch (const std::exception& e) {
    return std::string("its agent threw: ") + e.what();
  } catch (...) {
    return "its agent threw";
  }
}

/// An exception of the agent's ends its run as a death of its worker would.
template <class F>
void guarded(embed::detail::port& port, F call) {
  if (auto why = thrown(call); !why.empty())
    port.call([why](hosted_session& s) { s.broken(why); });
}

embed::beginning beginning_of(const assignment& job, const transcript& events) {
  embed::beginning out;
  out.session = job.session.value;
  out.directory = job.directory;
  out.cwd = job.spec.cwd;
  out.worktree = job.tree.path;
  out.branch = job.tree.branch;
  out.env = session_environment(job, false);
  for (const auto& c : job.credentials.credentials)
    out.credentials.emplace_back(c.variable, c.secret);
  out.model = job.spec.model;
  out.permission_mode = job.spec.permission_mode;
  out.effort = job.spec.effort;
  out.resumed = job.resume;
  if (job.resume)
    out.conversation = events.agent_session();
  return out;
}

} // namespace

hosted_session::hosted_session(asio::io_context& loop, agent_threads& threads, embed::agent_maker make,
                               std::chrono::milliseconds grace, isolation place, bool isolated)
    : loop_(loop), threads_(threads), make_(std::move(make)), grace_(grace), place_(std::move(place)),
      isolated_(isolated), text_timer_(loop), quiet_timer_(loop), grace_timer_(loop) {}

bool hosted_session::assign(const assignment& job, hosted_news news, receipt& got, failure& error) {
  if (held_) {
    error = {errc::refused, "this worker has a session already: " + job_.session.value}; // POOL-6
    return false;
  }
  auto cwd = entered(job.spec.cwd);
  if (cwd.empty()) {
    error = {errc::directory, "directory cannot be entered: " + job.spec.cwd};
    return false;
  }
  std::vector<std::string> problems;
  if (!hold_session(job, lock_, events_, problems, error))
    return false;
  held_ = true;
  job_ = job;
  news_ = std::move(news);
  state_.begin(job_.run);
  port_ = std::make_shared<embed::detail::port>(loop_, weak_from_this());
  strand_ = threads_.make_strand(job_.session.value);
  event e;
  e.what = "assigned";
  e.value = ::getpid();
  emit(std::move(e));
  for (const auto& p : problems)
    note(p);
  got = receipt_of(job_, events_.last());
  got.cwd = cwd; // told to the agent; this process stays where it is
  return true;
}

void hosted_session::note(const std::string& text) {
  event e;
  e.what = "note";
  e.text = text;
  emit(std::move(e));
}

std::uint64_t hosted_session::emit(event e) {
  e.t = wall_now();
  e.run = job_.run;
  e.seen = job_.seen;
  failure error;
  if (events_.write(e, error) == 0) // the conversation goes on, as a worker's does
    e.n = events_.last();
  news_.happened(e);
  return e.n;
}

void hosted_session::start(std::uint32_t run) {
  if (!held_ || started_ || over_ || run != job_.run || !end_reason_.empty())
    return;
  started_ = true;
  failure ignored; // who needs it and has it not says so
  make_private_folder(job_.directory + "/tmp", ignored);
  event e;
  e.what = "started";
  e.value = ::getpid();
  emit(std::move(e));
  place();
  begin_prompts();
}

/// ISO-1: its agent is told its place when that is there.
void hosted_session::place() {
  auto asked = job_;
  if (!isolated_)
    asked.isolation.clear();
  place_.plan(asked);
  if (!place_.pending())
    return initialize();
  place_.make([self = shared_from_this()](const std::string& error, const std::string& remark) {
    if (!self->over_ && self->end_reason_.empty())
      self->placed(error, remark);
  });
}

void hosted_session::placed(const std::string& error, const std::string& remark) {
  if (!error.empty())
    return initialized(embed::error{embed::errc::not_started, error}); // never in the user's own checkout instead
  if (!place_.called_off()) {
    event e;
    e.what = "worktree";
    e.data = to_line(to_json(place_.tree()));
    emit(std::move(e));
  }
  if (!remark.empty())
    note(remark);
  initialize();
}

void hosted_session::initialize() {
  auto job = job_;
  job.tree = place_.tree();
  if (!job.tree.path.empty())
    job.spec.cwd = job.tree.cwd;
  auto how = beginning_of(job, events_);
  threads_.post(strand_, [made = guest_, make = make_, how, port = port_] {
    embed::result<std::string> out = embed::error{embed::errc::not_started, "the program made no agent for it"};
    auto why = thrown([&] {
      made->it = make();
      if (made->it)
        out = made->it->initialize(how, embed::detail::port::way(port));
    });
    if (!why.empty())
      out = embed::error{embed::errc::not_started, why};
    port->call([out](hosted_session& s) { s.initialized(out); });
  });
}

void hosted_session::initialized(const embed::result<std::string>& how) {
  initialized_ = true;
  if (how) {
    perform(state_.ready(*how));
    return;
  }
  event e;
  e.what = "ended";
  e.detail = "failed to start";
  e.text = how.error().text;
  e.id = end_reason_;
  over_ = true;
  perform(state_.gone());
  emit(std::move(e));
  finish({}, how.error().text, true);
}

/// REST-5, as the worker does.
void hosted_session::begin_prompts() {
  for (const auto& p : opening_prompts(events_, job_))
    if (p.taken)
      perform(state_.deliver(p.key, p.text));
    else
      take_prompt(p.key, p.text);
}

void hosted_session::take_prompt(const std::string& key, const std::string& text) {
  event e;
  e.what = "taken";
  e.id = key;
  e.text = text;
  emit(std::move(e));
  perform(state_.deliver(key, text));
}

bool hosted_session::deliver(const deliver_reply& x, reply_taken& taken, failure& error) {
  if (!started_ || over_ || !end_reason_.empty()) {
    error = {errc::not_running, "the session is not running here"};
    return false;
  }
  job_.seen = std::max(job_.seen, x.seen);
  if (events_.taken(x.key) == 0)
    take_prompt(x.key, x.text);
  taken.n = events_.taken(x.key);
  return true;
}

bool hosted_session::give(const give_answer& x, answer_taken& taken, failure& error) {
  if (!started_ || over_) {
    error = {errc::not_running, "the session is not running here"};
    return false;
  }
  if (auto at = answers_.find(x.key); at != answers_.end()) {
    taken = at->second;
    return true;
  }
  auto result = state_.answer(x.question, x.choice, x.by);
  error = result.error;
  if (error.code != errc::ok)
    return false;
  taken = {result.question, result.choice};
  answers_[x.key] = taken;
  perform(std::move(result.effects));
  return true;
}

/// Its agent can end a turn, and has no mode, model or option to choose.
bool hosted_session::steer(const steer_worker& x, failure& error) {
  if (x.action != "cancel")
    error = {errc::wrong_state, "the program's own agent has no " + x.action + " to choose\n  the program decides"};
  else if (!started_ || over_ || !state_.busy())
    error = {errc::wrong_state, "no turn of the session runs\n  send it a message instead"};
  else
    perform(state_.cancel_turn(x.by));
  return error.code == errc::ok;
}

bool hosted_session::end(const end_worker& x, failure& error) {
  if (x.reason == "reap" && (x.seen < events_.last() || state_.turn_runs() || !events_.unsent().empty())) { // KEEP-5
    error = {errc::refused, "a later event came first"};
    return false;
  }
  if (end_reason_.empty())
    begin_end(x.reason);
  return true;
}

void hosted_session::begin_end(const std::string& reason) {
  end_reason_ = reason;
  perform(state_.ending());
  if (!state_.turn_runs()) {
    asio::post(loop_, [self = shared_from_this()] { self->finish(self->end_reason_, {}, true); });
    return;
  }
  cancel();
  grace_timer_.expires_after(grace_);
  grace_timer_.async_wait([self = weak_from_this()](const asio::error_code& error) {
    if (auto s = self.lock(); s && !error)
      s->finish(s->end_reason_, "its agent did not end its turn in time", true);
  });
}

void hosted_session::finish(const std::string& reason, const std::string& evidence, bool told) {
  if (held_ && !std::exchange(over_, true)) {
    perform(state_.gone());
    event e;
    e.what = "ended";
    e.id = reason;
    e.detail = evidence.empty() ? "exited" : "lost";
    e.text = evidence;
    emit(std::move(e));
  }
  abandon();
  if (held_ && told)
    news_.exited(evidence.empty() ? "ended as it was asked" : evidence);
}

void hosted_session::abandon() {
  over_ = true;
  for (auto* timer : {&text_timer_, &quiet_timer_, &grace_timer_})
    timer->cancel();
  if (!held_)
    return;
  port_->close();
  cancel();
  auto written = std::make_shared<transcript>(std::exchange(events_, {}));
  threads_.post(strand_, [made = std::exchange(guest_, std::make_shared<guest>()), written] {
    made->it.reset();
    written->sync(); // here, since a disk may take its time
  });
  lock_.reset();
}

/// Tells the agent that the end of its turn is wanted, once.
void hosted_session::cancel() {
  auto t = turn_.lock();
  if (!t || t->over || t->cancelled.exchange(true))
    return;
  threads_.post_beside(strand_, [it = guest_->it, port = port_] { guarded(*port, [&] { it->cancel(); }); });
}

void hosted_session::broken(const std::string& why) {
  if (!over_)
    finish(end_reason_, why, true);
}

void hosted_session::called(const embed::detail::port::act& what) {
  auto keep = shared_from_this();
  if (!over_)
    what(*this);
  if (++handled_ < calls_at_once || over_)
    return;
  news_.caught_up([port = port_, n = std::exchange(handled_, 0)] { port->carried_out(n); });
}

void hosted_session::asked(std::uint64_t request, const std::string& text, const std::vector<option>& options) {
  perform(state_.asked(request, {}, text, options));
}

void hosted_session::withdrawn(std::uint64_t request) {
  perform(state_.withdrawn(request));
  port_->answered(request, {}); // it was never open where too many are
}

void hosted_session::turn_ended(std::uint64_t generation, const acp_prompt_end& how) {
  if (generation != turns_)
    return;
  perform(state_.prompt_ended(how, {}));
  if (!end_reason_.empty())
    finish(end_reason_, {}, true);
}

void hosted_session::perform(acp_effects effects) {
  for (const auto& effect : effects)
    std::visit([this](const auto& e) { perform_one(e); }, effect);
}

void hosted_session::perform_one(const acp_emit& e) {
  emit(e.what);
}

void hosted_session::perform_one(const acp_send_prompt& e) {
  auto now = std::make_shared<embed::detail::turn_state>(port_, ++turns_, e.text);
  turn_ = now;
  on_agent([now = embed::detail::port::begin(std::move(now))](embed::agent& a) { a.prompt(now); });
}

void hosted_session::perform_one(const acp_respond& e) {
  port_->answered(e.request.get<std::uint64_t>(), e.option);
}

void hosted_session::perform_one(const acp_timer& e) {
  bool text = e.what == acp_timer::of::text;
  auto& timer = text ? text_timer_ : quiet_timer_;
  timer.expires_after(std::chrono::milliseconds(e.delay_ms));
  timer.async_wait([self = weak_from_this(), text, generation = e.generation](const asio::error_code& error) {
    if (auto s = self.lock(); s && !error && !s->over_)
      s->perform(text ? s->state_.text_due(generation) : s->state_.quiet_due(generation));
  });
}

/// What the call holds, a turn perhaps, is let go behind the word of a throw.
void hosted_session::on_agent(std::function<void(embed::agent&)> call) {
  threads_.post(strand_, [made = guest_, port = port_, call = std::move(call)] {
    guarded(*port, [&] {
      if (made->it)
        call(*made->it);
    });
  });
}

} // namespace troupe
