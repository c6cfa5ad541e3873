// Subscribe against change: a snapshot with a number, and the numbered changes after it, give what the roster holds,
// wherever between the changes the snapshot was taken.
#define CAF_SUITE subscription
#include "caf/test/unit_test.hpp"

#include "messages/json.hpp"
#include "runtime/control/roster_view.hpp"
#include "tests/simulation/tape.hpp"

using namespace troupe;
using troupe::simulation::dice;

namespace {

/// A front end's own copy of the rows, as JSON by id.
struct subscriber {
  std::uint64_t seq = 0;
  std::map<std::string, json> rows;

  void subscribe(const roster_view& view) {
    seq = view.seq();
    rows.clear();
    for (const auto& r : json::parse(view.list(true, {})))
      rows[r["id"].get<std::string>()] = r;
  }
  /// Takes a change that follows the snapshot; the numbers have no gap.
  void hear(const roster_view& view, std::uint64_t n, const row& now) {
    CAF_REQUIRE_EQUAL(n, seq + 1);
    seq = n;
    if (now.gone)
      rows.erase(now.id.value);
    else
      rows[now.id.value] = json::parse(view.text(now.id));
  }
};

row changed_row(dice& luck) {
  row r;
  r.id = {"s" + std::to_string(luck.roll(5))};
  r.state = luck.roll(2) == 0 ? "working" : "done";
  r.process = luck.roll(2) == 0 ? "alive" : "exited";
  r.changed_at = static_cast<wall_ms>(luck.roll(1000));
  r.gone = luck.roll(6) == 0;
  return r;
}

} // namespace

// BEYOND-10
CAF_TEST(whoever subscribes between two changes sees each later one once and ends with the same rows) {
  for (std::uint64_t seed = 1; seed <= 300; ++seed) {
    dice luck(seed);
    roster_view view;
    std::vector<subscriber> all;
    for (int i = 0; i < 40; ++i) {
      if (luck.roll(4) == 0)
        all.emplace_back().subscribe(view);
      auto now = changed_row(luck);
      if (auto n = view.take(now); n != 0)
        for (auto& s : all)
          s.hear(view, n, now);
    }
    subscriber late;
    late.subscribe(view);
    for (const auto& s : all) {
      CAF_REQUIRE_EQUAL(s.seq, late.seq);
      CAF_REQUIRE(s.rows == late.rows);
    }
  }
}
