// A directory that its user closes, or that was never theirs: what the row, the logs and the command say (CLI-6). Root
// may enter everything; so where the test is root's, Troupe runs as somebody else.
#define CAF_SUITE closed_folders
#include <array>
#include <cstdio>
#include <filesystem>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::spill;

namespace {

namespace fs = std::filesystem;

/// A Troupe of a user who is not root.
struct plain_user {
  sandbox box;
  std::string home = box.root() + "/theirs", dir = home + "/closed/work";
  uid_t who = ::getuid() == 0 ? 65534 : ::getuid();

  plain_user() {
    for (const auto& folder : {home, home + "/closed", dir})
      own(folder);
    spill(home + "/settings.json", R"({"provider": "offline", "warmPool": {"size": 0}})");
    fs::permissions(box.root(), fs::perms::others_exec, fs::perm_options::add);
    if (::getuid() == 0)
      CAF_REQUIRE_EQUAL(::chown((home + "/settings.json").c_str(), who, who), 0);
  }
  ~plain_user() {
    run("daemon stop --any");
    ::chmod((home + "/closed").c_str(), 0700);
  }
  void own(const std::string& folder) const {
    fs::create_directories(folder);
    fs::permissions(folder, fs::perms::owner_all);
    if (::getuid() == 0)
      CAF_REQUIRE_EQUAL(::chown(folder.c_str(), who, who), 0);
  }
  /// What `troupe ARGS` prints, on both.
  std::string run(const std::string& args) const {
    const auto drop =
        ::getuid() == 0 ? std::string("setpriv --reuid 65534 --regid 65534 --clear-groups ") : std::string();
    auto* out = ::popen(("cd / && " + drop + "env -i PATH=/usr/bin:/bin SHELL=/bin/sh TROUPE_HOME=" + home + " " +
                         box.programs() + "/troupe " + args + " 2>&1")
                            .c_str(),
                        "re");
    std::string text;
    std::array<char, 4096> block{};
    for (std::size_t n; (n = std::fread(block.data(), 1, block.size(), out)) > 0;)
      text.append(block.data(), n);
    ::pclose(out);
    return text;
  }
};

} // namespace

// CLI-6
CAF_TEST(a folder that is closed is named with its owner and mode and how it is opened) {
  plain_user u;
  auto id = u.run("--bg -q --cwd " + u.dir + " 'say hello there'");
  id.pop_back();
  CAF_CHECK_EQUAL(u.run("wait " + id), id + " · done\n");
  u.run("stop " + id);
  CAF_REQUIRE_EQUAL(::chmod((u.home + "/closed").c_str(), 0), 0);
  const auto me = std::to_string(u.who), closed = u.home + "/closed";
  const auto fault = "directory may not be entered: user " + me + " needs the permission to enter " + closed +
                     " (of user " + me + ", mode 0000), by chmod u+rx " + closed;
  const auto refused = u.run("--bg --cwd " + u.dir + " 'say hello there'");
  CAF_CHECK(refused.find(fault) != std::string::npos);
  CAF_CHECK(refused.find("grant it, and try again; or name another directory: --cwd DIR") != std::string::npos);
  if (::getuid() == 0) { // somebody else's
    CAF_REQUIRE_EQUAL(::chown(closed.c_str(), 0, 0), 0);
    CAF_CHECK(u.run("--bg --cwd " + u.dir + " 'say hello there'")
                  .find(closed + " (of user 0, mode 0000), by setfacl -m u:" + me + ":rx " + closed) !=
              std::string::npos);
    CAF_REQUIRE_EQUAL(::chown(closed.c_str(), u.who, u.who), 0);
  }
  u.run("respawn " + id);
  u.run("wait " + id + " --timeout 10");
  const auto row = json::parse(u.run("agents --json --all"))[0];
  CAF_CHECK_EQUAL(row["state"], "failed");
  CAF_CHECK(fault.starts_with(row["sentence"].get<std::string>())); // a row has bounds
  CAF_CHECK(row["sentence"].get<std::string>().find(closed) != std::string::npos);
  for (const char* command : {"logs ", "why "}) {
    const auto told = u.run(command + id);
    CAF_CHECK(told.find(fault) != std::string::npos);
  }
  CAF_REQUIRE_EQUAL(::chmod(closed.c_str(), 0700), 0);
  u.run("respawn " + id); // opened, it goes on
  CAF_CHECK_EQUAL(u.run("wait " + id + " --timeout 10"), id + " · done\n");
}

// CLI-6: as a security module does, or macOS: the mode would let it in
CAF_TEST(a folder that the system keeps to itself is told with the permission that is missing) {
  if (::access("/usr/bin/strace", X_OK) != 0)
    return std::puts("skipped: no strace, which says EPERM for the kernel; install it"), void();
  sandbox s;
  auto id = s.bg({"say hello there"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_REQUIRE(s.stop().empty());
  const auto script = s.root() + "/start";
  spill(script, "export TROUPE_HOME=" + s.home() + " ASAN_OPTIONS=detect_leaks=0\nexec " + s.programs() +
                    "/troupe agents --json\n");
  spawn_request r;
  r.program = "/usr/bin/strace";
  r.arguments = {"strace",
                 "-f",
                 "-qq",
                 "-P",
                 s.work(),
                 "-e",
                 "inject=access,faccessat,faccessat2,openat:error=EPERM",
                 "-e",
                 "signal=none",
                 "-o",
                 "/dev/null",
                 "sh",
                 script};
  r.env = {{"PATH", "/usr/bin:/bin"}, {"HOME", s.root()}, {"LANG", "C.UTF-8"}};
  const auto tracer = spawn(r);
  CAF_REQUIRE(tracer > 0);
  for (int i = 0; i < 2000 && ::access((s.home() + "/supervisor.sock").c_str(), F_OK) != 0; ++i)
    ::usleep(10'000);
  const auto fault = "directory is protected: " + s.work() + ": Operation not permitted: ";
  const auto remedy = "refuses it to the background service: see ls -ldZ";
  const auto refused = s.troupe({"--bg", "say hello there"});
  CAF_CHECK(refused.status != 0);
  CAF_CHECK(refused.err.find(fault) != std::string::npos && refused.err.find(remedy) != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"respawn", id}).status, 0);
  CAF_CHECK(test::until(s, [&] { return s.field(id, "state") == "failed"; }));
  CAF_CHECK(s.field(id, "sentence").get<std::string>().starts_with("directory is protected: /"));
  for (const char* command : {"logs", "why"}) {
    const auto told = s.troupe({command, id});
    const auto text = told.out + told.err;
    CAF_CHECK(text.find(fault) != std::string::npos && text.find(remedy) != std::string::npos);
  }
  CAF_CHECK(s.stop().empty());
  test::wait_for(tracer);
}
