// Watches the world and says at once when something happens that must not: the safety properties.
#pragma once

#include <map>
#include <set>
#include <string>

#include "messages/requests.hpp"

namespace troupe::simulation {

class world;
class worker;

class witness {
public:
  explicit witness(world& around) : around_(around) {}

  // What the supervisor does.
  void supervisor_starts(const std::string& version) { version_ = version; }
  void recorded(const ledger_entry& e);        ///< a line reached the ledger
  void told_to_assign(const assign_worker& x); ///< the host is asked to assign
  void told_to_end(const end_worker& x);       ///< and to end
  void kills(const worker& w, const kill_worker& x);

  // What workers do.
  void assigned(const worker& w, const assignment& job);
  void harness_starts(const worker& w);
  void prompted(const worker& w, const std::string& key);
  void answered_question(const worker& w, const std::string& question);
  void ends(const worker& w, const end_worker& x);
  void freezes(const worker& w);
  void wrote(const worker& w, const event& e);

  // What people are told.
  void dispatch_granted(const std::string& key, const session_id& id);
  void dispatch_refused(const std::string& key) { refused_.insert(key); }
  void reply_granted(const session_id& id, const std::string& key) { promised_[id].insert(key); }
  void logged_out() { ++logouts_; }

  /// What the last line that wants something of a session wants: "dispatched", "reply", "wake", "respawn", "stop",
  /// "remove".
  [[nodiscard]] std::string wanted(const session_id& id) const;
  [[nodiscard]] bool ever_started(const session_id& id) const { return started_.count(id) != 0; }
  /// Replies that somebody was told are kept or delivered.
  [[nodiscard]] const std::map<session_id, std::set<std::string>>& promised() const { return promised_; }
  [[nodiscard]] bool was_prompted(const session_id& id, const std::string& key) const {
    return prompts_.count({id, key}) != 0;
  }

private:
  void check_launch(const ledger_entry& e);
  void check_version(const ledger_entry& e);
  world& around_;
  struct use {
    session_id session; ///< the last one
    wall_ms at = 0;
    std::set<session_id> all; ///< the same key a day later makes another one
  };
  std::map<std::string, use> keys_; ///< of dispatches that the ledger has
  std::map<session_id, std::string> wanted_;
  std::map<session_id, bool> pinned_;
  std::map<session_id, bool> for_memory_; ///< what the last reap was for
  std::string version_;                   ///< of the supervisor that runs
  std::map<worker_id, session_id> given_;
  std::set<worker_id> asked_to_end_;
  std::map<session_id, std::uint32_t> latest_run_;
  std::set<session_id> started_, held_;
  std::set<std::string> refused_;
  std::map<session_id, std::set<std::string>> promised_;
  std::set<std::pair<session_id, std::string>> prompts_, questions_;
  std::uint32_t logouts_ = 0;
};

} // namespace troupe::simulation
