// A day in the life of a foreign agent.
#define CAF_SUITE agents_common
#include <filesystem>

#include "caf/test/unit_test.hpp"
#include "tests/agents/foreign.hpp"

namespace troupe::test {

void go_through_a_day(const foreign_agent& about) {
  foreign f(about);
  f.model->add(
      {{{"text", "Let me see. "}, {"calls", {about.run}}}, {{"calls", {about.write}}}, {{"text", "All is done."}}});
  auto id = f.dispatch("please make it");
  CAF_REQUIRE(f.reaches(id, "blocked"));
  CAF_CHECK(f.content("made.txt").empty()); // the safe mode: nothing runs unasked
  auto row = f.box.row(id);
  CAF_CHECK_EQUAL(row["harness"], about.name);
  CAF_CHECK_EQUAL(row["waitingFor"], "answer");
  CAF_CHECK(!row.contains("problems"));
  CAF_CHECK_EQUAL(f.box.troupe({"answer", id, "allow_once"}).status, 0);
  CAF_CHECK(f.sees([&] { return f.count(id, "question") == 2; })); // its own question, by its own kind
  CAF_CHECK_EQUAL(f.content("made.txt"), "made\n");
  CAF_CHECK(f.content("wrote.txt").empty());
  CAF_CHECK_EQUAL(f.box.troupe({"answer", id, "allow_once"}).status, 0);
  CAF_CHECK(f.reaches(id, "done"));
  CAF_CHECK(f.content("wrote.txt").find("written") != std::string::npos);
  CAF_CHECK(f.said(id).find("All is done.") != std::string::npos);

  f.model->add({{{"calls", {about.run}}}}); // whoever asks the model again after the denial gets its usual word
  std::filesystem::remove(f.box.work() + "/made.txt");
  f.box.troupe({"reply", id, "make it again"});
  CAF_CHECK(f.reaches(id, "blocked"));
  CAF_CHECK_EQUAL(f.box.troupe({"answer", id, "no"}).status, 0);
  CAF_CHECK(f.sees([&] { return f.count(id, "turn_ended") == 2; }));
  CAF_CHECK(f.content("made.txt").empty());

  f.model->add({{{"stall", "headers"}}, {{"text", "Here I am."}}});
  f.box.troupe({"reply", id, "think long"});
  CAF_CHECK(f.sees([&] { return f.count(id, "sent") == 3; }));
  CAF_CHECK(f.sees([&] { return f.asked.find("think long") != std::string::npos; }));
  CAF_CHECK_EQUAL(f.box.troupe({"cancel", id}).status, 0);
  CAF_CHECK(f.sees([&] { return f.count(id, "turn_ended") == 3; }));
  CAF_CHECK_EQUAL(f.story(id).back().substr(0, 20), "turn_ended cancelled");
  CAF_CHECK(f.reaches(id, "idle"));
  CAF_CHECK(f.box.stop().empty()); // KEEP-8
}

void compare_warm_and_cold(const foreign_agent& about) {
  std::vector<std::vector<std::string>> told;
  foreign f(about, true);
  for (bool warm : {false, true}) {
    f.model->add({{{"text", "I begin. "}, {"calls", {about.run}}}, {{"text", "I end."}}});
    auto id = f.dispatch("please make it");
    CAF_REQUIRE(f.reaches(id, "blocked"));
    CAF_CHECK_EQUAL(f.box.troupe({"answer", id, "yes"}).status, 0);
    CAF_CHECK(f.reaches(id, "done"));
    auto why = f.box.troupe({"why", id}).out;
    CAF_CHECK_EQUAL(why.find(", a warm one") != std::string::npos, warm);
    CAF_CHECK_EQUAL(f.box.field(id, "problems"), json()); // what a warmed one cannot have is no drift
    told.push_back(f.story(id));
    std::filesystem::remove(f.box.work() + "/made.txt");
    CAF_CHECK(f.sees([&] { return f.box.status()["spares"].value("ready", 0) >= 1; }));
  }
  CAF_CHECK_EQUAL(told[0], told[1]);
  CAF_CHECK(!told[0].empty());
  CAF_CHECK(f.box.stop().empty());
}

} // namespace troupe::test
