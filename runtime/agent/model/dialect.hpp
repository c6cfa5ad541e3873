// A provider's language: how a step is asked for, and how its answer is read. Pure.
#pragma once

#include <memory>
#include <set>
#include <string>
#include <vector>

#include "runtime/agent/provider.hpp"

namespace troupe::agent {

/// What went wrong within an answer. `kind`: the provider's own name for it, or "dropped", or "unreadable".
struct answer_error {
  std::string kind, text;
};

/// Reads the events of one answer and passes on what they say.
class answer_reader {
public:
  virtual ~answer_reader() = default;
  /// One event's data. After an error, or the end, there is nothing more to take.
  virtual void take(const std::string& data, step_sink& sink) = 0;
  /// The answer has ended: how the step ended, or none with `error()` set.
  virtual std::optional<step_end> finish(step_sink& sink) = 0;
  [[nodiscard]] const answer_error& error() const { return error_; }
  [[nodiscard]] bool failed() const { return !error_.kind.empty(); }
  /// Whether anything was passed on.
  [[nodiscard]] bool said() const { return said_; }

protected:
  answer_error error_;
  bool said_ = false;
};

/// How a body is made beyond the step itself.
struct body_options {
  std::string model;
  std::int64_t max_tokens = 0;  ///< of the answer; 0: the provider's default, where it has one
  std::string version;          ///< Bedrock and Vertex: stands in the body, and the model does not
  bool streams_by_path = false; ///< Bedrock: no `stream` in the body
  json extra = json::object();  ///< fields that go over all others
};

/// The conversation as any provider takes it: each call has exactly one result, right behind its message, and results
/// without a call are left out.
std::vector<message> paired(const std::vector<message>& conversation);

/// The calls' ids of a conversation, for readers: an id is given once, whatever the provider says.
class call_ids {
public:
  explicit call_ids(const std::vector<message>& conversation = {});
  /// `wanted`, or where that is empty or taken, one like it.
  std::string take(const std::string& wanted);

private:
  std::set<std::string> taken_;
};

json anthropic_body(const step_request& request, const body_options& options);
std::unique_ptr<answer_reader> anthropic_reader(call_ids ids);
json chat_body(const step_request& request, const body_options& options);
std::unique_ptr<answer_reader> chat_reader(call_ids ids);

/// A tool's input from its text; {"unreadable": TEXT} where that is no JSON object.
json input_from(const std::string& text);

} // namespace troupe::agent
