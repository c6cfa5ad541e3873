// A worker: its session. Mirrors runtime/worker/worker.cpp and acp_state.cpp; what differs there must differ here.
#include "tests/simulation/worker.hpp"

#include <algorithm>
#include <utility>

#include "actors/session/launch_check.hpp"
#include "messages/json.hpp"
#include "tests/simulation/world.hpp"

namespace troupe::simulation {

worker::worker(world& around, worker_id who, std::int32_t pid, bool is_warm)
    : id(who), process{"boot", pid, static_cast<std::uint64_t>(pid)}, socket("/run/" + name_of(who)),
      version(std::to_string(around.installed)), warm(is_warm), ready(!is_warm), around_(around) {}

std::uint64_t worker::emit(event e) {
  if (e.what != "frozen" && e.what != "thawed")
    thaw("the session goes on");
  e.t = around_.wall();
  e.run = job->run;
  e.seen = job->seen;
  if (e.what == "sent")
    turn = true;
  else if (e.what == "turn_ended")
    turn = false;
  if (e.what != "frozen" && e.what != "thawed")
    last_event_at = around_.mono();
  e.n = ++last_;
  around_.files.transcripts[job->session].push_back(e);
  if (e.what == "taken")
    taken_[e.id] = e.n;
  around_.told.say([&] { return name_of(id) + " writes " + brief(e); });
  around_.seen.wrote(*this, e);
  if (supervisor)
    supervisor->up.emplace_back(e);
  return e.n;
}

void worker::emit(const char* what, std::string about, std::string detail, std::string text, std::int64_t value) {
  event e;
  e.what = what;
  e.id = std::move(about);
  e.detail = std::move(detail);
  e.text = std::move(text);
  e.value = value;
  emit(std::move(e));
}

void worker::name_pull(const pull_request& x) {
  event e;
  e.what = "pull";
  e.data = to_line({{"number", x.number}, {"url", bytes_to_json(x.url)}, {"state", x.state}});
  emit(std::move(e));
}

void worker::open_transcript() {
  for (const auto& e : around_.files.transcripts[job->session]) {
    last_ = std::max(last_, e.n);
    if (e.what == "taken") {
      taken_[e.id] = e.n;
      unsent_.push_back({e.id, e.text});
    } else if (e.what == "sent") {
      std::erase_if(unsent_, [&](const auto& p) { return p.key == e.id; });
    }
  }
}

worker_answer worker::assign(const assign_worker& x) {
  if (job)
    return failure{errc::refused, "this worker has a session already: " + job->session.value};
  if (x.job.epoch < epoch)
    return failure{errc::refused, "a newer supervisor has this worker"};
  if (around_.lock_is_held(x.job.session))
    return failure{errc::refused, "another worker holds this session's lock"};
  if (around_.gone_directories.count(x.job.spec.cwd) != 0)
    return failure{errc::directory, "directory cannot be entered: " + x.job.spec.cwd};
  locked = true;
  job = x.job;
  open_transcript();
  around_.seen.assigned(*this, x.job);
  emit("assigned", {}, {}, {}, process.pid);
  auto has = intent_of(*job); // as a worker in order has it; launch_check is tested with others
  return receipt{job->session, job->run,      has.cwd,   has.permission_mode, last_, has.arguments,
                 {},           has.variables, has.epoch, has.accounts,        0};
}

void worker::start(const start_worker& x) {
  if (!job || started || x.run != job->run || harness_gone || over || !end_reason.empty())
    return;
  started = true;
  around_.seen.harness_starts(*this);
  if (is_job()) {
    inside.at = harness::phase::open;
    emit("started", {}, {}, {}, process.pid + 1);
    return;
  }
  inside.at = harness::phase::opening;
  emit("started", {}, {}, {}, process.pid + 1);
  make_tree();
  begin_prompts();
}

/// ISO-1: the one that an earlier run has made is gone on with.
void worker::make_tree() {
  auto path = tree_path(job->session);
  if (path.empty())
    return;
  auto& tree = around_.files.trees[path];
  if (!tree.there)
    tree = {job->session, ++around_.files.inodes, true, false};
  if (job->tree.inode == tree.inode)
    return;
  event e;
  e.what = "worktree";
  e.data = to_line(to_json(worktree{path, "troupe/" + job->session.value, "/repository", path, "base", 1, tree.inode}));
  emit(std::move(e));
}

void worker::begin_prompts() {
  if (taken_.count("first") == 0) {
    take_prompt("first", job->spec.prompt);
    return;
  }
  bool told = std::any_of(unsent_.begin(), unsent_.end(), [](const auto& p) { return p.key.starts_with("restart-"); });
  if (job->interrupted && !told)
    take_prompt("restart-" + std::to_string(job->run), "Your session was restarted");
  for (const auto& p : unsent_)
    inside.queue.push_back(p);
}

void worker::take_prompt(const std::string& key, const std::string& text) {
  emit("taken", key, {}, text);
  inside.queue.push_back({key, text});
  if (is_job())
    pass_on();
}

/// `sent` stands in the transcript before the harness hears the prompt (REST-5).
void worker::pass_on() {
  auto next = inside.queue.front();
  inside.queue.pop_front();
  emit("sent", next.key);
  if (!is_job())
    inside.running = next.key;
  around_.seen.prompted(*this, next.key);
  around_.told.say([&] { return "the harness in " + name_of(id) + " hears '" + next.key + "'"; });
}

worker_answer worker::deliver(const deliver_reply& x) {
  if (!job || !started || harness_gone || !end_reason.empty())
    return failure{errc::not_running, "the session is not running here"};
  job->seen = std::max(job->seen, x.seen);
  thaw("reply");
  if (taken_.count(x.key) == 0)
    take_prompt(x.key, x.text);
  if (around_.planted == plant::replies_twice)
    take_prompt(x.key, x.text);
  return reply_taken{taken_[x.key]};
}

worker_answer worker::answer(const give_answer& x) {
  if (!started || inside.at == harness::phase::none)
    return failure{errc::not_running, "the session is not running here"};
  if (auto at = answers_.find(x.key); at != answers_.end())
    return at->second;
  thaw("answer");
  if (is_job())
    return failure{errc::wrong_state, "a shell job asks no questions"};
  auto open = std::find_if(inside.asked.begin(), inside.asked.end(),
                           [&](const question& q) { return x.question.empty() || q.id == x.question; });
  if (open == inside.asked.end())
    return failure{inside.settled.count(x.question) != 0 ? errc::answered : errc::wrong_state, "it is not open"};
  answer_taken out{open->id, x.choice};
  emit("answered", open->id, x.by, x.choice);
  inside.settled[open->id] = x.by;
  around_.seen.answered_question(*this, open->id);
  inside.asked.erase(open);
  answers_[x.key] = out;
  return out;
}

bool worker::at_rest() const {
  return terminals == 0 && !turn && inside.queue.empty() && inside.asked.empty() && inside.work.empty() &&
         declared.empty();
}

worker_answer worker::freeze(const freeze_worker& x) {
  if (!started || inside.at == harness::phase::none || harness_gone || !end_reason.empty())
    return failure{errc::not_running, "the session is not running here"};
  if (is_job())
    return failure{errc::wrong_state, "a shell job is at work until its command ends"};
  if (!frozen) {
    if (x.seen < last_ || !at_rest()) // KEEP-5
      return failure{errc::refused, "a later event came first"};
    if (world::take(around_.faults.freezes))
      return failure{errc::refused, "its processes did not come to rest"};
    around_.seen.freezes(*this);
  }
  frozen = true;
  emit("frozen");
  return worker_frozen{id};
}

void worker::thaw(const std::string& why) {
  if (std::exchange(frozen, false))
    emit("thawed", {}, why);
}

/// CRED-5, BEYOND-6: what comes is newer than what it has.
worker_answer worker::renew(const renew_worker& x) {
  if (!job || !end_reason.empty())
    return failure{errc::not_running, "the session is not running here"};
  if (x.credentials.epoch < job->credentials.epoch)
    return failure{errc::refused, "newer credentials are here already"};
  job->credentials = x.credentials;
  inside.refused = 0;
  return worker_renewed{id};
}

/// KEEP-2: the same start again changes the title, the same end again changes nothing.
worker_answer worker::note(const note_work& x) {
  if (!started || harness_gone || !end_reason.empty())
    return failure{errc::not_running, "the session is not running here"};
  auto at = std::find_if(declared.begin(), declared.end(), [&](const work_item& w) { return w.id == x.work; });
  if (x.begins && at == declared.end()) {
    declared.push_back({x.work, "declared", x.title});
    show_work();
  } else if (!x.begins && at != declared.end()) {
    declared.erase(at);
    ended_work_.insert(x.work);
    show_work();
  } else if (!x.begins && ended_work_.count(x.work) == 0) {
    return failure{errc::wrong_state, "no such work was declared"};
  }
  return work_declared{x.work};
}

worker_answer worker::end(const end_worker& x) {
  if (x.reason == "reap" && (x.seen < last_ || !at_rest())) // KEEP-5
    return failure{errc::refused, "a later event came first"};
  if (!end_reason.empty())
    return ending_worker{id};
  end_reason = x.reason;
  thaw(x.reason);
  around_.seen.ends(*this, x);
  return ending_worker{id};
}

/// What happens between `worker/end` and the tree's end, in one step: the turn is cancelled, then all is gone.
void worker::end_tree() {
  if (!job) {
    leave();
    return;
  }
  thaw("its end");
  if (inside.running && !harness_gone && !is_job()) {
    settle_questions("the end of the session's process");
    end_turn("cancelled", {});
  }
  over = true;
  inside.at = harness::phase::gone;
  auto detail = !started || !harness_gone                       ? "exited"
                : inside.failure.starts_with("failed to start") ? "failed to start"
                : inside.signalled                              ? "signalled"
                                                                : "exited";
  emit("ended", end_reason, detail, inside.failure, inside.status);
  if (supervisor)
    supervisor->worker_closed = true; // flushed, then closed
}

bool worker::may_leave() const {
  return alive && over && (!supervisor || supervisor->host_closed || supervisor->up.empty());
}

void worker::leave() {
  die("exited with status 0");
}

void worker::die(const std::string& why) {
  if (!alive)
    return;
  leftovers = job && started && !over;
  alive = false;
  hung = false;
  locked = false;
  evidence = why;
  for (auto& l : links)
    l->worker_closed = true;
  around_.told.say([&] { return name_of(id) + " is gone: " + why; });
}

} // namespace troupe::simulation
