// What an agent says and asks: its updates, its questions, and the client's own methods where its driver offers them.
#include "runtime/worker/acp/acp_files.hpp"
#include "runtime/worker/acp/acp_harness.hpp"
#include "runtime/worktree/pull_links.hpp"

namespace troupe {
namespace {

constexpr int rpc_not_found = -32002;

int code_of(const failure& error) {
  return error.code == errc::no_such_session ? rpc_not_found : rpc_bad_params;
}

} // namespace

bool acp_harness::called(const std::string& method, const json& params, const json& id) {
  if (!job_)
    return id.is_null(); // a spare's agent has nothing to say yet
  return id.is_null() ? told(method, params) : asked(method, params, id);
}

/// Notifications; one that is not known changes nothing.
bool acp_harness::told(const std::string& method, const json& params) {
  if (method == "session/update")
    updated(params);
  else if (method == "_troupe/background" && options_.native)
    background(params);
  else if (method == "_troupe/note" && options_.native)
    note(text_of(params, "text"));
  else if (method == "_troupe/sentence" && options_.native)
    sentence(text_of(params, "text"));
  else if (method == "$/cancel_request" && field_of(params, "requestId") != nullptr)
    withdrawn(*field_of(params, "requestId"));
  return true;
}

bool acp_harness::asked(const std::string& method, const json& params, const json& id) {
  if (method == "session/request_permission")
    permission(params, id);
  else if (method == "elicitation/create")
    form(params, id);
  else if (method == "_troupe/wake" && options_.native)
    wake(params, id);
  else if (method == "_troupe/refused" && options_.native)
    replace_credentials(params, id);
  else
    return file(method, params, id) || terminal(method, params, id);
  return true;
}

/// What the agent tells of itself counts from the start of its session on; what it tells of the conversation, once the
/// session is open: before, that is what earlier runs have told (session/load).
void acp_harness::updated(const json& params) {
  const auto* update = field_of(params, "update");
  const auto session = text_of(params, "sessionId");
  if (update == nullptr || (session_.empty() ? phase_ != phase::opening : session != session_))
    return;
  const auto kind = text_of(*update, "sessionUpdate");
  tell(features_.updated(kind, *update));
  if (!was_ready_)
    return;
  const auto* content = field_of(*update, "content");
  if (kind == "agent_message_chunk" && content != nullptr)
    perform(state_.text("agent", text_of_content(*content)));
  else if (kind == "agent_thought_chunk" && content != nullptr)
    perform(state_.text("thought", text_of_content(*content)));
  else if (kind == "tool_call" || kind == "tool_call_update") {
    perform(state_.tool(read_tool_update(*update, kind == "tool_call")));
    find_pulls(*update, kind == "tool_call");
  } else if (kind == "notice")
    note(clipped(text_of(*update, "title"), 1024) +
         (text_of(*update, "description").empty() ? "" : ": " + clipped(text_of(*update, "description"), 4096)));
  else if (kind == "compaction_update" && text_of(*update, "status") == "completed")
    note("the agent has shortened the conversation that it remembers");
}

/// PR-1: what `gh` and `git` print names the session's own pull requests; what is merely talked about does not.
void acp_harness::find_pulls(const json& update, bool announced) {
  constexpr std::size_t most = 256;
  const auto id = text_of(update, "toolCallId");
  const auto* input = field_of(update, "rawInput");
  if ((announced || input != nullptr) && pull_calls_.size() < most &&
      speaks_of_pulls(text_of(update, "title") + " " + (input != nullptr ? to_line(*input) : std::string())))
    pull_calls_.insert(id);
  if (!pull_calls_.contains(id))
    return;
  json printed;
  for (const char* part : {"content", "rawOutput"})
    if (const auto* at = field_of(update, part))
      printed.push_back(*at);
  for (const auto& found : pull_links(to_line(printed)))
    if (pulls_.size() < most && pulls_.insert(found.url).second) {
      event e;
      e.what = "pull";
      e.data = to_line({{"number", found.number}, {"url", found.url}, {"state", found.state}});
      callbacks_.emit(std::move(e));
    }
  const auto status = text_of(update, "status");
  if (status == "completed" || status == "failed")
    pull_calls_.erase(id);
}

void acp_harness::tell(acp_features::events events) {
  for (auto& e : events)
    callbacks_.emit(std::move(e));
}

void acp_harness::permission(const json& params, const json& id) {
  auto options = read_options(params);
  if (options.empty() || (!session_.empty() && text_of(params, "sessionId") != session_))
    return wire_->respond_error(id, rpc_bad_params,
                                "session/request_permission: no such session, or no option to choose");
  static const json none;
  const auto* tool = field_of(params, "toolCall");
  if (tool == nullptr)
    tool = &none;
  perform(state_.asked(id, text_of(*tool, "toolCallId"), text_of(*tool, "title"), std::move(options)));
}

void acp_harness::form(const json& params, const json& id) {
  const auto session = text_of(params, "sessionId"); // one that belongs to a request only has none
  auto form = read_form(params);
  if (!session.empty() && !session_.empty() && session != session_)
    form.wrong = "elicitation/create: no such session";
  if (!form.wrong.empty())
    return wire_->respond_error(id, rpc_bad_params, form.wrong);
  perform(state_.asked_form(id, std::move(form)));
}

bool acp_harness::file(const std::string& method, const json& params, const json& id) {
  const bool reads = method == "fs/read_text_file";
  if (!options_.driver.fs || (!reads && method != "fs/write_text_file"))
    return false;
  failure error;
  auto result = reads ? read_text_file(params, error) : write_text_file(params, error);
  if (error.code == errc::ok)
    wire_->respond(id, std::move(result));
  else
    wire_->respond_error(id, code_of(error), method + ": " + error.text);
  return true;
}

bool acp_harness::terminal(const std::string& method, const json& params, const json& id) {
  if (!options_.driver.terminal || !method.starts_with("terminal/"))
    return false;
  if (!terminals_)
    terminals_.emplace(loop_, children_);
  const auto request = id.dump();
  const auto open = std::make_shared<bool>(true);
  const auto answer = guarded([this, id, request, open](const json* result, const failure& error) {
    waits_.erase(request);
    if (!std::exchange(*open, false))
      return;
    if (result != nullptr)
      wire_->respond(id, *result);
    else
      wire_->respond_error(id, code_of(error), error.text);
  });
  waits_[request] = [this, id, open] {
    *open = false;
    wire_->respond_error(id, acp_cancelled, "cancelled");
  };
  if (terminals_->called(method, params, session_environment(*job_, false), job_->spec.cwd, answer))
    return true;
  waits_.erase(request);
  return false;
}

/// `$/cancel_request`: nobody need answer any more.
void acp_harness::withdrawn(const json& request) {
  if (const auto at = waits_.find(request.dump()); at != waits_.end()) {
    const auto cancel = std::move(at->second);
    waits_.erase(at);
    return cancel();
  }
  perform(state_.withdrawn(request));
}

/// VIEW-8: what a small model says that the turn came to.
void acp_harness::sentence(const std::string& text) {
  if (text.empty() || state_.turn_runs() || phase_ != phase::open)
    return;
  event e;
  e.what = "sentence";
  e.text = clean(clipped(text, 1024));
  callbacks_.emit(std::move(e));
}

void acp_harness::background(const json& params) {
  std::vector<std::int32_t> pids;
  auto items = read_background(params, pids);
  auto own = items; // with what it runs for itself, which is no work (MCP servers)
  const auto* servers = field_of(params, "servers");
  for (auto& each : read_background({{"running", servers != nullptr ? *servers : json()}}, pids))
    own.push_back(std::move(each));
  outliving_.set_declared(std::move(pids), own);
  perform(state_.background(std::move(items)));
}

/// A prompt of the agent's own, from a monitor or a subagent: kept as a reply is, so that none is lost or sent twice.
/// CRED-5: its model has turned down credentials that have not expired. It is answered behind others, or behind the
/// word that there are none.
void acp_harness::replace_credentials(const json& params, const json& id) {
  const auto* said = field_of(params, "snapshotEpoch");
  const auto epoch = said != nullptr && said->is_number_unsigned() ? said->get<std::uint64_t>() : 0;
  if (phase_ != phase::open || epoch < job_->credentials.epoch) // others have been sent
    return wire_->respond(id, json::object());
  refused_.push_back(id);
  event e;
  e.what = "credentials_refused";
  e.value = static_cast<std::int64_t>(epoch);
  callbacks_.emit(std::move(e));
}

void acp_harness::wake(const json& params, const json& id) {
  const auto text = text_of(params, "text");
  if (phase_ != phase::open || text.empty() || text_of(params, "sessionId") != session_)
    return wire_->respond_error(id, rpc_bad_params, "_troupe/wake: no such session, or no text");
  event taken;
  taken.what = "taken";
  taken.id = "wake-" + std::to_string(job_->run) + "." + std::to_string(++wakes_);
  taken.text = text;
  const auto key = taken.id;
  callbacks_.emit(std::move(taken));
  wire_->respond(id, json::object());
  perform(state_.deliver(key, text));
}

} // namespace troupe
