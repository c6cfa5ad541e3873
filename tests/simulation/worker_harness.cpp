// A worker: its socket, and what its harness does next. Mirrors runtime/worker/channel.cpp and acp_state.cpp.
#include <algorithm>

#include "tests/simulation/world.hpp"

namespace troupe::simulation {

namespace {

const char* word_of(const to_worker& m) {
  static constexpr const char* words[] = {"hello", "assign",      "start", "deliver", "answer", "freeze",
                                          "thaw",  "credentials", "work",  "end",     "goodbye"};
  return words[m.what.index()];
}

} // namespace

void worker::read(link_ptr from) {
  auto message = std::move(from->down.front());
  from->down.pop_front();
  around_.told.say([&] { return name_of(id) + " reads " + word_of(message); });
  std::optional<worker_answer> out;
  if (const auto* h = std::get_if<say_hello>(&message.what))
    out = hello(from, *h);
  else if (from != supervisor)
    out = failure{errc::refused, "only the supervisor may ask that"};
  else if (const auto* a = std::get_if<assign_worker>(&message.what))
    out = assign(*a);
  else if (const auto* s = std::get_if<start_worker>(&message.what))
    start(*s);
  else if (const auto* d = std::get_if<deliver_reply>(&message.what))
    out = deliver(*d);
  else if (const auto* g = std::get_if<give_answer>(&message.what))
    out = answer(*g);
  else if (const auto* f = std::get_if<freeze_worker>(&message.what))
    out = freeze(*f);
  else if (const auto* t = std::get_if<thaw_worker>(&message.what))
    thaw(t->why);
  else if (const auto* r = std::get_if<renew_worker>(&message.what))
    out = renew(*r);
  else if (const auto* n = std::get_if<note_work>(&message.what))
    out = note(*n);
  else if (const auto* e = std::get_if<end_worker>(&message.what))
    out = end(*e);
  else
    goodbye = true;
  if (!out || message.ticket == 0 || from->worker_closed)
    return;
  auto* refused = std::get_if<failure>(&*out);
  if (refused)
    around_.told.say([&] { return name_of(id) + " refuses: " + refused->text; });
  auto at = from->up.end();
  if (std::holds_alternative<assign_worker>(message.what) && !refused)
    --at; // the answer comes ahead of the event `assigned`: whoever dispatches waits for it
  from->up.emplace(at, answered{message.ticket, std::move(*out)});
  const auto* h = std::get_if<say_hello>(&message.what);
  if (!h || refused)
    return;
  if (job)
    for (const auto& e : around_.files.transcripts[job->session])
      if (e.n > h->since)
        from->up.emplace_back(e);
  if (!said.empty())
    tell_output();
  if (ready && !job)
    from->up.emplace_back(worker_ready{id, version});
}

worker_answer worker::hello(const link_ptr& from, const say_hello& x) {
  if (x.epoch < epoch)
    return failure{errc::refused, "a newer supervisor has this worker"}; // SUP-1
  epoch = x.epoch;
  if (supervisor && supervisor != from) {
    supervisor->worker_closed = true;
    supervisor->down.clear();
  }
  supervisor = from;
  goodbye = lonely = false;
  worker_adopted out{id, over ? "ended" : job ? "assigned" : "spare", {}, last_, {}, {}};
  if (job)
    out.job = *job;
  return out;
}

void worker::see_close(const link_ptr& l) {
  std::erase(links, l);
  if (l != supervisor)
    return;
  supervisor.reset();
  if (over || !job)
    leave(); // POOL-7: a spare never outlives its supervisor
  else
    lonely = !goodbye; // SUP-12
}

bool worker::can_go_on() const {
  if (!alive || hung || frozen || over || harness_gone || !end_reason.empty())
    return false;
  if (!job)
    return warm && !ready;
  switch (inside.at) {
  case harness::phase::opening:
    return true;
  case harness::phase::open:
    return is_job() || (inside.running ? inside.asked.empty() && inside.refused == 0 : !inside.queue.empty());
  default:
    return false;
  }
}

/// `how` 0 is the shortest way to the end of what runs.
void worker::go_on(std::uint32_t how) {
  if (!job) {
    ready = true;
    around_.told.say([&] { return "the agent in spare " + name_of(id) + " is ready"; });
    if (supervisor)
      supervisor->up.emplace_back(worker_ready{id, version});
  } else if (is_job()) {
    run_job(how);
  } else if (inside.at == harness::phase::opening) {
    inside.at = harness::phase::open;
    emit("ready", {}, "agent-" + job->session.value);
  } else if (!inside.running) {
    pass_on();
  } else {
    run_turn(how);
  }
}

void worker::run_job(std::uint32_t how) {
  if (how % 4 == 1) { // its output does not travel as events, but for the line that the row shows
    said = "line " + std::to_string(around_.mono());
    tell_output();
    return;
  }
  inside.status = how % 4 == 2 ? 1 : 0;
  inside.signalled = how % 4 == 3;
  if (inside.signalled)
    inside.status = 9;
  harness_gone = true;
}

void worker::tell_output() {
  if (supervisor)
    supervisor->up.emplace_back(worker_output{id, job->session, said});
}

void worker::run_turn(std::uint32_t how) {
  if (!job->credentials.credentials.empty() && world::take(around_.faults.refusals)) {
    inside.refused = job->credentials.epoch;
    emit("credentials_refused", {}, {}, {}, static_cast<std::int64_t>(inside.refused));
    return;
  }
  switch (how % 10) {
  case 1:
  case 2:
    emit("text", {}, "agent", "I look at it");
    break;
  case 3:
    emit("tool", "t1", "in_progress", "reads a file");
    break;
  case 4:
    ask();
    break;
  case 5:
    declare_work();
    break;
  case 6:
    end_turn("error", "the provider does not answer");
    break;
  default:
    end_turn("end_turn", {});
  }
}

void worker::end_turn(const std::string& detail, const std::string& text) {
  settle_questions("the end of the turn");
  if (auto at = around_.files.trees.find(tree_path(job->session)); at != around_.files.trees.end())
    at->second.dirty = !at->second.dirty; // it changes something, or commits it
  if (around_.busy_forge)                 // its agent has pushed, and `gh` has printed the address
    name_pull({1, "https://github.com/o/r/pull/" + std::to_string(1 + job->session.value.back() % 2), "open"});
  auto key = *std::exchange(inside.running, std::nullopt);
  inside.refused = 0;
  emit("turn_ended", key, detail, text);
}

void worker::ask() {
  event e;
  e.what = "question";
  e.id = "q" + std::to_string(job->run) + "." + std::to_string(++questions_);
  e.text = "may I?";
  e.options = {{1, "Yes", "allow_once", "y"}, {2, "No", "reject_once", "n"}};
  inside.asked.push_back({e.id, e.text, e.options, around_.wall()});
  emit(std::move(e));
}

void worker::settle_questions(const std::string& by) {
  for (const auto& q : std::exchange(inside.asked, {})) {
    inside.settled[q.id] = by;
    emit("answered", q.id, by, "cancelled");
  }
}

void worker::show_work() {
  event e;
  e.what = "work";
  e.work = inside.work;
  e.work.insert(e.work.end(), declared.begin(), declared.end());
  emit(std::move(e));
}

void worker::declare_work() {
  auto n = std::to_string(++works_);
  inside.work.push_back({"work-" + n, "shell", "a server"});
  show_work();
}

void worker::end_work() {
  inside.work.pop_back();
  show_work();
}

void worker::attach() {
  thaw("attach");
  ++terminals;
  emit("attached", {}, {}, {}, terminals);
}

void worker::detach() {
  --terminals;
  emit("attached", {}, {}, {}, terminals);
}

void worker::harness_dies() {
  inside.signalled = true;
  inside.status = 11;
  inside.failure = "killed by signal 11";
  if (!job) {
    die("exited with status 1"); // a spare whose agent has died is no spare
    return;
  }
  harness_gone = true;
  settle_questions("the end of the agent");
}

} // namespace troupe::simulation
