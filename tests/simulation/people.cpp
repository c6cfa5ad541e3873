// What people ask for.
#include "tests/simulation/people.hpp"

#include <algorithm>

namespace troupe::simulation {

namespace {

const char* word_of(operation what) {
  static constexpr const char* words[] = {"dispatch an agent",
                                          "dispatch a job",
                                          "dispatch again",
                                          "reply",
                                          "reply again",
                                          "answer",
                                          "stop",
                                          "remove",
                                          "respawn",
                                          "rename",
                                          "pin",
                                          "unpin",
                                          "attach",
                                          "detach",
                                          "peek",
                                          "start work",
                                          "end work",
                                          "declare work",
                                          "end declared work",
                                          "log out",
                                          "log in",
                                          "leave",
                                          "connect",
                                          "daemon stop --keep-workers",
                                          "daemon stop"};
  return words[static_cast<std::size_t>(what)];
}

} // namespace

template <class Answer, class Message>
std::size_t people::ask(incarnation& at, asked who, Message m, std::chrono::seconds patience,
                        std::function<void(asked&, const Answer&)> granted) {
  auto n = requests.size();
  who.at = around_.mono();
  who.patience = std::chrono::milliseconds(patience).count() + 1000;
  around_.told.say([&] {
    return "#" + std::to_string(n) + " asks: " + word_of(who.what) + " " + who.session.value + " " + who.key;
  });
  requests.push_back(std::move(who));
  at.desk().ask<Answer>(std::move(m), patience, [this, n, granted](const Answer* got, const failure& error) {
    auto& r = requests[n];
    r.over = true;
    r.granted = got != nullptr;
    r.error = error;
    around_.told.say([&] { return "#" + std::to_string(n) + (got ? " is granted" : " is refused: " + error.text); });
    if (got && granted)
      granted(r, *got);
  });
  return n;
}

std::size_t people::dispatch_with(incarnation& at, const std::string& key, bool job) {
  dispatch m;
  m.key = key;
  m.digest = job ? "job" : "agent";
  m.origin = "shell";
  m.spec.kind = job ? "exec" : "agent";
  m.spec.harness = job ? "exec" : "native";
  m.spec.command = job ? std::vector<std::string>{"make"} : std::vector<std::string>{};
  m.spec.prompt = "fix the test";
  m.spec.cwd = keys_ % 4 == 3 ? "/other" : "/project";
  m.env = {{"SHELL", key}};
  asked who;
  who.what = job ? operation::dispatch_job : operation::dispatch_agent;
  who.key = key;
  who.text = m.digest;
  return ask<dispatched>(at, who, std::move(m), deadline::dispatch, [this](asked& r, const dispatched& d) {
    r.session = d.id;
    around_.seen.dispatch_granted(r.key, d.id);
  });
}

std::size_t people::dispatch_new(incarnation& at, bool job) {
  return dispatch_with(at, "key" + std::to_string(++keys_), job);
}

std::size_t people::reply(incarnation& at, const session_id& id, const std::string& key) {
  asked who;
  who.what = operation::reply;
  who.session = id;
  who.key = key;
  return ask<replied>(at, who, reply_to{id, key, "go on", {}}, deadline::ending,
                      [this](asked& r, const replied&) { around_.seen.reply_granted(r.session, r.key); });
}

std::size_t people::answer(incarnation& at, const session_id& id, const std::string& question) {
  asked who;
  who.what = operation::answer;
  who.session = id;
  who.key = "a" + std::to_string(++keys_);
  return ask<answer_taken>(at, who, answer_question{id, who.key, question, "1", "command"}, deadline::ending);
}

std::size_t people::stop(incarnation& at, const session_id& id) {
  asked who;
  who.what = operation::stop;
  who.session = id;
  return ask<done>(at, who, stop_session{id, "command"}, deadline::ending);
}

std::size_t people::remove(incarnation& at, const session_id& id, bool force) {
  asked who;
  who.what = operation::remove;
  who.session = id;
  return ask<done>(at, who, remove_session{id, "command", force, {}}, deadline::removing);
}

std::size_t people::respawn(incarnation& at, const session_id& id) {
  asked who;
  who.what = operation::respawn;
  who.session = id;
  return ask<done>(at, who, respawn_session{id, "command", {}}, deadline::ending);
}

std::size_t people::rename(incarnation& at, const session_id& id) {
  asked who;
  who.what = operation::rename;
  who.session = id;
  return ask<done>(at, who, rename_session{id, "name" + std::to_string(++keys_)}, deadline::ending);
}

std::size_t people::pin(incarnation& at, const session_id& id, bool pinned) {
  asked who;
  who.what = pinned ? operation::pin : operation::unpin;
  who.session = id;
  return ask<done>(at, who, pin_session{id, pinned}, deadline::ending);
}

std::size_t people::place(incarnation& at, const session_id& id, bool wake) {
  asked who;
  who.what = wake ? operation::attach : operation::peek;
  who.session = id;
  return ask<troupe::place>(at, who, find_place{id, wake, {}}, deadline::ending,
                            [this, wake](asked& r, const troupe::place& p) {
                              if (wake && !p.socket.empty())
                                attach(r.session);
                            });
}

std::size_t people::stop_supervisor(incarnation& at, bool keep_workers) {
  asked who;
  who.what = keep_workers ? operation::stop_keeping : operation::stop_all;
  return ask<supervisor_stopped>(at, who, troupe::stop_supervisor{true, keep_workers}, deadline::ending);
}

std::size_t people::declare(incarnation& at, const session_id& id, bool begins) {
  asked who;
  who.what = begins ? operation::declare : operation::end_declared;
  who.session = id;
  return ask<work_declared>(at, who, declare_work{id, begins, "deploy", "watch the rollout"}, deadline::ending);
}

void people::attach(const session_id& id) {
  auto* w = around_.holder(id);
  if (w && w->attachable())
    w->attach();
}

std::optional<session_id> people::some_session(std::uint32_t how, incarnation& at) const {
  const auto& rows = at.desk().rows;
  if (rows.empty())
    return std::nullopt;
  return std::next(rows.begin(), static_cast<std::ptrdiff_t>(how % rows.size()))->first;
}

void people::act(operation what, std::uint32_t how, incarnation& at) {
  switch (what) {
  case operation::dispatch_agent:
  case operation::dispatch_job:
    dispatch_new(at, what == operation::dispatch_job);
    break;
  case operation::dispatch_again:
    return again(operation::dispatch_agent, how, at);
  case operation::reply_again:
    return again(operation::reply, how, at);
  case operation::detach:
  case operation::start_work:
  case operation::end_work:
    return about_worker(what, how);
  case operation::logout:
    around_.log_out();
    return at.sign_out();
  case operation::login:
    around_.log_in();
    return at.credentials_changed();
  case operation::leave_alone:
  case operation::connect:
    connected = what == operation::connect ? 1 : 0;
    around_.told.say([&] { return std::to_string(connected) + " front ends are connected"; });
    return at.front_ends_now(connected);
  case operation::stop_keeping:
  case operation::stop_all:
    stop_supervisor(at, what == operation::stop_keeping);
    break;
  default:
    about_session(what, how, at);
  }
}

void people::again(operation first, std::uint32_t how, incarnation& at) {
  std::vector<std::size_t> fit;
  for (std::size_t i = 0; i < requests.size(); ++i) {
    auto what = requests[i].what == operation::dispatch_job ? operation::dispatch_agent : requests[i].what;
    if (what == first)
      fit.push_back(i);
  }
  if (fit.empty())
    return;
  auto old = requests[fit[how % fit.size()]];
  if (first == operation::reply)
    reply(at, old.session, old.key);
  else
    dispatch_with(at, old.key, old.text == "job");
}

void people::about_session(operation what, std::uint32_t how, incarnation& at) {
  auto id = some_session(how / 8, at);
  if (!id)
    return;
  const auto& row = at.desk().rows[*id];
  switch (what) {
  case operation::reply:
    reply(at, *id, "r" + std::to_string(++keys_));
    break;
  case operation::answer:
    if (!row.waiting.empty())
      answer(at, *id, how % 2 == 0 ? row.waiting.front().id : std::string());
    break;
  case operation::stop:
    stop(at, *id);
    break;
  case operation::remove:
    remove(at, *id, how % 3 == 0);
    break;
  case operation::respawn:
    respawn(at, *id);
    break;
  case operation::rename:
    rename(at, *id);
    break;
  case operation::pin:
  case operation::unpin:
    pin(at, *id, what == operation::pin);
    break;
  case operation::declare:
  case operation::end_declared:
    declare(at, *id, what == operation::declare);
    break;
  default:
    place(at, *id, what == operation::attach);
  }
}

void people::about_worker(operation what, std::uint32_t how) {
  std::vector<worker*> fit;
  for (auto& w : around_.workers)
    if (w->attachable() && w->end_reason.empty() && !w->harness_gone && !w->frozen &&
        (what == operation::start_work || (what == operation::detach ? w->terminals > 0 : !w->inside.work.empty())))
      fit.push_back(w.get());
  if (fit.empty())
    return;
  auto& w = *fit[how % fit.size()];
  if (what == operation::detach)
    w.detach();
  else if (what == operation::start_work)
    w.declare_work();
  else
    w.end_work();
}

void people::lose_all() {
  for (auto& r : requests)
    if (!r.over) {
      r.over = r.lost = true;
      around_.told.say([&] { return std::string("the answer to '") + word_of(r.what) + "' is lost"; });
    }
}

void people::check_patience() {
  for (std::size_t i = 0; i < requests.size(); ++i)
    if (!requests[i].over && around_.mono() - requests[i].at > requests[i].patience)
      around_.told.broken("every wait ends", "#" + std::to_string(i) + " " + word_of(requests[i].what) +
                                                 " was not answered within its deadline");
}

std::size_t people::waiting() const {
  return static_cast<std::size_t>(
      std::count_if(requests.begin(), requests.end(), [](const auto& r) { return !r.over; }));
}

} // namespace troupe::simulation
