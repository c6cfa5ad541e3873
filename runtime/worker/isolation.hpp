// The place where a session works: where it was sent, or a worktree of its own (ISO-1). Made by troupe-worktree, while
// the session's start goes on.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <asio/io_context.hpp>

#include "runtime/io/program_answer.hpp"

namespace troupe {

/// One a session; on the loop's thread. No callback comes from within a call.
class isolation {
public:
  /// `program`: the path of troupe-worktree.
  isolation(asio::io_context& loop, reaper& children, std::string program)
      : loop_(loop), children_(children), program_(std::move(program)) {}
  /// Decides the place, before anything is made. Looks at files.
  void plan(const assignment& job);
  /// A worktree is wanted that is not there yet.
  [[nodiscard]] bool pending() const { return pending_; }
  /// The place; without a path: the session works where it was sent. Device and inode 0: it is yet to be made.
  [[nodiscard]] const worktree& tree() const { return tree_; }
  /// Whether the place was planned and is no place after all: the session works where it was sent.
  [[nodiscard]] bool called_off() const { return called_off_; }

  /// Makes what is pending. `done` comes once: `error` (with the remedy in its second line) or empty, `note` for a
  /// person, where there is something to say.
  void make(std::function<void(const std::string& error, const std::string& note)> done);

  /// Asks `gh` for the pull request of the branch that is checked out there, if that is wanted and was not done within
  /// a minute; `told` comes where there is one.
  void ask_pulls(std::function<void(const pull_request&)> told);

private:
  void run(const char* verb, const std::string& input, std::chrono::seconds patience,
           std::function<void(const program_answer&)> done);
  asio::io_context& loop_;
  reaper& children_;
  std::string program_;
  worktree tree_;
  std::string session_, folder_, hook_, cwd_;
  environment env_;
  bool pending_ = false, called_off_ = false, asks_ = false;
  std::chrono::steady_clock::time_point asked_{};
};

} // namespace troupe
