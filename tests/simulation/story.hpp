// What happened in a run, one readable line a step, and what it broke. Lines are made only when somebody wants them.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe::simulation {

/// A property that did not hold.
struct violation {
  std::string rule; ///< its tag, and a word that names the property
  std::string text;
};

class story {
public:
  explicit story(bool told) : told_(told) {}
  /// Adds the line that `make` gives, when the story is told.
  template <class F>
  void say(F make) {
    if (told_)
      lines_.push_back(stamp() + make());
  }
  /// Notes that a property did not hold; the first one is the run's result.
  void broken(std::string rule, std::string text);
  void now(std::int64_t ms) { now_ = ms; }
  [[nodiscard]] bool whole() const { return broken_.empty(); }
  [[nodiscard]] const std::vector<violation>& violations() const { return broken_; }
  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }

private:
  [[nodiscard]] std::string stamp() const;
  bool told_;
  std::int64_t now_ = 0;
  std::vector<std::string> lines_;
  std::vector<violation> broken_;
};

/// "w2.7": the seventh worker of the second supervisor.
std::string name_of(worker_id id);
/// "taken first", "ended exited 1 (stop)": a transcript line in a few words.
std::string brief(const event& e);
/// "claimed s1 run 1", a ledger line in a few words.
std::string brief(const ledger_entry& e);

} // namespace troupe::simulation
