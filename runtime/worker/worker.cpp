// One worker: its session.
#include "runtime/worker/worker.hpp"

#include <algorithm>
#include <chrono>
#include <cstring>
#include <fstream>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include <asio/post.hpp>

#include "messages/digest.hpp"
#include "runtime/files/folder_access.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/worker/acp/acp_wire.hpp"
#include "runtime/worker/launch.hpp"
#include "runtime/worker/refusal.hpp"
#include "runtime/worktree/pull_links.hpp"

namespace troupe {

namespace {

wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

/// What the supervisor tells of an agent; nothing of it that is not understood stands in a session's way.
harness_driver read_driver(const std::string& text) {
  const auto row = json::parse(text, nullptr, false);
  try {
    return row.is_object() ? driver_from_json(row) : harness_driver{};
  } catch (const std::exception& e) {
    std::fprintf(stderr, "event=driver_not_understood error=\"%s\"\n", e.what());
    return {};
  }
}

} // namespace

harness_callbacks worker::callbacks() {
  return {[this](event e) { return emit(std::move(e)); },
          [this](exit_status s, std::string evidence) {
            asio::post(loop_, [this, s, evidence = std::move(evidence)] {
              harness_ended(s, evidence);
            }); // never from inside `start`
          },
          [this](const std::string& failure) {
            if (!failure.empty())
              return; // the agent's end is told too, and ends this spare
            ready_ = true;
            if (supervisor_)
              supervisor_->notify("worker/ready", json::object());
          }};
}

/// Gives it its place in the transcript; nobody is told yet.
void worker::write_down(event& e) {
  e.t = wall_now();
  e.run = job_->run;
  e.seen = job_->seen;
  failure error;
  if (events_.write(e, error) == 0) { // the conversation goes on; what cannot be written is said where somebody looks
    std::fprintf(stderr, "event=transcript_not_written session=%s error=\"%s\"\n", job_->session.value.c_str(),
                 error.text.c_str());
    e.n = events_.last();
  }
}

std::uint64_t worker::emit(event e) {
  if (freezer_.frozen() && e.what != "frozen")
    thaw("the session goes on");
  if (e.what == "sent")
    turn_ = true;
  else if (e.what == "turn_ended") {
    turn_ = false;
    ask_pulls();
  } else if (e.what == "question")
    asked_.insert(e.id);
  else if (e.what == "answered")
    asked_.erase(e.id);
  else if (e.what == "work") {
    harness_work_ = e.work;
    e.work.insert(e.work.end(), declared_.begin(), declared_.end());
  }
  write_down(e);
  send_event(e);
  attached_.happened(e);
  return e.n;
}

void worker::send_event(const event& e) {
  if (supervisor_)
    supervisor_->notify_text("worker/event", R"({"event":)" + to_text(e) + "}");
}

/// VIEW-8
void worker::send_line() {
  if (supervisor_)
    supervisor_->notify("worker/output", {{"line", says_->told()}});
}

void worker::warm_up() {
  acp_options o;
  o.program = options_.warm.front();
  o.arguments = options_.warm;
  o.native = options_.native;
  o.driver = read_driver(options_.driver);
  static const std::set<std::string> few{"HOME", "USER", "SHELL", "PATH", "LANG", "TROUPE_HOME", "TROUPE_AHEAD"};
  for (auto& pair : own_environment())
    if (!o.native || few.count(pair.first) != 0) // another one's is as its profile says (POOL-9)
      o.env.push_back(std::move(pair));
  if (!o.native)
    o.env = o.driver.started_with(std::move(o.env), {});
  auto cb = callbacks();
  auto ended = cb.ended;
  cb.ended = [this, ended](exit_status s,
                           std::string evidence) { // one that a shell job has closed says nothing about that job
    if (retired_)
      asio::post(loop_, [this] { retired_.reset(); });
    else
      ended(s, std::move(evidence));
  };
  warm_ = std::make_unique<acp_harness>(loop_, children_, std::move(cb), std::move(o));
  warm_->warm_up();
}

/// Whether the agent that runs already is the job's.
bool worker::fits() const {
  if (options_.native)
    return job_->spec.harness == "native";
  return job_->spec.command == options_.warm && read_driver(options_.driver).same_start({}, job_->spec.permission_mode);
}

std::string worker::assign(const json& params, std::vector<event>& happened) {
  if (job_)
    throw refusal{errc::refused, "this worker has a session already: " + job_->session.value}; // POOL-6
  auto job = assignment_from_json(params.at("assignment"));
  if (job.epoch < epoch_)
    throw refusal{errc::refused, "a newer supervisor has this worker"};
  std::vector<std::string> problems;
  auto error = folder_fault(job.spec.cwd); // CLI-6
  if (error.code != errc::ok)
    throw refusal{error.code, error.text};
  if (::chdir(job.spec.cwd.c_str()) != 0)
    throw refusal{errc::directory, "directory cannot be entered: " + job.spec.cwd + ": " + std::strerror(errno)};
  if (!hold_session(job, lock_, events_, problems, error))
    throw refusal{error.code, error.text};
  job_ = std::move(job);
  const auto held = std::chrono::steady_clock::now().time_since_epoch();
  happened.emplace_back().what = "assigned";
  happened.back().value = ::getpid();
  for (auto& p : problems) {
    happened.emplace_back().what = "note";
    happened.back().text = std::move(p);
  }
  for (auto& e : happened)
    write_down(e);
  asio::post(loop_, [this] { prepare(); }); // while the supervisor looks at the receipt
  auto has = receipt_of(*job_, events_.last());
  has.held = std::chrono::nanoseconds(held).count();
  if (warm_ && !options_.native && fits()) { // it was started ahead, and reads nothing anew (POOL-9)
    has.env = own_environment();
    has.variables = digest_of(has.env);
  }
  if (has.variables == job_->variables)
    has.env.clear(); // as meant: nobody has to read it
  return R"({"receipt":)" + to_text(has) + "}";
}

/// What a start needs and nobody sees.
void worker::prepare() {
  if (std::exchange(laid_out_, true))
    return;
  failure ignored; // who needs it and has it not says so
  make_private_folder(job_->directory + "/tmp", ignored);
  if (job_->spec.kind != "exec")
    return;
  prepared_ = std::make_unique<pty_harness>(loop_, children_, callbacks());
  prepared_->open_terminal(*job_);
}

/// A shell job closes the agent and takes the worker (POOL-8).
void worker::leave_spare() {
  if (!warm_)
    return;
  retired_ = std::move(warm_);
  retired_->close_now();
}

void worker::start(const json& params) {
  if (!job_ || started_ || params.value("run", 0U) != job_->run || harness_gone_ || over_ || !end_reason_.empty())
    return;
  prepare();
  started_ = true;
  if (job_->spec.kind == "exec") {
    pty_ = prepared_.get();
    says_.emplace(
        loop_, std::chrono::milliseconds(job_->sentence_ms), [this] { return pty_->last_line(); },
        [this] { send_line(); });
    pty_->on_output([this] {
      attached_.output();
      says_->came();
    });
    harness_ = std::move(prepared_);
    attached_.serve(pty_);
    harness_->start(*job_);
    leave_spare(); // behind the start: ending the agent's tree looks through all processes
    return;
  }
  attached_.serve(&events_);
  std::unique_ptr<acp_harness> agent;
  if (warm_ && fits()) {
    agent = std::move(warm_);
  } else {
    acp_options o;
    o.native = job_->spec.harness == "native";
    o.program = o.native ? own_program("troupe-agent") : job_->spec.command.front();
    o.arguments = o.native ? std::vector<std::string>{o.program} : job_->spec.command;
    o.env = job_->env;
    o.driver = read_driver(job_->driver);
    agent = std::make_unique<acp_harness>(loop_, children_, callbacks(), std::move(o));
  }
  copy_words();
  if (job_->resume)
    agent->set_former_session(events_.agent_session());
  agent->set_former_usage(events_.usage());
  agent_ = agent.get();
  harness_ = std::move(agent);
  isolate(*agent_);
  leave_spare();
  begin_prompts();
}

/// ISO-1: the built-in agent is told the place ahead of its making, and waits with its tools; another one is started
/// once it is there.
void worker::isolate(acp_harness& agent) {
  place_.plan(*job_);
  bool native = job_->spec.harness == "native";
  if (!place_.pending() || native)
    start_agent_there(agent);
  if (!place_.pending())
    return;
  place_.make([this, native](const std::string& error, const std::string& remark) {
    if (over_ || !end_reason_.empty() || harness_gone_)
      return;
    if (!error.empty())
      return not_isolated(error);
    event e;
    e.what = "worktree";
    e.data = to_line(to_json(place_.tree()));
    if (!place_.called_off())
      emit(std::move(e));
    if (!remark.empty()) {
      event told;
      told.what = "note";
      told.text = remark;
      emit(std::move(told));
    }
    if (native)
      agent_->placed(place_.called_off() ? job_->spec.cwd : place_.tree().cwd);
    else
      start_agent_there(*agent_);
  });
}

/// What the agent is started with: the session's own assignment, in its place.
void worker::start_agent_there(acp_harness& agent) {
  auto job = *job_;
  job.tree = place_.tree();
  if (!job.tree.path.empty())
    job.spec.cwd = job.tree.cwd;
  agent.start(job);
}

/// It would work in the user's own checkout: it does not run at all.
void worker::not_isolated(const std::string& why) {
  unplaced_ = why;
  if (agent_->pid() > 0)
    return agent_->close_now(); // its end is told, and ends the rest
  harness_gone_ = true;
  end_tree(0);
}

namespace {

event pull_event(const pull_request& found) {
  event e;
  e.what = "pull";
  e.data = to_line({{"number", found.number}, {"url", bytes_to_json(found.url)}, {"state", found.state}});
  return e;
}

} // namespace

/// PR-1: a shell job that runs `gh` or `git` names its pull requests in its output.
void worker::find_pulls() {
  if (!speaks_of_pulls(job_->spec.prompt) || !pty_->ring().valid())
    return;
  const auto all = pty_->ring().read(pty_->ring().begin());
  for (const auto& found : pull_links({all.data(), all.size()}))
    emit(pull_event(found));
}

/// PR-1: at the end of a turn, now and then. Told again even if it is the same: the supervisor asks too, and may have
/// heard something else meanwhile.
void worker::ask_pulls() {
  place_.ask_pulls([this](const pull_request& found) {
    if (over_ || !end_reason_.empty() || harness_gone_)
      return;
    emit(pull_event(found));
  });
}

/// BG-2: a copy begins with what was said in the conversation that it is a copy of.
void worker::copy_words() {
  constexpr std::size_t most = 500;
  if (job_->spec.fork_of.empty() || events_.has_words())
    return;
  for (auto& e : copied_words(forked_directory(*job_) + "/transcript.jsonl", most))
    emit(std::move(e));
  event e;
  e.what = "note";
  e.text = "copied from " + job_->spec.fork_of + "; both go on independently";
  emit(std::move(e));
}

void worker::begin_prompts() {
  for (const auto& p : opening_prompts(events_, *job_))
    if (p.taken)
      harness_->deliver(p.key, p.text);
    else
      take_prompt(p.key, p.text);
  if (job_->too_old) {
    event e;
    e.what = "note";
    e.text = "the interrupted answer is more than an hour old and is not gone on with: send a message to go on";
    emit(std::move(e));
  }
}

void worker::take_prompt(const std::string& key, const std::string& text) {
  event e;
  e.what = "taken";
  e.id = key;
  e.text = text;
  emit(std::move(e));
  harness_->deliver(key, text);
}

void worker::harness_ended(exit_status status, const std::string& evidence) {
  if (!job_) { // a spare whose agent has died is no spare
    std::_Exit(1);
  }
  if (std::exchange(harness_gone_, true))
    return;
  status_ = status;
  evidence_ = evidence;
  if (ending_.begun())
    ending_.hurry();
  else
    end_tree(0); // KEEP-8: what the command left behind ends with it
}

std::vector<process_identity> worker::shells() const {
  return job_ && job_->spec.harness == "native" ? kept_shells(job_->session.value, job_->directory)
                                                : std::vector<process_identity>();
}

/// REST-7: nobody has asked for the end, and another worker comes.
bool worker::spares_shells() const {
  return end_reason_.empty();
}

void worker::end_tree(int grace) {
  if (job_)
    thaw("its end");
  ending_.begin(
      grace, [this] { return shells(); }, spares_shells(),
      [this] { asio::post(loop_, [this] { tree_ended(); }); }); // behind the harness's own end
}

void worker::tree_ended() {
  if (std::exchange(over_, true))
    return;
  if (!job_)
    std::_Exit(0);
  if (pty_) {
    pty_->drain();
    says_->close(); // ahead of the end: whoever hears of that knows the line
    find_pulls();
  }
  event e;
  e.what = "ended";
  e.id = end_reason_;
  e.text = evidence_;
  if (!started_ || !harness_gone_)
    e.detail = "exited";
  else if (!status_.known || evidence_.starts_with("failed to start"))
    e.detail = "failed to start";
  else
    e.detail = status_.signalled ? "signalled" : "exited";
  e.value = status_.value;
  if (!unplaced_.empty()) {
    e.detail = "failed to start";
    e.text = unplaced_;
  }
  if (spares_shells() && !shells().empty())
    e.work = !harness_work_.empty() ? harness_work_ : std::vector<work_item>{{"shells", "shell", "background shells"}};
  emit(e);
  events_.sync();
  freezer_.leave();
  json how{{"detail", e.detail}, {"status", e.value}, {"reason", end_reason_}};
  attached_.end(how, [this] {
    if (supervisor_)
      supervisor_->channel().close(true);
    else
      std::_Exit(0);
  });
  timer_.expires_after(std::chrono::seconds(1)); // nobody who does not read holds the end up
  timer_.async_wait([](const asio::error_code& error) {
    if (!error)
      std::_Exit(0);
  });
}

} // namespace troupe
