// One turn: from a prompt to its stop reason. Asks the provider for steps and runs the tools they call, asking the user
// where the permissions want it. A subagent's turn is the same, but that its words stay with it.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/agent/background_shells.hpp"
#include "runtime/agent/compaction.hpp"
#include "runtime/agent/json_rpc.hpp"
#include "runtime/agent/place.hpp"
#include "runtime/agent/provider.hpp"
#include "runtime/agent/session_updates.hpp"
#include "runtime/agent/tool_limits.hpp"
#include "runtime/agent/toolbox.hpp"

namespace troupe::agent {

/// What a turn works with. Outlives it.
struct turn_parts {
  event_loop& events;
  json_rpc& client;
  conversation& talk;
  provider& model;
  background_shells& shells;
  subagents* tasks;  ///< null: within a subagent
  monitors* watches; ///< likewise
  const skill_book& skills;
  const toolbox& tools;
  const permission_setup& permissions;
  conversation& owner; ///< holds the mode, and what the user has allowed: `talk`, or that of the session around it
  const tool_limits& limits;
  const environment& env; ///< of tools
  const std::string& cwd;
  std::function<void(int)> exit;
  std::string system;                          ///< what the model is told ahead of the conversation
  std::string subagent;                        ///< its id: calls are shown under it, words are not shown
  std::function<void(event_loop::task)> ready; ///< calls back when all tools are there
  place& where;                                ///< `cwd` may be yet to come: no tool runs before
};

/// How a turn ended: a stop reason, or an error for the prompt.
struct turn_end {
  std::string stop;
  std::string error;   ///< not empty: an error
  token_usage usage{}; ///< of all its steps
};

class turn : public step_sink {
public:
  /// `ended` comes once, from the loop, never from within a call; then the turn may be destroyed.
  turn(turn_parts parts, std::function<void(const turn_end&)> ended) : p_(parts), ended_(std::move(ended)) {}
  /// Starts with the provider's next step for the conversation as it stands.
  void start();
  /// Runs a command of the user's own instead, who has said it and need not be asked; no model is.
  void start_command(const std::string& command);
  /// Ends it: no step, no question, no tool goes on; then `ended` comes with "cancelled".
  void cancel();

  void text(std::string_view more) override { say(piece::kind::text, "agent_message_chunk", more); }
  void thought(std::string_view more) override { say(piece::kind::thought, "agent_thought_chunk", more); }
  void proof(std::string signature, bool redacted) override;
  void call(std::string id, std::string tool, json input) override;
  void used(const token_usage& usage) override { step_.usage = usage; }
  void note(const std::string& sentence) override { update(text_chunk("agent_thought_chunk", sentence)); }
  void finish(step_end how) override;
  void fail(const std::string& why) override;
  void when_drained(event_loop::task next) override { p_.client.when_drained(std::move(next)); }

private:
  void say(piece::kind kind, const char* update, std::string_view more);
  void next_step();
  bool keep_step(const std::string& stop);
  void count();
  bool compact(bool too_long);
  void compacted(std::size_t from, const std::string& summary);
  void next_call();
  void consider(const piece& call, const tool& what);
  void after_calls();
  void ask_permission(const piece& call, const tool_use& use);
  void ask_question(const piece& call);
  void ask(const piece& call, json options, std::function<void(const std::string& choice)> chosen);
  void run_call(const tool& what);
  piece take_next();
  void refuse_next(const std::string& why);
  void finished(std::uint64_t number, tool_outcome outcome);
  bool record(const piece& done, tool_outcome outcome);
  void cancel_running();
  void end(const std::string& stop, const std::string& error = {});
  void update(json what);
  [[nodiscard]] piece shown(piece call) const;
  struct run {
    piece call;
    std::unique_ptr<running_tool> what;
    bool together = false;
  };
  turn_parts p_;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
  std::function<void(const turn_end&)> ended_;
  message step_{message::role::assistant, {}, {}, {}, {}, {}, false};
  std::vector<tool_offer> offers_; ///< of the step
  token_usage total_;
  std::unique_ptr<summary_taker> summary_; ///< while one is being made
  std::vector<message> summarised_;
  bool squeezed_ = false; ///< the step that failed for its length was tried again
  bool command_ = false;  ///< of the user's own: the turn is over with it
  bool begun_ = false, stepping_ = false, cancelled_ = false;
  bool waits_ = false; ///< for the place
  std::int64_t steps_ = 0;
  step_end how_ = step_end::more;
  std::deque<piece> calls_;              ///< of the last step, not begun yet
  std::map<std::uint64_t, run> running_; ///< one, or several that run together
  std::uint64_t last_run_ = 0;
  std::optional<turn_end> over_; ///< how it ends once nothing runs any more
  std::uint64_t question_ = 0;   ///< a request to the client that is open
};

} // namespace troupe::agent
