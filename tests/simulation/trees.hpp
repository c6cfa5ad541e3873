// The simulated repository: worktrees on the simulated disk, and the program that removes them, as late as it likes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "messages/errors.hpp"
#include "messages/requests.hpp"

namespace troupe::simulation {

class world;

class tree_keeper {
public:
  explicit tree_keeper(world& around) : around_(around) {}
  template <class T>
  using answer = std::function<void(const T*, const failure&)>;
  void inspect(const inspect_worktree& x, answer<losses> done);
  void remove(const remove_worktree& x, answer<worktree_removed> done);
  /// As the forge has it; one at a time, and for nobody who does not look (PR-1).
  void ask(const ask_pull& x, answer<pull_request> done);
  /// The supervisor's process is dead: a removal that was begun is carried out all the same, or is not.
  void drop();
  std::vector<std::function<void()>> calls; ///< answered in any order
  std::uint32_t gh_runs = 0;                ///< so far

private:
  worktree_removed removed(const remove_worktree& x);
  void review(const std::string& url);
  world& around_;
  bool dead_ = false, asks_ = false;
};

/// Where a session's worktree would be; empty: it gets none.
std::string tree_path(const session_id& of);

} // namespace troupe::simulation
