// The whole program in a real terminal: tmux, its keys and its screen, with a supervisor and sessions.
#define CAF_SUITE view_terminal
#include <filesystem>

#include "tests/support/large_roster.hpp"
#include "tests/view/tmux.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::tmux;

// VIEW-1, VIEW-3
CAF_TEST(sessions are dispatched and answered and stopped with real keys) {
  sandbox s;
  tmux t(s, 24, 80);
  t.type("troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("No sessions yet"));
  t.type("! sleep 300");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Working 1"));
  t.type("ask Shall I go on?");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Needs input 1"));
  t.keys({"Space"});
  CAF_REQUIRE(t.shows("1  Yes"));
  t.type("1");
  CAF_REQUIRE(t.shows("Completed 1"));
  t.keys({"Escape"});
  CAF_REQUIRE(t.shows("reply", false));
  t.keys({"C-r"});
  t.type("go-on");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("go-on"));
  t.keys({"Home", "C-x"});
  CAF_REQUIRE(t.shows("again deletes it"));
  t.keys({"C-x"});
  CAF_REQUIRE(t.shows("Working", false));
  t.keys({"Escape"});
  CAF_CHECK(t.restored());
}

// VIEW-3, ATT-2, ATT-5
CAF_TEST(attach from the view comes back to it) {
  sandbox s;
  auto id = s.bg({"--name", "echo", "--exec", "stty -echo; while read line; do echo \"got $line\"; done"});
  tmux t(s, 30, 100);
  t.type("troupe agents");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Working 1"));
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Working", false));
  t.type("hello");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("got hello"));
  t.keys({"C-\\"});
  CAF_REQUIRE(t.shows("Working 1"));
  t.keys({"C-c"});
  CAF_REQUIRE(t.shows("again leaves"));
  t.keys({"C-c"});
  CAF_CHECK(t.restored());
}

// VIEW-2, VIEW-11
CAF_TEST(it is drawn on every kind of terminal and size) {
  sandbox s;
  s.bg({"--name", "clock", "--exec", "sleep 300"});
  struct kind {
    const char* term;
    int rows, columns;
    const char* sign;
  };
  for (const auto& k :
       {kind{"tmux-256color", 24, 80, "✻"}, kind{"xterm-256color", 30, 100, "✻"}, kind{"linux", 24, 80, "clock"},
        kind{"tmux-256color", 60, 200, "✻"}, kind{"xterm", 5, 20, "clock"}}) {
    tmux t(s, k.rows, k.columns, k.term);
    t.type("troupe");
    t.keys({"Enter"});
    CAF_CHECK(t.shows("clock"));
    bool there = false; // ✻ and ✽ take turns
    for (int i = 0; i < 400 && !there; ++i, ::poll(nullptr, 0, 5))
      there = t.screen().find(k.sign) != std::string::npos;
    CAF_CHECK(there);
    t.call({"resize-window", "-t", "v", "-x", "60", "-y", "18"});
    CAF_CHECK(t.shows("Enter attach"));
    t.keys({"Escape"});
    CAF_CHECK(t.restored());
  }
  tmux t(s, 24, 80, "dumb");
  t.type("troupe");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("working"));
  CAF_CHECK(t.restored()); // a list, and the prompt again
}

// VIEW-10
CAF_TEST(turned off it is a list) {
  sandbox s("{\"disableAgentView\": true}");
  s.bg({"--name", "clock", "--exec", "sleep 300"});
  tmux t(s, 24, 80);
  t.type("troupe");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("working"));
  CAF_CHECK(t.restored());
}

// ATT-5
CAF_TEST(the terminal is restored when the view is killed and when it is suspended) {
  sandbox s;
  s.bg({"--name", "clock", "--exec", "sleep 300"});
  tmux t(s, 24, 80);
  t.type("set -m; troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Working 1"));
  t.keys({"C-z"});
  CAF_CHECK(t.restored());
  t.type("fg");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Working 1"));
  for (int signal : {SIGKILL, SIGTERM, SIGSEGV}) {
    auto pid = t.foreground("troupe-view");
    CAF_REQUIRE(pid != 0);
    ::kill(pid, signal);
    CAF_CHECK(t.restored());
    t.type("clear; troupe");
    t.keys({"Enter"});
    CAF_REQUIRE(t.shows("Working 1"));
  }
}

CAF_TEST(the view waits for a supervisor that went away) {
  sandbox s;
  s.bg({"--name", "clock", "--exec", "sleep 300"});
  tmux t(s, 24, 80);
  t.type("troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Working 1"));
  test::kill_and_wait(s.supervisor_pid());
  CAF_CHECK(t.shows("clock")); // the rows stay
  CAF_CHECK(t.shows("reconnecting", false));
  t.keys({"C-x"});
  CAF_CHECK(t.shows("■"));
}

// VIEW-3
CAF_TEST(the editor and pastes and both spellings of shift enter) {
  sandbox s;
  test::spill(s.root() + "/editor", "#!/bin/sh\nprintf '! echo edited; sleep 300' > \"$1\"\n");
  ::chmod((s.root() + "/editor").c_str(), 0700);
  tmux t(s, 24, 80);
  t.type("VISUAL=" + s.root() + "/editor troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("No sessions yet"));
  t.keys({"C-g"});
  CAF_REQUIRE(t.shows("! echo edited"));
  t.keys({"C-u"});
  t.call({"set-buffer", "one\ntwo\nthree\nfour\nfive\nsix"});
  t.call({"paste-buffer", "-p", "-t", "v"});
  CAF_REQUIRE(t.shows("[Pasted text #1]"));
  t.keys({"C-c"});
  CAF_REQUIRE(t.shows("Pasted", false));
  for (const char* spelling : {"\x1b[13;2u", "\x1b[27;2;13~", "\x1b\r"}) {
    t.type("! sleep 301");
    CAF_REQUIRE(t.shows("! sleep 301"));
    t.type(spelling);
    CAF_REQUIRE(t.shows("troupe", false)); // attached: its screen is empty
    t.keys({"C-\\"});
    CAF_REQUIRE(t.shows("Working"));
  }
  CAF_CHECK(t.shows("Working 3"));
}

// ATT-1, ATT-2, BEYOND-7
CAF_TEST(a conversation is attached to and answered and talked with and left) {
  sandbox s;
  auto id = s.bg({"--name", "release", "ask Shall I tag it?\nsay Tagged it."});
  tmux t(s, 30, 100);
  t.type("troupe attach release");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("1  Yes"));
  CAF_CHECK(t.shows("› ask Shall I tag it?"));
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("is Yes.Tagged it."));
  t.type("say and pushed");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("  and pushed"));
  CAF_CHECK(troupe::test::until(s, [&] { return s.field(id, "attached") == 1; }));
  t.keys({"C-z"});
  CAF_CHECK(t.shows("come back with: troupe attach " + id));
  CAF_CHECK(t.restored());
  CAF_CHECK(troupe::test::until(s, [&] { return s.field(id, "attached").is_null(); }));
  t.type("clear; troupe attach release");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("and pushed"));
  ::poll(nullptr, 0, 600); // a fresh press, half a second after the last edit
  t.keys({"Left"});
  CAF_CHECK(t.shows("Completed 1")); // the view
  t.keys({"Enter"});
  CAF_CHECK(t.shows("a message to release"));
  t.type("/exit");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("Completed 1"));
  t.keys({"Escape"});
  CAF_CHECK(t.restored());
}

namespace {

json named(const sandbox& s, const std::string& name) {
  for (const auto& row : s.rows())
    if (row.value("name", "") == name)
      return row;
  return json::object();
}

} // namespace

// BG-1
CAF_TEST(a foreground session goes to the background with all its work) {
  sandbox s;
  tmux t(s, 24, 90);
  t.type("troupe --name talk \"ask Shall I go on?\"");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("1  Yes"));
  auto pid = s.rows()[0]["pid"];
  ::poll(nullptr, 0, 600);
  t.keys({"Left"});
  CAF_REQUIRE(t.shows("backgrounded · "));
  CAF_CHECK(t.restored());
  auto row = s.rows()[0];
  CAF_CHECK_EQUAL(row["pid"], pid); // nothing was restarted
  CAF_CHECK_EQUAL(row["state"], "blocked");
}

// BG-3
CAF_TEST(a closed terminal ends a foreground session at rest and leaves one that works) {
  sandbox s;
  {
    tmux t(s, 24, 90);
    t.type("troupe --name rests \"say Hello there.\"");
    t.keys({"Enter"});
    CAF_REQUIRE(t.shows("  Hello there."));
    CAF_REQUIRE(troupe::test::until(s, [&] { return named(s, "rests")["state"] == "done"; }));
  }
  CAF_CHECK(troupe::test::until(s, [&] { return named(s, "rests")["process"] == "exited"; }));
  {
    tmux t(s, 24, 90);
    t.type("troupe --name works --permission-mode bypassPermissions \"background sleep 300\"");
    t.keys({"Enter"});
    CAF_REQUIRE(t.shows("running: sleep 300"));
  }
  CAF_CHECK(troupe::test::until(s, [&] { return named(s, "works")["attached"].is_null(); }));
  auto row = named(s, "works");
  CAF_CHECK_EQUAL(row["process"], "alive");
}

// VIEW-2
CAF_TEST(for those who hear it each change is a line and each line typed is done) {
  sandbox s;
  tmux t(s, 30, 100);
  t.type("TROUPE_SCREEN_READER=1 troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("0 sessions. A line is a task"));
  t.type("ask Shall I go on?");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("needs input: Shall I go on? Answers: 1 Yes, 2 No"));
  t.type("/peek");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("reply to "));
  t.type("1");
  t.keys({"Enter"});
  CAF_CHECK(t.shows("completed: "));
  t.keys({"C-c"});
  CAF_CHECK(t.shows("^Cready>"));
  CAF_CHECK(t.restored());
}

namespace {

/// Presses a key until the screen holds it: a question that has just come is deaf for a moment.
bool press_until(const tmux& t, const std::string& key, const std::string& text) {
  for (int i = 0; i < 100; ++i) {
    if (t.screen().find(text) != std::string::npos)
      return true;
    t.keys({key});
    ::poll(nullptr, 0, 100);
  }
  CAF_MESSAGE("the screen:\n" << t.screen());
  return false;
}

/// A directory's settings that let one command run unasked.
std::string allowing(const std::string& command) {
  return json{{"permissions", {{"allow", {"Bash(" + command + ")"}}}}}.dump();
}

} // namespace

// TRUST-2, TRUST-3
CAF_TEST(a directory that nobody has decided about is asked for and nothing of it counts before) {
  sandbox s;
  auto settings = s.work() + "/.troupe/settings.json";
  std::filesystem::create_directories(s.work() + "/.troupe");
  troupe::test::spill(settings, allowing("touch one"));
  tmux t(s, 24, 80);
  t.type("troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("No sessions yet"));
  t.type("bash touch one");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Nobody has decided yet about the settings of"));
  CAF_CHECK(t.shows("Bash(touch one)"));
  CAF_REQUIRE(press_until(t, "Escape", "Esc clear")); // no: the text is kept, and nothing was started
  CAF_CHECK(t.shows("› bash touch one"));
  CAF_CHECK(s.rows().empty());
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Nobody has decided yet about the settings of"));
  CAF_REQUIRE(press_until(t, "t", "Completed 1")); // trusted: what it allows needs no question
  CAF_CHECK_EQUAL(::access((s.work() + "/one").c_str(), F_OK), 0);
  troupe::test::spill(settings, allowing("touch two")); // as a `git pull` may do
  t.keys({"C-u"});
  t.type("bash touch two");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("The settings have changed of"));
  CAF_CHECK(t.shows("Bash(touch two)"));
  CAF_REQUIRE(press_until(t, "w", "Needs input 1")); // without them the session asks
  CAF_CHECK(::access((s.work() + "/two").c_str(), F_OK) != 0);
  t.keys({"C-c"});
  CAF_CHECK(t.shows("› a task"));
  t.keys({"Escape"});
  CAF_CHECK(t.restored());
}

// VIEW-9
CAF_TEST(ten thousand sessions of a real supervisor are on the screen) {
  sandbox s;
  troupe::test::spill_roster(s, 10'000);
  tmux t(s, 24, 80);
  t.type("troupe");
  t.keys({"Enter"});
  CAF_REQUIRE(t.shows("Completed 10000"));
  t.keys({"End"});
  CAF_CHECK(t.shows("job-0"));
  t.keys({"Escape"});
  CAF_CHECK(t.restored());
}
