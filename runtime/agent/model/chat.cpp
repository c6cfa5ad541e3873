// OpenAI's chat completions, as many servers speak them.
#include <map>

#include "runtime/agent/model/dialect.hpp"

namespace troupe::agent {
namespace {

json assistant_of(const message& m) {
  std::string text;
  auto calls = json::array();
  for (const auto& p : m.pieces) {
    if (p.is == piece::kind::text)
      text += p.text;
    else if (p.is == piece::kind::call)
      calls.push_back(
          {{"id", p.id}, {"type", "function"}, {"function", {{"name", p.name}, {"arguments", to_line(p.input)}}}});
  }
  json out{{"role", "assistant"}};
  out["content"] = text.empty() ? json() : json(text);
  if (!calls.empty())
    out["tool_calls"] = std::move(calls);
  return out;
}

std::string text_of(const message& m) {
  std::string text;
  for (const auto& p : m.pieces)
    if (p.is == piece::kind::text)
      text += (text.empty() ? "" : "\n") + p.text;
  return text;
}

json messages_of(const step_request& request) {
  auto messages = json::array();
  if (!request.system.empty())
    messages.push_back({{"role", "system"}, {"content", request.system}});
  for (const auto& m : paired(request.conversation)) {
    if (m.from == message::role::tool)
      messages.push_back({{"role", "tool"}, {"tool_call_id", m.call}, {"content", m.result}});
    else if (m.from == message::role::user)
      messages.push_back({{"role", "user"}, {"content", text_of(m)}});
    else if (auto said = assistant_of(m); !said["content"].is_null() || said.contains("tool_calls"))
      messages.push_back(std::move(said));
  }
  return messages;
}

class reader : public answer_reader {
public:
  explicit reader(call_ids ids) : ids_(std::move(ids)) {}

  void take(const std::string& data, step_sink& sink) override {
    if (failed() || data == "[DONE]")
      return;
    const auto chunk = json::parse(data, nullptr, false);
    if (!chunk.is_object()) {
      error_ = {"unreadable", "an event is no JSON object"};
      return;
    }
    if (const auto* error = field(chunk, "error"); error != nullptr && !error->is_null())
      return take_error(*error);
    count(chunk, sink);
    const auto* choices = field(chunk, "choices");
    if (choices == nullptr || !choices->is_array() || choices->empty())
      return;
    const auto& choice = choices->front();
    if (const auto* delta = field(choice, "delta"))
      take_delta(*delta, sink);
    if (auto stop = text_field(choice, "finish_reason"))
      stop_ = std::move(*stop);
  }

  std::optional<step_end> finish(step_sink& sink) override {
    if (!failed() && stop_.empty())
      error_ = {"dropped", "it ended in the middle"};
    if (failed())
      return std::nullopt;
    for (const auto& [index, one] : calls_)
      if (auto input = input_from(one.arguments); stop_ != "length" || !input.contains("unreadable"))
        sink.call(ids_.take(one.id), one.name, std::move(input));
    if (stop_ == "content_filter")
      return step_end::refusal;
    return stop_ == "length" ? step_end::max_tokens : step_end::end_turn;
  }

private:
  struct call {
    std::string id, name, arguments;
  };

  void take_delta(const json& delta, step_sink& sink) {
    for (const char* name : {"reasoning_content", "reasoning"})
      if (const auto thought = text_field(delta, name); thought && !thought->empty()) {
        said_ = true;
        sink.thought(*thought);
        break;
      }
    for (const char* name : {"content", "refusal"})
      if (const auto text = text_field(delta, name); text && !text->empty()) {
        said_ = true;
        sink.text(*text);
      }
    const auto* calls = field(delta, "tool_calls");
    if (calls == nullptr || !calls->is_array())
      return;
    said_ = said_ || !calls->empty();
    for (const auto& part : *calls)
      take_call(part);
  }

  /// Parts of a call name it by index; some servers leave that out and send each call whole.
  void take_call(const json& part) {
    const auto id = text_field(part, "id").value_or("");
    const auto last = calls_.empty() ? -1 : calls_.rbegin()->first;
    const bool next = calls_.empty() || (!id.empty() && id != calls_.rbegin()->second.id);
    auto& into = calls_[number_field(part, "index", next ? last + 1 : last)];
    if (into.id.empty())
      into.id = id;
    const auto* function = field(part, "function");
    if (function == nullptr)
      return;
    if (into.name.empty())
      into.name = text_field(*function, "name").value_or("");
    into.arguments += text_field(*function, "arguments").value_or("");
  }

  void count(const json& chunk, step_sink& sink) {
    const auto* usage = field(chunk, "usage");
    if (usage == nullptr || !usage->is_object())
      return;
    const auto* details = field(*usage, "prompt_tokens_details");
    token_usage used;
    used.model = text_field(chunk, "model").value_or("");
    used.cache_read = details != nullptr ? number_field(*details, "cached_tokens", 0) : 0;
    used.input = number_field(*usage, "prompt_tokens", 0) - used.cache_read;
    used.output = number_field(*usage, "completion_tokens", 0);
    sink.used(used);
  }

  void take_error(const json& error) {
    error_.kind = "error";
    for (const char* name : {"type", "code"})
      if (auto kind = text_field(error, name); kind && !kind->empty()) {
        error_.kind = std::move(*kind);
        break;
      }
    error_.text = error.is_string() ? error.get<std::string>() : text_field(error, "message").value_or("");
  }

  call_ids ids_;
  std::map<std::int64_t, call> calls_;
  std::string stop_;
};

} // namespace

json chat_body(const step_request& request, const body_options& options) {
  json body{{"model", options.model},
            {"messages", messages_of(request)},
            {"stream", true},
            {"stream_options", {{"include_usage", true}}}};
  if (options.max_tokens > 0)
    body["max_completion_tokens"] = options.max_tokens;
  for (const auto& each : request.tools)
    body["tools"].push_back(
        {{"type", "function"},
         {"function", {{"name", each.name}, {"description", each.description}, {"parameters", each.schema}}}});
  body.update(options.extra);
  return body;
}

std::unique_ptr<answer_reader> chat_reader(call_ids ids) {
  return std::make_unique<reader>(std::move(ids));
}

} // namespace troupe::agent
