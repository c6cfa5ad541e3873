// The simulated journal keeper and vault: what runtime/services does with files, on the simulated disk.
#pragma once

#include <deque>
#include <functional>
#include <vector>

#include "messages/errors.hpp"
#include "messages/requests.hpp"

namespace troupe::simulation {

class world;

/// Writes in order, one line a step; crashes and full disks get in between.
class keeper {
public:
  explicit keeper(world& around) : around_(around) {}
  /// Hands a call over; calls are done in order.
  void post(std::function<void()> call) { calls.push_back(std::move(call)); }
  void append(ledger_entry e, const std::function<void(const appended*, const failure&)>& done);
  void load(const std::function<void(const journal*, const failure&)>& done);
  /// The supervisor's process is dead: nothing is written any more, and whoever waits is let go.
  void drop();
  std::deque<std::function<void()>> calls;

private:
  world& around_;
  bool dead_ = false;
};

/// Answers in any order, and as late as it likes: a refresh asks the network.
class vault {
public:
  explicit vault(world& around) : around_(around) {}
  using answer = std::function<void(const snapshot*, const failure&)>;
  void load(answer done);
  void refresh(answer done);
  std::vector<std::function<void()>> calls;

private:
  world& around_;
};

} // namespace troupe::simulation
