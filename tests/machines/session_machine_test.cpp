// The session's machine, event by event and in random orders.
#define CAF_SUITE session_machine
#include <algorithm>
#include <random>

#include "caf/test/unit_test.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;
namespace sm = troupe::session_machine;

// STATE-1, STATE-2: written ahead of what it starts
CAF_TEST(a dispatch is claimed and assigned and started in order) {
  session s;
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::begin{})), 1u);
  auto e = s.on(sm::granted{s.fresh(), true});
  CAF_CHECK(std::holds_alternative<sm::record>(e[0]) && std::holds_alternative<sm::assign>(e[1]));
  CAF_CHECK_EQUAL(sm::look(s.m).process, "starting");
  e = s.on(sm::held{{{"s"}, 1, "/", "", 0}});
  CAF_CHECK(wrote(e, "assigned"));
  CAF_CHECK_EQUAL(std::get<sm::answer_dispatch>(e[1]).code, errc::ok);
  CAF_CHECK_EQUAL(count<sm::start>(e), 0u); // SUP-11: assign starts nothing
  e = s.on(sm::permitted{});
  CAF_CHECK(wrote(e, "start") && count<sm::start>(e) == 1);
  CAF_CHECK_EQUAL(s.state(), "working");
}

// POOL-6
CAF_TEST(a worker that refuses is killed and seen dead before the next is asked) {
  session s;
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), true});
  auto e = s.on(sm::not_held{"late", errc::timed_out, s.m.known.run});
  CAF_CHECK(count<sm::kill>(e) == 1 && count<sm::claim>(e) == 0);
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::gone{{99}, "another"})), 0u);
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::gone{s.worker(), "killed"})), 1u);
  CAF_CHECK_EQUAL(count<sm::answer_dispatch>(s.all), 0u); // the user sees one session start
}

// KEEP-8
CAF_TEST(a worker that is granted too late is ended) {
  session s;
  s.on(sm::begin{});
  s.on(sm::asked_stop{"x"});
  CAF_CHECK_EQUAL(s.state(), "stopped");
  CAF_CHECK_EQUAL(count<sm::kill>(s.on(sm::granted{s.fresh(), false})), 1u);
}

// REST-1
CAF_TEST(a worker that ends in a turn is restarted at once and then with back off and at most five times) {
  session s;
  s.on(sm::begin{});
  std::vector<std::int64_t> delays;
  for (int i = 0; i < 6; ++i) {
    s.run();
    s.turn();
    auto e = s.on(sm::gone{s.worker(), "killed by signal 9"});
    if (i == 0)
      CAF_CHECK_EQUAL(count<sm::claim>(e), 1u);
    for (const auto& x : e)
      if (const auto* t = std::get_if<sm::arm>(&x)) {
        delays.push_back(t->ms);
        s.on(sm::elapsed{t->which, t->generation});
      }
  }
  CAF_CHECK_EQUAL(delays, (std::vector<std::int64_t>{1000, 2000, 4000, 8000}));
  CAF_CHECK_EQUAL(s.state(), "failed");
}

// REST-1: by the harness's own last words; those of its worker say nothing
CAF_TEST(a session that ended too often says what its harness said last) {
  session s;
  s.on(sm::begin{});
  for (int i = 0; i < 6; ++i) {
    s.run();
    s.happens("ended", {}, "exited", 7, "the agent ended: bad option -x");
    for (const auto& x : s.on(sm::gone{s.worker(), "exited 0"}))
      if (const auto* t = std::get_if<sm::arm>(&x))
        s.on(sm::elapsed{t->which, t->generation});
  }
  CAF_CHECK_EQUAL(s.state(), "failed");
  CAF_CHECK_EQUAL(s.m.known.sentence, "ended 6 times in ten minutes: the agent ended: bad option -x");
}

// REST-1: never a shell job
CAF_TEST(a shell job is not run again) {
  session s("exec");
  s.run();
  auto e = s.on(sm::gone{s.worker(), "killed by signal 9"});
  CAF_CHECK_EQUAL(count<sm::claim>(e), 0u);
  CAF_CHECK_EQUAL(s.state(), "failed");
}

// REST-5, KEEP-1
CAF_TEST(a reply that is taken and not sent yet is work and keeps the worker) {
  session s;
  s.run();
  s.turn();
  s.happens("turn_ended", "first", "end_turn");
  CAF_CHECK_EQUAL(s.state(), "done");
  s.happens("taken", "k2");
  CAF_CHECK_EQUAL(s.state(), "working");
  CAF_CHECK(!s.m.known.at_rest());
  CAF_CHECK_EQUAL(count<sm::end>(s.on(sm::elapsed{sm::timer::rest, s.m.rest_generation})), 0u);
  CAF_CHECK(wrote(s.on(sm::gone{s.worker(), "killed by signal 9"}), "restart"));
  s.run();
  s.happens("sent", "k2");
  s.happens("turn_ended", "k2", "end_turn");
  CAF_CHECK(s.m.known.at_rest());
}

// REST-5
CAF_TEST(a restart tells of the interruption and sends no prompt again) {
  session s;
  s.run();
  s.turn();
  s.on(sm::gone{s.worker(), "x"});
  auto e = s.on(sm::granted{s.fresh(), false});
  const auto& a = std::get<sm::assign>(e[1]);
  CAF_CHECK(a.resume && a.interrupted);
}

// REST-2, F-07
CAF_TEST(in random orders nothing that was stopped starts again by itself) {
  for (unsigned seed = 1; seed <= 5000; ++seed) {
    std::mt19937 r(seed);
    session s(r() % 2 ? "agent" : "exec");
    s.on(sm::begin{});
    int dispatch_answers = 0;
    bool stopped = false;
    for (int step = 0; step < 40; ++step) {
      auto before = s.all.size();
      switch (r() % 13) {
      case 0:
        s.on(sm::granted{s.fresh(), true});
        break;
      case 1:
        s.on(sm::not_granted{"no", errc::draining});
        break;
      case 2:
        s.on(sm::held{{s.m.known.id, s.m.known.run, "/", "", 0}});
        break;
      case 3:
        s.on(sm::not_held{"no", errc::refused, s.m.known.run});
        break;
      case 4:
        s.on(sm::permitted{});
        break;
      case 5:
        s.happens("started");
        break;
      case 6:
        s.turn();
        break;
      case 7:
        s.happens("turn_ended", {}, "end_turn");
        break;
      case 8:
        s.on(sm::gone{s.worker(), "gone"});
        break;
      case 9:
        s.happens("ended", {}, "exited");
        break;
      case 10:
        s.on(sm::elapsed{static_cast<sm::timer>(r() % 5), r() % 2 ? s.m.generation : s.m.rest_generation});
        break;
      case 11:
        s.on(sm::end_refused{"later", s.worker()});
        break;
      default:
        if (step > 20) {
          s.on(sm::asked_stop{"test"});
          stopped = true;
        }
      }
      std::vector<sm::effect> now(s.all.begin() + static_cast<std::ptrdiff_t>(before), s.all.end());
      for (const auto& x : now)
        if (const auto* a = std::get_if<sm::answer_dispatch>(&x))
          dispatch_answers += a->code == errc::ok;
      if (stopped) {
        CAF_REQUIRE_EQUAL(count<sm::claim>(now), 0u);
        CAF_REQUIRE_EQUAL(count<sm::start>(now), 0u);
      }
    }
    CAF_REQUIRE(dispatch_answers <= static_cast<int>(s.m.known.run));
  }
}

// REST-2: but a reply written after the stop
CAF_TEST(a reply after the stop starts it again) {
  session s;
  s.run();
  s.turn();
  s.on(sm::asked_stop{"x"});
  s.happens("ended", "stop", "exited");
  s.on(sm::gone{s.worker(), "x"});
  CAF_CHECK_EQUAL(s.state(), "stopped");
  auto e = s.on(sm::asked_reply{"key", "go on"});
  CAF_CHECK(wrote(e, "reply") && count<sm::claim>(e) == 1);
}

// REST-5
CAF_TEST(a shell command is not kept for a session that does not run) {
  session s;
  s.run();
  s.turn();
  CAF_CHECK_EQUAL(count<sm::deliver>(s.on(sm::asked_reply{"k1", "! make test"})), 1u);
  s.happens("taken", "k1");
  s.on(sm::asked_stop{"x"});
  s.happens("ended", "stop", "exited");
  s.on(sm::gone{s.worker(), "x"});
  auto e = s.on(sm::asked_reply{"k2", "! make test"});
  CAF_CHECK(count<sm::refuse>(e) == 1 && !wrote(e, "reply"));
  CAF_CHECK_EQUAL(count<sm::claim>(e), 0u);
}

// KEEP-1, KEEP-3
CAF_TEST(the rest clock starts anew with each event and only at rest) {
  session s;
  s.run();
  s.turn();
  CAF_CHECK_EQUAL(count<sm::arm>(s.happens("text", {}, "agent")), 0u); // a turn runs
  auto first = s.happens("turn_ended", "first", "end_turn");
  CAF_REQUIRE_EQUAL(count<sm::arm>(first), 1u);
  auto stale = std::get<sm::arm>(first.back());
  s.happens("attached", {}, {}, 1);
  CAF_CHECK_EQUAL(count<sm::end>(s.on(sm::elapsed{sm::timer::rest, stale.generation})), 0u);
  auto detached = s.happens("attached", {}, {}, 0);
  CAF_REQUIRE_EQUAL(count<sm::arm>(detached), 1u);
  auto e = s.on(sm::elapsed{sm::timer::rest, std::get<sm::arm>(detached.back()).generation});
  CAF_REQUIRE_EQUAL(count<sm::end>(e), 1u);
  CAF_CHECK(wrote(e, "reap"));
}

// KEEP-1
CAF_TEST(a pinned session is not reaped) {
  session s;
  s.run();
  s.turn();
  s.happens("turn_ended", "first", "end_turn");
  s.on(sm::asked_pin{true});
  CAF_CHECK_EQUAL(count<sm::end>(s.on(sm::elapsed{sm::timer::rest, s.m.rest_generation})), 0u);
}

// KEEP-5
CAF_TEST(a reply that races the reaper wins and is delivered once) {
  session s;
  s.run();
  s.turn();
  s.happens("turn_ended", "first", "end_turn");
  CAF_CHECK_EQUAL(count<sm::end>(s.on(sm::elapsed{sm::timer::rest, s.m.rest_generation})), 1u);
  s.on(sm::asked_reply{"k", "wait"});
  auto e = s.on(sm::end_refused{"a later event", s.worker()}); // the worker refuses: it goes on
  CAF_CHECK_EQUAL(count<sm::deliver>(e), 1u);
  s.happens("taken", "k");
  CAF_CHECK(s.m.known.replies.empty());
}

// KEEP-5
CAF_TEST(a reply that comes while the worker ends goes to the next one) {
  session s;
  s.run();
  s.turn();
  s.happens("turn_ended", "first", "end_turn");
  s.on(sm::elapsed{sm::timer::rest, s.m.rest_generation});
  s.on(sm::asked_reply{"k", "wait"});
  s.happens("ended", "reap", "exited");
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::gone{s.worker(), "exited 0"})), 1u);
  s.run();
  CAF_CHECK_EQUAL(count<sm::deliver>(s.all), 1u);
}

// KEEP-7
CAF_TEST(the row of a shell job goes five minutes after it ended with 0) {
  session s("exec");
  s.run();
  s.happens("ended", {}, "exited", 0);
  auto e = s.on(sm::gone{s.worker(), "exited 0"});
  CAF_CHECK(wrote(e, "settled"));
  auto timer = std::get<sm::arm>(e.back());
  CAF_CHECK_EQUAL(timer.ms, 300'000);
  e = s.on(sm::elapsed{timer.which, timer.generation});
  CAF_CHECK(wrote(e, "removed") && count<sm::forget>(e) == 1);
}

// SUP-11
CAF_TEST(a dispatch that no worker holds waits a minute for its key and fails) {
  session s;
  s.m.known.key = "k";
  auto e = s.on(sm::restored{false});
  auto timer = std::get<sm::arm>(e.back());
  CAF_CHECK_EQUAL(timer.ms, 60'000);
  s.on(sm::elapsed{timer.which, timer.generation});
  CAF_CHECK_EQUAL(s.state(), "failed");
}

// SUP-5, F-23
CAF_TEST(a worker that does not answer is unknown and never taken for dead) {
  session s;
  s.run();
  auto known = s.m.known;
  session t;
  t.m.known = known;
  CAF_CHECK_EQUAL(count<sm::adopt>(t.on(sm::restored{true})), 1u);
  auto e = t.on(sm::not_adopted{false, "no answer"});
  CAF_CHECK_EQUAL(t.state(), "unknown");
  CAF_CHECK_EQUAL(count<sm::claim>(e), 0u);
  auto timer = std::get<sm::arm>(e.back());
  CAF_CHECK_EQUAL(count<sm::adopt>(t.on(sm::elapsed{timer.which, timer.generation})), 1u);
  t.on(sm::not_adopted{false, "no answer"});
  CAF_CHECK_EQUAL(count<sm::kill>(t.on(sm::asked_stop{"x"})), 1u);
}

// STATE-2: events of an older run change nothing
CAF_TEST(the word of an older run changes nothing but what it took) {
  session s;
  s.run();
  s.turn();
  s.on(sm::gone{s.worker(), "x"});
  s.run();
  event old;
  old.n = ++s.events;
  old.run = 1;
  old.what = "ended";
  s.on(sm::happened{old});
  CAF_CHECK(!s.m.known.ended);
}

// STATE-2, REST-2
CAF_TEST(what was settled behind the last line of the transcript stays settled over a restart) {
  std::vector<ledger_entry> ledger;
  std::vector<event> transcript;
  for (const char* what : {"started", "ready", "sent"}) {
    event e;
    e.n = transcript.size() + 1;
    e.run = 1;
    e.what = what;
    transcript.push_back(e);
  }
  for (const char* what : {"claimed", "settled"}) {
    ledger_entry e;
    e.n = ledger.size() + 1;
    e.run = 1;
    e.what = what;
    e.seen = what == std::string("settled") ? 3 : 0;
    e.facts = {{"state", "failed"}, {"why", "ended six times"}};
    ledger.push_back(e);
  }
  facts f;
  fold(f, ledger, transcript);
  CAF_CHECK_EQUAL(name_of(f.now), "failed");
  CAF_CHECK(!f.turn);
}

// STATE-2: a new run begins with nothing of the old one
CAF_TEST(a question of a worker that died is no question of the next one) {
  session s;
  s.run();
  s.turn();
  event q;
  q.n = ++s.events;
  q.run = 1;
  q.what = "question";
  q.id = "q1.1";
  s.on(sm::happened{q});
  CAF_CHECK_EQUAL(s.state(), "blocked");
  s.on(sm::gone{s.worker(), "killed by signal 9"});
  s.on(sm::granted{s.fresh(), false});
  CAF_CHECK(s.m.known.questions.empty());
}

// SUP-11: what was promised is in the ledger
CAF_TEST(a respawn and a wake outlive the supervisor that took them) {
  session s("exec");
  s.run();
  auto e = s.on(sm::asked_respawn{"x"});
  CAF_CHECK(wrote(e, "respawn"));
  session t;
  t.m.known = s.m.known; // the next supervisor
  t.m.known.ended = true;
  CAF_CHECK_EQUAL(count<sm::claim>(t.on(sm::restored{false})), 1u);
  session u;
  u.run();
  u.on(sm::asked_stop{"x"});
  u.happens("ended", "stop", "exited");
  u.on(sm::gone{u.worker(), "x"});
  CAF_CHECK(wrote(u.on(sm::asked_wake{}), "wake"));
  CAF_CHECK(u.m.known.wanted == intent::run);
}

// SUP-11: a supervisor died between claim and assignment
CAF_TEST(a dispatch whose claimed worker never held it waits for its key and is no failure) {
  for (bool alive : {true, false}) {
    session s("exec");
    s.on(sm::begin{});
    s.on(sm::granted{s.fresh(), false});
    session t("exec");
    t.m.known = s.m.known;
    auto e = t.on(sm::restored{alive});
    if (alive)
      e = t.on(sm::not_adopted{true, "it never got the assignment"});
    CAF_CHECK_EQUAL(t.state(), "working");
    CAF_CHECK(std::get<sm::arm>(e.back()).which == sm::timer::unheld);
    CAF_CHECK_EQUAL(count<sm::claim>(t.on(sm::begin{})), 1u); // its key was repeated
  }
}

// SUP-11
CAF_TEST(a dispatch repeated during the adoption is answered when the worker turns out to hold it) {
  session s("exec");
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), false});
  session t("exec");
  t.m.known = s.m.known;
  t.on(sm::restored{true});
  CAF_CHECK_EQUAL(count<sm::claim>(t.on(sm::begin{})), 0u);
  t.happens("assigned");
  auto e = t.on(sm::adopted{1});
  CAF_CHECK(std::any_of(e.begin(), e.end(), [](const auto& x) {
    const auto* a = std::get_if<sm::answer_dispatch>(&x);
    return a && a->code == errc::ok;
  }));
}

// SUP-11
CAF_TEST(a dispatch repeated during the adoption goes to another worker when that one never held it) {
  session s("exec");
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), false});
  session t("exec");
  t.m.known = s.m.known;
  t.on(sm::restored{true});
  t.on(sm::begin{});
  CAF_CHECK_EQUAL(count<sm::claim>(t.on(sm::not_adopted{true, "it never got the assignment"})), 1u);
}

// KEEP-5, REST-5: with no time to rest, the reaper comes between taken and sent
CAF_TEST(a prompt that was taken and not sent keeps its worker and its session working) {
  session s;
  s.p.idle = 0;
  s.run();
  s.turn();
  s.happens("turn_ended", "first", "end_turn");
  CAF_CHECK_EQUAL(s.state(), "done");
  s.happens("ended", "reap");
  s.on(sm::gone{s.worker(), "exited 0"});
  s.on(sm::asked_reply{"k2", "more"});
  s.on(sm::granted{s.fresh(), true});
  s.on(sm::held{{{"s"}, 2, "/", "", 0}});
  s.on(sm::permitted{});
  s.happens("assigned");
  s.happens("started");
  auto e = s.happens("taken", "k2");
  CAF_CHECK_EQUAL(count<sm::arm>(e), 0u); // no rest clock runs
  CAF_CHECK_EQUAL(s.state(), "working");
  s.happens("sent", "k2");
  e = s.happens("turn_ended", "k2", "end_turn");
  CAF_CHECK_EQUAL(count<sm::arm>(e), 1u);
  CAF_CHECK_EQUAL(s.state(), "done");
}

// BEYOND-7, SUP-5
CAF_TEST(an answer given during the adoption reaches the worker and is refused when there is none) {
  session s;
  s.run();
  s.turn();
  s.happens("question", "q1");
  for (bool lives : {true, false}) {
    session t;
    t.m.known = s.m.known;
    t.on(sm::restored{true});
    auto e = t.on(sm::asked_answer{"k", "q1", "1", "me"});
    CAF_CHECK(wrote(e, "answer"));
    CAF_CHECK_EQUAL(count<sm::refuse>(e), 0u);
    e = lives ? t.on(sm::adopted{0}) : t.on(sm::gone{s.worker(), "x"});
    CAF_CHECK_EQUAL(count<sm::give>(e), lives ? 1u : 0u);
    CAF_CHECK_EQUAL(count<sm::turn_away>(e), lives ? 0u : 1u);
  }
}

// SUP-11, BEYOND-7
CAF_TEST(an answer is known by its key once the transcript shows that it counted) {
  session s;
  s.run();
  s.turn();
  s.happens("question", "q1");
  s.on(sm::asked_answer{"k1", "", "1", "me"});
  s.on(sm::asked_answer{"k2", "", "2", "other"});
  CAF_CHECK(!s.m.known.answers[0].taken);
  event e;
  e.n = ++s.events;
  e.run = 1;
  e.what = "answered";
  e.id = "q1";
  e.detail = "other";
  e.text = "No";
  s.on(sm::happened{e});
  CAF_CHECK(!s.m.known.answers[0].taken);
  CAF_CHECK(s.m.known.answers[1] == (given_answer{"k2", "other", "q1", "No", true, "2"}));
}

// STATE-2
CAF_TEST(an event that is told again changes nothing) {
  session s;
  s.run();
  s.turn();
  event again;
  again.n = s.events - 1;
  again.run = 1;
  again.what = "taken";
  again.id = "k9";
  CAF_CHECK(s.on(sm::happened{again}).empty());
  CAF_CHECK_EQUAL(s.m.known.taken.count("k9"), 0u);
}

// POOL-6, KEEP-8
CAF_TEST(there is one claim at a time and what it gives is used or ended) {
  session s;
  s.on(sm::begin{});
  auto e = s.on(sm::asked_stop{"x"});
  CAF_CHECK_EQUAL(count<sm::quiet>(e), 1u);
  CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::asked_respawn{"x"})), 0u);
  CAF_CHECK_EQUAL(count<sm::assign>(s.on(sm::granted{s.fresh(), true})), 1u);
  session t;
  t.on(sm::begin{});
  CAF_CHECK_EQUAL(count<sm::forget>(t.on(sm::asked_remove{"x"})), 0u);
  e = t.on(sm::granted{t.fresh(), true});
  CAF_CHECK(count<sm::kill>(e) == 1 && count<sm::forget>(e) == 1);
  CAF_CHECK_EQUAL(count<sm::refuse>(t.on(sm::asked_reply{"k", "late"})), 1u);
}

// REST-2, SUP-11
CAF_TEST(a key repeated after a stop starts nothing) {
  session s;
  s.on(sm::begin{});
  s.on(sm::asked_stop{"x"});
  s.on(sm::granted{s.fresh(), true});
  auto e = s.on(sm::begin{});
  CAF_CHECK_EQUAL(count<sm::claim>(e), 0u);
  CAF_CHECK_EQUAL(count<sm::answer_dispatch>(e), 1u);
}

// REST-2, KEEP-5
CAF_TEST(a stop that comes while the reaper is refused is carried out) {
  session s;
  s.run();
  s.turn();
  s.happens("turn_ended", "first", "end_turn");
  s.on(sm::elapsed{sm::timer::rest, s.m.rest_generation});
  s.on(sm::asked_stop{"x"});
  auto e = s.on(sm::end_refused{"a later event", s.worker()});
  CAF_REQUIRE_EQUAL(count<sm::end>(e), 1u);
}

// REST-4, REST-5
CAF_TEST(an interruption is told though the next worker dies before it could tell it) {
  session s;
  s.run();
  s.turn();
  s.on(sm::gone{s.worker(), "killed"});
  s.on(sm::granted{s.fresh(), false});
  s.on(sm::not_held{"late", errc::timed_out, 2});
  s.on(sm::gone{s.worker(), "killed"});
  auto e = s.on(sm::granted{s.fresh(), false});
  CAF_CHECK(std::get<sm::assign>(e[1]).interrupted);
  s.happens("sent", "restart-3");
  CAF_CHECK_EQUAL(s.m.known.interrupted_at, 0);
}

// POOL-6
CAF_TEST(a late word about an older assignment changes nothing) {
  session s;
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), true});
  s.on(sm::gone{s.worker(), "killed"});
  s.on(sm::granted{s.fresh(), true});
  CAF_CHECK(s.on(sm::held{{{"s"}, 1, "/", "", 0}}).empty());
  CAF_CHECK(s.on(sm::not_held{"late", errc::timed_out, 1}).empty());
  CAF_CHECK(std::holds_alternative<sm::assigning>(s.m.at));
}

// SUP-11: a respawn and a stop during the assignment
CAF_TEST(a shell job whose worker ended before the job began is not done) {
  session s("exec");
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), true});
  s.on(sm::asked_respawn{"x"});
  s.on(sm::asked_stop{"x"});
  s.happens("assigned");
  s.happens("ended", "respawn", "exited", 0);
  s.on(sm::gone{s.worker(), "exited 0"});
  CAF_CHECK_EQUAL(s.state(), "stopped");
  CAF_CHECK_EQUAL(s.m.known.exit_status, -1);
}

// REST-1, F-08: the spare's agent died ahead of the start, and the worker told its end
CAF_TEST(a shell job whose worker ended ahead of its start fails with the cause) {
  session s("exec");
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), true});
  s.on(sm::held{{s.m.known.id, s.m.known.run, "/", "", 0}});
  s.on(sm::permitted{});
  s.happens("assigned");
  s.happens("ended", {}, "exited", 1);
  auto e = s.on(sm::gone{s.worker(), "exited 0"});
  CAF_CHECK_EQUAL(s.state(), "failed");
  for (const auto& x : e)
    if (const auto* r = std::get_if<sm::record>(&x); r && r->entry.what == "settled") {
      CAF_CHECK_EQUAL(r->entry.facts.at("state"), "failed");
      CAF_CHECK(r->entry.facts.at("why").find("exited 0") != std::string::npos);
    }
  CAF_CHECK(wrote(e, "settled"));
}

// SUP-11: every request is answered
CAF_TEST(a dispatch repeated while its job is being stopped is answered though a reply lifts the stop) {
  session s("exec");
  s.on(sm::begin{});
  s.on(sm::granted{s.fresh(), true});
  s.on(sm::asked_stop{"x"});
  s.on(sm::begin{});
  s.on(sm::asked_reply{"k", "go on"});
  CAF_CHECK_EQUAL(count<sm::answer_dispatch>(s.happens("assigned")), 1u);
  s.happens("ended", "stop", "exited");
  s.on(sm::gone{s.worker(), "exited 0"});
  CAF_CHECK_EQUAL(s.state(), "stopped");
}

// STATE-2, SUP-11
CAF_TEST(a session whose first line the ledger did not take has never been) {
  session s;
  s.on(sm::begin{});
  auto e = s.on(sm::unwritten{"no space", errc::disk});
  CAF_CHECK_EQUAL(std::get<sm::answer_dispatch>(e[0]).code, errc::disk);
  CAF_CHECK(count<sm::vanish>(e) == 1 && count<sm::record>(e) == 0);
}
