// The simulated world: time, the disk, the worker processes and what lies between them. Pure: no CAF, no clock, no
// file. What may happen next in it is a list of deeds; whoever runs it picks one.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "tests/simulation/bench.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/keeper.hpp"
#include "tests/simulation/story.hpp"
#include "tests/simulation/trees.hpp"
#include "tests/simulation/witness.hpp"
#include "tests/simulation/worker.hpp"

namespace troupe::simulation {

/// A bug that is put in on purpose, to see that it is found.
enum class plant {
  none,
  acknowledges_first, ///< the journal keeper answers before it writes
  replies_twice,      ///< a worker takes each reply twice
  tells_ends_early,   ///< the host tells a worker's end when it has asked for it
  leaves_trees        ///< the repository says that a worktree is removed and leaves it
};

/// What goes wrong next, by kind: how many times.
struct pending_faults {
  std::uint32_t writes = 0, launches = 0, refreshes = 0, freezes = 0, removals = 0, refusals = 0;
  std::uint32_t asks = 0;     ///< about pull requests
  std::uint32_t shortage = 0; ///< so often memory is found to be short still
};

/// One thing that may happen next.
struct deed {
  enum class of {
    host_call,
    write,
    vault_answers,
    tree_answers,
    worker_reads,
    worker_sees_close,
    host_reads,
    host_sees_close,
    host_sees_exit,
    harness_goes_on,
    tree_ends,
    worker_leaves
  } what;
  worker* who = nullptr;
  link_ptr on;
  worker_id id;
};

class world {
public:
  explicit world(bool tell, plant bug = plant::none) : told(tell), planted(bug), seen(*this) {}

  [[nodiscard]] std::int64_t mono() const { return mono_; } ///< does not count time asleep
  [[nodiscard]] wall_ms wall() const { return 1'700'000'000'000 + mono_ + slept_; }
  void set_time(std::int64_t mono);
  void sleep(std::int64_t ms);

  worker& spawn(worker_id id, bool warm);
  worker* find(const process_identity& who);
  /// The live worker that holds a session's lock; null when there is none.
  worker* holder(const session_id& s);
  [[nodiscard]] bool lock_is_held(const session_id& s) { return holder(s) != nullptr; }

  /// All that may happen next, the calmest first.
  std::vector<deed> deeds();
  void perform(const deed& d, std::uint32_t how);

  /// Uses one of the faults that are due.
  static bool take(std::uint32_t& due) { return due > 0 && due-- > 0; }

  void log_in();
  void log_out();

  story told;
  disk files;
  plant planted;
  witness seen;
  std::vector<std::unique_ptr<worker>> workers;
  std::unique_ptr<bench> host;        ///< of the supervisor that runs
  std::unique_ptr<keeper> ledger;     ///< the same
  std::unique_ptr<vault> accounts;    ///< the same
  std::unique_ptr<tree_keeper> trees; ///< the same
  pending_faults faults;
  std::map<std::string, pull_request> forge;  ///< what `gh` would tell, by address
  std::map<std::string, std::string> told_of; ///< and what it has told last
  bool busy_forge = false;     ///< sessions work on two pull requests that are reviewed and merged, and somebody looks
  std::uint32_t installed = 1; ///< version of the programs on the disk
  std::uint32_t sessions = 0;  ///< ids given out so far
  std::int64_t idle_ms = 600'000; ///< session.idleSeconds of the simulated settings
  std::set<std::string> gone_directories;

private:
  void add_worker_deeds(std::vector<deed>& out);
  void add_host_deeds(std::vector<deed>& out);
  std::int64_t mono_ = 0, slept_ = 0;
  std::int32_t next_pid_ = 100;
};

} // namespace troupe::simulation
