// Pull requests of sessions at rest: `gh` is run for whoever looks at the roster, and for nobody else.
#define CAF_SUITE pulls
#include <chrono>
#include <filesystem>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::ask;
using troupe::test::count;
using troupe::test::holds;
using troupe::test::read_line;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

namespace fs = std::filesystem;

const std::string address = "https://github.com/o/r/pull/12";

/// A repository with a `gh` of its own, which opens pull requests for the session, and the user's `gh`, which tells
/// what `stands` says; both are in PATH, the repository's first.
struct forge {
  sandbox s;
  std::string dir = s.work() + "/repo", bin = s.root() + "/stubs", told = s.root() + "/gh-asked",
              stands = s.root() + "/stands";

  explicit forge(const std::string& settings) : s(settings) {
    program(dir + "/bin/gh",
            "case \"$1 $2\" in 'pr create') echo " + address + ";; *) echo it >> " + s.root() + "/hostile;; esac");
    program(bin + "/gh",
            "echo \"$@\" >> " + told + "; pwd > " + s.root() + "/gh-pwd; env > " + s.root() + "/gh-env; cat " + stands);
    auto git = "cd '" + dir + "' && git init -q -b main . && git -c user.name=n -c user.email=n@localhost commit " +
               "-q --allow-empty -m one";
    CAF_REQUIRE_EQUAL(std::system(git.c_str()), 0);
  }
  static void program(const std::string& path, const std::string& text) {
    fs::create_directories(fs::path(path).parent_path());
    spill(path, "#!/bin/sh\n" + text + "\n");
    ::chmod(path.c_str(), 0755);
  }
  void stand(const std::string& state) const {
    spill(stands + ".new", R"({"number":12,"url":")" + address + R"(",)" + state + "}\n");
    fs::rename(stands + ".new", stands);
  }
  /// A stopped session that has opened a pull request. Nobody has looked at the roster.
  std::string session() const {
    const std::string path = ::getenv("PATH");
    ::setenv("PATH", (dir + "/bin:" + bin + ":" + path).c_str(), 1);
    ::setenv("GH_TOKEN", "token-of-the-shell", 1);
    ::setenv("GH_ENTERPRISE_TOKEN", "token-for-any-host", 1);
    ::setenv("LD_AUDIT_LIKE", "no", 1);
    auto id = s.bg({"--cwd", dir, "--permission-mode", "bypassPermissions", "bash gh pr create --draft\nsay done"});
    ::setenv("PATH", path.c_str(), 1);
    for (const char* name : {"GH_TOKEN", "GH_ENTERPRISE_TOKEN", "LD_AUDIT_LIKE"})
      ::unsetenv(name);
    CAF_REQUIRE_EQUAL(s.troupe({"wait", id, "--timeout", "60"}).status, 0);
    CAF_REQUIRE_EQUAL(s.troupe({"stop", id}).status, 0);
    return id;
  }
  [[nodiscard]] std::string state_of(const std::string& id) const {
    auto pulls = s.field(id, "pullRequests");
    return pulls.is_array() && !pulls.empty() ? pulls[0]["state"].get<std::string>() : std::string();
  }
  [[nodiscard]] std::size_t asked() const { return count(slurp(told), "pr view"); }
  /// Commands that look once, for so long: what would be asked in that time is asked.
  void let_pass(std::chrono::milliseconds time, const std::string& id) const {
    for (auto end = std::chrono::steady_clock::now() + time; std::chrono::steady_clock::now() < end;)
      s.row(id);
  }
};

/// Somebody who looks at the roster until it is closed.
struct onlooker {
  unique_fd line;
  std::string seen;
  explicit onlooker(const sandbox& s) : line(s.connect()) {
    seen = ask(line.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/subscribe","params":{"all":true}})");
  }
  /// Reads changes until one has that.
  bool sees(const std::string& part) {
    while (!holds(seen, part)) {
      seen = read_line(line.get(), 20'000);
      if (seen.empty())
        return false;
    }
    return true;
  }
};

} // namespace

// PR-1, KEEP-8
CAF_TEST(a pull request of a session at rest is asked about for those who look and its row turns) {
  forge f(R"({"pullRequests": {"refreshSeconds": 0.1}})");
  f.stand(R"("state":"OPEN","reviewDecision":"REVIEW_REQUIRED")");
  auto id = f.session();
  CAF_CHECK_EQUAL(f.state_of(id), "open");
  f.let_pass(std::chrono::milliseconds(500), id);
  CAF_CHECK_EQUAL(f.asked(), 0u); // nobody subscribes
  {
    onlooker one(f.s);
    CAF_CHECK(one.sees(R"("state":"pending","url":")" + address));
    f.stand(R"("state":"MERGED")");
    CAF_CHECK(one.sees(R"("state":"merged","url":")" + address));
    CAF_CHECK_EQUAL(f.s.field(id, "process"), "exited");
  }
  auto asked = f.asked();
  f.let_pass(std::chrono::milliseconds(500), id);
  CAF_CHECK_EQUAL(f.asked(), asked);
  CAF_CHECK(holds(slurp(f.told), "pr view " + address + " --json number,url,state"));
  CAF_CHECK_EQUAL(slurp(f.s.root() + "/gh-pwd"), "/\n"); // no repository's configuration
  auto env = "\n" + slurp(f.s.root() + "/gh-env");
  CAF_CHECK(holds(env, "\nGH_TOKEN=token-of-the-shell\n") && holds(env, "\nPATH=" + f.bin + ":"));
  for (const char* name : {"GH_ENTERPRISE_TOKEN", "LD_AUDIT_LIKE", "TROUPE_", "SSH_", "GIT_"})
    CAF_CHECK_EQUAL(std::string(holds(env, std::string("\n") + name) ? name : ""), "");
  CAF_CHECK(!fs::exists(f.s.root() + "/hostile"));
  CAF_CHECK(!f.s.troupe({"daemon", "stop", "--any"}).status);
  CAF_CHECK_EQUAL(f.state_of(id), "merged"); // the next supervisor knows it from the ledger
  CAF_CHECK(f.s.stop().empty());
}

// PR-1, ENV-5
CAF_TEST(the account of a session that no shell has woken since a restart is that of the service) {
  forge f(R"({"pullRequests": {"refreshSeconds": 0.1}})");
  f.stand(R"("state":"CLOSED")");
  auto id = f.session();
  CAF_CHECK_EQUAL(f.s.troupe({"daemon", "stop", "--any"}).status, 0);
  const std::string path = ::getenv("PATH");
  ::setenv("PATH", (f.bin + ":" + path).c_str(), 1);
  ::setenv("GH_TOKEN", "token-of-the-service", 1);
  CAF_CHECK_EQUAL(f.state_of(id), "open"); // which has started it
  ::setenv("PATH", path.c_str(), 1);
  ::unsetenv("GH_TOKEN");
  onlooker one(f.s);
  CAF_CHECK(one.sees(R"("state":"closed","url":")" + address));
  auto env = "\n" + slurp(f.s.root() + "/gh-env");
  CAF_CHECK(holds(env, "\nHOME=") && !holds(env, "\nGH_TOKEN="));
  CAF_CHECK(f.s.stop().empty());
}

// PR-1
CAF_TEST(a gh that fails is left alone for a while and the row keeps what it showed) {
  forge f(R"({"pullRequests": {"refreshSeconds": 0.1}})");
  spill(f.stands, "no pull request\n");
  auto id = f.session();
  onlooker one(f.s);
  CAF_REQUIRE(until(f.s, [&] { return f.asked() > 0; }));
  f.let_pass(std::chrono::milliseconds(3500), id); // longer than between two that succeed
  CAF_CHECK_EQUAL(f.asked(), 1u);
  CAF_CHECK_EQUAL(f.state_of(id), "open");
  CAF_CHECK(holds(f.s.troupe({"daemon", "logs"}).out, "gh told nothing of " + address));
  CAF_CHECK(f.s.stop().empty());
}

// PR-1, KEEP-8
CAF_TEST(a gh that hangs ends with the service that has it run) {
  forge f(R"({"pullRequests": {"refreshSeconds": 0.1}})");
  forge::program(f.bin + "/gh", "echo pr view >> " + f.told + "; sleep 600; echo late");
  f.session();
  {
    onlooker one(f.s);
    CAF_REQUIRE(until(f.s, [&] { return f.asked() > 0; }));
  }
  auto running = f.s.processes();
  ::kill(f.s.supervisor_pid(), SIGKILL);
  for (const auto& each : running)
    CAF_CHECK(test::gone_soon(each));
  CAF_CHECK(f.s.stop().empty());
}

// PR-1
CAF_TEST(nothing is asked for a user who does not want it) {
  forge f(R"({"pullRequests": {"refreshSeconds": 0.1}, "worktree": {"askPullRequests": false}})");
  f.stand(R"("state":"MERGED")");
  auto id = f.session();
  onlooker one(f.s);
  f.let_pass(std::chrono::milliseconds(500), id);
  CAF_CHECK_EQUAL(f.asked(), 0u);
  CAF_CHECK(f.s.stop().empty());
}
