// The agent view as a person meets it, key by key, without a terminal.
#define CAF_SUITE view_stories
#include "caf/test/unit_test.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using view::intent;

namespace {

std::vector<view::session> some() {
  return {asking(make_session("a1", "blocked", "ask-release"), "Shall I tag the release?", {"Yes", "No"}),
          make_session("b2", "working", "fix-auth", "editing login.cpp"),
          make_session("c3", "done", "greeting", "Hello."), make_session("d4", "failed", "broken", "exit 3"),
          make_session("e5", "stopped", "old")};
}

const intent* only(const std::vector<intent>& all, intent::kind_ kind) {
  const intent* found = nullptr;
  for (const auto& x : all)
    if (x.kind == kind)
      found = found == nullptr ? &x : nullptr;
  return found;
}

} // namespace

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

// VIEW-4
CAF_TEST(peek shows the whole question and a digit answers it once) {
  viewer v;
  v.show(some());
  v.press({"space"});
  CAF_CHECK(v.shows("waiting 3m") && v.shows("1  Yes"));
  v.press({"2"});
  auto wants = v.wanted();
  const auto* a = only(wants, intent::answer);
  CAF_REQUIRE(a != nullptr);
  CAF_CHECK_EQUAL(a->id + a->question + a->text, "a1q12");
}

// VIEW-4, KEEP-6
CAF_TEST(a reply typed into peek is sent and a draft waits with its session) {
  viewer v;
  v.show(some());
  v.press({"down", "down", "space"});
  v.type("also the tests");
  v.press({"up"}); // to a1, which has a draft of its own: none
  CAF_CHECK(v.s.reply.empty());
  v.press({"down"});
  CAF_CHECK_EQUAL(v.s.reply.text(), "also the tests");
  v.press({"enter"});
  auto wants = v.wanted();
  CAF_CHECK_EQUAL(only(wants, intent::reply)->text, "also the tests");
  CAF_CHECK_EQUAL(only(wants, intent::reply)->id, "b2");
  v.press({"down"}); // one whose process has ended is woken while one types
  v.type("go");
  CAF_CHECK(only(v.wanted(), intent::wake) != nullptr);
  v.press({"ctrl+u", "right"});
  CAF_CHECK(only(v.wanted(), intent::attach) != nullptr);
}

// VIEW-4
CAF_TEST(tab offers the choices of a question one after the other) {
  viewer v;
  v.show(some());
  v.press({"space", "tab"});
  CAF_CHECK_EQUAL(v.s.reply.text(), "Yes");
  v.press({"tab"});
  CAF_CHECK_EQUAL(v.s.reply.text(), "No");
  v.press({"enter"});
  auto wants = v.wanted();
  CAF_CHECK_EQUAL(only(wants, intent::answer)->text, "2");
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

// VIEW-4
CAF_TEST(the choices of a question are seen however long it is) {
  viewer v(24, 80);
  std::string text;
  for (int i = 1; i <= 30; ++i)
    text += "line " + std::to_string(i) + "\n";
  v.show({asking(make_session("a1", "blocked", "deploy"), text, {"Allow", "Reject"})});
  v.press({"space"});
  CAF_CHECK(v.shows("  line 1\n") && v.shows("… more: attach to read all\n  1  Allow\n  2  Reject\n"));
}

// VIEW-4
CAF_TEST(peek shows what a shell job has put out last and looks again while it runs) {
  viewer v;
  auto job = make_session("j1", "working", "tests", "make test");
  job.now.harness = "exec";
  v.show({job});
  v.press({"space"});
  CAF_CHECK(v.shows("a line, typed into it"));
  auto wants = v.wanted();
  const auto* asked = only(wants, intent::look);
  CAF_REQUIRE(asked != nullptr);
  CAF_CHECK_EQUAL(asked->id, "j1");
  auto token = asked->token;
  v.take(view::ticked{});
  CAF_CHECK(only(v.wanted(), intent::look) == nullptr); // not before it is answered
  v.take(view::outcome{token, true, "one\n\ttwo\nthree", {}});
  CAF_CHECK(v.shows("  make test\n  │ one\n  │         two\n  │ three\n"));
  CAF_CHECK(only(v.wanted(), intent::look) == nullptr);
  CAF_CHECK(view::next_change(v.s) <= 1000);
  v.now += 1000;
  v.take(view::ticked{});
  wants = v.wanted();
  asked = only(wants, intent::look);
  CAF_REQUIRE(asked != nullptr);
  token = asked->token;
  std::string many;
  for (int i = 1; i <= 20; ++i)
    many += "line " + std::to_string(i) + "\n";
  v.take(view::outcome{token, true, many, {}});
  CAF_CHECK(v.shows("│ line 20") && !v.shows("│ line 1\n"));
  job.now.state = "failed";
  job.now.process = "exited";
  job.now.sentence = "exit 2";
  v.take(view::changed{job});
  CAF_CHECK(v.shows("it has ended: Esc, then /respawn, runs it again"));
  wants = v.wanted();
  asked = only(wants, intent::look);
  CAF_REQUIRE(asked != nullptr); // its last words
  v.take(view::outcome{asked->token, false, "gone", {}});
  CAF_CHECK(!v.shows("gone"));
  v.now += 100'000;
  v.take(view::ticked{});
  CAF_CHECK(only(v.wanted(), intent::look) == nullptr);
}

// VIEW-5
CAF_TEST(what is typed names agents and repositories and shell jobs and pull requests) {
  viewer v;
  auto all = some();
  all[1].pulls = {{12, "https://example.com/o/r/pull/12", "pending"}};
  v.show(all);
  view::catalog known;
  known.agents = {{"reviewer", "reads", true}, {"shipper", "ships", false}};
  known.repositories = {{"site", "/home/ann/site"}, {"reviewer", "/home/ann/reviewer"}};
  v.take(view::catalog_told{known});
  auto dispatched = [&](const std::string& text) {
    v.type(text);
    v.press({"enter"});
    auto wants = v.wanted();
    const auto* d = only(wants, intent::dispatch);
    return d == nullptr ? std::string("-") : d->agent + "|" + d->text + "|" + d->directory + (d->shell ? "|!" : "");
  };
  CAF_CHECK_EQUAL(dispatched("reviewer look at it"), "reviewer|look at it|/home/ann/shop");
  CAF_CHECK_EQUAL(dispatched("shipper sails today"), "|shipper sails today|/home/ann/shop"); // a project's needs the @
  CAF_CHECK_EQUAL(dispatched("@shipper ship it"), "shipper|ship it|/home/ann/shop");
  CAF_CHECK_EQUAL(dispatched("@reviewer look at it"), "reviewer|look at it|/home/ann/shop"); // the definition wins
  CAF_CHECK_EQUAL(dispatched("@site fix the menu"), "|fix the menu|/home/ann/site");
  CAF_CHECK_EQUAL(dispatched("! make test"), "|make test|/home/ann/shop|!");
  CAF_CHECK_EQUAL(dispatched("#12"), "-");
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  v.press({"home"});
  CAF_CHECK_EQUAL(dispatched("https://example.com/o/r/pull/12/files"), "-");
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  CAF_CHECK_EQUAL(dispatched("#9999"), "|#9999|/home/ann/shop"); // nobody works on it
  CAF_CHECK_EQUAL(dispatched("https://example.com/o/r/pull/13"), "|https://example.com/o/r/pull/13|/home/ann/shop");
  v.s.set.repository = "/home/ann/other"; // whose #1234 that is
  all[1].pulls[0].number = 1234;
  v.take(view::changed{all[1]});
  CAF_CHECK_EQUAL(dispatched("#1234"), "|#1234|/home/ann/shop");
  v.s.set.repository = "/home/ann/shop";
  v.press({"home"});
  CAF_CHECK_EQUAL(dispatched("#1234"), "-");
  CAF_CHECK_EQUAL(v.s.selected.id, "b2");
  CAF_CHECK_EQUAL(dispatched("abc"), "-");
  CAF_CHECK(v.shows("too short"));
}

// TRUST-2
CAF_TEST(a directory that nobody has decided about is asked for and the dispatch goes on as is said) {
  for (const std::string key : {"n", "t", "w", "enter"}) {
    viewer v;
    v.show({});
    v.type("fix the menu");
    v.press({"shift+enter"});
    auto token = only(v.wanted(), intent::dispatch)->token;
    v.take(view::trust_asked{token, "/home/ann/shop", "h1", false, {"may run: npm test", "sets A\x1b[2J"}});
    CAF_CHECK(v.shows("Nobody has decided yet about the settings of ~/shop"));
    CAF_CHECK(v.shows("may run: npm test") && v.shows("sets A^[[2J"));
    v.press({"t", "w", "enter"}); // of what was being typed when the question came
    CAF_CHECK(only(v.wanted(), intent::dispatch) == nullptr);
    CAF_CHECK(v.shows("Nobody has decided yet"));
    v.now += 500;
    v.press({key});
    const auto* again = only(v.wanted(), intent::dispatch);
    if (key == "n" || key == "enter") { // no is what Enter says
      CAF_CHECK(again == nullptr);
      CAF_CHECK_EQUAL(v.s.input.text(), "fix the menu");
      continue;
    }
    CAF_REQUIRE(again != nullptr);
    CAF_CHECK_EQUAL(again->text, "fix the menu");
    CAF_CHECK_EQUAL(again->trust, key == "t" ? "h1" : "");
    CAF_CHECK_EQUAL(again->yes, key == "w");
    CAF_CHECK(v.s.input.empty());
    v.take(view::outcome{again->token, true, "new1", {}});
    CAF_CHECK_EQUAL(only(v.wanted(), intent::attach)->id, "new1"); // as it was typed
  }
}

// VIEW-5
CAF_TEST(state and name filter while they are typed) {
  viewer v;
  v.show(some());
  v.type("s:blocked");
  CAF_CHECK(v.shows("ask-release") && !v.shows("fix-auth"));
  v.press({"ctrl+u"});
  v.type("s:needs"); // as the screen calls it
  CAF_CHECK(v.shows("ask-release") && !v.shows("fix-auth"));
  CAF_CHECK(v.shows("Enter attach · Esc clear"));
  CAF_CHECK(!v.shows("? keys")); // it would be typed
  v.press({"ctrl+u"});
  v.type("/model");
  CAF_CHECK(v.shows("Enter run · Esc clear"));
  v.press({"ctrl+u", "ctrl+f"});
  v.type("needs");
  CAF_CHECK(v.shows("ask-release") && !v.shows("fix-auth"));
  CAF_CHECK(!v.shows("? keys"));
  v.press({"escape"});
  v.press({"ctrl+u"});
  v.type("a:green");
  CAF_CHECK(!v.shows("ask-release"));
  v.press({"escape"});
  CAF_CHECK(v.shows("fix-auth"));
  auto theirs = make_session("r7", "idle", "last-change", "Two things to mend.");
  theirs.now.definition = "Reviewer";
  v.take(view::changed{theirs});
  v.type("a:review");
  CAF_CHECK(v.shows("last-change") && !v.shows("fix-auth"));
  v.press({"escape", "home"});
  while (v.s.selected.id != "r7")
    v.press({"down"});
  v.press({"space"});
  CAF_CHECK(v.shows("native · @Reviewer"));
}

// VIEW-5
CAF_TEST(a long paste folds and goes out whole and unfolds when it is pasted again) {
  viewer v;
  v.show({});
  std::string text = "one\ntwo\nthree\nfour\nfive\nsix";
  v.type("see ");
  v.take(view::pasted{text});
  CAF_CHECK_EQUAL(v.s.input.text(), "see [Pasted text #1]");
  v.press({"backspace"});
  CAF_CHECK_EQUAL(v.s.input.text(), "see ");
  v.take(view::pasted{text});
  v.press({"enter"});
  auto wants = v.wanted();
  CAF_CHECK_EQUAL(only(wants, intent::dispatch)->text, "see " + text);
  v.take(view::pasted{text});
  v.take(view::pasted{text});
  CAF_CHECK_EQUAL(v.s.input.text(), text);
}

// VIEW-6
CAF_TEST(commands of the view run in it and others are never dispatched) {
  viewer v(24, 100);
  v.show(some());
  view::catalog known;
  known.commands = {{"deploy", "a skill", true}, {"login", "a project's", false}};
  v.take(view::catalog_told{known});
  auto enter = [&](const std::string& text) -> const std::vector<intent>& {
    v.press({"ctrl+u"});
    v.type(text);
    v.press({"enter"});
    return v.wanted();
  };
  CAF_CHECK(only(enter("/login"), intent::sign_in) != nullptr); // a project's command cannot shadow it
  CAF_CHECK(only(enter("/logout"), intent::sign_out) != nullptr);
  CAF_CHECK_EQUAL(only(enter("/deploy now"), intent::dispatch)->text, "/deploy now");
  CAF_CHECK_EQUAL(only(enter("/init"), intent::dispatch)->text, "/init");
  CAF_CHECK(enter("/compact").empty());
  CAF_CHECK(v.shows("attach to a session to run it"));
  CAF_CHECK_EQUAL(v.s.input.text(), "/compact");
  CAF_CHECK(enter("/delpoy").empty());
  CAF_CHECK(v.shows("did you mean /deploy?"));
  CAF_CHECK_EQUAL(only(enter("/usr/bin/false fails"), intent::dispatch)->text, "/usr/bin/false fails");
  enter("/model opus");
  CAF_CHECK(v.shows("opus (session)"));
  CAF_CHECK_EQUAL(only(enter("fix the test"), intent::dispatch)->model, "opus");
  enter("/model default");
  CAF_CHECK(!v.shows("(session)"));
  CAF_CHECK(only(enter("/quit"), intent::leave) != nullptr);
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
