// Sessions inside a program that work in worktrees of their own (ISO-1), on real git repositories.
#define CAF_SUITE embedded_worktrees
#include <filesystem>

#include <sys/wait.h>

#include "caf/test/unit_test.hpp"
#include "runtime/troupe.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe::embed;
using namespace std::chrono_literals;
using troupe::test::holds;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;

namespace {

namespace fs = std::filesystem;

/// Writes its prompt where it is told to work.
class writer : public agent {
public:
  explicit writer(beginning& told) : told_(told) {}
  result<std::string> initialize(const beginning& how, conversation) override {
    told_ = how;
    return std::string("c");
  }
  void prompt(turn now) override {
    spill(told_.cwd + "/said", now.prompt());
    now.end();
  }

private:
  beginning& told_;
};

/// A repository with one commit and a runtime whose agent writes.
struct program {
  sandbox s;
  std::string dir = s.work() + "/repo";
  beginning told;
  std::unique_ptr<runtime> r;

  program() {
    fs::create_directories(dir + "/sub");
    sh("git init -q -b main . && git config user.name n && git config user.email n@localhost && "
       "echo one > sub/file && git add . && git commit -qm one");
  }
  void sh(const std::string& line) const {
    CAF_REQUIRE_EQUAL(std::system(("cd '" + dir + "' && { " + line + "; }").c_str()), 0);
  }
  void start(bool worktrees, const std::string& settings = {}) {
    options o;
    o.directory = s.home();
    o.programs = std::getenv("TROUPE_BIN");
    o.agent_worktrees = worktrees;
    o.settings = settings;
    o.agents["writer"] = [this] { return std::make_unique<writer>(told); };
    auto got = runtime::start(std::move(o));
    CAF_REQUIRE_EQUAL(got ? "" : got.error().text, "");
    r = std::move(*got);
  }
  /// Until that many turns of it have ended.
  void wait_for_turn(const std::string& id, int turns) const {
    auto events = r->follow(id);
    CAF_REQUIRE(events);
    while (turns > 0) {
      auto e = (*events)->next(30s);
      CAF_REQUIRE_EQUAL(e ? "" : e.error().text, "");
      turns -= e->what == "turn_ended" ? 1 : 0;
    }
  }
  /// A session in `sub` that has come to `state`.
  std::string session(const std::string& state = "done") {
    dispatch d;
    d.harness = "writer";
    d.prompt = "the words";
    d.cwd = dir + "/sub";
    auto got = r->dispatch(d);
    CAF_REQUIRE_EQUAL(got ? "" : got.error().text, "");
    auto now = r->wait({got->id}, 30s);
    CAF_REQUIRE_EQUAL(now ? now->front().state : now.error().text, state);
    return got->id;
  }
};

} // namespace

// ISO-1
CAF_TEST(an agent of the program works in a worktree where the program asks for it) {
  program p;
  p.start(true);
  auto id = p.session();
  auto tree = p.dir + "/.troupe/worktrees/" + fs::path(p.told.worktree).filename().string();
  CAF_CHECK_EQUAL(p.told.worktree, tree);
  CAF_CHECK_EQUAL(p.told.cwd, tree + "/sub");
  CAF_CHECK(p.told.branch.starts_with("troupe/") && holds(p.told.branch, id));
  CAF_CHECK_EQUAL(slurp(tree + "/sub/said"), "the words");
  CAF_CHECK(!fs::exists(p.dir + "/sub/said"));
  auto row = *p.r->get(id);
  CAF_CHECK_EQUAL(row.cwd, p.dir + "/sub"); // where it was sent
  CAF_CHECK_EQUAL(row.worktree, tree);
  CAF_CHECK_EQUAL(row.branch, p.told.branch);
  p.r.reset(); // the next runtime knows it, and goes on there though it would make none
  p.start(false);
  p.told = {};
  CAF_CHECK(p.r->reply(id, "more words"));
  p.wait_for_turn(id, 2);
  CAF_CHECK_EQUAL(slurp(tree + "/sub/said"), "more words");
  auto kept = p.r->remove(id); // ISO-2
  CAF_CHECK(kept.code == errc::kept && holds(kept.text, "uncommitted changes: sub/said"));
  CAF_CHECK(fs::exists(tree));
  CAF_CHECK_EQUAL(p.r->remove(id, uncommitted::remove).text, "");
  CAF_CHECK(!fs::exists(tree));
  p.sh("git show $(git for-each-ref --format='%(refname)' refs/troupe/kept):sub/said | grep -q 'more words'");
}

// ISO-1
CAF_TEST(it works where it was sent where the program or the settings ask for none or git has none) {
  program p;
  p.start(false);
  p.session();
  CAF_CHECK_EQUAL(p.told.cwd, p.dir + "/sub");
  CAF_CHECK(p.told.worktree.empty() && p.told.branch.empty());
  p.r.reset();
  p.start(true, R"({"worktree": {"bgIsolation": "none"}})");
  p.session();
  CAF_CHECK_EQUAL(p.told.cwd, p.dir + "/sub");
  p.r.reset();
  fs::remove_all(p.dir + "/.git");
  p.start(true);
  p.session();
  CAF_CHECK_EQUAL(p.told.cwd, p.dir + "/sub");
}

// ISO-1: never the user's own checkout instead
CAF_TEST(a session of the programs agent fails with the reason where no worktree can be made) {
  program p;
  p.start(true);
  spill(p.dir + "/.troupe", "in the way");
  auto id = p.session("failed");
  CAF_CHECK(holds(p.r->get(id)->sentence, ".troupe/worktrees cannot be made"));
  CAF_CHECK(!fs::exists(p.dir + "/sub/said"));
  CAF_CHECK(p.told.cwd.empty()); // it was not asked to begin
}
