// From messages to state and from effects to messages.
#include "runtime/worker/acp/acp_harness.hpp"

#include <algorithm>

#include <asio/post.hpp>

namespace troupe {
namespace {

constexpr auto closing_time =
    std::chrono::milliseconds(2000); ///< a process that ends closes its pipes a little earlier

std::string first_word_of(std::string_view line) {
  auto text = clipped(std::string(line.substr(0, 200)), 100);
  for (auto& c : text)
    c = static_cast<unsigned char>(c) < 32 ? ' ' : c;
  return text;
}

void strike_out(std::string& text, const std::string& secret) {
  if (secret.size() < 4)
    return;
  for (auto at = text.find(secret); at != std::string::npos; at = text.find(secret, at))
    text.replace(at, secret.size(), "***");
}

constexpr auto second_word = std::chrono::milliseconds(10000); ///< after which a turn that goes on is cancelled again

/// A prompt that a person sent to the session while it was there; a dispatch may come from a session of its own, and
/// what wakes it from a program's output.
bool is_reply(const std::string& key) {
  static const char* const others[] = {"first", "wake-", "restart-", "signed-in-"};
  return std::none_of(std::begin(others), std::end(others), [&](const char* o) { return key.starts_with(o); });
}

json form_result(const acp_form_answer& answer) {
  json out{{"action", answer.action}};
  if (answer.content.is_object())
    out["content"] = answer.content;
  return out;
}

} // namespace

acp_harness::acp_harness(asio::io_context& loop, reaper& children, harness_callbacks callbacks, acp_options options)
    : loop_(loop), children_(children), callbacks_(std::move(callbacks)), options_(std::move(options)), deadline_(loop),
      text_timer_(loop), quiet_timer_(loop), features_(options_.driver.turns_add_up), cancel_timer_(loop),
      outliving_(loop, options_.ignored_work,
                 [this] { perform(state_.processes(state_.turn_runs() ? outliving_.known() : look(false))); }) {}

acp_harness::~acp_harness() {
  life_.reset();
  if (pid_ > 0)
    kill_agent(pid_);
  if (wire_)
    wire_->close();
  if (errors_)
    errors_->close();
}

std::string acp_harness::agent_name() const {
  return "the agent '" + options_.program.substr(options_.program.rfind('/') + 1) + "'";
}

// ---- what the worker wants

void acp_harness::deliver(const std::string& key, const std::string& text) {
  perform(state_.deliver(key, text));
}

void acp_harness::renew(const snapshot& fresh) {
  if (!job_)
    return;
  former_secrets_.insert(former_secrets_.end(), job_->credentials.credentials.begin(),
                         job_->credentials.credentials.end());
  job_->credentials = fresh;
  if (!options_.native)
    return;
  if (phase_ == phase::open)
    send_credentials();
  else
    renewed_ = true;
}

void acp_harness::send_credentials() {
  auto secrets = json::array();
  for (const auto& each : job_->credentials.credentials)
    secrets.push_back(json::array({each.variable, bytes_to_json(each.secret)}));
  wire_->notify(
      "_troupe/credentials",
      {{"sessionId", session_}, {"snapshot", std::move(secrets)}, {"snapshotEpoch", job_->credentials.epoch}});
  for (const auto& id : std::exchange(refused_, {}))
    wire_->respond(id, json::object());
}

void acp_harness::placed(const std::string& cwd) {
  place_ = cwd;
  if (job_)
    job_->spec.cwd = cwd;
  if (phase_ == phase::open)
    send_place();
}

void acp_harness::send_place() {
  wire_->notify("_troupe/worktree", {{"sessionId", session_}, {"cwd", bytes_to_json(std::exchange(place_, {}))}});
}

failure acp_harness::answer(const std::string& question, const std::string& choice, const std::string& by,
                            std::string& resolved, std::string& chosen) {
  auto result = state_.answer(question, choice, by);
  resolved = result.question;
  chosen = result.choice;
  perform(std::move(result.effects));
  return result.error;
}

void acp_harness::begin_end() {
  if (phase_ == phase::ending || phase_ == phase::over)
    return;
  const bool talks = phase_ == phase::open;
  phase_ = phase::ending;
  deadline_.cancel();
  perform(state_.ending());
  if (!wire_)
    return;
  if (talks)
    wire_->notify("session/cancel", {{"sessionId", session_}});
  if (talks && agent_.close)
    wire_->request("session/close", {{"sessionId", session_}}, [](const json*, const rpc_error&) {});
  wire_->close_input();
}

void acp_harness::close_now() {
  if (pid_ > 0)
    kill_agent(pid_);
}

void acp_harness::send_prompt(const acp_send_prompt& prompt) {
  auto blocks = json::array({{{"type", "text"}, {"text", prompt.text}}});
  json params{{"sessionId", session_}, {"prompt", std::move(blocks)}};
  if (options_.native && is_reply(prompt.key))
    params["_meta"]["troupe"]["own"] = true; // somebody's own word: `!` runs a command
  prompt_ =
      wire_->request("session/prompt", std::move(params),
                     guarded([this](const json* result, const rpc_error& error) { prompt_answered(result, error); }));
}

/// ACP's own way first; an agent that goes on all the same is told again as JSON-RPC has it.
void acp_harness::cancel_turn() {
  wire_->notify("session/cancel", {{"sessionId", session_}});
  cancel_timer_.expires_after(second_word);
  cancel_timer_.async_wait(guarded([this, prompt = prompt_](const asio::error_code& error) {
    if (!error && prompt == prompt_ && state_.turn_runs())
      wire_->cancel(prompt, false);
  }));
}

std::vector<work_item> acp_harness::look(bool again) {
  if (!options_.native && !options_.driver.processes)
    return {};
  return outliving_.look(again);
}

void acp_harness::prompt_answered(const json* result, const rpc_error& error) {
  acp_prompt_end end;
  cancel_timer_.cancel();
  static const json nothing;
  tell(features_.turn_ended(result != nullptr ? *result : nothing));
  if (result != nullptr) {
    end.stop = text_of(*result, "stopReason");
    if (end.stop.empty())
      end.stop = "end_turn";
  } else {
    end.cancelled = error.code == acp_cancelled;
    end.error = error.code != acp_sign_in ? error.message
                                          : "the agent wants a sign-in: " + error.message + "\n  " + sign_in_remedy();
  }
  end.error = clean(std::move(end.error));
  perform(state_.prompt_ended(end, phase_ == phase::open ? look(true) : outliving_.known()));
}

std::string acp_harness::sign_in_remedy() const {
  const auto& how = options_.driver.sign_in;
  return "sign in with the agent's own command" + (how.empty() ? "" : " (" + how + ")") + ", then: troupe respawn " +
         job_->session.value;
}

// ---- effects

void acp_harness::perform(acp_effects effects) {
  for (auto& each : effects) {
    if (auto* emit = std::get_if<acp_emit>(&each))
      callbacks_.emit(std::move(emit->what));
    else if (const auto* prompt = std::get_if<acp_send_prompt>(&each))
      send_prompt(*prompt);
    else if (const auto* timer = std::get_if<acp_timer>(&each))
      arm(*timer);
    else if (std::holds_alternative<acp_cancel_turn>(each))
      cancel_turn();
    else if (auto* form = std::get_if<acp_form_answer>(&each))
      wire_->respond(form->request, form_result(*form));
    else if (const auto* response = std::get_if<acp_respond>(&each))
      wire_->respond(response->request,
                     response->option ? json{{"outcome", {{"outcome", "selected"}, {"optionId", *response->option}}}}
                                      : json{{"outcome", {{"outcome", "cancelled"}}}});
  }
}

void acp_harness::arm(const acp_timer& wanted) {
  const bool text = wanted.what == acp_timer::of::text;
  auto& timer = text ? text_timer_ : quiet_timer_;
  timer.expires_after(std::chrono::milliseconds(wanted.delay_ms));
  timer.async_wait(guarded([this, text, generation = wanted.generation](const asio::error_code& error) {
    if (!error)
      perform(text ? state_.text_due(generation) : state_.quiet_due(generation));
  }));
}

void acp_harness::note(const std::string& text) {
  event e;
  e.what = "note";
  e.text = clean(clipped(text, 4096));
  callbacks_.emit(std::move(e));
}

// ---- ends

void acp_harness::garbage(std::string_view line) {
  if (first_garbage_.empty())
    first_garbage_ = first_word_of(line);
  if (++garbage_ == 1 && job_)
    note(agent_name() + " wrote a line that is no message of ACP, it is skipped: " + first_garbage_);
}

void acp_harness::closed(const std::string& why, bool broken) {
  if (phase_ == phase::ending || phase_ == phase::over)
    return;
  const auto text = agent_name() + " cannot be talked to: " + why + "\n  see what it wrote, and that it speaks ACP 1";
  if (broken)
    return fail(text);
  state_.hold();
  set_deadline(closing_time, text);
}

void acp_harness::set_deadline(std::chrono::milliseconds after, const std::string& why) {
  deadline_.expires_after(after);
  deadline_.async_wait(guarded([this, why](const asio::error_code& error) {
    if (!error && phase_ != phase::ending)
      fail(why);
  }));
}

/// Ends an agent that cannot go on; what there is to say is said when its process is gone.
void acp_harness::fail(const std::string& why) {
  if (phase_ == phase::over || !failure_.empty())
    return;
  failure_ = why;
  state_.hold();
  deadline_.cancel();
  if (pid_ > 0)
    return kill_agent(pid_);
  asio::post(loop_, guarded([this] { finish({}); }));
}

void acp_harness::exited(exit_status status) {
  state_.hold();
  if (const auto wire = wire_) // what it said last is heard first
    wire->drain();
  errors_->drain();
  pid_ = 0;
  finish(status);
}

void acp_harness::finish(exit_status status) {
  if (std::exchange(phase_, phase::over) == phase::over)
    return;
  for (auto* timer : {&deadline_, &text_timer_, &quiet_timer_})
    timer->cancel();
  perform(state_.gone());
  if (wire_)
    wire_->close();
  if (errors_)
    errors_->close();
  const auto told = evidence();
  if (!failure_.empty() && !was_ready_)
    status = {};
  const auto life = std::weak_ptr<bool>(life_);
  if (std::exchange(warming_, false)) {
    callbacks_.warmed(!told.empty() ? told : agent_name() + " ended before it answered initialize: " + to_text(status));
    if (life.expired())
      return;
  }
  const auto ended = callbacks_.ended; // whoever hears it may destroy this
  ended(status, told);
}

std::string acp_harness::evidence() const {
  auto text = failure_;
  const auto add = [&](const std::string& more) { text += (text.empty() || more.empty() ? "" : "\n") + more; };
  if (garbage_ > 0)
    add(std::to_string(garbage_) + " lines of its output were no messages, the first: " + first_garbage_);
  if (errors_)
    add(errors_->text());
  return clean(std::move(text));
}

std::string acp_harness::clean(std::string text) const {
  if (job_)
    for (const auto& each : job_->credentials.credentials)
      strike_out(text, each.secret);
  for (const auto& each : former_secrets_)
    strike_out(text, each.secret);
  return text;
}

} // namespace troupe
