// The row of a shell job says what the job says: at a pace, through replacements of the supervisor, and on no disk.
#define CAF_SUITE job_rows
#include <filesystem>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::spill;
using troupe::test::until;

namespace {

/// Shell words that wait until the test lets them go on.
std::string wait_for_file(const sandbox& s, const std::string& name) {
  return "while [ ! -e " + s.work() + "/" + name + " ]; do sleep 0.05; done; ";
}

bool says(const sandbox& s, const std::string& id, const std::string& line) {
  return until(s, [&] { return s.field(id, "output") == line; });
}

/// The files below `folder` that hold `word`, but for outputs.
std::vector<std::string> holding(const std::string& folder, const std::string& word) {
  std::vector<std::string> out;
  for (const auto& each : std::filesystem::recursive_directory_iterator(folder))
    if (each.is_regular_file() && each.path().filename() != "output" &&
        slurp(each.path().string()).find(word) != std::string::npos)
      out.push_back(each.path().string());
  return out;
}

} // namespace

// VIEW-8
CAF_TEST(a row has a first line soon and no other one before it is due and at the end the last) {
  sandbox s(R"({"session": {"sentenceSeconds": 3600}})");
  auto id = s.bg({"--exec", "echo; printf '\033[32mfirst\033[0m\n'; " + wait_for_file(s, "go") + "echo second; " +
                                wait_for_file(s, "end") + "echo third; echo ----; exit 3"});
  CAF_CHECK(says(s, id, "first"));
  CAF_CHECK(s.field(id, "sentence").get<std::string>().starts_with("echo; printf"));
  spill(s.work() + "/go", "");
  CAF_REQUIRE(until(s, [&] { return s.troupe({"logs", id}).out == "\nfirst\nsecond\n"; }));
  CAF_CHECK_EQUAL(s.field(id, "output"), "first");
  spill(s.work() + "/end", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 3);
  CAF_CHECK_EQUAL(s.field(id, "output"), "third");
  CAF_CHECK(s.troupe({"agents"}).out.find(" · third") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// VIEW-8, ENV-5
CAF_TEST(what a job says outlives supervisors and is in no file but its output) {
  sandbox s;
  auto runs = s.bg({"--exec", "echo \"PLANTED-$((40 + 2))\"; " + wait_for_file(s, "end") + "echo over"});
  auto ended = s.bg({"--exec", "echo \"PLANTED-$((40 + 3))\""});
  CAF_CHECK(says(s, runs, "PLANTED-42") && says(s, ended, "PLANTED-43"));
  kill_and_wait(s.supervisor_pid());
  CAF_CHECK_EQUAL(s.troupe({"agents"}).status, 0);         // which starts another one
  CAF_CHECK(says(s, runs, "PLANTED-42"));                  // its worker says so again
  CAF_CHECK_EQUAL(s.field(ended, "output"), "PLANTED-43"); // and who has none any more has left its output
  spill(s.work() + "/end", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", runs}).status, 0);
  CAF_CHECK_EQUAL(s.field(runs, "output"), "over");
  CAF_CHECK(s.stop().empty()); // all that is cached is written by then
  CAF_CHECK(slurp(s.home() + "/sessions/" + ended + "/output").find("PLANTED-43") != std::string::npos);
  for (const char* word : {"PLANTED-42", "PLANTED-43"})
    CAF_CHECK(holding(s.home(), word).empty());
}

// KEEP-7
CAF_TEST(a job whose output cannot be kept does not start and says why) {
  sandbox s;
  auto id = s.bg({"--exec", "test -e " + s.work() + "/again || exit 5"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 5);
  const auto output = s.home() + "/sessions/" + id + "/output";
  std::filesystem::remove(output);
  std::filesystem::create_directory(output);
  CAF_CHECK_EQUAL(s.troupe({"respawn", id}).status, 0);
  CAF_CHECK(until(s, [&] {
    return s.field(id, "state") == "failed" &&
           s.field(id, "sentence").get<std::string>().find("output cannot be kept: " + output) != std::string::npos;
  }));
  CAF_CHECK(s.troupe({"why", id}).out.find("output cannot be kept") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// VIEW-8
CAF_TEST(a program that fills the screen has no line and a run anew none of the run before) {
  sandbox s;
  auto id =
      s.bg({"--exec", "test -e " + s.work() + "/again || { touch " + s.work() + "/again; echo ready; " +
                          wait_for_file(s, "draw") + "printf '\\033[?1049h\\033[Hmenu'; " + wait_for_file(s, "leave") +
                          "printf '\\033[?1049l'; echo left; exit; }; " + wait_for_file(s, "end")});
  CAF_CHECK(says(s, id, "ready"));
  spill(s.work() + "/draw", "");
  CAF_CHECK(until(s, [&] { return s.field(id, "output").is_null(); }));
  spill(s.work() + "/leave", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "output"), "left");
  CAF_CHECK_EQUAL(s.troupe({"respawn", id}).status, 0);
  CAF_CHECK(until(s, [&] { return s.field(id, "state") == "working" && s.field(id, "output").is_null(); }));
  spill(s.work() + "/end", "");
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK(s.field(id, "output").is_null());
  CAF_CHECK(s.stop().empty());
}
