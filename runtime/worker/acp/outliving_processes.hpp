// What of an agent's tree outlives a turn (KEEP-2): the processes below this worker that were not there when the
// agent's session was made. Below the worker and not only below the agent, for whoever leaves its parent comes to the
// worker (a subreaper).
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/io/process.hpp"

namespace troupe {

/// On the loop's thread. Watches what it has found by pidfd; nothing is polled.
class outliving_processes {
public:
  /// `ignored`: names of commands (`activeWork.ignore`) that count as no work, nor does what they start. `ended`:
  /// called from the loop, soon after watched ones have ended; many at once make one call.
  outliving_processes(asio::io_context& loop, std::vector<std::string> ignored, std::function<void()> changed);
  ~outliving_processes();
  /// More names that count as no work.
  void ignore(const std::vector<std::string>& names) { ignored_.insert(ignored_.end(), names.begin(), names.end()); }
  /// All that runs now belongs to the agent itself.
  void take_baseline();
  /// Work that the agent names by itself is not counted twice: these processes with what they have started, and those
  /// that carry TROUPE_TOOL_CALL=.../ID or .../ID/... in their environment.
  void set_declared(std::vector<std::int32_t> pids, const std::vector<work_item>& items);
  /// Looks through /proc, and watches what it finds from now on. `again`: calls `changed` soon after where somebody is
  /// new, who may just be about to become another program, or to end.
  std::vector<work_item> look(bool again = false);
  /// What is still alive of what was found last.
  [[nodiscard]] std::vector<work_item> known() const;

private:
  struct watched {
    work_item item;
    bool gone = false;
    std::unique_ptr<exit_watch> watch;
  };
  [[nodiscard]] bool counts(const process_identity& process, std::int32_t parent, const std::string& name,
                            std::set<std::int32_t>& left_out) const;
  void watch(const process_identity& process, const std::string& name);
  void one_ended(const process_identity& process);
  void settle();
  asio::io_context& loop_;
  asio::steady_timer timer_;
  std::vector<std::string> ignored_, declared_ids_;
  std::set<std::int32_t> declared_;
  std::function<void()> changed_;
  std::set<process_identity> baseline_;
  std::map<process_identity, watched> watched_;
  bool due_ = false;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

} // namespace troupe
