// Secrets, planted at each place where Troupe is given one, and looked for everywhere after a day's work (SEC-5,
// SEC-6).
#define CAF_SUITE secrets
#include <csignal>
#include <filesystem>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/token_server.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

namespace fs = std::filesystem;

const char* const planted[] = {"sk-of-the-service-shell", "sk-stored-by-login", "access-0-secret",
                               "refresh-0-secret",        "access-1-secret",    "refresh-1-secret",
                               "word-of-the-project",     "word-of-the-shell",  "word-of-a-file"};

/// All that a stranger could see of it now: argument lists of its processes.
void look_at_arguments(const sandbox& s, std::set<std::string>& found) {
  for (const auto& p : s.processes()) {
    auto line = slurp("/proc/" + std::to_string(p.pid) + "/cmdline");
    for (const char* secret : planted)
      if (line.find(secret) != std::string::npos)
        found.insert(std::string(secret) + " in the arguments of a process");
  }
}

void look_at_text(const std::string& where, const std::string& text, std::set<std::string>& found) {
  for (const char* secret : planted)
    if (text.find(secret) != std::string::npos)
      found.insert(std::string(secret) + " in " + where);
}

} // namespace

// SEC-5, SEC-6, CRED-1, ENV-5
CAF_TEST(no secret is in any file or argument or message after a day) {
  troupe::test::token_server server;
  sandbox s(json{
      {"warmPool", {{"size", 1}}},
      {"permissions", {{"defaultMode", "bypassPermissions"}}},
      {"auth",
       {{"store", "file"},
        {"oauth",
         {{"test",
           {{"tokenUrl", server.url() + "/token"}, {"clientId", "c"}, {"variable", "CLAUDE_CODE_OAUTH_TOKEN"}}}}}}},
      {"harnesses",
       {{"loud",
         {{"credentials", {"ANTHROPIC_API_KEY", "CLAUDE_CODE_OAUTH_TOKEN"}},
          {"command", {"/bin/sh", "-c", "echo bad key $ANTHROPIC_API_KEY $CLAUDE_CODE_OAUTH_TOKEN >&2; exit 7"}}}}}}}
                .dump());
  std::set<std::string> found;
  auto dir = s.work() + "/project";
  fs::create_directories(dir + "/.troupe");
  spill(dir + "/.troupe/settings.json", R"({"env": {"PROJECT_WORD": "word-of-the-project"}})");
  spill(s.work() + "/mine.json", R"({"env": {"FILE_TOKEN": "word-of-a-file"}})");
  ::setenv("ANTHROPIC_API_KEY", "sk-of-the-service-shell", 1);
  s.troupe({"agents"});
  ::unsetenv("ANTHROPIC_API_KEY");
  ::setenv("SHELL_WORD", "word-of-the-shell", 1);
  auto say = [&](const std::vector<std::string>& args, const std::string& input = {}) {
    auto r = s.troupe(args, input);
    look_at_text("what `troupe " + args[0] + "` prints", r.out + r.err, found);
    return r;
  };
  spill(s.home() + "/credentials.json", json{{"keys", json::object()},
                                             {"logins",
                                              {{{"provider", "test"},
                                                {"variable", "CLAUDE_CODE_OAUTH_TOKEN"},
                                                {"access", "access-0-secret"},
                                                {"refresh", "refresh-0-secret"},
                                                {"expires", 1}}}}}
                                            .dump());
  ::chmod((s.home() + "/credentials.json").c_str(), 0600);
  say({"trust", "--yes", dir});
  auto job = s.bg({"--cwd", dir, "--settings", s.work() + "/mine.json", "--exec", "sleep 300"});
  auto native = s.bg({"--cwd", dir, "say hello"});
  auto loud = s.bg({"--harness", "loud", "say hello"});
  look_at_arguments(s, found);
  auto ends = [&] { // of the loud one, each with what it has said; that it is tried again and again is not waited for
    const auto text = slurp(s.home() + "/sessions/" + loud + "/transcript.jsonl");
    std::size_t n = 0;
    for (auto at = text.find("\"ended\""); at != std::string::npos; at = text.find("\"ended\"", at + 1))
      ++n;
    return n;
  };
  CAF_CHECK(until(s, [&] { return ends() >= 2 && s.field(native, "state") == "done"; }));
  say({"login", "--api-key"}, "sk-stored-by-login\n");
  say({"reply", native, "say it again"});
  CAF_CHECK(until(s, [&] { return s.field(native, "state") == "done"; }));
  look_at_arguments(s, found);
  for (const auto& id : {job, native, loud}) {
    say({"why", id});
    say({"logs", id});
  }
  say({"auth", "status"});
  say({"config", dir});
  say({"doctor", "--env", dir});
  say({"agents", "--json", "--all"});
  const auto before = ends();
  say({"respawn", loud});
  CAF_CHECK(until(s, [&] { return ends() > before; }));
  CAF_CHECK(slurp(s.home() + "/sessions/" + loud + "/transcript.jsonl").find("bad key *** ***") != std::string::npos);
  test::kill_and_wait(s.supervisor_pid());
  say({"agents", "--json", "--all"}); // adopted by another
  say({"stop", job, native});
  auto shared = say({"doctor", "--redact"}).out;
  CAF_CHECK(shared.find("\"what\":\"dispatched\"") != std::string::npos);
  for (const char* word : {"say hello", "say it again", "sleep 300"})
    CAF_CHECK(shared.find(word) == std::string::npos);
  CAF_CHECK(shared.find(dir) == std::string::npos);
  say({"logout"});
  say({"daemon", "logs"});
  ::unsetenv("SHELL_WORD");
  CAF_CHECK(s.stop().empty());
  for (const auto& file : fs::recursive_directory_iterator(s.home()))
    if (file.is_regular_file() && file.path().filename() != "settings.json")
      look_at_text(file.path().string(), slurp(file.path()), found);
  for (const auto& what : found)
    CAF_ERROR(what);
}

// SEC-5: nobody looks into them, and no core of them is written. What an undumpable process has in /proc is root's; so
// where the test is root's, they run as somebody else.
CAF_TEST(the processes that hold secrets are undumpable) {
  sandbox s;
  constexpr uid_t nobody = 65534;
  bool root = ::getuid() == 0;
  auto home = s.root() + "/nobody";
  fs::create_directory(home);
  fs::permissions(home, fs::perms::owner_all);
  fs::permissions(s.root(), fs::perms::owner_all | fs::perms::others_exec, fs::perm_options::add);
  if (root)
    CAF_REQUIRE_EQUAL(::chown(home.c_str(), nobody, nobody), 0);
  auto program = s.programs() + "/troupe-supervisor";
  spawn_request r;
  r.arguments = {"troupe-supervisor", "--foreground"};
  if (root)
    r.arguments = {"setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", program, "--foreground"};
  r.program = root ? "/usr/bin/setpriv" : program;
  r.env = {{"TROUPE_HOME", home}, {"PATH", "/usr/bin:/bin"}};
  r.cwd = "/";
  auto pid = spawn(r);
  CAF_REQUIRE(pid > 0);
  auto name_of = [](std::int32_t p) { return slurp("/proc/" + std::to_string(p) + "/comm"); };
  std::set<std::string> names;
  std::vector<process_identity> all;
  for (int i = 0; i < 1000 && names.size() < 3; ++i, ::usleep(10'000)) {
    names.clear();
    all = descendants(pid);
    all.push_back(*identify(pid));
    for (const auto& p : all)
      if (auto name = name_of(p.pid); name.starts_with("troupe-"))
        names.insert(name);
  }
  for (const char* name : {"troupe-agent\n", "troupe-supervis\n", "troupe-worker\n"})
    CAF_CHECK_EQUAL(names.count(name), 1u);
  for (const auto& p : all) {
    auto base = "/proc/" + std::to_string(p.pid);
    auto undumpable = [&] {
      struct stat st {};
      return ::stat((base + "/environ").c_str(), &st) == 0 && st.st_uid == 0;
    };
    for (int i = 0; i < 500 && !undumpable(); ++i) // one that was started just now has not said so yet
      ::usleep(10'000);
    CAF_CHECK(undumpable());
    CAF_CHECK(slurp(base + "/limits").find("Max core file size        0                    0 ") != std::string::npos);
    if (root)
      CAF_CHECK(slurp(base + "/status").find("Uid:\t65534") != std::string::npos);
  }
  ::kill(pid, SIGTERM);
  CAF_CHECK_EQUAL(test::wait_for(pid), 0);
  for (const auto& p : all)
    CAF_CHECK(test::gone_soon(p));
}
