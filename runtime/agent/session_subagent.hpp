// A subagent of a session: a conversation, a model and a turn of its own.
#pragma once

#include "runtime/agent/subagents.hpp"
#include "runtime/agent/turn.hpp"

namespace troupe::agent {

class session_subagent : public subagent_run {
public:
  /// `parts`: as for a turn of the session, but with these in the places of its own: conversation, model and tools.
  session_subagent(std::unique_ptr<conversation> talk, std::unique_ptr<provider> model, toolbox box)
      : talk_(std::move(talk)), model_(std::move(model)), box_(std::move(box)) {}
  [[nodiscard]] conversation& talk() { return *talk_; }
  [[nodiscard]] provider& model() { return *model_; }
  [[nodiscard]] const toolbox& tools() const { return box_; }
  /// Once, before `start`.
  void set_parts(const turn_parts& parts) { parts_ = std::make_unique<turn_parts>(parts); }
  void start(const std::string& prompt, std::function<void(tool_outcome)> ended) override;
  void cancel() override;

private:
  void finish(const turn_end& how);
  std::unique_ptr<conversation> talk_;
  std::unique_ptr<provider> model_;
  toolbox box_;
  std::unique_ptr<turn_parts> parts_;
  std::function<void(tool_outcome)> ended_;
  std::unique_ptr<turn> turn_;
};

} // namespace troupe::agent
