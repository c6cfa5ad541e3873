// The credential store, on real processes: sign-in services that rotate tokens, logins of other processes, expiry.
#define CAF_SUITE credentials
#include <chrono>
#include <filesystem>
#include <sstream>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/model_stub.hpp"
#include "tests/support/recording_agent.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/token_server.hpp"

using namespace troupe;
using troupe::test::last_snapshot;
using troupe::test::model_stub;
using troupe::test::own_agent;
using troupe::test::sandbox;
using troupe::test::settings_with;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::store_login;
using troupe::test::token_server;
using troupe::test::told_snapshots;
using troupe::test::until;
using troupe::test::wait_for;

namespace {

namespace fs = std::filesystem;

wall_ms now_ms() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

bool holds_eventually(const std::function<bool()>& what, int ms = 10'000) {
  for (auto end = now_ms() + ms; now_ms() < end; ::usleep(10'000))
    if (what())
      return true;
  return what();
}

int start_refresh(const sandbox& s) {
  spawn_request r;
  r.program = s.programs() + "/troupe-credentials";
  r.arguments = {"troupe-credentials", "refresh"};
  r.env = {{"TROUPE_HOME", s.home()}, {"PATH", "/usr/bin:/bin"}};
  return spawn(r);
}

std::string token_line(const std::string& token) {
  return R"([["CLAUDE_CODE_OAUTH_TOKEN",")" + token + "\"]]";
}

} // namespace

// CRED-2, CRED-3, F-12: six ask at once, and two other processes
CAF_TEST(a token that is about to expire is spent once however many want it) {
  token_server server;
  server.slow_ms = 200;
  sandbox s(settings_with(server).dump());
  auto log = own_agent(s);
  store_login(s, 0, 60'000);
  std::vector<int> running;
  for (int i = 0; i < 6; ++i)
    running.push_back(s.start({"--bg", "-q", "say hello"}, "bg" + std::to_string(i)));
  for (int i = 0; i < 2; ++i)
    running.push_back(start_refresh(s));
  for (auto pid : running)
    CAF_CHECK_EQUAL(wait_for(pid), 0);
  CAF_CHECK(holds_eventually([&] { return told_snapshots(log, "session/new").size() == 6; }));
  for (const auto& got : told_snapshots(log, "session/new"))
    CAF_CHECK_EQUAL(got, token_line("access-1-secret"));
  CAF_CHECK_EQUAL(server.spent(), 1);
  CAF_CHECK_EQUAL(server.punished(), 0);
  CAF_CHECK(slurp(s.home() + "/credentials.json").find("refresh-1-secret") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// CRED-5, BEYOND-6
CAF_TEST(a running worker has a new token before its own expires) {
  token_server server;
  sandbox s(settings_with(server, 1).dump());
  auto log = own_agent(s);
  store_login(s, 0, 302'000); // due in two seconds
  auto id = s.bg({"say hello"});
  CAF_CHECK(holds_eventually([&] { return !told_snapshots(log, "session/new").empty(); }));
  CAF_CHECK_EQUAL(last_snapshot(log, "session/new"), token_line("access-0-secret"));
  bool told = holds_eventually([&] { return !told_snapshots(log, "_troupe/credentials").empty(); });
  CAF_CHECK(told);
  if (!told)
    std::fprintf(stderr, "not told:\n%s\n%s\n%s\n", slurp(log).c_str(), slurp(s.home() + "/supervisor.log").c_str(),
                 s.troupe({"why", id}).out.c_str());
  CAF_CHECK_EQUAL(last_snapshot(log, "_troupe/credentials"), token_line("access-1-secret"));
  CAF_CHECK_EQUAL(server.spent(), 1);
  auto status = json::parse(s.troupe({"auth", "status", "--json"}).out)["accounts"][0];
  CAF_CHECK_EQUAL(status["account"], "me@test");
  CAF_CHECK(status["expires"].get<std::int64_t>() > now_ms() + 3'000'000);
  CAF_CHECK(s.stop().empty());
}

// CRED-5, NAT-1: the old token has just gone out when it is over, and its answer comes behind the new one
CAF_TEST(a turn goes on when its token is refused and a new one has come meanwhile) {
  token_server server;
  model_stub model;
  sandbox s(model.asked_in(settings_with(server, 1)).dump());
  store_login(s, 1, 3'600'000);
  model.add({{{"status", 401}, {"message", "expired"}, {"delay", 1}}, {{"text", "Done all the same."}}});
  auto id = s.bg({"--permission-mode", "bypassPermissions", "do it"});
  auto bearer = [&] { return model.request()["headers"].value("authorization", ""); };
  CAF_CHECK_EQUAL(bearer(), "Bearer access-1-secret");
  store_login(s, 2, 3'600'000); // as a refresh does, of this or another process
  CAF_CHECK_EQUAL(bearer(), "Bearer access-2-secret");
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "sentence"), "Done all the same.");
  CAF_CHECK(s.stop().empty());
}

// CRED-5, CRED-3, NAT-1: a provider takes back a token that has not expired
CAF_TEST(a turn goes on with a refreshed token when its own is turned down ahead of its time) {
  token_server server;
  model_stub model;
  sandbox s(model.asked_in(settings_with(server, 1)).dump());
  store_login(s, 0, 3'600'000);
  json no{{"status", 401}, {"message", "revoked"}};
  model.add({no, {{"text", "Done all the same."}}});
  auto id = s.bg({"--permission-mode", "bypassPermissions", "do it"});
  auto bearer = [&] { return model.request()["headers"].value("authorization", ""); };
  CAF_CHECK_EQUAL(bearer(), "Bearer access-0-secret");
  CAF_CHECK_EQUAL(bearer(), "Bearer access-1-secret");
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "20"}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "sentence"), "Done all the same.");
  CAF_CHECK_EQUAL(server.spent(), 1);
  model.add({no}); // and again: no token a second for one that turns down whatever it gets
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "go on"}).status, 0);
  CAF_CHECK_EQUAL(bearer(), "Bearer access-1-secret");
  CAF_CHECK(holds_eventually(
      [&] { return s.field(id, "sentence").get<std::string>().find("refused the sign-in") != std::string::npos; }));
  CAF_CHECK_EQUAL(server.spent(), 1);
  CAF_CHECK_EQUAL(server.punished(), 0);
  CAF_CHECK(s.stop().empty());
}

// CRED-6, BEYOND-6: a logout reaches who runs, a login by another process too, and wakes who waited for it
CAF_TEST(a logout is dropped by the workers and a later login lets the session go on) {
  token_server server;
  sandbox s(settings_with(server).dump());
  auto log = own_agent(s);
  store_login(s, 0, 3'600'000);
  auto id = s.bg({"say hello"});
  CAF_CHECK(holds_eventually([&] { return !told_snapshots(log, "session/new").empty(); }));
  CAF_CHECK_EQUAL(s.troupe({"logout"}).out, "signed out\n");
  CAF_CHECK(::access((s.home() + "/credentials.json").c_str(), F_OK) != 0);
  CAF_CHECK(holds_eventually([&] { return !told_snapshots(log, "_troupe/credentials").empty(); }));
  CAF_CHECK_EQUAL(last_snapshot(log, "_troupe/credentials"), "[]");
  spill(s.root() + "/refusing", "");
  s.troupe({"reply", id, "go on"});
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "failed"; }));
  CAF_CHECK(s.field(id, "sentence").get<std::string>().find("Could not resolve authentication method") == 0);
  fs::remove(s.root() + "/refusing");
  auto r = s.troupe({"login", "--api-key"}, "sk-of-another-process\n");
  CAF_CHECK_EQUAL(r.out, "stored: ANTHROPIC_API_KEY\n");
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK_EQUAL(last_snapshot(log, "_troupe/credentials"), R"([["ANTHROPIC_API_KEY","sk-of-another-process"]])");
  CAF_CHECK(slurp(log).find("You are signed in again: go on.") != std::string::npos);
  struct stat st {};
  CAF_CHECK(::stat((s.home() + "/credentials.json").c_str(), &st) == 0 && (st.st_mode & 0777) == 0600);
  CAF_CHECK(s.stop().empty());
}

// CRED-4: the old one while it is valid, then the cause and the remedy; nothing else is affected
CAF_TEST(a refresh that is refused fails the dispatch once the old token has expired) {
  token_server server;
  server.refuses = true;
  sandbox s(settings_with(server).dump());
  auto log = own_agent(s);
  store_login(s, 0, 60'000);
  auto valid = s.bg({"say hello"});
  CAF_CHECK(until(s, [&] { return s.field(valid, "state") == "done"; }));
  CAF_CHECK_EQUAL(last_snapshot(log, "session/new"), token_line("access-0-secret"));
  store_login(s, 0, -1000);
  auto r = s.troupe({"--bg", "say hello"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.find("Could not resolve authentication method: the sign-in service of test has rejected it") !=
            std::string::npos);
  CAF_CHECK(r.err.find("troupe login") != std::string::npos);
  CAF_CHECK_EQUAL(s.field(valid, "state"), "done");
  CAF_CHECK_EQUAL(s.troupe({"wait", s.bg({"--exec", "true"})}).status, 0);
  for (const auto& row : s.rows())
    CAF_CHECK(row["id"] == valid || row["harness"] == "exec" || row["state"] == "failed");
  CAF_CHECK(slurp(s.home() + "/supervisor.log").find("secret") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// CRED-1, CRED-3: the new token could not be kept, so the old one is not spent
CAF_TEST(a store that cannot be written or read is told with its remedy and left as it is) {
  token_server server;
  sandbox s(settings_with(server).dump());
  store_login(s, 0, 60'000);
  fs::create_directory(s.home() + "/credentials.json.new");
  CAF_CHECK_EQUAL(wait_for(start_refresh(s)), 1);
  CAF_CHECK_EQUAL(server.spent(), 0);
  fs::remove(s.home() + "/credentials.json.new");
  ::chmod((s.home() + "/credentials.json").c_str(), 0644);
  auto open = s.troupe({"auth", "status"});
  CAF_CHECK_EQUAL(open.status, 1);
  CAF_CHECK(open.err.find("is no private file\n  make it yours alone: chmod 600 ") != std::string::npos);
  ::chmod((s.home() + "/credentials.json").c_str(), 0600);
  CAF_CHECK_EQUAL(s.troupe({"auth", "status"}).status, 0);
  spill(s.home() + "/credentials.json", "{\"keys\": [");
  auto bad = s.troupe({"auth", "status"});
  CAF_CHECK(bad.err.find("is not as Troupe writes it\n  move it away and sign in: troupe login") != std::string::npos);
  CAF_CHECK_EQUAL(slurp(s.home() + "/credentials.json"), "{\"keys\": [");
  CAF_CHECK_EQUAL(s.troupe({"login", "--api-key"}, "sk-new\n").status, 1); // nor is it overwritten
  CAF_CHECK(s.stop().empty());
}

// CRED-4: a store that cannot be read is not an empty one
CAF_TEST(a store that cannot be read takes nothing from those who run) {
  token_server server;
  sandbox s(settings_with(server).dump());
  auto log = own_agent(s);
  store_login(s, 0, 3'600'000);
  auto id = s.bg({"say hello"});
  CAF_CHECK(holds_eventually([&] { return !told_snapshots(log, "session/new").empty(); }));
  const auto store = s.home() + "/credentials.json";
  ::chmod(store.c_str(), 0644);
  CAF_CHECK(holds_eventually(
      [&] { return slurp(s.home() + "/supervisor.log").find("event=credentials_refused") != std::string::npos; }));
  ::chmod(store.c_str(), 0600);
  store_login(s, 1, 3'600'000);
  CAF_CHECK(holds_eventually([&] { return !told_snapshots(log, "_troupe/credentials").empty(); }));
  CAF_CHECK_EQUAL(told_snapshots(log, "_troupe/credentials"), std::vector<std::string>{token_line("access-1-secret")});
  CAF_CHECK(s.stop().empty());
}

// CRED-1: the user's own command, asked again when its time is over
CAF_TEST(a helper command gives the key and is asked once in its time) {
  token_server server;
  auto settings = settings_with(server);
  sandbox s("{}");
  settings["apiKeyHelper"] = {{"command", "echo asked >> " + s.root() + "/asked; echo sk-of-helper"},
                              {"ttlSeconds", 600}};
  s.configure(settings.dump());
  auto log = own_agent(s);
  for (int i = 0; i < 2; ++i) {
    auto id = s.bg({"say hello"});
    CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  }
  CAF_CHECK_EQUAL(last_snapshot(log, "session/new"), R"([["ANTHROPIC_API_KEY","sk-of-helper"]])");
  CAF_CHECK_EQUAL(slurp(s.root() + "/asked"), "asked\n");
  CAF_CHECK(s.troupe({"auth", "status"}).out.find("ANTHROPIC_API_KEY  from apiKeyHelper") == 0);
  CAF_CHECK(s.stop().empty());
}

// CRED-1: by a browser on this machine, and by a code that is pasted
CAF_TEST(a sign in by browser stores a pair that is never printed) {
  token_server server;
  sandbox s(settings_with(server).dump());
  auto pid = s.start({"login", "test"}, "login.out");
  std::string page;
  CAF_REQUIRE(holds_eventually([&] {
    auto text = slurp(s.root() + "/login.out");
    page = text.substr(0, text.find('\n') == std::string::npos ? 0 : text.find('\n'));
    return !page.empty();
  }));
  CAF_CHECK(page.find(server.url() + "/authorize?response_type=code&client_id=client&") != std::string::npos);
  CAF_CHECK(page.find("code_challenge_method=S256") != std::string::npos);
  auto field = [&](const std::string& name) {
    auto from = page.find(name + "=") + name.size() + 1;
    return page.substr(from, page.find_first_of("& \n", from) - from);
  };
  auto redirect = field("redirect_uri"); // http%3A%2F%2F127.0.0.1%3A12345%2Fcallback
  auto port = std::atoi(redirect.c_str() + redirect.find("127.0.0.1%3A") + 12);
  unique_fd browser(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  sockaddr_in there{};
  there.sin_family = AF_INET;
  there.sin_port = htons(static_cast<std::uint16_t>(port));
  there.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  CAF_REQUIRE_EQUAL(::connect(browser.get(), reinterpret_cast<sockaddr*>(&there), sizeof there), 0);
  troupe::test::write_all(browser.get(), "GET /callback?code=the-code&state=" + field("state") + " HTTP/1.1\r\n\r\n");
  CAF_CHECK_EQUAL(wait_for(pid), 0);
  CAF_CHECK(server.forms().back().find("code=the-code&") != std::string::npos);
  CAF_CHECK(server.forms().back().find("code_verifier=") != std::string::npos);
  auto printed = slurp(s.root() + "/login.out");
  CAF_CHECK(printed.find("signed in: test as me@test") != std::string::npos);
  CAF_CHECK(printed.find("access-1") == std::string::npos);
  CAF_CHECK(slurp(s.home() + "/credentials.json").find("refresh-1-secret") != std::string::npos);
  auto pasted = s.troupe({"login", "--paste", "test"}, "another-code\n");
  CAF_CHECK_EQUAL(pasted.status, 0);
  CAF_CHECK(server.forms().back().find("code=another-code&") != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"login", "unheard-of"}).status, 1);
  auto argument = s.troupe({"login", "--api-key", "sk-in-argv"});
  CAF_CHECK_EQUAL(argument.status, 2);
  CAF_CHECK(argument.err.find("sk-in-argv") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// CRED-1: the person signs in elsewhere, while this one asks now and then
CAF_TEST(a sign in on another device shows a code and waits until it was entered) {
  token_server server;
  server.pending = 2;
  sandbox s(settings_with(server).dump());
  auto r = s.troupe({"login", "--device", "test"});
  CAF_CHECK_EQUAL(r.status, 0);
  CAF_CHECK_EQUAL(r.out, "on any device, open https://test/device and enter AB-CD\nsigned in: test as me@test\n");
  CAF_CHECK_EQUAL(server.forms().size(), 1u + 3u);
  CAF_CHECK(server.forms().front().starts_with("client_id=client&scope=one%20two"));
  CAF_CHECK(server.forms().back().find("device_code=the-device&client_id=client") != std::string::npos);
  CAF_CHECK(slurp(s.home() + "/credentials.json").find("refresh-1-secret") != std::string::npos);
  CAF_CHECK(s.troupe({"auth", "status"}).out.find("CLAUDE_CODE_OAUTH_TOKEN") == 0);
  server.refuses = true;
  auto refused = s.troupe({"login", "--device", "test"});
  CAF_CHECK_EQUAL(refused.status, 1);
  CAF_CHECK(refused.err.find("the sign-in service of test gives no device code\n  paste a code instead") !=
            std::string::npos);
  CAF_CHECK(slurp(s.home() + "/credentials.json").find("refresh-1-secret") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}
