// Screens of the agent view as text files that a person can read: tests/screens/view/*.txt. With TROUPE_WRITE_SCREENS
// set they are written anew.
#define CAF_SUITE view_screens
#include <cstdlib>
#include <fstream>

#include "caf/test/unit_test.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

/// A day's work: every state and shape, wide text, labels, work in the background.
std::vector<view::session> day() {
  std::vector<view::session> all;
  auto add = [&](view::session s, wall_ms age_ms, const std::string& cwd = "/home/ann/shop") {
    s.now.started_at = noon - age_ms;
    s.now.told.since = noon - age_ms / 2;
    s.now.cwd = cwd;
    all.push_back(std::move(s));
  };
  auto release = asking(make_session("7h2kq0", "blocked", "ask-release"),
                        "Shall I tag the release as v1.4.0 and push the tag to origin? The changelog is ready.",
                        {"Yes", "Yes, and do not ask again", "No"});
  add(release, 11 * 60'000);
  auto pinned = make_session("2fk9zz", "working", "dev-server", "npm run dev");
  pinned.now.harness = "exec";
  pinned.now.output = "listening on :5173";
  pinned.now.pinned = true;
  add(pinned, 3 * 3'600'000, "/home/ann/site");
  auto review = make_session("9q4m3x", "done", "menu-overflow", "Fixed the overflow; a test holds it.");
  review.pulls = {{412, "https://github.com/ann/site/pull/412", "ready"}};
  add(review, 50 * 60'000, "/home/ann/site");
  add(make_session("1xg7ab", "working", "fix-auth", "editing src/login.cpp: the token is checked twice"), 130'000);
  add(make_session("5tt0vw", "working", "日本語の翻訳", "translating 12 of 40 pages · 残り28ページ"), 42'000,
      "/home/ann/site");
  auto frozen = make_session("8c6y1d", "idle", "refactor-cart", "Ready for the next step.");
  frozen.now.process = "frozen";
  add(frozen, 26 * 3'600'000);
  auto nightly = make_session("3pp5ee", "failed", "nightly", "make nightly");
  nightly.now.harness = "exec";
  nightly.now.exit_status = 2;
  nightly.now.output = "make: *** [Makefile:12: nightly] Error 2";
  add(nightly, 9 * 3'600'000);
  add(make_session("4jj6rr", "stopped", "spike", "Trying a radix tree."), 30 * 3'600'000);
  for (int i = 0; i < 12; ++i)
    add(make_session("done" + std::to_string(10 + i), "done", "chore-" + std::to_string(i + 1), "Done."),
        (40 + i) * 3'600'000LL);
  return all;
}

viewer with_day(int rows, int columns) {
  viewer v(rows, columns);
  v.s.set.model = "sonnet";
  v.s.set.permission_mode = "acceptEdits";
  v.take(view::accounts_told{{"ANTHROPIC_API_KEY"}});
  view::catalog known;
  known.agents = {{"reviewer", "reads a change and says what is wrong with it", true},
                  {"shipper", "cuts a release", false}};
  known.commands = {{"deploy", "deploys the site", true}};
  known.models = {"opus", "sonnet", "haiku"};
  v.take(view::catalog_told{known});
  v.show(day());
  return v;
}

void compare(const std::string& name, const viewer& v) {
  auto path = std::string(std::getenv("TROUPE_SOURCE")) + "/tests/screens/view/" + name + ".txt";
  if (std::getenv("TROUPE_WRITE_SCREENS") != nullptr)
    std::ofstream(path) << v.text();
  std::ifstream in(path);
  std::string kept{std::istreambuf_iterator<char>(in), {}};
  if (kept != v.text())
    CAF_ERROR(name + ".txt is not what is drawn:\n" + v.text());
}

} // namespace

// VIEW-1, VIEW-2, VIEW-7
CAF_TEST(a day of work is drawn as in the files) {
  compare("day-80x24", with_day(24, 80));
  compare("day-100x30", with_day(30, 100));
  compare("day-200x60", with_day(60, 200));
  compare("day-20x5", with_day(5, 20));
  compare("day-40x12", with_day(12, 40));
}

// VIEW-4
CAF_TEST(peek is drawn as in the file) {
  auto v = with_day(30, 100);
  v.press({"home", "space"});
  for (int i = 0; i < 20 && v.s.selected.id != "7h2kq0"; ++i)
    v.press({"down"});
  compare("peek", v);
  v.type("no, wait for the tests");
  compare("peek-reply", v);
  auto small = with_day(8, 30);
  small.press({"home", "space"});
  for (int i = 0; i < 20 && small.s.selected.id != "7h2kq0"; ++i)
    small.press({"down"});
  compare("peek-30x8", small);
}

// VIEW-4
CAF_TEST(peek at a shell job is drawn as in the file) {
  auto v = with_day(24, 80);
  auto job = make_session("6mm1tt", "failed", "tests", "make test");
  job.now.harness = "exec";
  job.now.exit_status = 2;
  v.take(view::changed{job});
  v.press({"home"});
  for (int i = 0; i < 30 && v.s.selected.id != "6mm1tt"; ++i)
    v.press({"down"});
  v.press({"space"});
  for (const auto& w : v.wanted())
    if (w.kind == view::intent::look)
      v.take(view::outcome{w.token, true, "[ 98%] Linking\n[100%] 212 tests\n\n2 tests failed:\n  17 - cart\n", {}});
  compare("peek-job", v);
}

// TRUST-2
CAF_TEST(the question about trust is drawn as in the file) {
  auto v = with_day(24, 80);
  v.type("fix the menu");
  v.press({"enter"});
  for (const auto& w : v.wanted())
    if (w.kind == view::intent::dispatch)
      v.take(view::trust_asked{
          w.token,
          "/home/ann/shop",
          "h1",
          false,
          {"env: PLAIN_WORD", "permissions.allow: Bash(npm test:*)", "mcpServers: issues: npx issues-mcp"}});
  compare("trust", v);
}

// VIEW-3, VIEW-5, VIEW-6
CAF_TEST(what comes over the list is drawn as in the files) {
  auto v = with_day(30, 100);
  v.press({"?"});
  compare("help", v);
  v.press({"x"});
  v.type("/m");
  compare("commands", v);
  v.press({"ctrl+u"});
  v.type("reviewer look at the last change");
  compare("chip", v);
  v.press({"ctrl+u"});
  v.type("/model");
  v.press({"enter"});
  compare("models", v);
  v.press({"escape", "ctrl+s"});
  compare("by-directory", v);
  v.press({"ctrl+f"});
  v.type("shop");
  compare("find", v);
}

// CLI-9
CAF_TEST(an empty view is drawn as in the files) {
  viewer v(24, 80);
  v.show({});
  v.take(view::accounts_told{});
  compare("empty-no-account", v);
  v.take(view::accounts_told{{"ANTHROPIC_API_KEY"}});
  compare("empty", v);
  v.take(view::disconnected{"gone"});
  compare("away", v);
}
