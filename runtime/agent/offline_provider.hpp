// The provider that needs no network (NAT-3): plays directives, one a line of the prompt, one an assistant step.
//
//   say TEXT                 think TEXT               stream N (N small pieces of text)
//   bash CMD                 background CMD           output ID       kill ID
//   read PATH                write PATH TEXT          edit PATH OLD => NEW      (\n, \t and \\ in TEXT, OLD and NEW)
//   task TEXT                delegate TEXT (a task in the background)           monitor PATTERN => CMD
//   tool NAME JSON (any tool)                         tools [{"name", "input"}, ...] (several in one step)
//   ask TEXT (and says the answer)                    wait FILE (until it exists)
//   stop refusal             fail TEXT (the prompt ends with an error)
//   exit N (the process dies)                         script FILE (a file of such lines)
//
// Where it stands it reads from the conversation alone: it finds the last user message with directives and counts the
// assistant's messages after it. So a conversation that another process continues goes on with the next directive.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/agent/provider.hpp"

namespace troupe::agent {

/// One assistant step as planned.
struct planned_step {
  std::vector<piece> pieces;
  std::uint64_t deltas = 0; ///< stream: how many pieces of text instead
  std::string failure;      ///< fail: the error
  step_end end = step_end::more;
};

/// One line of a script.
struct directive {
  std::string verb, rest;
  bool operator==(const directive&) const = default;
};

/// The directives in a text, in order; a script's own in its place. Other lines are ignored.
std::vector<directive> parse_script(std::string_view text, const std::string& cwd);
/// The step that comes next in this conversation.
planned_step next_step(const std::vector<message>& conversation, const std::string& cwd);

class offline_provider : public provider {
public:
  offline_provider(event_loop& events, std::string cwd) : events_(events), cwd_(std::move(cwd)) {}
  void begin_step(const step_request& request, step_sink& sink) override;
  void cancel() override { ++generation_; }

private:
  void play(const planned_step& step, step_sink& sink);
  void stream(std::uint64_t from, const planned_step& step, step_sink& sink);
  event_loop& events_;
  std::string cwd_;
  std::uint64_t generation_ = 0; ///< a step whose number is past is not played on
};

} // namespace troupe::agent
