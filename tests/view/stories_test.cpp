// The agent view as a person meets it, key by key, without a terminal.
#define CAF_SUITE view_stories
#include "caf/test/unit_test.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using view::intent;

// VIEW-1
CAF_TEST(the groups stand from what needs somebody down to what has ended) {
  viewer v;
  v.show(some());
  auto text = v.text();
  CAF_CHECK(text.find("Needs input 1") < text.find("Working 1"));
  CAF_CHECK(text.find("Working 1") < text.find("Completed 3"));
  auto pinned = some()[1];
  pinned.now.pinned = true;
  v.take(view::changed{pinned});
  text = v.text();
  CAF_CHECK(text.find("Pinned 1") < text.find("Needs input 1"));
  auto reviewed = some()[2];
  reviewed.pulls = {{7, "https://example.com/pull/7", "ready"}};
  v.take(view::changed{reviewed});
  CAF_CHECK(v.text().find("Ready for review 1") < v.text().find("Needs input 1"));
}

// VIEW-1
CAF_TEST(grouping by directory is kept for the next run) {
  viewer v;
  auto all = some();
  all[1].now.cwd = "/home/ann/site";
  v.show(all);
  v.press({"ctrl+s"});
  CAF_CHECK(v.shows("~/shop 4") && v.shows("~/site 1") && !v.shows("Completed"));
  auto kept = only(v.wanted(), intent::persist)->text;
  viewer again;
  view::recall(again.s, kept);
  again.show(all);
  CAF_CHECK(again.shows("~/site 1"));
}

// VIEW-1
CAF_TEST(completed ones that do not fit fold away and failures stay) {
  viewer v(24, 80);
  auto all = some();
  for (int i = 0; i < 50; ++i)
    all.push_back(make_session("z" + std::to_string(i), "done", "done-" + std::to_string(i)));
  all[3].now.started_at = all[3].now.told.since = noon - 9'000'000; // the oldest of all
  v.show(all);
  CAF_CHECK(v.shows("more") && v.shows("broken"));
  auto before = v.lines();
  v.press({"end"});
  CAF_CHECK(v.s.selected.kind == view::item::more);
  v.press({"enter"});
  CAF_CHECK(!v.shows(" more"));
  CAF_CHECK_EQUAL(v.s.selected.kind, view::item::row);
}

// VIEW-2
CAF_TEST(each state has a sign of its own beside its colour) {
  viewer v;
  auto all = some();
  all.push_back(make_session("f6", "working", "asleep"));
  all.back().now.process = "frozen";
  v.show(all);
  for (const char* sign : {"✻?", "∙✓", "∙✗", "∙■", "❄"})
    CAF_CHECK(v.shows(sign));
}

// VIEW-3
CAF_TEST(enter attaches while nothing is typed and dispatches what is typed) {
  viewer v;
  v.show(some());
  v.press({"enter"});
  CAF_CHECK_EQUAL(only(v.wanted(), intent::attach)->id, "a1");
  v.type("fix the test");
  v.press({"enter"});
  auto wants = v.wanted();
  const auto* d = only(wants, intent::dispatch);
  CAF_REQUIRE(d != nullptr);
  CAF_CHECK_EQUAL(d->text, "fix the test");
  CAF_CHECK_EQUAL(d->directory, "/home/ann/shop");
  CAF_CHECK(v.s.input.empty());
  v.take(view::outcome{d->token, true, "n9"});
  v.take(view::changed{make_session("n9", "working", "new")});
  CAF_CHECK_EQUAL(v.s.selected.id, "n9"); // what was sent is what one looks at
}

// VIEW-3
CAF_TEST(a dispatch that fails gives the text back and says why) {
  viewer v;
  v.show({});
  v.type("fix the test");
  v.press({"shift+enter"});
  auto wants = v.wanted();
  v.take(view::outcome{only(wants, intent::dispatch)->token, false, "no such directory\nname another"});
  CAF_CHECK_EQUAL(v.s.input.text(), "fix the test");
  CAF_CHECK(v.shows("no such directory · name another"));
}

// VIEW-3
CAF_TEST(shift enter attaches to what it dispatches) {
  viewer v;
  v.show({});
  v.type("fix the test");
  v.press({"shift+enter"});
  auto wants = v.wanted();
  v.take(view::outcome{only(wants, intent::dispatch)->token, true, "n9"});
  CAF_CHECK_EQUAL(only(v.wanted(), intent::attach)->id, "n9");
}

// VIEW-3
CAF_TEST(ctrl x stops and again within two seconds deletes) {
  viewer v;
  v.show(some());
  v.press({"down", "down", "ctrl+x"});
  CAF_CHECK_EQUAL(only(v.wanted(), intent::stop)->id, "b2");
  v.now += 1900;
  v.press({"ctrl+x"});
  CAF_CHECK_EQUAL(only(v.wanted(), intent::remove)->id, "b2");
  v.press({"ctrl+x"});
  v.wanted();
  v.now += 2100;
  v.press({"ctrl+x"});
  CAF_CHECK(only(v.wanted(), intent::remove) == nullptr);
  v.press({"down", "up", "ctrl+x"}); // having been elsewhere, it counts as the first time
  CAF_CHECK(only(v.wanted(), intent::remove) == nullptr);
}

// ISO-2, BEYOND-9
CAF_TEST(what a delete would lose is shown before it is done) {
  viewer v;
  auto x = make_session("w1", "done", "fix");
  x.now.tree = {"/r/.troupe/worktrees/fix-w1", "troupe/fix-w1", "/r", "/r/.troupe/worktrees/fix-w1", "", 1, 2};
  v.show({x});
  v.type("/delete");
  v.press({"enter"});
  const auto* asked = only(v.wanted(), intent::losses);
  CAF_REQUIRE(asked != nullptr);
  v.take(view::outcome{asked->token,
                       true,
                       R"({"files":[" M main.cpp","?? notes"],"commits":["ab12 two"],"running":[],"replies":[]})",
                       {}});
  CAF_CHECK(v.wanted().empty());
  CAF_CHECK(v.shows("Delete fix?") && v.shows("2 uncommitted files go with its worktree") && v.shows("M main.cpp"));
  CAF_CHECK(v.shows("One commit that is nowhere else stays on troupe/fix-w1"));
  v.press({"escape"});
  CAF_CHECK(v.wanted().empty());
  v.type("/delete");
  v.press({"enter"});
  auto token = only(v.wanted(), intent::losses)->token;
  v.take(view::outcome{token, true, R"({"files":[" M main.cpp"],"commits":[],"running":[],"replies":[]})", {}});
  v.press({"y"});
  CAF_CHECK(only(v.wanted(), intent::remove)->yes);
  v.type("/delete");
  v.press({"enter"});
  token = only(v.wanted(), intent::losses)->token;
  v.take(view::outcome{token, true, R"({"files":[],"commits":[],"running":[],"replies":[]})", {}});
  CAF_REQUIRE(only(v.wanted(), intent::remove) != nullptr); // nothing is lost: nobody is asked
  CAF_CHECK(!only(v.last_wanted, intent::remove)->yes);
  v.type("/delete");
  v.press({"enter"});
  token = only(v.wanted(), intent::losses)->token;
  v.take(view::outcome{token, true, R"x({"files":[],"ignored":[],"products":["build/ (9 files, 3.0 MB)"]})x", {}});
  CAF_REQUIRE(only(v.wanted(), intent::remove) != nullptr); // a build makes it anew
  v.type("/delete");
  v.press({"enter"});
  token = only(v.wanted(), intent::losses)->token;
  v.take(view::outcome{
      token, true, R"x({"files":[],"ignored":[".env (6 B)"],"products":["build/ (9 files, 3.0 MB)"]})x", {}});
  CAF_CHECK(v.wanted().empty() && v.shows("One file that git ignores goes with its worktree; a copy is kept"));
  CAF_CHECK(v.shows(".env (6 B)") && v.shows("What a build makes anew goes too: build/ (9 files, 3.0 MB)"));
  v.press({"escape"});
  v.type("/delete");
  v.press({"enter"});
  token = only(v.wanted(), intent::losses)->token;
  v.take(view::outcome{
      token, true, R"({"files":[],"commits":[],"running":[],"replies":[],"keeps":"it is locked: mine"})", {}});
  CAF_CHECK(v.wanted().empty() && v.shows("not deleted: it is locked: mine"));
}

// VIEW-3
CAF_TEST(ctrl x on a heading asks before it acts on all of the group) {
  viewer v;
  v.show(some());
  v.press({"end"});
  for (int i = 0; i < 9 && v.s.selected.kind != view::item::heading; ++i)
    v.press({"up"});
  CAF_CHECK_EQUAL(v.s.selected.group.name, "completed");
  v.press({"ctrl+x"});
  CAF_CHECK(v.shows("Delete all 3 sessions of Completed?"));
  v.press({"enter"}); // No
  CAF_CHECK(v.wanted().empty());
  v.press({"ctrl+x", "y"});
  CAF_CHECK_EQUAL(v.wanted().size(), 3u);
}

// VIEW-3
CAF_TEST(rows are pinned and renamed and moved and attached to by number) {
  viewer v;
  v.show(some());
  v.press({"ctrl+t"});
  CAF_CHECK(only(v.wanted(), intent::pin)->yes);
  v.press({"ctrl+r"});
  v.press({"ctrl+u"});
  v.type("tagging");
  v.press({"enter"});
  auto wants = v.wanted();
  CAF_CHECK_EQUAL(only(wants, intent::rename)->text, "tagging");
  v.press({"end"});
  auto last = v.s.selected.id;
  v.press({"shift+up"});
  CAF_CHECK(only(v.wanted(), intent::persist) != nullptr);
  CAF_CHECK_EQUAL(v.s.selected.id, last);
  v.press({"down"});
  CAF_CHECK(v.s.selected.id != last);
  v.press({"alt+2"});
  CAF_CHECK_EQUAL(only(v.wanted(), intent::attach)->id, "b2");
}

// VIEW-3
CAF_TEST(escape closes then clears then leaves and ctrl c leaves when pressed twice) {
  viewer v;
  v.show(some());
  v.type("half a thought");
  v.press({"escape"});
  CAF_CHECK(v.s.input.empty() && v.wanted().empty());
  v.press({"space", "escape"});
  CAF_CHECK(!v.s.peeking && v.wanted().empty());
  v.press({"ctrl+c"});
  CAF_CHECK(v.wanted().empty());
  CAF_CHECK(v.shows("again leaves"));
  v.press({"ctrl+c"});
  CAF_CHECK(only(v.wanted(), intent::leave) != nullptr);
  v.press({"escape"});
  CAF_CHECK(only(v.wanted(), intent::leave) != nullptr);
}

// VIEW-3
CAF_TEST(ctrl f finds by words and escape shows all again) {
  viewer v;
  v.show(some());
  v.press({"ctrl+f"});
  v.type("LOGIN");
  CAF_CHECK(v.shows("fix-auth") && !v.shows("ask-release"));
  v.press({"enter"});
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  v.press({"escape"});
  CAF_CHECK(v.shows("ask-release"));
}

// VIEW-3
CAF_TEST(a click chooses a row and a second one attaches and the wheel moves) {
  viewer v;
  v.show(some());
  int row = 0;
  for (std::size_t i = 0; i < v.s.window.size(); ++i)
    if (v.s.window[i].id == "b2")
      row = v.s.window_rows[i];
  v.take(view::mouse_used{view::mouse_used::press, row, 4});
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  CAF_CHECK(v.wanted().empty());
  v.take(view::mouse_used{view::mouse_used::press, row, 4});
  CAF_CHECK_EQUAL(only(v.wanted(), intent::attach)->id, "b2");
  v.take(view::mouse_used{view::mouse_used::wheel_up, 0, 0});
  CAF_CHECK(v.s.selected.id != "b2");
}

// VIEW-3
CAF_TEST(the help lists every key and any other key closes it) {
  viewer v(60, 100);
  v.show(some());
  v.press({"?"});
  for (const auto& entry : view::actions())
    CAF_CHECK(v.shows("/" + std::string(entry.name)));
  v.press({"x"});
  CAF_CHECK(v.shows("Needs input") && v.s.input.empty());
}

// VIEW-2, KEEP-2
CAF_TEST(a long sentence leaves room for what runs) {
  viewer v(24, 80);
  auto s = make_session("a1", "working", "auth", "Editing src/login.cpp: the token is checked twice, once too often.");
  s.now.work = {{"w1", "shell", "npm run dev"}};
  v.show({s});
  CAF_CHECK(v.shows("Editing src/login") && v.shows("… [running: npm run dev]"));
  s.now.work[0].title = "npm run dev -- --host --port 5173 --strict --open --and --more";
  v.take(view::changed{s});
  CAF_CHECK(v.shows("Editing src/login") && v.shows("[running: npm run"));
  s.now.sentence.clear();
  v.take(view::changed{s});
  CAF_CHECK(v.shows("  [running: npm run dev -- --host"));
}

// VIEW-8
CAF_TEST(the row of a shell job says its command and what that put out last) {
  viewer v(24, 80);
  auto job = make_session("j1", "working", "tests", "make -j4 test");
  job.now.harness = "exec";
  v.show({job});
  CAF_CHECK(v.shows("  make -j4 test  "));
  job.now.output = "12 of 40 passed \x1b[2J";
  v.take(view::changed{job});
  CAF_CHECK(v.shows("  make -j4 test · 12 of 40 passed ^[[2J  ")); // SEC-2
  job.now.sentence = "make -j4 test TESTS='cart login payment' REPORT=/home/ann/shop/report.xml";
  v.take(view::changed{job});
  CAF_CHECK(v.shows("  make -j4 test TESTS='… · 12 of 40 passed ^[[2J"));
  job.now.output = "a line that is longer than all the room there is for it, and goes on past the edge";
  v.take(view::changed{job});
  CAF_CHECK(v.shows("  make -j4 test TES… · a line that is longer th…"));
  v.take(view::resized{24, 50});
  CAF_CHECK(v.shows("  a line that is longer") && !v.shows("make"));
  job.now.state = "failed";
  job.now.process = "exited";
  job.now.exit_status = 2;
  job.now.sentence = "make";
  job.now.output = "No rule to make target";
  v.take(view::changed{job});
  v.take(view::resized{24, 100});
  CAF_CHECK(v.shows("  exit 2 · make · No rule to make target"));
  v.press({"ctrl+f"});
  v.type("rule to");
  CAF_CHECK(v.shows("No rule to make target")); // it is found by what is seen
  v.type("nothing");
  CAF_CHECK(!v.shows("No rule to make target"));
}

// VIEW-7
CAF_TEST(the title counts who waits and people are told of beginnings and ends) {
  viewer v;
  v.show(some());
  CAF_CHECK_EQUAL(view::show(v.s).title, "troupe · 1 waits");
  CAF_CHECK(v.wanted().empty()); // not of what was so before
  v.take(view::changed{asking(make_session("b2", "blocked", "fix-auth"), "Which port?", {})});
  auto wants = v.wanted();
  CAF_CHECK_EQUAL(only(wants, intent::notify)->text, "fix-auth needs input: Which port?");
  CAF_CHECK_EQUAL(view::show(v.s).title, "troupe · 2 wait");
}

// CLI-9
CAF_TEST(with no account the view offers to sign in or to see the demo) {
  viewer v;
  v.show({});
  v.take(view::accounts_told{});
  CAF_CHECK(v.shows("/login") && v.shows("troupe demo"));
  v.take(view::accounts_told{{"ANTHROPIC_API_KEY"}});
  CAF_CHECK(!v.shows("/login"));
}

// VIEW-11
CAF_TEST(keys are bound anew and each has a slash command beside it) {
  viewer v;
  v.show(some());
  CAF_CHECK(v.s.set.keys.bind("pin", {"f2"}));
  CAF_CHECK(!v.s.set.keys.bind("no-such", {"f3"}));
  v.press({"ctrl+t"});
  CAF_CHECK(v.wanted().empty());
  v.press({"f2"});
  CAF_CHECK(only(v.wanted(), intent::pin) != nullptr);
  v.type("/pin");
  v.press({"enter"});
  CAF_CHECK(only(v.wanted(), intent::pin) != nullptr);
  v.type("/rename ship it");
  v.press({"enter"});
  auto wants = v.wanted();
  CAF_CHECK_EQUAL(only(wants, intent::rename)->text, "ship it");
}

// SEC-2
CAF_TEST(a hostile name shows what is in it and moves nothing) {
  viewer v;
  auto s = make_session("a1", "working", "evil\x1b[2J\nname\xe2\x80\xae", "bad\x07\xff\r\n\ttext");
  v.show({s});
  for (const auto& l : v.lines())
    for (char c : l)
      CAF_CHECK(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
  CAF_CHECK(v.shows("evil^[[2J name<U+20"));
  CAF_CHECK(v.shows("bad^G"));
}

CAF_TEST(a supervisor that goes away is told and the rows stay) {
  viewer v;
  v.show(some());
  v.take(view::disconnected{"gone"});
  CAF_CHECK(v.shows("reconnecting") && v.shows("fix-auth"));
  v.show(some());
  CAF_CHECK(!v.shows("reconnecting"));
}

CAF_TEST(the selection stays with its session and its neighbour takes over when it is removed) {
  viewer v;
  v.show(some());
  v.press({"down", "down"});
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  auto done = make_session("b2", "done", "fix-auth", "fixed");
  v.take(view::changed{done});
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  auto below = v.s.neighbours.first.id;
  v.take(view::removed{"b2"});
  CAF_CHECK_EQUAL(v.s.selected.id, below);
}
