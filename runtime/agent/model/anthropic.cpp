// Anthropic's Messages API.
#include <map>

#include "runtime/agent/model/dialect.hpp"

namespace troupe::agent {
namespace {

/// Marks the end of what the provider may keep: the same beginning comes again with the next step.
void mark_cached(json& block) {
  block["cache_control"] = {{"type", "ephemeral"}};
}

json block_of(const piece& p) {
  if (p.is == piece::kind::call)
    return {{"type", "tool_use"}, {"id", p.id}, {"name", p.name}, {"input", p.input}};
  if (p.is == piece::kind::text)
    return {{"type", "text"}, {"text", p.text}};
  if (p.redacted)
    return {{"type", "redacted_thinking"}, {"data", p.proof}};
  return {{"type", "thinking"}, {"thinking", p.text}, {"signature", p.proof}};
}

/// Empty texts are refused, and thoughts of others have no proof.
bool is_sent(const piece& p) {
  return p.is == piece::kind::call || (p.is == piece::kind::text ? !p.text.empty() : !p.proof.empty());
}

void append(json& messages, const char* role, json block) {
  if (messages.empty() || messages.back()["role"] != role)
    messages.push_back({{"role", role}, {"content", json::array()}});
  messages.back()["content"].push_back(std::move(block));
}

json messages_of(const std::vector<message>& conversation) {
  auto messages = json::array();
  for (const auto& m : paired(conversation)) {
    if (m.from == message::role::tool) {
      append(messages, "user",
             {{"type", "tool_result"}, {"tool_use_id", m.call}, {"content", m.result}, {"is_error", m.failed}});
      continue;
    }
    for (const auto& p : m.pieces)
      if (is_sent(p))
        append(messages, m.from == message::role::user ? "user" : "assistant", block_of(p));
  }
  return messages;
}

class reader : public answer_reader {
public:
  explicit reader(call_ids ids) : ids_(std::move(ids)) {}

  void take(const std::string& data, step_sink& sink) override {
    if (failed() || over_)
      return;
    const auto event = json::parse(data, nullptr, false);
    const auto type = text_field(event, "type").value_or("");
    if (type == "message_start")
      count(field(event, "message"), sink);
    else if (type == "content_block_start")
      begin_block(event);
    else if (type == "content_block_delta")
      grow_block(event, sink);
    else if (type == "content_block_stop")
      end_block(sink);
    else if (type == "message_delta")
      take_end(event, sink);
    else if (type == "message_stop")
      over_ = true;
    else if (type == "error")
      take_error(event);
    else if (type.empty())
      error_ = {"unreadable", "an event is no JSON object with a type"};
  }

  std::optional<step_end> finish(step_sink&) override {
    if (!failed() && !over_)
      error_ = {"dropped", "it ended in the middle"};
    if (failed())
      return std::nullopt;
    if (stop_ == "refusal")
      return step_end::refusal;
    if (stop_ == "max_tokens" || stop_ == "model_context_window_exceeded")
      return step_end::max_tokens;
    return stop_ == "pause_turn" ? step_end::more : step_end::end_turn;
  }

private:
  void count(const json* from, step_sink& sink) {
    const auto* usage = from != nullptr ? field(*from, "usage") : nullptr;
    if (usage == nullptr)
      return;
    if (auto model = text_field(*from, "model"))
      usage_.model = std::move(*model);
    usage_.input = number_field(*usage, "input_tokens", usage_.input);
    usage_.output = number_field(*usage, "output_tokens", usage_.output);
    usage_.cache_read = number_field(*usage, "cache_read_input_tokens", usage_.cache_read);
    usage_.cache_written = number_field(*usage, "cache_creation_input_tokens", usage_.cache_written);
    sink.used(usage_);
  }

  void begin_block(const json& event) {
    block_ = json::object();
    grown_.clear();
    if (const auto* start = field(event, "content_block"); start != nullptr && start->is_object())
      block_ = *start;
  }

  void grow_block(const json& event, step_sink& sink) {
    const auto* delta = field(event, "delta");
    if (delta == nullptr)
      return;
    if (const auto text = text_field(*delta, "text"); text && !text->empty()) {
      said_ = true;
      sink.text(*text);
    } else if (const auto thought = text_field(*delta, "thinking"); thought && !thought->empty()) {
      said_ = true;
      sink.thought(*thought);
    } else if (const auto more = text_field(*delta, "partial_json")) {
      grown_ += *more;
    } else if (const auto signature = text_field(*delta, "signature")) {
      grown_ += *signature;
    }
  }

  void end_block(step_sink& sink) {
    const auto type = text_field(block_, "type").value_or("");
    if (type == "tool_use") { // one that was cut short by max_tokens has no end
      said_ = true;
      const auto* whole = field(block_, "input");
      sink.call(ids_.take(text_field(block_, "id").value_or("")), text_field(block_, "name").value_or(""),
                grown_.empty() && whole != nullptr && whole->is_object() ? *whole : input_from(grown_));
    } else if (type == "thinking" && !grown_.empty()) {
      sink.proof(std::move(grown_), false);
    } else if (type == "redacted_thinking") {
      said_ = true;
      sink.proof(text_field(block_, "data").value_or(""), true);
    }
    block_ = json::object();
    grown_.clear();
  }

  void take_end(const json& event, step_sink& sink) {
    if (const auto* delta = field(event, "delta"))
      stop_ = text_field(*delta, "stop_reason").value_or(stop_);
    count(&event, sink);
  }

  void take_error(const json& event) {
    const auto* error = field(event, "error");
    error_.kind = error != nullptr ? text_field(*error, "type").value_or("error") : "error";
    error_.text = error != nullptr ? text_field(*error, "message").value_or("") : "";
  }

  call_ids ids_;
  json block_ = json::object(); ///< as it began
  std::string grown_;           ///< the block's input or signature so far
  std::string stop_;
  token_usage usage_;
  bool over_ = false;
};

} // namespace

json anthropic_body(const step_request& request, const body_options& options) {
  json body{{"max_tokens", options.max_tokens}, {"messages", messages_of(request.conversation)}};
  if (options.version.empty())
    body["model"] = options.model;
  else
    body["anthropic_version"] = options.version;
  if (!options.streams_by_path)
    body["stream"] = true;
  if (!request.system.empty()) {
    body["system"] = json::array({{{"type", "text"}, {"text", request.system}}});
    mark_cached(body["system"].back());
  }
  for (const auto& each : request.tools)
    body["tools"].push_back({{"name", each.name}, {"description", each.description}, {"input_schema", each.schema}});
  if (!request.tools.empty())
    mark_cached(body["tools"].back());
  auto& messages = body["messages"];
  // thoughts cannot be marked; a step begins behind the user's words or a tool's result in any case
  if (!messages.empty() && messages.back()["role"] == "user")
    mark_cached(messages.back()["content"].back());
  body.update(options.extra);
  return body;
}

std::unique_ptr<answer_reader> anthropic_reader(call_ids ids) {
  return std::make_unique<reader>(std::move(ids));
}

} // namespace troupe::agent
