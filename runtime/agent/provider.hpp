// Where the next step of a conversation comes from: a model, or the offline script. The conversation goes in, one
// assistant step comes out in pieces.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/agent/conversation.hpp"
#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/model/models.hpp"
#include "runtime/agent/session_setup.hpp"

namespace troupe::agent {

class http_client;

/// A tool as a model is told of it.
struct tool_offer {
  std::string name, description;
  json schema; ///< of its input: a JSON Schema, an object
};

/// What a step is made from. Outlives `begin_step`, not the step.
struct step_request {
  const std::vector<message>& conversation;
  const std::string& system; ///< what the model is told ahead of the conversation
  const std::vector<tool_offer>& tools;
};

/// How a step ended. Tool calls, if there were any, are run whatever is said here.
enum class step_end {
  more,       ///< text only, and another step follows
  end_turn,   ///< the turn is over
  refusal,    ///< the model refused; the turn is over
  max_tokens, ///< the model may say no more; the turn is over
  nothing,    ///< there was nothing left to say: the turn is over and no message is kept
};

/// Takes one step. Calls come from the loop, never from within `begin_step`, and end with one of `finish` and `fail`.
class step_sink {
public:
  virtual ~step_sink() = default;
  virtual void text(std::string_view more) = 0;
  virtual void thought(std::string_view more) = 0;
  /// The proof that goes with the latest thought, for the provider that has thought it; `redacted`: it stands for a
  /// thought that is not shown, as a piece of its own.
  virtual void proof(std::string signature, bool redacted) = 0;
  virtual void call(std::string id, std::string tool, json input) = 0;
  /// What the step has cost so far, in place of what was said before; ahead of its end.
  virtual void used(const token_usage& usage) = 0;
  /// A sentence for people about the step (it is tried again), no part of the conversation.
  virtual void note(const std::string& sentence) = 0;
  virtual void finish(step_end how) = 0;
  /// The step could not be had: the prompt ends with this error.
  virtual void fail(const std::string& why) = 0;
  /// Calls `next` on the loop when the client has read enough of what was said.
  virtual void when_drained(event_loop::task next) = 0;
};

/// One a session. Holds nothing about the conversation between steps, so that any process can go on with it.
class provider {
public:
  virtual ~provider() = default;
  /// Starts a step. `sink` outlives it; one step at a time.
  virtual void begin_step(const step_request& request, step_sink& sink) = 0;
  /// Stops the step: after this its sink is not called again. Without effect when none runs.
  virtual void cancel() = 0;
  /// What is known of the model that steps are asked of now; nothing for none.
  [[nodiscard]] virtual model_facts facts() const { return {}; }
  /// Whether the latest step failed because the conversation is too long for the model.
  [[nodiscard]] virtual bool overflowed() const { return false; }
};

/// Whether a session may ask for a provider of that name; "" leaves it to the agent.
bool is_provider(std::string_view name);
/// The one that `setup` asks for, which must be built in. `setup` and `http` outlive it; `setup` is read anew at each
/// step.
std::unique_ptr<provider> make_provider(event_loop& events, http_client& http, const session_setup& setup);

} // namespace troupe::agent
