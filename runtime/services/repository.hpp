// The repository on the real system: each request is one run of troupe-worktree.
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "runtime/io/program_answer.hpp"
#include "runtime/services/thunk.hpp"

namespace troupe {

struct repository_setup {
  std::string program; ///< troupe-worktree
  environment env;     ///< for git, without credentials
  /// The command of `worktree.removeHook` as the settings of that directory have it; empty: none.
  std::function<std::string(const std::string& directory)> remove_hook;
  std::function<void(const std::string&)> log;
};

/// On the Asio thread.
class worktree_keeper {
public:
  worktree_keeper(asio::io_context& loop, reaper& children, repository_setup setup)
      : loop_(loop), children_(children), setup_(std::move(setup)) {}
  template <class T>
  using answer = std::function<void(const T*, const failure&)>; ///< null: the failure holds
  void inspect(const inspect_worktree& x, answer<losses> done);
  void remove(const remove_worktree& x, answer<worktree_removed> done);
  void ask(const ask_pull& x, answer<pull_request> done);

private:
  struct order {
    const char* verb;
    std::string input;
    const environment& env;
    std::chrono::seconds patience;
    const char* late; ///< who has not ended in time
    const char* remedy;
  };
  template <class T, class Read>
  void run(const order& what, answer<T> done, Read read);
  [[nodiscard]] order with_git(const char* verb, std::string input) const;
  asio::io_context& loop_;
  reaper& children_;
  repository_setup setup_;
};

using real_repository = repository_actor::extend<caf::reacts_to<thunk>>;
real_repository::behavior_type make_repository(real_repository::pointer self, asio::io_context* loop,
                                               std::shared_ptr<worktree_keeper> behind);

} // namespace troupe
