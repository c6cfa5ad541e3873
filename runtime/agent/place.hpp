// The folder that a session works in, which may be yet to come: a worktree is made while the model is asked already
// (ISO-1).
#pragma once

#include <utility>
#include <vector>

#include "runtime/agent/event_loop.hpp"

namespace troupe::agent {

class place {
public:
  explicit place(bool there) : there_(there) {}
  [[nodiscard]] bool is_there() const { return there_; }
  /// Runs it at once where the folder is there, else when it has come.
  void when_there(event_loop::task next) {
    if (there_)
      next();
    else
      waiting_.push_back(std::move(next));
  }
  void arrived() {
    there_ = true;
    for (auto& next : std::exchange(waiting_, {}))
      next();
  }

private:
  bool there_;
  std::vector<event_loop::task> waiting_;
};

} // namespace troupe::agent
