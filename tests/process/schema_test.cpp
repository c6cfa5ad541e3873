// What real processes print and write, held against messages/schema.json.
#define CAF_SUITE schema
#include <sstream>

#include <fcntl.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;

namespace {

/// The schema with every object closed: what the code adds and the schema does not name is a fault here, though readers
/// are to ignore it.
json closed(json schema) {
  if (schema.is_object()) {
    if (schema.contains("properties") || schema.contains("patternProperties"))
      schema["additionalProperties"] = false;
    for (auto& [name, part] : schema.items())
      part = closed(part);
  } else if (schema.is_array()) {
    for (auto& part : schema)
      part = closed(part);
  }
  return schema;
}

/// Empty when `instance` fits the definition of that name; else what Debian's jsonschema says.
std::string misfit(const sandbox& s, const std::string& definition, const json& instance) {
  auto schema = closed(json::parse(slurp(std::string(std::getenv("TROUPE_SOURCE")) + "/messages/schema.json")));
  schema["$ref"] = "#/definitions/" + definition;
  auto base = s.root() + "/" + definition;
  test::spill(base + ".schema", schema.dump());
  test::spill(base + ".instance", instance.dump());
  unique_fd out(::open((base + ".said").c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  spawn_request r;
  r.program = "/usr/bin/jsonschema"; // of python3-jsonschema
  r.arguments = {"jsonschema", "-i", base + ".instance", base + ".schema"};
  r.env = {{"PATH", "/usr/bin:/bin"}};
  r.fds = {{out.get(), 1}, {out.get(), 2}};
  auto pid = spawn(r);
  if (pid < 0)
    return "/usr/bin/jsonschema cannot be started: ./bootstrap test installs python3-jsonschema";
  return test::wait_for(pid) == 0 ? "" : slurp(base + ".said");
}

json lines(const std::string& path) {
  auto out = json::array();
  std::istringstream in(slurp(path));
  for (std::string line; std::getline(in, line);)
    out.push_back(json::parse(line));
  return out;
}

} // namespace

// JSON-1: the schema is published, and names all there is
CAF_TEST(what a day of sessions prints and writes fits the schema) {
  sandbox s;
  auto asks = s.bg({"--name", "asker", "ask Shall I go on?\nsay done"});
  auto works = s.bg({"--permission-mode", "bypassPermissions", "background sleep 331\nsay it runs"});
  auto fails = s.bg({"--exec", "--", "/bin/sh", "-c", "printf '\\377'; exit 3"});
  CAF_CHECK_EQUAL(s.troupe({"wait", asks}).status, 3);
  CAF_CHECK_EQUAL(s.troupe({"wait", fails}).status, 3);
  CAF_CHECK(test::until(s, [&] { return s.field(works, "activeWork").size() == 1; }));
  CAF_CHECK_EQUAL(misfit(s, "rows", s.rows()), "");
  s.troupe({"pin", works});
  s.troupe({"rename", works, "server"});
  s.troupe({"answer", asks, "1"});
  s.troupe({"wait", asks});
  s.troupe({"stop", works});
  CAF_CHECK_EQUAL(misfit(s, "rows", s.rows()), "");
  CAF_CHECK_EQUAL(misfit(s, "status", s.status()), "");
  auto socket = s.connect();
  auto answers = json::array();
  for (const char* request : {R"({"jsonrpc":"2.0","id":1,"method":"session/list"})", "nonsense",
                              R"({"jsonrpc":"2.0","id":2,"method":"session/lst"})",
                              R"({"jsonrpc":"2.0","id":3,"method":"session/stop","params":{"id":"nobody"}})"})
    answers.push_back(json::parse(test::ask(socket.get(), request)));
  CAF_CHECK_EQUAL(misfit(s, "answers", answers), "");
  auto why = R"({"jsonrpc":"2.0","id":4,"method":"session/why","params":{"id":")" + asks + "\"}}";
  CAF_CHECK_EQUAL(misfit(s, "reasons", json::parse(test::ask(socket.get(), why))["result"]), "");
  CAF_CHECK(s.stop().empty());
  CAF_CHECK_EQUAL(misfit(s, "ledger", lines(s.home() + "/ledger.jsonl")), "");
  for (const auto& id : {asks, works, fails})
    CAF_CHECK_EQUAL(misfit(s, "events", lines(s.home() + "/sessions/" + id + "/transcript.jsonl")), "");
}

CAF_TEST(a misfit is found) {
  sandbox s;
  CAF_CHECK(misfit(s, "rows", json::array({{{"id", "x"}}})) != "");
  CAF_CHECK(misfit(s, "status", json::object()) != "");
}
