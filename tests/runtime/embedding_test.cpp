// Troupe inside a program: every call of runtime/troupe.hpp, with real workers and with agents of the program's own.
#define CAF_SUITE embedding
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>
#include <tuple>

#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/troupe.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe::embed;
using namespace std::chrono_literals;
using troupe::test::sandbox;
namespace test = troupe::test;

namespace {

options in(const sandbox& s) {
  options o;
  o.directory = s.home();
  o.programs = std::getenv("TROUPE_BIN");
  return o;
}

std::unique_ptr<runtime> started(options o) {
  auto r = runtime::start(std::move(o));
  if (!r)
    throw std::runtime_error("not started: " + r.error().text);
  return std::move(*r);
}

dispatch job(const sandbox& s, std::vector<std::string> command) {
  dispatch d;
  d.kind = "exec";
  d.command = std::move(command);
  d.cwd = s.work();
  return d;
}

dispatch task(const sandbox& s, const std::string& harness, const std::string& prompt) {
  dispatch d;
  d.harness = harness;
  d.prompt = prompt;
  d.cwd = s.work();
  return d;
}

std::string state_of(runtime& r, const std::string& id) {
  auto now = r.wait({id}, 20s);
  return now ? now->front().state : now.error().text;
}

/// Reads the stream until an event of that kind; fails the test where none comes.
event until_event(event_stream& stream, const std::string& what, const std::string& detail = {}) {
  for (;;) {
    auto e = stream.next(20s);
    if (!e)
      throw std::runtime_error("no event '" + what + "': " + e.error().text);
    if (e->what == what && (detail.empty() || e->detail == detail))
      return *e;
  }
}

/// The session's row once it is as wanted: rows follow events.
session row_when(runtime& r, const std::string& id, const std::function<bool(const session&)>& holds) {
  auto changes = *r.subscribe();
  for (const auto& x : changes->snapshot())
    if (x.id == id && holds(x))
      return x;
  for (;;) {
    auto c = changes->next(20s);
    if (!c)
      throw std::runtime_error("the row does not come: " + c.error().text);
    if (c->now.id == id && holds(c->now))
      return c->now;
  }
}

/// Something that a test waits for, told from another thread.
class signal_box {
public:
  void raise() {
    std::lock_guard guard(mutex_);
    up_ = true;
    changed_.notify_all();
  }
  bool wait() {
    std::unique_lock guard(mutex_);
    return changed_.wait_for(guard, 20s, [&] { return up_; });
  }

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool up_ = false;
};

using prompt_taker = std::function<void(conversation, turn)>;

/// An agent that does what a test says.
class scripted : public agent {
public:
  explicit scripted(prompt_taker take, std::function<void(const beginning&)> look = {},
                    std::function<void()> cancelled = {})
      : take_(std::move(take)), look_(std::move(look)), cancelled_(std::move(cancelled)) {}
  result<std::string> initialize(const beginning& how, conversation way) override {
    way_.emplace(std::move(way));
    if (look_)
      look_(how);
    return std::string("conversation-1");
  }
  void prompt(turn now) override { take_(*way_, std::move(now)); }
  void cancel() override {
    if (cancelled_)
      cancelled_();
  }

private:
  std::optional<conversation> way_;
  prompt_taker take_;
  std::function<void(const beginning&)> look_;
  std::function<void()> cancelled_;
};

agent_maker scripts(prompt_taker take, std::function<void(const beginning&)> look = {},
                    std::function<void()> cancelled = {}) {
  return [=] { return std::make_unique<scripted>(take, look, cancelled); };
}

} // namespace

// BEYOND-10, JSON-1
CAF_TEST(a shell job runs in a worker of an embedded runtime and its end is known) {
  sandbox s;
  auto r = started(in(s));
  auto d = r->dispatch(job(s, {"/bin/sh", "-c", "echo hello; exit 3"}));
  CAF_REQUIRE(d);
  auto ended = r->wait({d->id}, 20s);
  CAF_REQUIRE(ended);
  CAF_CHECK_EQUAL(ended->front().state, "failed");
  CAF_CHECK_EQUAL(ended->front().exit_status, 3);
  auto all = r->list();
  CAF_REQUIRE(all);
  CAF_REQUIRE_EQUAL(all->size(), 1u);
  CAF_CHECK_EQUAL(all->front().sentence, "/bin/sh -c echo hello; exit 3");
  CAF_CHECK(!r->why(d->id)->empty());
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK(s.processes().empty());
}

// BEYOND-10
CAF_TEST(changes come numbered from a snapshot on and a slow subscriber is told to subscribe again) {
  sandbox s;
  auto r = started(in(s));
  auto d = r->dispatch(job(s, {"/bin/sleep", "600"}));
  CAF_REQUIRE(d);
  auto fast = r->subscribe(), slow = r->subscribe(1);
  CAF_REQUIRE(fast && slow);
  CAF_REQUIRE((*fast)->snapshot().size() == 1);
  CAF_CHECK(!r->rename(d->id, "one"));
  CAF_CHECK(!r->rename(d->id, "two"));
  CAF_CHECK(!r->rename(d->id, "three"));
  CAF_CHECK(!r->remove("three"));
  auto seq = (*fast)->seq();
  std::vector<std::string> names;
  for (;;) {
    auto c = (*fast)->next(10s);
    CAF_REQUIRE(c);
    CAF_CHECK_EQUAL(c->seq, ++seq);
    if (c->removed)
      break;
    if (names.empty() || names.back() != c->now.name)
      names.push_back(c->now.name);
  }
  if (names.front().empty())
    names.erase(names.begin());
  CAF_CHECK_EQUAL(names, (std::vector<std::string>{"one", "two", "three"}));
  CAF_CHECK((*slow)->next(0ms));
  CAF_CHECK((*slow)->next(0ms).error().code == errc::lost);
  CAF_CHECK((*r->subscribe())->snapshot().empty());
  CAF_CHECK((*fast)->next(0ms).error().code == errc::timed_out);
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK((*fast)->next(10s).error().code == errc::ended);
}

// NAT-3, REST-5, BEYOND-7
CAF_TEST(an offline agent asks is answered and takes a reply) {
  sandbox s;
  auto r = started(in(s));
  auto d = r->dispatch(task(s, "native", "ask Shall I?\nsay Then I am done."));
  CAF_REQUIRE(d);
  auto events = r->follow(d->id);
  CAF_REQUIRE(events);
  auto q = until_event(**events, "question");
  CAF_CHECK_EQUAL(q.text, "Shall I?");
  CAF_CHECK_EQUAL(state_of(*r, d->id), "blocked");
  CAF_CHECK(r->get(d->id)->waiting->id == q.id);
  CAF_CHECK(r->answer(d->id, "allow_once"));
  CAF_CHECK(r->answer(d->id, "allow_once", q.id).error().code == errc::answered);
  until_event(**events, "turn_ended");
  auto replied = r->reply(d->id, "say And this too.", "a-key-of-mine");
  CAF_REQUIRE(replied);
  CAF_CHECK_EQUAL(*replied, "delivered");
  CAF_CHECK(until_event(**events, "taken").id == "a-key-of-mine");
  until_event(**events, "turn_ended");
  CAF_CHECK_EQUAL(state_of(*r, d->id), "done");
  auto again = r->follow(d->id, q.n - 1);
  CAF_CHECK((*again)->next(0ms)->n == q.n); // resumed by number
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK(s.processes().empty());
}

// BEYOND-10
CAF_TEST(a terminal is attached to a job and typed into and told its end) {
  sandbox s;
  auto r = started(in(s));
  auto d = r->dispatch(job(s, {"/bin/sh", "-c", "stty size; read word; echo got $word; exit 4"}));
  CAF_REQUIRE(d);
  auto t = r->attach(d->id, 30, 90);
  for (int i = 0; !t && i < 1000; ++i) // until the harness has started
    t = r->attach(d->id, 30, 90);
  CAF_REQUIRE(t);
  auto viewer = r->attach(d->id, 30, 90, true);
  CAF_REQUIRE(viewer);
  CAF_CHECK((*viewer)->write("no").code == errc::wrong_state);
  CAF_CHECK(!(*t)->write("it\r"));
  std::string all;
  terminal::output last;
  while (!last.ended) {
    auto o = (*t)->read(20s);
    CAF_REQUIRE(o);
    last = *o;
    all += last.bytes;
  }
  CAF_CHECK(all.find("got it") != std::string::npos);
  CAF_CHECK_EQUAL(last.status, 4);
  CAF_CHECK((*t)->read(0ms).error().code == errc::worker_gone);
  CAF_CHECK_EQUAL(state_of(*r, d->id), "failed");
  CAF_CHECK(r->attach(d->id).error().code == errc::not_running);
  CAF_CHECK(!r->end(workers::stop));
}

// BEYOND-7, KEEP-2, ENV-7, STATE-2
CAF_TEST(an agent of the program asks a question tells its steps and stays at work after its turn) {
  sandbox s;
  beginning told;
  std::optional<conversation> kept;
  std::string chosen;
  auto o = in(s);
  o.env = environment{{"PATH", "/usr/bin:/bin"}, {"ANTHROPIC_API_KEY", "secret"}};
  o.agents["mine"] = scripts(
      [&](conversation way, turn now) {
        way.text("I was asked: " + now.prompt());
        way.tool("step", "look around", "in_progress");
        way.tool("step", "look around", "completed");
        auto answer = way.ask("May I?", {{"Yes", "allow_once"}, {"No", "reject_once"}}, 20s);
        chosen = answer ? answer->name : answer.error().text;
        way.active_work({{"server", "shell", "the dev server"}});
        kept = way;
        now.end();
      },
      [&](const beginning& how) { told = how; });
  auto r = started(std::move(o));
  auto d = r->dispatch(task(s, "mine", "do the work"));
  CAF_REQUIRE(d);
  CAF_CHECK_EQUAL(d->harness, "mine");
  auto events = *r->follow(d->id);
  auto q = until_event(*events, "question");
  auto asks = row_when(*r, d->id, [](const session& x) { return x.waiting.has_value(); });
  CAF_CHECK_EQUAL(asks.state, "blocked");
  CAF_CHECK_EQUAL(asks.waiting->id, q.id);
  CAF_CHECK_EQUAL(asks.waiting->options.size(), 2u);
  CAF_CHECK(*r->answer(d->id, "2") == "No");
  CAF_CHECK(until_event(*events, "answered").text == "No");
  until_event(*events, "turn_ended", "end_turn");
  CAF_CHECK_EQUAL(chosen, "No");
  auto row = row_when(*r, d->id, [](const session& x) { return !x.active_work.empty() && !x.waiting; });
  CAF_CHECK_EQUAL(row.state, "working"); // KEEP-2
  CAF_CHECK_EQUAL(row.active_work.front().title, "the dev server");
  CAF_CHECK_EQUAL(row.pid, ::getpid());
  CAF_CHECK(!kept->active_work({}));
  CAF_CHECK_EQUAL(state_of(*r, d->id), "done");
  CAF_CHECK_EQUAL(told.session, d->id);
  CAF_CHECK_EQUAL(told.cwd, s.work());
  CAF_CHECK_EQUAL(told.credentials, (environment{{"ANTHROPIC_API_KEY", "secret"}}));
  CAF_CHECK(
      std::count(told.env.begin(), told.env.end(), std::pair<std::string, std::string>("TROUPE_SESSION_ID", d->id)));
  std::uint64_t n = 0;
  auto whole = *r->follow(d->id);
  for (auto e = whole->next(0ms); e; e = whole->next(0ms))
    CAF_CHECK_EQUAL(e->n, ++n); // one transcript, numbered without gap
  CAF_CHECK(n > 10);
  CAF_CHECK(r->attach(d->id).error().code == errc::wrong_state);
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK(kept->text("late").code == errc::ended);
}

// REST-1
CAF_TEST(an agent that throws is made anew and told of its interruption) {
  sandbox s;
  std::atomic<int> runs = 0;
  std::vector<std::string> prompts;
  beginning second;
  auto o = in(s);
  o.agents["mine"] = scripts(
      [&](conversation way, turn now) {
        if (runs == 1)
          throw std::runtime_error("a fault");
        prompts.push_back(now.prompt());
        way.text("well");
        now.end();
      },
      [&](const beginning& how) {
        if (++runs == 2)
          second = how;
      });
  auto r = started(std::move(o));
  auto d = r->dispatch(task(s, "mine", "do the work"));
  CAF_REQUIRE(d);
  CAF_CHECK_EQUAL(state_of(*r, d->id), "done");
  CAF_CHECK_EQUAL(runs.load(), 2);
  CAF_CHECK(second.resumed);
  CAF_CHECK_EQUAL(second.conversation, "conversation-1");
  CAF_REQUIRE_EQUAL(prompts.size(), 1u);
  CAF_CHECK(prompts.front().find("started again") != std::string::npos); // REST-4
  auto why = r->why(d->id);
  CAF_REQUIRE(why);
  for (const auto& line : *why)
    CAF_CHECK(line.find("different") == std::string::npos); // BEYOND-5: it has what it was meant to have
  CAF_CHECK(!r->end(workers::keep));
}

// REST-2
CAF_TEST(a stopped agent is told and ends its turn and one that does not is ended without it) {
  sandbox s;
  signal_box works, stuck, release;
  auto o = in(s);
  o.agent_grace = 200ms;
  o.agents["good"] = scripts([&](conversation, turn now) {
    works.raise();
    while (!now.cancelled())
      std::this_thread::yield();
    now.end("cancelled");
  });
  o.agents["bad"] = scripts([&](conversation, turn now) {
    stuck.raise();
    release.wait();
    now.end();
  });
  auto r = started(std::move(o));
  auto good = r->dispatch(task(s, "good", "do the work")), bad = r->dispatch(task(s, "bad", "do the work"));
  CAF_REQUIRE(good && bad);
  CAF_REQUIRE(works.wait() && stuck.wait());
  CAF_CHECK(!r->stop(good->id));
  CAF_CHECK(r->get(good->id)->state == "stopped");
  CAF_CHECK(!r->stop(bad->id));
  CAF_CHECK(r->get(bad->id)->state == "stopped");
  auto left = r->end(workers::stop, 500ms);
  CAF_CHECK(left.code == errc::timed_out); // its call has not returned
  CAF_CHECK(r->has_ended());
  release.raise();
}

// BEYOND-10
CAF_TEST(a call from an agent that would wait for itself is refused and others are served) {
  sandbox s;
  runtime* at = nullptr;
  std::vector<errc> got;
  std::size_t listed = 0;
  auto o = in(s);
  o.agents["mine"] = scripts([&](conversation, turn now) {
    auto mine = at->list();
    listed = mine->size();
    auto id = mine->front().id;
    got = {at->stop(id).code, at->remove(id).code, at->respawn(id).code, at->wait({id}, 1s).error().code,
           at->end(workers::stop).code};
    now.end();
  });
  auto r = started(std::move(o));
  at = r.get();
  auto d = r->dispatch(task(s, "mine", "do the work"));
  CAF_REQUIRE(d);
  CAF_CHECK_EQUAL(state_of(*r, d->id), "done");
  CAF_CHECK_EQUAL(listed, 1u);
  CAF_CHECK_EQUAL(got.size(), 5u);
  for (auto code : got)
    CAF_CHECK(code == errc::would_deadlock);
  CAF_CHECK(!r->end(workers::stop));
}

// SUP-1, BEYOND-10
CAF_TEST(two runtimes run at once and a second one on a directory is refused) {
  sandbox a, b;
  auto one = started(in(a)), two = started(in(b));
  auto refused = runtime::start(in(a));
  CAF_REQUIRE(!refused);
  CAF_CHECK(refused.error().code == errc::in_use);
  auto x = one->dispatch(job(a, {"/bin/true"})), y = two->dispatch(job(b, {"/bin/false"}));
  CAF_REQUIRE(x && y);
  CAF_CHECK_EQUAL(state_of(*one, x->id), "done");
  CAF_CHECK_EQUAL(state_of(*two, y->id), "failed");
  CAF_CHECK(one->list()->size() == 1u);
  CAF_CHECK(!one->end(workers::stop));
  CAF_CHECK(two->list()->size() == 1u);
  auto again = started(in(a)); // the directory is free at once
  CAF_CHECK(again->list()->size() == 1u);
  CAF_CHECK(again->status()->epoch > 1);
}

CAF_TEST(bad arguments are refused by name) {
  sandbox s;
  auto o = in(s);
  o.directory = "relative";
  CAF_CHECK(runtime::start(o).error().code == errc::bad_request);
  o = in(s);
  o.settings = R"({"warmPool": {"size": "many"}})";
  CAF_CHECK(runtime::start(o).error().code == errc::bad_request);
  o = in(s);
  o.agents["native"] = [] { return std::unique_ptr<agent>(); };
  CAF_CHECK(runtime::start(o).error().code == errc::bad_request);
  auto r = started(in(s));
  CAF_CHECK(r->dispatch(task(s, "nobody", "do the work")).error().code == errc::bad_request);
  auto d = job(s, {"/bin/true"});
  d.cwd = "/no/such/place";
  CAF_CHECK(r->dispatch(d).error().code == errc::directory);
  CAF_CHECK(r->get("nothing").error().code == errc::no_such_session);
  CAF_CHECK(r->subscribe(0).error().code == errc::bad_request);
}

// BEYOND-10
CAF_TEST(after the end every call says so at once) {
  sandbox s;
  auto r = started(in(s));
  auto changes = *r->subscribe();
  auto d = r->dispatch(job(s, {"/bin/true"}));
  CAF_REQUIRE(d);
  auto events = *r->follow(d->id);
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK(r->end(workers::stop).code == errc::ended);
  CAF_CHECK(r->has_ended());
  CAF_CHECK(r->list().error().code == errc::ended);
  CAF_CHECK(r->dispatch(job(s, {"/bin/true"})).error().code == errc::ended);
  CAF_CHECK(r->stop(d->id).code == errc::ended);
  CAF_CHECK(r->subscribe().error().code == errc::ended);
  while (changes->next(10s)) {
  }
  CAF_CHECK(changes->next(10s).error().code == errc::ended);
  while (events->next(10s)) {
  }
  CAF_CHECK(events->next(10s).error().code == errc::ended);
}

// SUP-4, SUP-5, KEEP-8
CAF_TEST(kept workers are adopted by the next runtime and stopped ones leave no process) {
  sandbox s;
  std::string id;
  std::int32_t pid = 0;
  {
    auto r = started(in(s));
    id = r->dispatch(job(s, {"/bin/sleep", "600"}))->id;
    pid = r->get(id)->pid;
    until_event(**r->follow(id), "started");
    CAF_CHECK(!r->end(workers::keep));
  }
  CAF_CHECK_EQUAL(s.processes().size(), 2u); // the worker and its job
  auto r = started(in(s));
  CAF_CHECK(r->get(id)->pid == pid);
  CAF_CHECK(r->get(id)->state == "working");
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK(s.processes().empty());
  CAF_CHECK_EQUAL(::waitpid(pid, nullptr, WNOHANG), -1); // no zombie either
}

// REST-1, REST-4, REST-5, STATE-4
CAF_TEST(a session inside ends with its runtime and goes on in the next that has its agent) {
  sandbox s;
  signal_box begun;
  std::string id;
  {
    auto o = in(s);
    o.agents["mine"] = scripts([&](conversation way, turn now) {
      way.text("half");
      begun.raise();
      std::ignore = way.ask("Shall I wait?", {{"Yes", "allow_once"}}, 60s);
      now.end();
    });
    auto r = started(std::move(o));
    id = r->dispatch(task(s, "mine", "do the work"))->id;
    CAF_REQUIRE(begun.wait());
    CAF_CHECK(!r->end(workers::keep));
  }
  beginning how;
  std::vector<std::string> prompts;
  auto o = in(s);
  o.agents["mine"] = scripts(
      [&](conversation, turn now) {
        prompts.push_back(now.prompt());
        now.end();
      },
      [&](const beginning& b) { how = b; });
  auto r = started(std::move(o));
  CAF_CHECK_EQUAL(state_of(*r, id), "done");
  CAF_CHECK(how.resumed);
  CAF_REQUIRE_EQUAL(prompts.size(), 1u);
  CAF_CHECK(prompts.front().find("do the work") == std::string::npos); // not sent twice
  CAF_CHECK(!r->end(workers::keep));
}

// REST-1
CAF_TEST(a session inside fails with the reason where its agent is not there) {
  sandbox s;
  std::string id;
  {
    auto o = in(s);
    o.agents["mine"] = scripts([&](conversation way, turn now) {
      std::ignore = way.ask("Shall I wait?", {{"Yes", "allow_once"}}, 60s);
      now.end();
    });
    auto r = started(std::move(o));
    id = r->dispatch(task(s, "mine", "do the work"))->id;
    auto events = *r->follow(id);
    until_event(*events, "question");
    CAF_CHECK(!r->end(workers::keep));
  }
  auto row = s.row(id); // by a troupe-supervisor of its own
  test::until(s, [&] { return s.field(id, "state") == "failed"; });
  CAF_CHECK(s.field(id, "sentence").get<std::string>().find("'mine'") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// FILES-2, JSON-1, SUP-4
CAF_TEST(the command line reaches a runtime with a control socket and none without) {
  sandbox s;
  {
    auto without = started(in(s));
    CAF_CHECK(without->status()->socket.empty());
    CAF_CHECK_EQUAL(s.troupe({"daemon", "status"}).status, 1);
  }
  auto o = in(s);
  o.control_socket = true;
  auto r = started(std::move(o));
  auto id = s.bg({"--exec", "exit 5"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 5);
  CAF_CHECK(r->get(id)->exit_status == 5);
  CAF_CHECK_EQUAL(s.rows().size(), 1u);
  CAF_CHECK(r->status()->socket == s.home() + "/supervisor.sock");
  CAF_CHECK_EQUAL(s.troupe({"daemon", "stop"}).status, 0);
  while (!r->has_ended())
    std::this_thread::yield();
  CAF_CHECK(r->list().error().code == errc::ended);
}

CAF_TEST(the host process keeps its children its signals and its umask) {
  sandbox s;
  struct sigaction before[65] = {};
  for (int i = 1; i < 65; ++i)
    ::sigaction(i, nullptr, &before[i]);
  auto mask = ::umask(031);
  auto r = started(in(s));
  int child = s.start({"--version"}, "version");
  auto d = r->dispatch(job(s, {"/bin/true"}));
  CAF_REQUIRE(d);
  CAF_CHECK_EQUAL(state_of(*r, d->id), "done");
  for (int i = 1; i < 65; ++i) {
    struct sigaction now {};
    ::sigaction(i, nullptr, &now);
    CAF_CHECK(now.sa_handler == before[i].sa_handler);
  }
  CAF_CHECK(!r->end(workers::stop));
  CAF_CHECK_EQUAL(::umask(mask), 031u);
  CAF_CHECK_EQUAL(test::wait_for(child), 0); // it was ours to reap
}
