// What is typed into the agent view: replies and answers in peek, tasks, filters and commands, without a terminal.
#define CAF_SUITE view_input
#include "caf/test/unit_test.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using view::intent;

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
