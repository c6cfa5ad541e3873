// Conversations in real terminals: several at once, of every size and kind, killed, suspended and resumed; and what is
// sent to the background or copied from there.
#define CAF_SUITE attach_terminal
#include <filesystem>

#include <signal.h>

#include "tests/support/text.hpp"
#include "tests/view/tmux.hpp"

using namespace troupe;
using troupe::test::holds;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::tmux;
using troupe::test::until;

namespace {

std::string transcript(const sandbox& s, const std::string& id) {
  return slurp(s.home() + "/sessions/" + id + "/transcript.jsonl");
}

void attach(const tmux& t, const std::string& words) {
  t.type("clear; troupe attach " + words);
  t.keys({"Enter"});
}

} // namespace

// ATT-3
CAF_TEST(several terminals of other sizes talk with one conversation and one only reads) {
  sandbox s;
  auto id = s.bg({"--name", "talk", "say Hello to all."});
  tmux small(s, 24, 80), large(s, 60, 200), reader(s, 30, 100);
  for (const auto* t : {&small, &large}) {
    attach(*t, "talk");
    CAF_REQUIRE(t->shows("  Hello to all."));
  }
  attach(reader, "-r talk");
  CAF_REQUIRE(reader.shows("q back"));
  CAF_CHECK(until(s, [&] { return s.field(id, "attached") == 3; }));
  small.type("say from the small one");
  CAF_REQUIRE(small.shows("› say from the small one"));
  small.keys({"Enter"});
  for (const auto* t : {&small, &large, &reader})
    CAF_CHECK(t->shows("  from the small one"));
  large.type("say from the large one");
  large.keys({"Enter"});
  for (const auto* t : {&small, &large, &reader})
    CAF_CHECK(t->shows("  from the large one"));
  reader.type("never sent");
  reader.keys({"Enter"});
  CAF_CHECK(!holds(reader.screen(), "never sent"));
  small.call({"resize-window", "-t", "v", "-x", "100", "-y", "30"});
  large.call({"resize-window", "-t", "v", "-x", "80", "-y", "24"});
  CAF_CHECK(small.shows("  from the large one") && large.shows("  from the large one"));
  CAF_CHECK(!holds(transcript(s, id), "never sent"));
  reader.type("q");
  CAF_CHECK(reader.shows("Completed 1")); // the view
  small.keys({"C-z"});
  large.keys({"C-z"});
  CAF_CHECK(small.restored() && large.restored());
  CAF_CHECK(until(s, [&] { return s.field(id, "attached").is_null(); }));
}

// ATT-1, ATT-5
CAF_TEST(a conversation is drawn and answered on every kind of terminal and size) {
  sandbox s;
  struct kind {
    const char* term;
    int rows, columns;
  };
  for (const auto& k : {kind{"tmux-256color", 24, 80}, kind{"xterm-256color", 30, 100}, kind{"linux", 24, 80},
                        kind{"tmux-256color", 60, 200}, kind{"xterm-256color", 5, 20}}) {
    auto id = s.bg({"ask Go on?"});
    CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 3);
    tmux t(s, k.rows, k.columns, k.term);
    attach(t, id);
    CAF_REQUIRE(t.shows("1  Yes"));
    t.call({"resize-window", "-t", "v", "-x", "60", "-y", "18"});
    CAF_CHECK(t.shows("Enter choose"));
    t.type("1");
    CAF_CHECK(t.shows("is Yes."));
    t.keys({"C-z"});
    CAF_CHECK(t.restored());
  }
  auto id = s.bg({"ask Go on?"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 3);
  tmux t(s, 24, 80, "dumb"); // lines, without a single escape
  attach(t, id);
  CAF_CHECK(t.shows("Needs input: Go on? Answers: 1 Yes, 2 No"));
  t.type("1");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("is Yes."));
  t.type("say one more");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("\none more\n"));
  t.type("/exit");
  t.keys({"Enter"});
  CAF_CHECK(t.restored());
}

// ATT-5, ATT-2
CAF_TEST(the terminal is restored when the one that shows a conversation is killed and the session goes on) {
  sandbox s;
  auto id = s.bg({"--permission-mode", "bypassPermissions", "say begun\nwait " + s.work() + "/go\nsay finished"});
  tmux t(s, 24, 80);
  for (int signal : {SIGKILL, SIGTERM, SIGSEGV, SIGHUP}) {
    attach(t, id);
    CAF_REQUIRE(t.shows("Esc interrupts"));
    CAF_REQUIRE(until(s, [&] { return s.field(id, "attached") == 1; }));
    auto pid = t.foreground("troupe-view");
    CAF_REQUIRE(pid != 0);
    ::kill(pid, signal);
    CAF_CHECK(t.restored());
    CAF_CHECK(until(s, [&] { return s.field(id, "attached").is_null(); }));
    CAF_CHECK_EQUAL(s.field(id, "state"), "working");
  }
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
}

// ATT-1
CAF_TEST(a shell jobs last lines are in the scrollback once and with a word on what happened meanwhile) {
  sandbox s;
  auto id = s.bg({"--name", "count", "--exec",
                  "stty -echo; seq -f 'line %g.' 60; while read x; do for w in $x; do echo \"got $w\"; done; done"});
  CAF_REQUIRE(until(s, [&] { return holds(s.troupe({"logs", id}).out, "line 60."); }));
  tmux t(s, 24, 80);
  auto all = [&] { return t.call({"capture-pane", "-p", "-S", "-", "-t", "v"}); };
  auto times = [&](const std::string& what) {
    auto text = all();
    int n = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++n;
    return n;
  };
  t.type("echo what was there");
  t.keys({"Enter"});
  t.type("troupe attach count");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("line 60."));
  for (int i = 1; i <= 60; ++i)
    CAF_CHECK_EQUAL(times("line " + std::to_string(i) + "."), 1);
  CAF_CHECK(holds(all(), "what was there\nready> troupe attach"));
  CAF_CHECK(!holds(all(), "meanwhile"));
  t.keys({"C-\\"});
  CAF_REQUIRE(t.shows("come back with"));
  CAF_REQUIRE(until(s, [&] { return s.field(id, "attached").is_null(); }));
  CAF_REQUIRE_EQUAL(s.troupe({"reply", id, "one two three"}).status, 0);
  CAF_REQUIRE(until(s, [&] { return holds(s.troupe({"logs", id}).out, "got three"); }));
  t.call({"send-keys", "-R", "-t", "v"});
  t.call({"clear-history", "-t", "v"});
  t.type("troupe attach count");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("got three"));
  auto text = all();
  auto recap = text.find("[meanwhile, in ");
  CAF_CHECK(recap != std::string::npos && text.find(": 3 lines]\n", recap) != std::string::npos);
  CAF_CHECK(text.find("got three") > recap);
  CAF_CHECK_EQUAL(times("line 30."), 1);
  t.keys({"C-\\"});
  CAF_REQUIRE(t.shows("come back with"));
  CAF_CHECK(t.restored());
}

// ATT-2, ATT-5
CAF_TEST(a foreground conversation is suspended and goes on where it was) {
  sandbox s;
  tmux t(s, 24, 80);
  t.type("set -m; troupe --name talk \"say Hello there.\"");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("  Hello there."));
  t.type("half a thou");
  CAF_REQUIRE(t.shows("› half a thou"));
  t.keys({"C-z"});
  CAF_CHECK(t.restored());
  t.call({"resize-window", "-t", "v", "-x", "100", "-y", "30"});
  t.type("fg");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("› half a thou"));
  t.keys({"C-c"});
  CAF_CHECK(t.shows("half a thou", false));
  t.keys({"C-d"});
  CAF_CHECK(t.restored());
  CAF_CHECK(until(s, [&] { return s.rows()[0]["process"] == "exited"; })); // BG-3
}

// ATT-4
CAF_TEST(a terminal that shows a conversation outlives its worker and its supervisor) {
  sandbox s;
  auto id = s.bg({"--name", "talk", "say The first words."});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 0);
  tmux t(s, 24, 80);
  attach(t, "talk");
  CAF_REQUIRE(t.shows("  The first words."));
  test::kill_and_wait(s.field(id, "pid").get<std::int32_t>());
  CAF_CHECK(t.shows("a message wakes it"));
  CAF_CHECK(t.shows("  The first words."));
  t.type("say and awake again");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("  and awake again"));
  test::kill_and_wait(s.supervisor_pid());
  t.type("say without a supervisor for a while");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("  without a supervisor for a while"));
  t.keys({"C-z"});
  CAF_CHECK(t.restored());
}

// SUP-11
CAF_TEST(a message that its supervisor has not answered when it dies is taken by the next one once) {
  sandbox s;
  auto id = s.bg({"--name", "talk", "say The first words."});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 0);
  tmux t(s, 24, 80);
  attach(t, "talk");
  CAF_REQUIRE(t.shows("  The first words."));
  const auto supervisor = s.supervisor_pid();
  ::kill(supervisor, SIGSTOP); // it takes nothing any more
  t.type("say heard all the same");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("› a message to talk")); // it has gone out
  test::kill_and_wait(supervisor);
  CAF_CHECK(t.shows("  heard all the same"));
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(test::count(transcript(s, id), R"("what":"taken")"), 2u);
  t.keys({"C-z"});
  CAF_CHECK(t.restored());
}

// F-29, BG-1, ENV-8
CAF_TEST(sent to the background while a turn runs a session keeps its agent definition and its permission mode) {
  sandbox s;
  s.troupe({"trust", "--yes", s.work()});
  std::filesystem::create_directories(s.home() + "/agents");
  test::spill(s.home() + "/agents/careful.md",
              "---\nname: careful\ndescription: takes care\n---\nYou take care of everything.\n");
  tmux t(s, 24, 90);
  t.type("troupe --name talk --agent careful --permission-mode acceptEdits \"wait " + s.work() + "/go");
  t.keys({"Enter"}); // within the quotes
  t.type("say all done\"");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Esc interrupts"));
  auto before = s.rows()[0];
  auto id = before["id"].get<std::string>();
  t.type("/bg say and this too");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("backgrounded · " + id));
  CAF_CHECK(t.restored());
  auto row = s.row(id);
  CAF_CHECK_EQUAL(row["state"], "working");
  CAF_CHECK_EQUAL(row["pid"], before["pid"]); // nothing was restarted
  CAF_CHECK_EQUAL(row["permissionMode"], "acceptEdits");
  spill(s.work() + "/go", "");
  CAF_CHECK(until(s, [&] { return holds(transcript(s, id), "and this too"); }));
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  // a worker that starts anew is told the same
  test::kill_and_wait(s.field(id, "pid").get<std::int32_t>());
  CAF_REQUIRE(until(s, [&] { return s.field(id, "process") == "exited"; }));
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "say once more"}).status, 0);
  CAF_CHECK(until(s, [&] { return holds(transcript(s, id), "once more") && s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(s.field(id, "permissionMode"), "acceptEdits");
  auto dispatched = slurp(s.home() + "/ledger.jsonl");
  CAF_CHECK(holds(dispatched, R"("agent":"careful")"));
  CAF_CHECK(holds(s.troupe({"why", id}).out, "dispatched"));
}

// BG-2
CAF_TEST(a conversation is forked from its terminal and both go on) {
  sandbox s;
  tmux t(s, 24, 90);
  t.type("troupe --name talk \"say The common part.\"");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("  The common part."));
  t.type("/fork say another way");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("forked · "));
  CAF_CHECK(until(s, [&] { return s.rows().size() == 2; }));
  auto copy = s.rows()[1]["id"].get<std::string>();
  CAF_CHECK(until(s, [&] { return holds(s.troupe({"logs", copy}).out, "another way"); }));
  CAF_CHECK(holds(s.troupe({"logs", copy}).out, "The common part."));
  CAF_CHECK_EQUAL(s.field(copy, "name"), "talk-fork");
  t.type("say on we go");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("  on we go"));
  CAF_CHECK(!holds(s.troupe({"logs", copy}).out, "on we go"));
  t.keys({"C-d"});
  CAF_CHECK(t.restored());
}
