// A day in the life of a foreign agent.
#define CAF_SUITE agents_common
#include <algorithm>
#include <filesystem>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
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

namespace {

/// POOL-8: who belongs to no session knows neither a key nor a project nor a prompt.
void spare_holds_nothing(const foreign& f, const std::vector<std::string>& sessions) {
  std::vector<process_identity> others;
  for (const auto& id : sessions)
    if (auto worker = id.empty() ? json() : f.box.field(id, "pid"); worker.is_number()) {
      others.push_back(*identify(worker.get<std::int32_t>()));
      for (const auto& below : descendants(worker.get<std::int32_t>()))
        others.push_back(below);
    }
  std::vector<std::string> words{"please make it"};
  for (const auto& [name, value] : f.about.shell) // what it has in files of its own is its own login (CRED-7)
    if (value.starts_with("sk-"))
      words.push_back(value);
  std::size_t looked = 0;
  const auto service = f.box.supervisor_pid();
  for (const auto& p : f.box.processes()) {
    if (p.pid == service || std::find(others.begin(), others.end(), p) != others.end())
      continue;
    ++looked;
    for (const auto& word : words)
      if (process_has(p.pid, word))
        CAF_ERROR("the spare's process " << slurp("/proc/" + std::to_string(p.pid) + "/comm") << " has " << word);
    const auto base = "/proc/" + std::to_string(p.pid); // gemini reads a file of its own with the projects it has seen
    std::error_code ignored;
    CAF_CHECK((slurp(base + "/cmdline") + slurp(base + "/environ")).find(f.box.work()) == std::string::npos);
    CAF_CHECK(std::filesystem::read_symlink(base + "/cwd", ignored) != f.box.work());
  }
  CAF_CHECK(looked >= 2); // a worker and its agent
}

} // namespace

void compare_warm_and_cold(const foreign_agent& about) {
  std::vector<std::vector<std::string>> told;
  std::vector<std::string> told_of;
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
    spare_holds_nothing(f, {warm ? told_of[0] : std::string(), id});
    told_of.push_back(id);
  }
  CAF_CHECK_EQUAL(told[0], told[1]);
  CAF_CHECK(!told[0].empty());
  CAF_CHECK(f.box.stop().empty());
}

} // namespace troupe::test
