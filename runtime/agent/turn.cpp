// The agent loop.
#include "runtime/agent/turn.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "runtime/agent/session_updates.hpp"

namespace troupe::agent {
namespace {

json option(const char* kind, const std::string& name) {
  return {{"optionId", kind}, {"name", name}, {"kind", kind}};
}

/// The option that was chosen; "cancelled"; or "" where the client could not ask.
std::string choice_in(const json* result) {
  const auto* outcome = result != nullptr ? field(*result, "outcome") : nullptr;
  if (outcome == nullptr)
    return {};
  if (text_field(*outcome, "outcome") == "cancelled")
    return "cancelled";
  return text_field(*outcome, "optionId").value_or("");
}

tool_outcome failure_of(const std::string& why) {
  return {true, why, {}, {}, {}, {}};
}

} // namespace

void turn::update(json what) {
  send_update(p_.client, p_.talk.id(), std::move(what));
}

void turn::next_step() {
  stepping_ = true;
  step_.pieces.clear();
  p_.model.begin_step(p_.talk.messages(), *this);
}

void turn::say(piece::kind kind, const char* update_kind, std::string_view more) {
  if (step_.pieces.empty() || step_.pieces.back().is != kind)
    step_.pieces.push_back({kind, {}, {}, {}, {}});
  step_.pieces.back().text += more;
  update(text_chunk(update_kind, more));
}

void turn::call(std::string id, std::string tool, json input) {
  step_.pieces.push_back({piece::kind::call, {}, std::move(id), std::move(tool), std::move(input)});
  calls_.push_back(step_.pieces.back());
  update(call_announced(calls_.back(), "pending", p_.cwd, p_.env));
}

bool turn::keep_step(const std::string& stop) {
  step_.stop = stop;
  if (p_.talk.append(step_))
    return true;
  end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
  return false;
}

void turn::finish(step_end how) {
  stepping_ = false;
  how_ = how;
  if (how == step_end::nothing)
    return end("end_turn");
  const bool goes_on = !calls_.empty() || how == step_end::more;
  if (keep_step(goes_on ? "" : how == step_end::refusal ? "refusal" : "end_turn"))
    next_call();
}

void turn::fail(const std::string& why) {
  stepping_ = false;
  if (keep_step("failed"))
    end({}, why);
}

void turn::next_call() {
  running_.reset();
  if (cancelled_ && calls_.empty())
    return end("cancelled");
  if (cancelled_)
    return record(failure_of("cancelled before it began"));
  if (calls_.empty()) {
    const bool called =
        std::any_of(step_.pieces.begin(), step_.pieces.end(), [](const piece& p) { return p.is == piece::kind::call; });
    if (called || how_ == step_end::more)
      return next_step();
    return end(how_ == step_end::refusal ? "refusal" : "end_turn");
  }
  const auto& next = calls_.front();
  const auto* what = find_tool(next.name);
  if (what == nullptr)
    return record(failure_of("there is no tool '" + next.name + "'"));
  if (next.name == "ask")
    return ask_question(next);
  switch (decide(p_.talk.current_mode(), what->can, p_.talk.granted(next.name))) {
  case verdict::refuse:
    return record(failure_of("not done: plan mode edits nothing"));
  case verdict::ask:
    return ask_permission(next);
  case verdict::allow:
    return run_call(*what, next);
  }
}

void turn::ask(const piece& call, json options, std::function<void(const std::string&)> chosen) {
  auto shown = call_fields(call, p_.cwd, p_.env);
  shown["status"] = "pending";
  json params{{"sessionId", p_.talk.id()}, {"toolCall", std::move(shown)}, {"options", std::move(options)}};
  question_ = p_.client.request("session/request_permission", std::move(params),
                                [this, chosen = std::move(chosen)](const json* result) {
                                  question_ = 0;
                                  const auto choice = choice_in(result);
                                  if (choice == "cancelled") {
                                    cancelled_ = true;
                                    return record(failure_of("cancelled"));
                                  }
                                  chosen(choice);
                                });
}

void turn::ask_permission(const piece& call) {
  auto options = json::array({option("allow_once", "Allow"),
                              option("allow_always", "Always allow " + call.name + " in this session"),
                              option("reject_once", "Reject")});
  ask(call, std::move(options), [this](const std::string& choice) {
    const auto& asked = calls_.front();
    if (choice != "allow_once" && choice != "allow_always")
      return record(
          failure_of(choice.empty() ? "not done: the client gave no answer" : "not done: the user rejected it"));
    if (choice == "allow_always" && !p_.talk.grant(asked.name))
      return end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
    run_call(*find_tool(asked.name), asked);
  });
}

void turn::ask_question(const piece& call) {
  auto options = json::array({option("allow_once", "Yes"), option("reject_once", "No")});
  ask(call, std::move(options), [this](const std::string& choice) {
    if (choice.empty())
      return record(failure_of("the client gave no answer"));
    record({false, choice == "allow_once" ? "Yes" : "No", {}, {}, {}, {}});
  });
}

void turn::run_call(const tool& what, const piece& call) {
  update(call_in_progress(call));
  const tool_context context{p_.events, p_.env, p_.cwd, p_.shells, p_.talk.id() + "/" + call.id, p_.exit};
  running_ = what.start(context, call.input, [this](tool_outcome outcome) { record(std::move(outcome)); });
}

void turn::record(tool_outcome outcome) {
  const auto done = std::move(calls_.front());
  calls_.pop_front();
  update(call_ended(done.id, outcome));
  message m{message::role::tool, {}, {}, done.id, done.name, std::move(outcome.text), outcome.failed};
  if (!p_.talk.append(std::move(m)))
    return end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
  next_call();
}

void turn::cancel() {
  if (std::exchange(cancelled_, true) || !ended_)
    return;
  if (stepping_) {
    p_.model.cancel();
    stepping_ = false;
    if (step_.pieces.empty() || keep_step("cancelled"))
      next_call();
  } else if (question_ != 0) {
    p_.client.forget(std::exchange(question_, 0));
    record(failure_of("cancelled"));
  } else if (running_) {
    running_->cancel();
  } // else a tool that works at once is about to tell its outcome
}

void turn::end(const std::string& stop, const std::string& error) {
  if (!ended_)
    return;
  calls_.clear();
  p_.events.defer([ended = std::exchange(ended_, nullptr), stop, error] { ended({stop, error}); });
}

} // namespace troupe::agent
