// The tools an assistant can call: what each is called, how it is shown, what it can do, and how it starts (NAT-2).
#pragma once

#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "runtime/agent/conversation.hpp"
#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/permissions.hpp"

namespace troupe::agent {

class background_shells;
class subagents;
class monitors;
class skill_book;
struct tool_limits;

/// What a tool runs with. Outlives it.
struct tool_context {
  event_loop& events;
  const environment& env;
  const std::string& cwd; ///< absolute
  const tool_limits& limits;
  background_shells& shells;
  subagents* tasks;  ///< null within a subagent
  monitors* watches; ///< likewise
  const skill_book& skills;
  std::string mark;              ///< of this call, unique: stands in its processes' environment
  std::function<void(int)> exit; ///< ends the agent's process
};

using tool_done = std::function<void(tool_outcome)>;

/// A call that has not ended. Destroying it after its outcome was told is safe.
class running_tool {
public:
  virtual ~running_tool() = default;
  /// Ends it with all its processes; its outcome is told as ever, once they are gone. May be called twice.
  virtual void cancel() = 0;
};

/// One tool.
struct tool {
  std::string name;
  std::string kind; ///< as ACP names kinds
  reach can;
  bool offline_only;       ///< part of the offline scripts, offered to no model
  std::string description; ///< what a model is told of it; empty where it is offered to none
  std::string schema;      ///< the JSON Schema of its input, an object
  /// Starts it. `done` comes once, from the loop, never from within this call. Null: it cannot be cancelled.
  std::function<std::unique_ptr<running_tool>(const tool_context&, const json& input, tool_done done)> start;
  bool together = false; ///< calls of it that follow each other in one step run at the same time
};

/// The built-in tools, in the order in which a model is told of them.
std::span<const tool> all_tools();
/// The built-in tool of that name; null for an unknown one.
const tool* find_tool(const std::string& name);
/// How a call is shown in a line: the command, the path, the question.
std::string title_of(const std::string& tool_name, const json& input);
/// `path` made absolute: relative to `cwd`, "~/" to HOME.
std::string absolute_path(const std::string& path, const std::string& cwd, const environment& env);

} // namespace troupe::agent
