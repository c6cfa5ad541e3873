// The simulation finds what it is there to find: bugs that are put in on purpose, each by the property that it breaks.
#define CAF_SUITE planted_bugs
#include "tests/simulation/shrink.hpp"

#include "caf/test/unit_test.hpp"

using namespace troupe::simulation;

namespace {

constexpr std::size_t steps = 200;

struct find {
  std::uint64_t seed = 0;
  violation what;
};

/// The first seed that breaks a rule whose name begins so.
find hunt(plant bug, const std::string& rule, std::uint64_t seeds = 40000) {
  run_options o;
  o.bug = bug;
  for (std::uint64_t seed = 1; seed <= seeds; ++seed)
    if (auto r = play(draw(seed, steps), o); !r.broken.empty() && r.broken.front().rule.starts_with(rule))
      return {seed, r.broken.front()};
  return {};
}

void is_found(plant bug, const std::string& rule) {
  auto f = hunt(bug, rule);
  CAF_REQUIRE(f.seed != 0);
  CAF_CHECK(play(draw(f.seed, steps), {}).broken.empty()); // the same day without the bug is in order
}

} // namespace

CAF_TEST(a journal keeper that answers before it writes is found) {
  is_found(plant::acknowledges_first, ""); // by whichever rule it breaks first
}

CAF_TEST(a worker that takes a reply twice is found) {
  is_found(plant::replies_twice, "REST-5");
}

CAF_TEST(a worktree that is removed while processes of its session run is found) {
  is_found(plant::tells_ends_early, "SEC-4");
}

CAF_TEST(a worktree that is left behind by a removal is found) {
  is_found(plant::leaves_trees, "ISO-2");
}

CAF_TEST(a seed plays the same day each time and a failing one gets shorter) {
  run_options o;
  o.bug = plant::replies_twice;
  auto f = hunt(o.bug, "REST-5");
  CAF_REQUIRE(f.seed != 0);
  auto whole = draw(f.seed, steps);
  auto brief = shrink(whole, f.what.rule, o, 2000);
  CAF_CHECK(brief.size() < whole.size() / 2);
  o.tell = true;
  auto once = play(brief, o), again = play(brief, o);
  CAF_REQUIRE(!once.broken.empty());
  CAF_CHECK_EQUAL(once.broken.front().rule, f.what.rule);
  CAF_CHECK_EQUAL(once.lines, again.lines);
  CAF_CHECK_EQUAL(once.messages, again.messages);
}
