// Corrupt, truncated, empty and foreign files wherever a file is read: set aside, reported once, nothing else lost.
#define CAF_SUITE files
#include <filesystem>
#include <fstream>

#include <sys/stat.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"
#include "tests/support/text.hpp"

using namespace troupe;
using troupe::test::count;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;

namespace {

/// Two failed jobs, nothing running.
struct two_jobs {
  sandbox s;
  std::string a, b;
  two_jobs() {
    a = s.bg({"--exec", "echo from a; exit 1"});
    b = s.bg({"--exec", "echo from b; exit 2"});
    s.troupe({"wait", a, b});
    CAF_REQUIRE(s.stop().empty());
  }
  std::string ledger() const { return s.home() + "/ledger.jsonl"; }
  std::string folder(const std::string& id) const { return s.home() + "/sessions/" + id; }
};

} // namespace

// STATE-2, F-06
CAF_TEST(a torn last line of the ledger is cut off and reported once) {
  two_jobs t;
  std::ofstream(t.ledger(), std::ios::app) << R"({"n":99,"what":"disp)";
  CAF_CHECK_EQUAL(t.s.rows().size(), 2u);
  CAF_CHECK(t.s.troupe({"daemon", "status"}).err.find("is torn, set aside") != std::string::npos);
  CAF_CHECK(t.s.stop().empty());
  CAF_CHECK(slurp(t.ledger() + ".bad").find("\"disp") != std::string::npos);
  CAF_CHECK_EQUAL(t.s.rows().size(), 2u);
  CAF_CHECK_EQUAL(t.s.troupe({"daemon", "status"}).err, ""); // reported once
  CAF_CHECK(t.s.stop().empty());
}

// STATE-2, F-06
CAF_TEST(bad lines in the ledger cost nothing but themselves) {
  two_jobs t;
  auto text = slurp(t.ledger());
  auto at = text.find("\n") + 1;
  spill(t.ledger(),
        text.substr(0, at) + "garbage\n{\"n\":\"x\"}\n\n[]\n" + std::string("\0\x01\xff\n", 4) + text.substr(at));
  CAF_CHECK_EQUAL(t.s.rows().size(), 2u);
  CAF_CHECK_EQUAL(t.s.field(t.b, "exitStatus"), 2);
  CAF_CHECK_EQUAL(count(slurp(t.s.home() + "/supervisor.log"), "event=set_aside"), 5u);
  CAF_CHECK(t.s.stop().empty());
}

// STATE-2
CAF_TEST(an empty or foreign ledger leaves a supervisor that serves) {
  for (const std::string& text : {std::string(),
                                  std::string("\x7f"
                                              "ELF\0\0\0\x01 not a ledger",
                                              22),
                                  std::string(100'000, 'x')}) {
    two_jobs t;
    spill(t.ledger(), text);
    CAF_CHECK(t.s.rows().empty());
    auto id = t.s.bg({"--exec", "exit 3"});
    CAF_CHECK_EQUAL(t.s.troupe({"wait", id}).status, 3);
    CAF_CHECK(t.s.stop().empty());
    CAF_CHECK_EQUAL(t.s.rows().size(), 1u);
    CAF_CHECK(t.s.stop().empty());
  }
}

// STATE-2: marks its own session only
CAF_TEST(a bad transcript marks its own session only) {
  two_jobs t;
  std::ofstream(t.folder(t.a) + "/transcript.jsonl", std::ios::app) << "what is this\n{\"n\": \n";
  CAF_CHECK(t.s.field(t.a, "sentence").get<std::string>().find("is not JSON") != std::string::npos);
  CAF_CHECK_EQUAL(t.s.field(t.a, "state"), "failed");
  CAF_CHECK(t.s.field(t.b, "sentence").get<std::string>().find("JSON") == std::string::npos);
  CAF_CHECK_EQUAL(t.s.troupe({"respawn", t.a}).status, 0); // the worker, its one writer, mends it
  CAF_CHECK_EQUAL(t.s.troupe({"wait", t.a}).status, 1);
  CAF_CHECK(t.s.stop().empty());
  CAF_CHECK(slurp(t.folder(t.a) + "/transcript.jsonl.bad").find("what is this") != std::string::npos);
}

// KEEP-7, LOG-1
CAF_TEST(an output file that is none is told and the job can run again) {
  for (const std::string& text : {std::string("short"), std::string(), std::string(2'000'000, 'z')}) {
    two_jobs t;
    spill(t.folder(t.a) + "/output", text);
    auto r = t.s.troupe({"logs", t.a});
    CAF_CHECK(r.err.find("is no output of Troupe") != std::string::npos);
    CAF_CHECK_EQUAL(t.s.troupe({"logs", t.b}).out, "from b\n");
    t.s.troupe({"respawn", t.a});
    CAF_CHECK(troupe::test::until(t.s, [&] { return t.s.troupe({"logs", t.a}).out == "from a\n"; }));
    CAF_CHECK(t.s.stop().empty());
  }
}

// FILES-2, F-06
CAF_TEST(bad settings and epoch and state files are told and the defaults used) {
  two_jobs t;
  t.s.configure("{\"warmPool\": {\"size\": \"many\"}}");
  spill(t.s.home() + "/epoch", "not a number");
  spill(t.folder(t.a) + "/state.json", "\xff\xfe");
  CAF_CHECK_EQUAL(t.s.rows().size(), 2u);
  auto log = slurp(t.s.home() + "/supervisor.log");
  CAF_CHECK(log.find("/warmPool/size must be a whole number from 0 to 64") != std::string::npos);
  CAF_CHECK(t.s.stop().empty());
  CAF_CHECK(std::stoll(slurp(t.s.home() + "/epoch")) > 1'000'000);
}

// SEC-3
CAF_TEST(a ledger that is a link is not written through) {
  two_jobs t;
  auto other = t.s.root() + "/elsewhere";
  spill(other, "mine\n");
  std::filesystem::remove(t.ledger());
  std::filesystem::create_symlink(other, t.ledger());
  t.s.troupe({"agents"});
  CAF_CHECK_EQUAL(slurp(other), "mine\n");
  CAF_CHECK(t.s.stop().empty());
}

// FILES-2
CAF_TEST(files are private whatever the umask is and jobs have the umask of whoever started the service) {
  auto before = ::umask(022);
  sandbox s;
  auto id = s.bg({"--exec", "umask > mask; exit 1"});
  s.troupe({"wait", id});
  ::umask(before);
  CAF_CHECK_EQUAL(std::stoi(slurp(s.work() + "/mask"), nullptr, 8), 022);
  for (const auto& entry : std::filesystem::recursive_directory_iterator(s.home()))
    if ((entry.symlink_status().permissions() & std::filesystem::perms(077)) != std::filesystem::perms::none)
      CAF_ERROR(entry.path().string() + " is open to others");
  CAF_CHECK(s.stop().empty());
}
