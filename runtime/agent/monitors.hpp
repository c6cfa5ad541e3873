// The monitors of a session: commands whose lines of output are matched by a regular expression. A match wakes the
// session with a prompt of its own. They end with the agent's process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/agent/json_rpc.hpp"
#include "runtime/agent/output_window.hpp"
#include "runtime/agent/pattern.hpp"
#include "runtime/agent/process_tree.hpp"
#include "runtime/agent/tool_limits.hpp"
#include "runtime/agent/tools.hpp"

namespace troupe::agent {

class monitors {
public:
  /// `changed` after each change of what runs; `wake` with the text of a prompt: matched lines, at most one prompt a
  /// monitor in native.monitorIntervalMs, and one when its command has ended.
  monitors(event_loop& events, std::string session, const tool_limits& limits, event_loop::task changed,
           std::function<void(std::string)> wake)
      : events_(events), session_(std::move(session)), limits_(limits), changed_(std::move(changed)),
        wake_(std::move(wake)) {}
  ~monitors();

  /// Gives its id, mon-1, or "" with `error` set.
  std::string start(const std::string& command, const std::string& regex, const std::string& title,
                    const environment& env, const std::string& cwd, std::string& error);
  [[nodiscard]] bool knows(const std::string& id) const { return watching_.contains(id); }
  /// How it stands, and the end of its output.
  [[nodiscard]] tool_outcome describe(const std::string& id) const;
  /// Ends one with its tree, without a last prompt; `done` comes when it is gone.
  void end(const std::string& id, std::function<void(tool_outcome)> done);
  void end_all(event_loop::task done);
  /// Adds {"id","kind":"monitor","title","pid"} for each that runs.
  void list(json& into) const;

private:
  struct monitor {
    std::string id, title;
    process_row leader;
    unique_fd output;
    std::shared_ptr<pattern> regex;
    line_splitter lines{64 * 1024};
    output_window last{4000};
    std::string matched; ///< lines that no prompt has told yet
    std::uint64_t dropped = 0;
    event_loop::ticket due = 0;
    bool running = true, quiet = false;
    std::string status; ///< once it has ended
    std::unique_ptr<tree_ending> ending;
    std::vector<event_loop::task> waiting;
  };
  void read_some(monitor& m);
  void line(monitor& m, std::string_view text);
  void tell(monitor& m);
  void exited(monitor& m, int status);
  void end_tree(monitor& m);
  void gone(monitor& m);
  event_loop& events_;
  std::string session_;
  const tool_limits& limits_;
  event_loop::task changed_;
  std::function<void(std::string)> wake_;
  std::map<std::string, monitor> watching_;
  std::uint64_t last_ = 0;
};

} // namespace troupe::agent
