// Where Troupe connects to: every connection of every one of its processes in a day with a model, seen by the kernel's
// tracer.
#define CAF_SUITE network
#include <cstdlib>
#include <regex>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/model_stub.hpp"
#include "tests/support/recording_agent.hpp"

using namespace troupe;
using troupe::test::model_stub;
using troupe::test::sandbox;
using troupe::test::settings_with;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::store_login;
using troupe::test::token_server;

namespace {

/// The internet addresses in a trace of connect, sendto and sendmsg: "127.0.0.1:80".
std::set<std::string> addresses_in(const std::string& trace) {
  static const std::regex four(R"re(sin_port=htons\((\d+)\), sin_addr=inet_addr\("([^"]+)"\))re"),
      six(R"re(sin6_port=htons\((\d+)\).*?inet_pton\(AF_INET6, "([^"]+)")re");
  std::set<std::string> out;
  for (const auto* pattern : {&four, &six})
    for (std::sregex_iterator at(trace.begin(), trace.end(), *pattern), end; at != end; ++at)
      out.insert((*at)[2].str() + ":" + (*at)[1].str());
  return out;
}

std::string host_of(const std::string& url) {
  return url.substr(url.find("://") + 3);
}

} // namespace

// NET-1: the provider's API and its sign-in, and nobody else
CAF_TEST(a day with a model connects to the provider and to its sign in only) {
  token_server sign_in;
  model_stub model;
  sandbox s(model.asked_in(settings_with(sign_in, 1)).dump());
  store_login(s, 0, 60'000); // to be refreshed first
  model.add({{{"text", "I look. "}, {"calls", {{{"name", "bash"}, {"input", {{"command", "echo looked"}}}}}}},
             {{"text", "All is well."}}});
  // the tracer carries no mark of the sandbox, and sees all that this command starts: the service, its workers, agents
  const auto trace = s.root() + "/trace", script = s.root() + "/traced";
  spill(script, "export TROUPE_HOME=" + s.home() + " ASAN_OPTIONS=detect_leaks=0\nexec " + s.programs() +
                    "/troupe agents --json\n");
  spawn_request r;
  r.program = "/usr/bin/strace";
  r.arguments = {"strace", "-f",          "-qq", "--seccomp-bpf", "-e", "trace=connect,sendto,sendmsg,sendmmsg",
                 "-e",     "signal=none", "-o",  trace,           "sh", script};
  r.env = {{"PATH", "/usr/bin:/bin"}, {"HOME", s.root()}, {"LANG", "C.UTF-8"}};
  const auto tracer = spawn(r);
  CAF_REQUIRE(tracer > 0);
  for (int i = 0; i < 2000 && ::access((s.home() + "/supervisor.sock").c_str(), F_OK) != 0; ++i)
    ::usleep(10'000);
  auto id = s.bg({"--permission-mode", "bypassPermissions", "look whether all is well"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "60"}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "sentence"), "All is well.");
  for (const auto& command :
       {std::vector<std::string>{"auth", "status"}, {"doctor", "--env"}, {"why", id}, {"daemon", "status"}})
    CAF_CHECK_EQUAL(s.troupe(command).status, 0);
  CAF_CHECK_EQUAL(sign_in.spent(), 1);
  CAF_CHECK(s.stop().empty());
  test::wait_for(tracer);
  const auto seen = addresses_in(slurp(trace));
  CAF_CHECK_EQUAL(seen, (std::set<std::string>{host_of(model.url()), host_of(sign_in.url())}));
}
