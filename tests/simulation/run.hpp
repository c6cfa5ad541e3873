// One run of the simulated world: a tape is played, then the world is left in peace, and then it must be in order.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/simulation/people.hpp"

namespace troupe::simulation {

struct run_options {
  bool tell = false; ///< make the story's lines
  plant bug = plant::none;
  simulated_settings settings;
};

struct run_result {
  std::vector<violation> broken; ///< empty: all properties held
  std::vector<std::string> lines;
  std::uint64_t messages = 0, supervisors = 0;
};

/// A day in the making. Scenarios steer it by hand; `play` steers it by a tape.
class day {
public:
  explicit day(run_options options);
  ~day();

  /// Plays one choice.
  void step(const choice& c);
  /// What comes first by itself: a message, else a deed, else the next timer. False: nothing is left to do.
  bool calm_step(bool with_time);
  /// No more faults: lets things go on until `ms` have passed, on the clock that does not jump.
  void rest(std::int64_t ms);
  /// Lets all go on that needs no time.
  void settle();
  /// Lets the actors take what waits in their mailboxes.
  void settle_actors();
  /// The liveness properties and the final ones, of a day that has been left in peace.
  void judge();

  /// A supervisor, where none runs; with the environments that the one before has handed over (SUP-6).
  void start(std::map<session_id, environment> environments = {});
  void crash(bool tear); ///< kill -9 of the supervisor
  void break_(fault what, std::uint32_t how);
  void run_short_of_memory(std::uint32_t looks); ///< and is found short so many times after a session has ended
  void replace_programs();
  void sleep(std::int64_t ms);
  [[nodiscard]] bool running() const { return static_cast<bool>(supervisor_); }
  [[nodiscard]] incarnation& supervisor() { return *supervisor_; }

  world around;
  people crowd;
  std::uint64_t messages = 0, supervisors = 0;

private:
  void end_supervisor();
  void after_step();
  void break_worker(fault what, std::uint32_t how);
  void quiet();
  run_options options_;
  std::unique_ptr<incarnation> supervisor_;
};

run_result play(const tape& t, const run_options& options);

} // namespace troupe::simulation
