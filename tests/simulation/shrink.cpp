// Shrinking.
#include "tests/simulation/shrink.hpp"

namespace troupe::simulation {

namespace {

struct shrinker {
  tape best;
  const std::string& rule;
  run_options options;
  std::size_t tries;

  bool still_breaks(const tape& t) {
    if (tries == 0)
      return false;
    --tries;
    auto result = play(t, options);
    return !result.broken.empty() && result.broken.front().rule == rule;
  }
  bool take(tape t) {
    if (!still_breaks(t))
      return false;
    best = std::move(t);
    return true;
  }
  void cut(std::size_t length) {
    for (std::size_t at = best.size(); at > 0 && tries > 0;) {
      at = at > length ? at - length : 0;
      auto end = std::min(at + length, best.size());
      tape t(best.begin(), best.begin() + static_cast<std::ptrdiff_t>(at));
      t.insert(t.end(), best.begin() + static_cast<std::ptrdiff_t>(end), best.end());
      take(std::move(t));
    }
  }
  void calm() {
    for (std::size_t i = 0; i < best.size() && tries > 0; ++i) {
      if (best[i].what != act::calm) {
        auto t = best;
        t[i] = {};
        if (take(std::move(t)))
          continue;
      }
      if (best[i].how != 0) {
        auto t = best;
        t[i].how = 0;
        take(std::move(t));
      }
    }
  }
};

} // namespace

tape shrink(tape t, const std::string& rule, const run_options& options, std::size_t tries) {
  shrinker s{std::move(t), rule, options, tries};
  s.options.tell = false;
  for (std::size_t before = 0; before != s.tries && s.tries > 0;) {
    before = s.tries;
    auto size = s.best.size();
    for (auto length = size; length > 0; length /= 2)
      s.cut(length);
    s.calm();
    if (s.best.size() == size)
      break;
  }
  return s.best;
}

} // namespace troupe::simulation
