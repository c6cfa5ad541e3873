// Credentials in the desktop's secret service: libsecret as it is, a bus and a service of the test's own behind it.
#define CAF_SUITE secret_service
#include <cstdlib>

#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/recording_agent.hpp"

using namespace troupe;
using troupe::test::last_snapshot;
using troupe::test::own_agent;
using troupe::test::sandbox;
using troupe::test::settings_with;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::token_server;
using troupe::test::until;

namespace {

constexpr const char* bus_config = R"(<!DOCTYPE busconfig PUBLIC "-//freedesktop//DTD D-Bus Bus Configuration 1.0//EN"
 "http://www.freedesktop.org/standards/dbus/1.0/busconfig.dtd">
<busconfig><type>session</type><listen>unix:path=SOCKET</listen><auth>EXTERNAL</auth>
<policy context="default"><allow send_destination="*" eavesdrop="true"/><allow eavesdrop="true"/><allow own="*"/></policy>
</busconfig>
)";

/// A session bus with a secret service on it; the test's own processes find it by their environment.
class desktop {
public:
  explicit desktop(const sandbox& s) : folder_(s.root() + "/desktop") {
    ::mkdir(folder_.c_str(), 0700);
    std::string config = bus_config;
    config.replace(config.find("SOCKET"), 6, folder_ + "/bus");
    spill(folder_ + "/bus.conf", config);
    ::setenv("DBUS_SESSION_BUS_ADDRESS", ("unix:path=" + folder_ + "/bus").c_str(), 1);
    bus_ = run("/usr/bin/dbus-daemon",
               {"dbus-daemon", "--nofork", "--nopidfile", "--config-file=" + folder_ + "/bus.conf"});
    appears("bus");
    auto stub = std::string(std::getenv("TROUPE_SOURCE")) + "/tests/support/secret_service_stub.py";
    service_ = run("/usr/bin/python3", {"python3", stub, folder_});
    appears("ready");
  }
  ~desktop() {
    close();
    ::unsetenv("DBUS_SESSION_BUS_ADDRESS");
  }
  /// The person logs out of the desktop.
  void close() {
    for (auto* pid : {&service_, &bus_})
      if (*pid > 0) {
        ::kill(*pid, SIGKILL);
        test::wait_for(std::exchange(*pid, 0));
      }
  }
  void refuse(bool on) const {
    if (on)
      spill(folder_ + "/refusing", "");
    else
      ::unlink((folder_ + "/refusing").c_str());
  }
  [[nodiscard]] std::string items() const { return slurp(folder_ + "/items"); }

private:
  static int run(const std::string& program, const std::vector<std::string>& arguments) {
    spawn_request r;
    r.program = program;
    r.arguments = arguments;
    r.env = {{"PATH", "/usr/bin:/bin"}, {"DBUS_SESSION_BUS_ADDRESS", std::getenv("DBUS_SESSION_BUS_ADDRESS")}};
    auto pid = spawn(r);
    CAF_REQUIRE(pid > 0);
    return pid;
  }
  void appears(const std::string& name) const {
    for (int i = 0; i < 1000 && ::access((folder_ + "/" + name).c_str(), F_OK) != 0; ++i)
      ::usleep(10'000);
    CAF_REQUIRE_EQUAL(::access((folder_ + "/" + name).c_str(), F_OK), 0);
  }
  std::string folder_;
  int bus_ = 0, service_ = 0;
};

json kept_on_the_desktop(const token_server& server) {
  auto settings = settings_with(server);
  settings["auth"].erase("store");
  return settings;
}

bool in_file(const sandbox& s, const std::string& word) {
  return slurp(s.home() + "/credentials.json").find(word) != std::string::npos;
}

} // namespace

// CRED-1, CRED-3
CAF_TEST(where a secret service runs it keeps what is stored and the file names it only) {
  token_server server;
  sandbox s(kept_on_the_desktop(server).dump());
  desktop d(s);
  auto log = own_agent(s);
  CAF_CHECK_EQUAL(s.troupe({"login", "--api-key"}, "sk-on-the-desktop\n").out, "stored: ANTHROPIC_API_KEY\n");
  server.expires_in = 60; // to be refreshed before it is handed out
  CAF_CHECK_EQUAL(s.troupe({"login", "--paste", "test"}, "a-code\n").status, 0);
  CAF_CHECK_EQUAL(d.items(), "1");
  CAF_CHECK(in_file(s, "\"store\": \"secret-service\""));
  for (const char* secret : {"sk-on-the-desktop", "access-1-secret", "refresh-1-secret"})
    CAF_CHECK(!in_file(s, secret));
  server.expires_in = 3600;
  auto id = s.bg({"say hello"});
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(last_snapshot(log, "session/new"),
                  R"([["ANTHROPIC_API_KEY","sk-on-the-desktop"],["CLAUDE_CODE_OAUTH_TOKEN","access-2-secret"]])");
  CAF_CHECK_EQUAL(server.spent(), 1);
  CAF_CHECK(!in_file(s, "refresh-2-secret"));
  auto status = json::parse(s.troupe({"auth", "status", "--json"}).out)["accounts"];
  CAF_REQUIRE_EQUAL(status.size(), 2u);
  for (const auto& account : status)
    CAF_CHECK_EQUAL(account["source"], "secret service");
  CAF_CHECK_EQUAL(s.troupe({"logout"}).out, "signed out\n");
  CAF_CHECK_EQUAL(d.items(), "0");
  CAF_CHECK(s.stop().empty());
}

// CRED-1, CRED-4
CAF_TEST(a secret service that refuses or is gone is told with its remedy and loses nothing) {
  token_server server;
  sandbox s(kept_on_the_desktop(server).dump());
  desktop d(s);
  auto log = own_agent(s);
  CAF_CHECK_EQUAL(s.troupe({"login", "--api-key"}, "sk-on-the-desktop\n").status, 0);
  d.refuse(true);
  auto refused = s.troupe({"login", "--api-key", "--variable", "OPENAI_API_KEY"}, "sk-another\n");
  CAF_CHECK_EQUAL(refused.status, 1);
  CAF_CHECK(refused.err.find("the secret service refuses: ") != std::string::npos);
  CAF_CHECK(refused.err.find("unlock the keyring, or set auth.store to \"file\"") != std::string::npos);
  CAF_CHECK(in_file(s, "\"store\": \"secret-service\""));
  d.refuse(false);
  auto id = s.bg({"say hello"});
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(last_snapshot(log, "session/new"), R"([["ANTHROPIC_API_KEY","sk-on-the-desktop"]])");
  CAF_CHECK(s.stop().empty());
  d.close();
  auto gone = s.troupe({"login", "--api-key", "--variable", "OPENAI_API_KEY"}, "sk-another\n");
  CAF_CHECK_EQUAL(gone.status, 1);
  CAF_CHECK(gone.err.find("the secret service refuses: ") != std::string::npos);
  s.bg({"--exec", "true"}); // nothing else is affected
  CAF_CHECK(in_file(s, "\"store\": \"secret-service\""));
  s.stop(); // what it asked of the desktop is not cut off, and ends a moment later
  for (int i = 0; i < 500 && !s.processes().empty(); ++i)
    ::usleep(10'000);
  CAF_CHECK(s.processes().empty());
}
