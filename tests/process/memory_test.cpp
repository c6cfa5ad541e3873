// Short memory, on real processes. The files that the kernel would write are the test's, by the settings.
#define CAF_SUITE short_memory
#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::until;

namespace {

/// How much of the host's memory is available, from here on; replaced whole, since it is read at any time.
void available(const sandbox& s, int percent) {
  auto path = s.root() + "/meminfo";
  troupe::test::spill(path + ".new", "MemTotal:       1000 kB\nMemFree:          1 kB\nMemAvailable:   " +
                                         std::to_string(percent * 10) + " kB\n");
  ::rename((path + ".new").c_str(), path.c_str());
}

void choose(const sandbox& s, json more = json::object()) {
  more["memory"] = {{"pressureFile", "/nonexistent"}, {"infoFile", s.root() + "/meminfo"}, {"checkMs", 50}};
  s.configure(more.dump());
}

} // namespace

// SUP-8, F-04, KEEP-6
CAF_TEST(short memory ends idle sessions one by one and none that works or asks) {
  sandbox s;
  available(s, 60);
  choose(s);
  auto first = s.bg({"say one"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", first}).status, 0);
  auto pinned = s.bg({"say two"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", pinned}).status, 0);
  CAF_REQUIRE_EQUAL(s.troupe({"pin", pinned}).status, 0);
  auto asker = s.bg({"ask Still there?"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", asker}).status, 3);
  auto worker = s.bg({"wait " + s.work() + "/never"});
  auto shell = s.bg({"--exec", "read x"});
  auto server = s.bg({"--permission-mode", "bypassPermissions", "background sleep 600"});
  CAF_REQUIRE(
      until(s, [&] { return !s.field(server, "activeWork").empty() && s.field(worker, "process") == "alive"; }));
  auto before = s.row(first);
  CAF_CHECK_EQUAL(before["process"], "alive");
  available(s, 2);
  CAF_CHECK(until(s, [&] { return s.field(first, "process") == "exited"; }));
  CAF_CHECK(until(s, [&] { return s.field(pinned, "process") == "exited"; })); // that was not enough
  auto late = s.bg({"wait " + s.work() + "/never"});                           // nothing holds a dispatch up
  for (const auto& id : {asker, worker, shell, server, late})
    CAF_CHECK_EQUAL(s.field(id, "process"), "alive");
  available(s, 60);
  auto now = s.row(first);
  CAF_CHECK_EQUAL(now["state"], "done");
  CAF_CHECK_EQUAL(now["sentence"], before["sentence"]);
  CAF_CHECK_EQUAL(now["note"], "its process was stopped to free memory");
  CAF_CHECK(s.troupe({"agents"}).out.find("[its process was stopped to free memory]") != std::string::npos);
  auto why = s.troupe({"why", first}).out;
  CAF_CHECK(why.find("its worker was ended to free memory, since it was idle") != std::string::npos);
  CAF_CHECK(s.troupe({"daemon", "logs"}).out.find("event=reap") != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"reply", first, "say three"}).status, 0);
  CAF_CHECK(until(s, [&] { return s.field(first, "sentence") == "three" && s.field(first, "state") == "done"; }));
  CAF_CHECK(s.field(first, "note").is_null());
  CAF_CHECK(s.stop().empty());
}

// REST-6
CAF_TEST(an agent that ends without a word on a host low on memory says so on its row) {
  sandbox s;
  available(s, 8); // low, not short
  choose(s, {{"harnesses", {{"dying", {{"command", {"/bin/sh", "-c", "exit 3"}}}}}}});
  auto id = s.bg({"--harness", "dying", "do something"});
  CAF_CHECK(until(s, [&] { return s.field(id, "note") == "possibly low memory — free some up and retry"; }));
  CAF_CHECK(s.troupe({"why", id}).out.find("possibly low memory") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// REST-6
CAF_TEST(the same end on a host with memory enough does not blame the memory) {
  sandbox s;
  available(s, 60);
  choose(s, {{"harnesses", {{"dying", {{"command", {"/bin/sh", "-c", "exit 3"}}}}}}});
  auto id = s.bg({"--harness", "dying", "do something"});
  CAF_CHECK(until(s, [&] { return s.troupe({"why", id}).out.find("restart 2") != std::string::npos; }));
  CAF_CHECK(s.field(id, "note").is_null());
  CAF_CHECK(s.stop().empty());
}
