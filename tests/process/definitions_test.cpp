// Agent definitions, commands, MCP servers and the user's consent, through the programs as a user meets them.
#define CAF_SUITE agent_definitions
#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

void put(const std::string& path, const std::string& text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  spill(path, text);
}

std::string servers() {
  return R"({"mcpServers": {"stub": {"command": "python3", "args": [")" + std::string(std::getenv("TROUPE_SOURCE")) +
         R"(/tests/support/mcp_stub.py"]}}})";
}

bool tool_ended(const sandbox& s, const std::string& id, const std::string& status) {
  return slurp(s.home() + "/sessions/" + id + "/transcript.jsonl").find("\"detail\":\"" + status + "\"") !=
         std::string::npos;
}

} // namespace

// CLI-3
CAF_TEST(an agent that is not defined is warned of and fails its session which can be tried again) {
  sandbox s;
  auto r = s.troupe({"--bg", "--agent", "nosuch", "say hello"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.find("troupe: warning: no agent named nosuch\ntroupe: --agent 'nosuch' not found\n") !=
            std::string::npos);
  auto rows = s.rows();
  CAF_REQUIRE_EQUAL(rows.size(), 1u);
  CAF_CHECK_EQUAL(rows[0]["state"], "failed");
  CAF_CHECK_EQUAL(rows[0]["sentence"], "--agent 'nosuch' not found");
  put(s.home() + "/agents/nosuch.md", "---\nname: nosuch\ndescription: now it is there\n---\nBe brief.\n");
  auto id = rows[0]["id"].get<std::string>();
  CAF_CHECK_EQUAL(s.troupe({"respawn", id}).status, 0);
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
  CAF_CHECK(s.stop().empty());
}

// ENV-9, ENV-10, TRUST-4
CAF_TEST(a definition gives model and mode and a projects never more than the user has) {
  sandbox s;
  put(s.home() + "/agents/mine.md", "---\nname: mine\nmodel: small-model\npermissionMode: acceptEdits\n---\n");
  auto mine = s.bg({"--agent", "mine", "write made text\nsay written"});
  CAF_CHECK(until(s, [&] { return s.field(mine, "sentence") == "written"; })); // unasked
  CAF_CHECK_EQUAL(s.field(mine, "model"), "small-model");
  CAF_CHECK_EQUAL(s.field(mine, "agent"), "mine");
  auto flagged =
      s.bg({"--agent", "mine", "--model", "big", "--permission-mode", "plan", "write other text\nsay planned"});
  CAF_CHECK(until(s, [&] { return s.field(flagged, "sentence") == "planned"; }));
  CAF_CHECK_EQUAL(s.field(flagged, "model"), "big");
  CAF_CHECK(::access((s.work() + "/other").c_str(), F_OK) != 0);
  put(s.work() + "/.troupe/agents/theirs.md", "---\nname: theirs\nmodel: m\npermissionMode: bypassPermissions\n---\n");
  CAF_CHECK(s.troupe({"--bg", "--agent", "theirs", "say hello"}).err.find("not trusted") != std::string::npos);
  CAF_REQUIRE_EQUAL(s.troupe({"trust", "--yes", s.work()}).status, 0);
  auto theirs = s.bg({"--agent", "theirs", "bash touch ran\nsay asked"});
  CAF_CHECK(until(s, [&] { return s.field(theirs, "state") == "blocked"; }));
  CAF_CHECK_EQUAL(s.field(theirs, "model"), "m");
  CAF_CHECK(s.stop().empty());
}

// NAT-2
CAF_TEST(commands stand for their text and the catalog names them) {
  sandbox s;
  put(s.home() + "/commands/fix.md", "---\ndescription: Fixes\nargument-hint: NUMBER\n---\nsay fixing $1\n");
  put(s.home() + "/commands/bad.md", "---\ndescription: [\n---\n");
  auto id = s.bg({"/fix 12"});
  CAF_CHECK(until(s, [&] { return s.field(id, "sentence") == "fixing 12"; }));
  auto socket = s.connect();
  auto listed = json::parse(troupe::test::ask(
      socket.get(), R"({"jsonrpc":"2.0","id":1,"method":"catalog/list","params":{"cwd":")" + s.work() + "\"}}"));
  CAF_REQUIRE_EQUAL(listed["result"]["commands"].size(), 1u);
  CAF_CHECK_EQUAL(listed["result"]["commands"][0]["argumentHint"].get<std::string>(), "NUMBER");
  CAF_CHECK(listed["result"]["problems"][0].get<std::string>().find("bad.md:") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// NAT-2, TRUST-2
CAF_TEST(MCP servers come from a flag and from a project that is trusted) {
  sandbox s;
  spill(s.work() + "/servers.json", servers());
  auto flagged = s.bg({"--permission-mode", "bypassPermissions", "--mcp-config", s.work() + "/servers.json",
                       "tool mcp__stub__echo {}\nsay called"});
  CAF_CHECK(until(s, [&] { return s.field(flagged, "sentence") == "called"; }));
  CAF_CHECK(tool_ended(s, flagged, "completed"));
  auto kept = s.bg({"--permission-mode", "bypassPermissions", "--mcp-config", s.work() + "/servers.json",
                    "tool mcp__stub__orphan {}\nsay left one"}); // a server's processes are no work (KEEP-2)
  CAF_CHECK(until(s, [&] { return s.field(kept, "state") == "done"; }));
  spill(s.work() + "/no.json", "[]");
  auto bad = s.troupe({"--bg", "--mcp-config", s.work() + "/no.json", "say hello"});
  CAF_CHECK_EQUAL(bad.status, 1);
  CAF_CHECK(bad.err.find("--mcp-config " + s.work() + "/no.json holds no servers") != std::string::npos);
  spill(s.work() + "/.mcp.json", servers());
  CAF_CHECK(s.troupe({"--bg", "say hello"}).err.find("not trusted") != std::string::npos);
  auto shown = s.troupe({"trust", "--yes", s.work()});
  CAF_REQUIRE_EQUAL(shown.status, 0);
  CAF_CHECK(shown.err.find("MCP server stub: python3 ") != std::string::npos);
  auto project = s.bg({"--permission-mode", "bypassPermissions", "tool mcp__stub__echo {}\nsay called too"});
  CAF_CHECK(until(s, [&] { return s.field(project, "sentence") == "called too"; }));
  CAF_CHECK(tool_ended(s, project, "completed"));
  CAF_CHECK(s.stop().empty());
}

// NAT-2
CAF_TEST(a session that asks nothing wants the users word once) {
  sandbox s;
  std::filesystem::remove(s.home() + "/consents.json");
  auto r = s.troupe({"--bg", "--permission-mode", "bypassPermissions", "say hello"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.find("accept it once at a terminal") != std::string::npos);
  CAF_CHECK(s.rows().empty());
  auto socket = s.connect();
  troupe::test::ask(socket.get(),
                    R"({"jsonrpc":"2.0","id":1,"method":"consent/give","params":{"name":"bypassPermissions"}})");
  CAF_CHECK_EQUAL(s.troupe({"--bg", "--permission-mode", "bypassPermissions", "say hello"}).status, 0);
  CAF_CHECK(s.stop().empty());
}
