// The subagents of a session: each with a conversation and a context of its own, beside the main loop, several at a
// time. What one says last is its result. They end with the agent's process.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/agent/tools.hpp"

namespace troupe::agent {

class turn;
struct turn_end;

/// An agent definition as the session was told of it.
struct subagent_kind {
  std::string name, description;
  std::string path;               ///< of its file, whose text is read when it is used
  std::vector<std::string> tools; ///< empty: those of the session
  std::string model;              ///< empty: that of the session
  std::string isolation;          ///< `worktree`: no subagent can have that
};

/// What runs one subagent: made by the session, which knows models, tools and permissions.
class subagent_run {
public:
  virtual ~subagent_run() = default;
  /// Starts with this prompt; `ended` comes once, from the loop, with what it said last or why it failed.
  virtual void start(const std::string& prompt, std::function<void(tool_outcome)> ended) = 0;
  virtual void cancel() = 0;
};

class subagents {
public:
  struct surroundings {
    /// Null with `error` set where it cannot be made. `id` is unique in the session; `kind` null: a general one.
    std::function<std::unique_ptr<subagent_run>(const std::string& id, const subagent_kind* kind, std::string& error)>
        make;
    event_loop::task changed;              ///< after each change of what runs
    std::function<void(std::string)> wake; ///< with the prompt that tells the end of one in the background
  };
  subagents(event_loop& events, std::int64_t most, std::vector<subagent_kind> kinds, surroundings around)
      : events_(events), most_(most), kinds_(std::move(kinds)), around_(std::move(around)) {}

  /// Runs one to its end: `done` gets its result.
  std::unique_ptr<running_tool> run(const json& input, tool_done done);
  [[nodiscard]] bool knows(const std::string& id) const { return known_.contains(id); }
  /// How one in the background stands, and its result.
  [[nodiscard]] tool_outcome describe(const std::string& id) const;
  void end(const std::string& id, std::function<void(tool_outcome)> done);
  void end_all(event_loop::task done);
  /// Adds {"id","kind":"subagent","title"} for each that runs.
  void list(json& into) const;
  /// For the model: the kinds and what they are for, one a line; empty where there is none.
  [[nodiscard]] std::string listed() const;

private:
  struct task {
    std::string id, title;
    std::unique_ptr<subagent_run> run; ///< null once it has ended
    tool_outcome result;
    bool ending = false; ///< asked to end: nobody wants to be woken for it
    std::vector<std::function<void(const tool_outcome&)>> waiting;
  };
  class foreground;
  void ended(task& t, tool_outcome result, bool background);
  event_loop& events_;
  std::int64_t most_;
  std::vector<subagent_kind> kinds_;
  surroundings around_;
  std::map<std::string, task> known_;
  std::uint64_t last_ = 0;
};

} // namespace troupe::agent
