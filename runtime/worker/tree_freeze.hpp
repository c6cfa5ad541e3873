// Freezes everything below this process, and lets it go on (BEYOND-3): by a control group of its own where the kernel
// lets one be made, else by SIGSTOP. Whoever was stopped before stays stopped when the others go on.
#pragma once

#include <string>
#include <vector>

#include "messages/ids.hpp"

namespace troupe {

/// One a worker, on the loop's thread; nothing waits longer than a second, and that only on a busy machine.
class tree_freeze {
public:
  enum class by { group_or_signals, signals };
  explicit tree_freeze(by way = by::group_or_signals) : way_(way) {}
  ~tree_freeze() { leave(); }
  tree_freeze(const tree_freeze&) = delete;
  tree_freeze& operator=(const tree_freeze&) = delete;
  /// Stops parents ahead of their children, and looks again until nobody new is there. False: it did not come to rest
  /// in time, and everything goes on.
  bool freeze();
  /// Lets children go on ahead of their parents, so that no parent sees a stopped child. Nothing when nobody is frozen.
  void thaw();
  /// Thaws, and removes the control group when it is empty.
  void leave();
  [[nodiscard]] bool frozen() const { return frozen_; }
  [[nodiscard]] bool by_group() const { return by_group_; } ///< while frozen: how

private:
  bool gather();
  bool freeze_group();
  bool stop_all();
  void sweep() const;
  by way_;
  std::string parent_, group_; ///< folders of this process's control group, and of the one below it that is ours
  bool frozen_ = false, by_group_ = false;
  std::vector<process_identity> stopped_; ///< by a signal of ours, parents first
};

} // namespace troupe
