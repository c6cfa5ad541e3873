// Pull requests of sessions at rest, in many orders: whoever looks sees the truth, and `gh` is run for nobody else.
#define CAF_SUITE pulls
#include "tests/simulation/scenario.hpp"

using namespace troupe;
using namespace troupe::simulation;

namespace {

const std::string address = "https://github.com/o/r/pull/1";

/// A session at rest whose agent has named a pull request.
session_id linked_session(scene& s) {
  auto id = s.idle_session();
  s.around().holder(id)->name_pull({1, address, "open"});
  s.d.settle();
  return id;
}

std::string shown(scene& s, const session_id& id) {
  auto row = s.seen(id);
  return row.pulls.empty() ? std::string() : row.pulls.front().state;
}

} // namespace

// PR-1
CAF_TEST(a pull request is asked about for those who look and all its sessions show what was told) {
  session_id a, b;
  in_many_orders(
      [&](scene& s) {
        a = linked_session(s);
        b = linked_session(s);
        s.around().forge[address] = {1, address, "pending"};
        s.d.rest(1'000'000);
        CAF_REQUIRE_EQUAL(s.around().trees->gh_runs, 0u); // nobody looks
        s.sup().watched_by(1);
        s.stir(20);
        s.d.rest(10'000);
        CAF_REQUIRE_EQUAL(shown(s, a) + " " + shown(s, b), "pending pending");
        CAF_REQUIRE_EQUAL(s.around().trees->gh_runs, 1u); // once for both
        s.around().forge[address].state = "merged";
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(shown(s, a) + " " + shown(s, b), "merged merged");
        CAF_REQUIRE_EQUAL(s.lines(a, "pull"), 2u);
        CAF_REQUIRE_EQUAL(s.lines(b, "pull"), 2u);
        CAF_REQUIRE_EQUAL(s.around().trees->gh_runs, 2u); // a merged one is left alone
      },
      100);
}

// PR-1, SUP-5
CAF_TEST(news of a pull request that meets a crash of the supervisor is told by the next one) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = linked_session(s);
        s.around().forge[address] = {1, address, "ready"};
        s.sup().watched_by(1);
        s.stir(20);
        s.d.crash(s.luck.roll(2) == 0);
        s.stir(20);
        s.sup().watched_by(1);
        s.stir(20);
      },
      [&](scene& s) {
        CAF_REQUIRE_EQUAL(shown(s, id), "ready");
        CAF_REQUIRE_EQUAL(s.lines(id, "pull"), 1u);
      },
      150);
}

// PR-1, ISO-2
CAF_TEST(a removal that meets news of a pull request wins) {
  session_id id;
  std::size_t n = 0;
  in_many_orders(
      [&](scene& s) {
        id = linked_session(s);
        s.around().forge[address] = {1, address, "ready"};
        s.sup().watched_by(1);
        s.stir(15);
        n = s.crowd().remove(s.sup(), id, true);
        s.stir(15);
      },
      [&](scene& s) {
        CAF_REQUIRE(s.request(n).granted && s.seen(id).state.empty());
        auto lines = lines_of(s.around().files, id);
        auto asked = std::find_if(lines.begin(), lines.end(), [](const auto& e) { return e.what == "remove"; });
        CAF_REQUIRE(std::none_of(asked, lines.end(), [](const auto& e) { return e.what == "pull"; }));
      },
      150);
}

// PR-1
CAF_TEST(where gh fails it is asked less and less and its next answer is shown) {
  session_id id;
  in_many_orders(
      [&](scene& s) {
        id = linked_session(s);
        s.around().faults.asks = 1000;
        s.sup().watched_by(1);
        s.d.rest(4 * 3'600'000);
        CAF_REQUIRE(s.around().trees->gh_runs >= 4 && s.around().trees->gh_runs <= 12);
        s.around().faults.asks = 0;
        s.around().forge[address] = {1, address, "ready"};
        s.d.rest(2 * 3'600'000);
        CAF_REQUIRE_EQUAL(shown(s, id), "ready");
      },
      [&](scene&) {}, 20);
}
