// The commands that run past their turn (KEEP-2, REST-7). Each has three files in the session's folder: shells/ID.json
// (who it is), ID.out (its output) and ID.status (how it ended), so that another process of the agent can go on with
// it. Where a client keeps them (a worker of Troupe's), they outlive an agent whose input ends without a word.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/agent/conversation.hpp"
#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/process_tree.hpp"

namespace troupe::agent {

/// One session's background shells. On the loop's thread.
class background_shells {
public:
  /// `changed` is called after each change of what runs. Nothing is read or made until it is needed.
  background_shells(event_loop& events, std::string folder, std::string session, event_loop::task changed)
      : events_(events), folder_(std::move(folder)), session_(std::move(session)), changed_(std::move(changed)) {}

  /// Finds those of an earlier process: goes on watching the live ones, knows the output of all.
  void pick_up();
  /// Starts one; gives its id, or "" with `error` set.
  std::string start(const std::string& command, const environment& env, const std::string& cwd, std::string& error);
  /// How many run.
  [[nodiscard]] std::int64_t count() const;
  /// How it stands and the end of its output; failed for an unknown id.
  [[nodiscard]] tool_outcome describe(const std::string& id) const;
  /// Ends one with its whole tree; `done` comes when it is gone.
  void end(const std::string& id, std::function<void(tool_outcome)> done);
  /// Ends all of them; `done` comes once, when none is left.
  void end_all(event_loop::task done);
  /// The processes of all that run.
  [[nodiscard]] std::vector<process_row> trees() const;
  /// [{"id","kind":"shell","title","pid"}, ...], in the order of their start.
  [[nodiscard]] json running() const;

private:
  struct shell {
    std::string id, command;
    process_row leader;
    bool running = false;
    bool ending_asked = false;
    unique_fd pidfd; ///< of one that is not our child
    std::unique_ptr<tree_ending> ending;
    std::vector<event_loop::task> waiting; ///< for its end
  };
  [[nodiscard]] std::string file(const std::string& id, const char* suffix) const;
  [[nodiscard]] std::string status_of(const shell& s) const;
  [[nodiscard]] std::string mark_of(const shell& s) const { return session_ + "/" + s.id; }
  void pick_up_one(const json& record);
  void watch_foreign(shell& s);
  void write_record(const shell& s) const;
  void ended(shell& s, const std::string& status);
  void end_tree(shell& s);
  void gone(shell& s);
  event_loop& events_;
  std::string folder_, session_;
  event_loop::task changed_;
  std::map<std::uint64_t, shell> shells_; ///< by the number in their id
};

} // namespace troupe::agent
