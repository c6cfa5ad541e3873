// Restarts of conversations with real processes: who goes on, and what it is told.
#define CAF_SUITE restarts
#include <fstream>
#include <sstream>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

std::string transcript_of(const sandbox& s, const std::string& id) {
  return s.home() + "/sessions/" + id + "/transcript.jsonl";
}

/// The text of the notice that the run got; empty: none.
std::string notice(const sandbox& s, const std::string& id, int run) {
  std::istringstream in(slurp(transcript_of(s, id)));
  for (std::string line; std::getline(in, line);)
    if (auto e = json::parse(line); e["what"] == "taken" && e["id"] == "restart-" + std::to_string(run))
      return e["text"];
  return {};
}

/// A conversation that waits in the middle of its answer; `backgrounded`: as the foreground hands one over.
std::string in_an_answer(const sandbox& s, bool backgrounded) {
  s.troupe({"agents"});
  auto socket = s.connect();
  auto line =
      R"({"jsonrpc":"2.0","id":1,"method":"session/dispatch","params":{"key":"key-00001","kind":"agent","backgrounded":)" +
      std::string(backgrounded ? "true" : "false") +
      R"(,"harness":"native","permissionMode":"bypassPermissions","prompt":"say begun\nwait )" + s.work() +
      R"(/go\nsay ended","cwd":")" + s.work() + R"(","env":[["PATH","/usr/bin:/bin"]]}})";
  auto got = json::parse(troupe::test::ask(socket.get(), line));
  auto id = got["result"]["id"].get<std::string>();
  CAF_REQUIRE(until(s, [&] { return s.field(id, "sentence") == "wait " + s.work() + "/go"; }));
  return id;
}

} // namespace

// REST-3, REST-4
CAF_TEST(a backgrounded session whose process is ended is stopped and goes on when it is wanted) {
  sandbox s;
  auto id = in_an_answer(s, true);
  kill_and_wait(s.field(id, "pid"));
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 4);
  CAF_CHECK_EQUAL(s.field(id, "process"), "exited");
  CAF_CHECK(s.troupe({"why", id}).out.find("its process was ended: killed by signal 9") != std::string::npos);
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "say and more"}).out, "saved\n");
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done" && s.field(id, "sentence") == "and more"; }));
  CAF_CHECK(notice(s, id, 2).find("What was said to you since follows") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// REST-3, REST-4
CAF_TEST(a dispatched task whose process is ended is restarted and told that nothing was said since) {
  sandbox s;
  auto id = in_an_answer(s, false);
  kill_and_wait(s.field(id, "pid"));
  spill(s.work() + "/go", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK(notice(s, id, 2).find("No new message has come since") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// REST-4: the time is that of the transcript
CAF_TEST(a backgrounded session does not go on with an answer of two hours ago) {
  for (bool backgrounded : {true, false}) {
    sandbox s;
    auto id = in_an_answer(s, backgrounded);
    auto worker = s.field(id, "pid").get<int>();
    kill_and_wait(s.supervisor_pid());
    kill_and_wait(worker);
    for (const auto& p : s.processes()) // what the worker left, and a supervisor that it may have started
      kill_and_wait(p.pid);
    std::istringstream in(slurp(transcript_of(s, id)));
    std::ofstream out(transcript_of(s, id));
    for (std::string line; std::getline(in, line);) {
      auto e = json::parse(line);
      e["t"] = e["t"].get<std::int64_t>() - 2 * 3'600'000;
      out << to_line(e) << "\n";
    }
    out.close();
    spill(s.work() + "/go", "");
    if (backgrounded) {
      CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 4);
      s.troupe({"respawn", id});
      if (!until(s, [&] { return s.field(id, "state") == "idle"; }))
        CAF_ERROR("not idle but " << s.field(id, "state") << ":\n"
                                  << s.troupe({"why", id}).out << slurp(transcript_of(s, id)));
      CAF_CHECK_EQUAL(notice(s, id, 2), "");
      CAF_CHECK(s.troupe({"logs", id}).out.find("more than an hour old") != std::string::npos);
    } else {
      CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0); // its work completes all the same
      CAF_CHECK(notice(s, id, 2).find("No new message has come since") != std::string::npos);
    }
    CAF_CHECK(s.stop().empty());
  }
}
