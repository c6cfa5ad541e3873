// One race, told in order and played in many: between the things that a scenario does, messages and deeds happen in an
// order that a seed draws.
#pragma once

#include <algorithm>

#include "tests/simulation/run.hpp"

#include "caf/test/unit_test.hpp"

namespace troupe::simulation {

/// A day that a scenario steers. It begins with a supervisor that serves and has its spare ready.
class scene {
public:
  explicit scene(std::uint64_t seed, run_options options = {}) : d(options), luck(seed) { d.settle(); }

  /// Up to `most` messages and deeds happen, in any order that the actors allow.
  void stir(std::uint32_t most = 12) {
    for (auto n = luck.roll(most + 1); n > 0; --n)
      d.step({luck.roll(2) == 0 ? act::message : act::deed, static_cast<std::uint16_t>(luck.roll(1 << 16)), 0});
  }
  /// The supervisor and its actors hear all that workers have said; nothing else happens.
  void hear() {
    for (bool more = true; more;) {
      d.settle_actors();
      auto deeds = d.around.deeds();
      auto at = std::find_if(deeds.begin(), deeds.end(), [](const deed& x) { return x.what == deed::of::host_reads; });
      more = at != deeds.end();
      if (more)
        d.around.perform(*at, 0);
    }
  }
  [[nodiscard]] people& crowd() { return d.crowd; }
  [[nodiscard]] world& around() { return d.around; }
  /// The supervisor, a new one where none runs.
  incarnation& sup() {
    d.start();
    if (!d.supervisor().desk().open)
      d.settle();
    return d.supervisor();
  }
  /// A session whose first turn has ended.
  session_id idle_session(bool job = false) {
    auto n = crowd().dispatch_new(sup(), job);
    d.settle();
    return crowd().requests[n].session;
  }
  /// A session in the middle of a turn.
  session_id working_session() {
    auto n = crowd().dispatch_new(sup(), false);
    while (!d.around.workers.empty() && !turn_runs() && d.calm_step(false))
      ;
    d.settle_actors();
    return crowd().requests[n].session;
  }
  [[nodiscard]] asked& request(std::size_t n) { return crowd().requests[n]; }
  /// The row of a session as front ends see it; without a state when it is gone.
  row seen(const session_id& id) {
    const auto& rows = sup().desk().rows;
    auto at = rows.find(id);
    return at == rows.end() ? row{} : at->second;
  }
  [[nodiscard]] std::size_t lines(const session_id& id, const std::string& what) {
    auto all = lines_of(d.around.files, id);
    return static_cast<std::size_t>(
        std::count_if(all.begin(), all.end(), [&](const auto& e) { return e.what == what; }));
  }
  [[nodiscard]] std::size_t alive() const {
    return static_cast<std::size_t>(
        std::count_if(d.around.workers.begin(), d.around.workers.end(), [](const auto& w) { return w->alive; }));
  }

  day d;
  dice luck;

private:
  [[nodiscard]] bool turn_runs() const {
    return std::any_of(d.around.workers.begin(), d.around.workers.end(), [](const auto& w) { return w->turn; });
  }
};

/// Plays a scenario in `orders` orders. `tell` does the deeds; then the world is left in peace and all properties are
/// checked; `then` looks at the outcome.
template <class Tell, class Then>
void in_many_orders(Tell tell, Then then, std::uint64_t orders = 300, run_options options = {}) {
  for (std::uint64_t seed = 1; seed <= orders; ++seed) {
    scene s(seed, options);
    tell(s);
    s.d.judge();
    for (const auto& v : s.d.around.told.violations())
      CAF_FAIL("order " << seed << " breaks " << v.rule << ": " << v.text);
    then(s);
  }
}

} // namespace troupe::simulation
