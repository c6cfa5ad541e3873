// What a session's own processes may ask of the supervisor, and what not (SEC-1).
#define CAF_SUITE insiders
#include <cstdlib>
#include <filesystem>
#include <map>
#include <regex>
#include <set>
#include <sstream>

#include <sys/stat.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

namespace fs = std::filesystem;

/// The methods of the control socket, as messages/PROTOCOL.md lists them.
std::vector<std::string> documented_methods() {
  auto page = slurp(std::string(std::getenv("TROUPE_SOURCE")) + "/messages/PROTOCOL.md");
  page = page.substr(page.find("## Control socket"));
  page = page.substr(0, page.find("\n## Worker's socket"));
  static const std::regex name("`([a-z]+/[a-z_]+)`");
  std::vector<std::string> out;
  std::istringstream in(page);
  for (std::string line; std::getline(in, line);)
    if (auto cell = line.substr(0, line.find('|', 1)); line.starts_with("| `")) // two of a kind may share a row
      for (std::sregex_iterator at(cell.begin(), cell.end(), name), end; at != end; ++at)
        out.push_back((*at)[1].str());
  return out;
}

/// Sends each line of `requests` on a connection of its own to the supervisor, from wherever it runs, and prints for
/// each the code of its answer: `ok`, or `data.code`, or the number.
constexpr const char* asker = R"py(
import json, os, socket, sys
for line in open(sys.argv[1]):
    s = socket.socket(socket.AF_UNIX)
    s.settimeout(10)
    s.connect(os.environ["TROUPE_SOCKET"])
    f = s.makefile("rw")
    f.readline()
    f.write(line)
    f.flush()
    while True:
        a = json.loads(f.readline())
        if a.get("id") == 1:
            break
    e = a.get("error")
    print(json.loads(line)["method"], "ok" if e is None else e.get("data", {}).get("code", e["code"]), flush=True)
)py";

std::string request(const std::string& method, json params) {
  return json{{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}}.dump() + "\n";
}

/// What the asker has printed in a shell job of `s`.
std::map<std::string, std::string> asked_inside(const sandbox& s, const std::string& requests) {
  spill(s.work() + "/requests", requests);
  spill(s.work() + "/asker.py", asker);
  auto id = s.bg({"--exec", "sed -i s/OWN/$TROUPE_SESSION_ID/g requests; python3 asker.py requests"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  std::istringstream in(s.troupe({"logs", id}).out);
  std::map<std::string, std::string> out;
  for (std::string method, code; in >> method >> code;)
    out[method] = code;
  return out;
}

} // namespace

// SEC-1
CAF_TEST(a session may read itself and declare work and neither answer nor trust nor sign out) {
  sandbox s;
  spill(s.home() + "/credentials.json", R"({"keys": {"ANTHROPIC_API_KEY": "sk-kept"}})");
  ::chmod((s.home() + "/credentials.json").c_str(), 0600);
  fs::create_directories(s.work() + "/other/.troupe");
  spill(s.work() + "/other/.troupe/settings.json", R"({"env": {"A": "b"}})");
  auto asking = s.bg({"ask Shall I tag the release?"});
  CAF_CHECK(until(s, [&] { return s.field(asking, "state") == "blocked"; }));
  auto troupe = s.programs() + "/troupe";
  // one with its mark on, one that has taken it off and left its process group
  for (const std::string& as :
       {std::string(), std::string("env -u TROUPE_SESSION_ID -u TROUPE_SESSION_DIR setsid -w ")}) {
    auto run = as + troupe + " ";
    auto id =
        s.bg({"--exec", run + "answer " + asking + " 1; echo answer $?; " + run + "logout; echo logout $?; " + run +
                            "trust --yes other; echo trust $?; " + run + "stop " + asking + "; echo stop $?; " + run +
                            "--bg --permission-mode bypassPermissions say hello; echo higher $?; " + run +
                            "--bg -q say hello; echo lower $?; " + run + "why " + asking + "; echo other $?; " + run +
                            "why $TROUPE_SESSION_ID > /dev/null; echo own $?; " + run +
                            "work --session $TROUPE_SESSION_ID start --id w testing > /dev/null; echo work $?"});
    s.troupe({"wait", id});
    auto said = s.troupe({"logs", id}).out;
    for (const char* line :
         {"answer 1", "logout 1", "trust 1", "stop 1", "higher 1", "lower 0", "other 1", "own 0", "work 0"})
      CAF_CHECK(("\n" + said).find("\n" + std::string(line) + "\n") != std::string::npos);
    CAF_CHECK(said.find("a session may not ask that: session/answer") != std::string::npos);
  }
  CAF_CHECK_EQUAL(s.field(asking, "state"), "blocked");
  CAF_CHECK(s.troupe({"auth", "status"}).out.find("ANTHROPIC_API_KEY") == 0);
  CAF_CHECK_EQUAL(s.troupe({"trust", "--list"}).out, "no directory is trusted\n");
  CAF_CHECK_EQUAL(s.troupe({"answer", asking, "1"}).status, 0); // from outside
  CAF_CHECK(s.stop().empty());
}

// SEC-1: each method there is, about another session and about oneself
CAF_TEST(of all methods a session may ask those that read itself and declare its work) {
  const std::set<std::string> harmless{"session/list", "supervisor/status", "auth/status",      "trust/look",
                                       "trust/list",   "settings/show",     "environment/show", "catalog/list"};
  const std::set<std::string> of_oneself{"session/get", "session/logs", "session/why", "session/wait", "session/work"};
  sandbox s;
  fs::create_directories(s.work() + "/other/.troupe");
  spill(s.work() + "/other/.troupe/settings.json", R"({"env": {"A": "b"}})");
  auto other = s.bg({"ask Shall I tag the release?"});
  CAF_CHECK(until(s, [&] { return s.field(other, "state") == "blocked"; }));
  const auto methods = documented_methods();
  CAF_CHECK(methods.size() > 30);
  auto params = [&](const std::string& id) {
    return json{{"id", id},
                {"ids", {id}},
                {"cwd", s.work()},
                {"key", "key-of-an-insider"},
                {"text", "go on"},
                {"choice", 1},
                {"mode", "plan"},
                {"model", "m"},
                {"option", "o"},
                {"value", "v"},
                {"action", "start"},
                {"work", "w"},
                {"title", "testing"},
                {"env", json::array()},
                {"name", "bypassPermissions"},
                {"timeoutMs", 0},
                {"hash", "h"},
                {"any", true},
                {"wake", false},
                {"settings", json::object().dump()}};
  };
  std::string about_other, about_itself;
  for (const auto& method : methods)
    if (method != "session/dispatch") { // by its mode, see above
      about_other += request(method, params(other));
      about_itself += request(method, params("OWN"));
    }
  const auto rows = s.rows().size();
  const auto told = asked_inside(s, about_other), own = asked_inside(s, about_itself);
  for (const auto& method : methods) {
    if (method == "session/dispatch")
      continue;
    CAF_MESSAGE(method << ": " << told.at(method) << ", about itself: " << own.at(method));
    CAF_CHECK_EQUAL(told.at(method) != "not_allowed", harmless.count(method) != 0);
    CAF_CHECK_EQUAL(own.at(method) != "not_allowed", harmless.count(method) != 0 || of_oneself.count(method) != 0);
  }
  CAF_CHECK_EQUAL(s.field(other, "state"), "blocked");
  CAF_CHECK_EQUAL(s.rows().size(), rows + 2);
  CAF_CHECK_EQUAL(s.troupe({"trust", "--list"}).out, "no directory is trusted\n");
  CAF_CHECK(s.stop().empty());
}
