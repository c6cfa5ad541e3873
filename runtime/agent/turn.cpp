// The agent loop.
#include "runtime/agent/turn.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <numeric>

#include "runtime/agent/model/system_prompt.hpp"
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

const char* stop_of(step_end how) {
  return how == step_end::refusal ? "refusal" : how == step_end::max_tokens ? "max_tokens" : "end_turn";
}

tool_outcome failure_of(const std::string& why) {
  return {true, why, {}, {}, {}, {}};
}

} // namespace

void turn::start() {
  p_.ready([this, life = std::weak_ptr<bool>(life_)] {
    if (!life.expired() && !std::exchange(begun_, true))
      cancelled_ ? end("cancelled") : next_step();
  });
}

void turn::start_command(const std::string& command) {
  p_.ready([this, command, life = std::weak_ptr<bool>(life_)] {
    if (life.expired() || std::exchange(begun_, true))
      return;
    if (cancelled_)
      return end("cancelled");
    command_ = true;
    call("own-" + std::to_string(p_.talk.messages().size()), "bash", {{"command", command}});
    const auto* what = p_.tools.find("bash");
    if (!keep_step(""))
      return;
    what != nullptr ? run_call(*what) : refuse_next("the session has no tool 'bash'");
  });
}

/// A subagent's calls are shown as part of the session, its words are its own.
void turn::update(json what) {
  if (!p_.subagent.empty() && !what.contains("toolCallId"))
    return;
  if (!p_.subagent.empty())
    what["_meta"]["troupe"]["subagent"] = p_.subagent;
  send_update(p_.client, p_.owner.id(), std::move(what));
}

piece turn::shown(piece call) const {
  if (!p_.subagent.empty())
    call.id = p_.subagent + "/" + call.id;
  return call;
}

void turn::next_step() {
  if (!p_.subagent.empty() && ++steps_ > p_.limits.subagent_steps)
    return end({}, "it was ended after " + std::to_string(p_.limits.subagent_steps) + " steps (native.subagentSteps)");
  stepping_ = true;
  step_.pieces.clear();
  step_.usage = {};
  offers_ = offers_of(p_.tools.offered()); // a server may have more or fewer by now
  if (is_full(p_.talk.context(), p_.model.facts(), p_.limits.compact_percent) && compact(false))
    return;
  p_.model.begin_step({p_.talk.visible(), p_.system, offers_}, *this);
}

/// Has the model summarise the older part of what it is shown; false where there is nothing to leave out.
/// `too_long`: the provider said so, whatever is known of its window.
bool turn::compact(bool too_long) {
  const auto& shown = p_.talk.visible();
  auto window = p_.model.facts().window;
  if (too_long)
    window = std::accumulate(shown.begin(), shown.end(), std::int64_t{0},
                             [](std::int64_t sum, const message& m) { return sum + estimate(m); });
  const auto keep = keep_from(shown, window);
  if (keep == 0)
    return false;
  note("the conversation is compacted: its older part is summarised\n");
  const auto hidden = p_.talk.visible_from() == 0 ? 0 : p_.talk.visible_from() - 1; // the summary is no message
  summarised_ = to_summarise(shown, keep, window);
  summary_ = std::make_unique<summary_taker>(
      [this, from = hidden + keep](const std::string& summary) { compacted(from, summary); },
      [this](const token_usage& usage) { step_.usage = usage; }, [this](const std::string& why) { fail(why); });
  p_.model.begin_step({summarised_, p_.system, offers_}, *summary_);
  return true;
}

void turn::compacted(std::size_t from, const std::string& summary) {
  p_.events.defer([gone = std::shared_ptr<summary_taker>(std::move(summary_))] {}); // it is calling
  summarised_.clear();
  total_ = total_ + step_.usage;
  if (!p_.talk.compact(from, summary) || !p_.talk.spend(step_.usage))
    return end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
  step_.usage = {};
  p_.model.begin_step({p_.talk.visible(), p_.system, offers_}, *this);
}

/// Tells what the step has cost.
void turn::count() {
  if (step_.usage.context() == 0)
    return;
  const auto facts = p_.model.facts();
  step_.usage.cost = cost_of(facts, step_.usage);
  total_ = total_ + step_.usage;
}

void turn::say(piece::kind kind, const char* update_kind, std::string_view more) {
  if (step_.pieces.empty() || step_.pieces.back().is != kind || !step_.pieces.back().proof.empty())
    step_.pieces.push_back({kind, {}, {}, {}, {}});
  step_.pieces.back().text += more;
  update(text_chunk(update_kind, more));
}

void turn::call(std::string id, std::string tool, json input) {
  step_.pieces.push_back({piece::kind::call, {}, std::move(id), std::move(tool), std::move(input)});
  calls_.push_back(step_.pieces.back());
  update(call_announced(shown(calls_.back()), "pending", p_.cwd, p_.env));
}

void turn::proof(std::string signature, bool redacted) {
  if (redacted || step_.pieces.empty() || step_.pieces.back().is != piece::kind::thought)
    step_.pieces.push_back({piece::kind::thought, {}, {}, {}, {}});
  step_.pieces.back().proof = std::move(signature);
  step_.pieces.back().redacted = redacted;
}

bool turn::keep_step(const std::string& stop) {
  step_.stop = stop;
  count();
  if (p_.talk.append(step_)) {
    if (&p_.talk != &p_.owner && step_.usage.cost > 0)
      p_.owner.spend(step_.usage);
    if (step_.usage.context() > 0)
      update(usage_update(step_.usage.context(), p_.model.facts().window, p_.owner.cost()));
    return true;
  }
  end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
  return false;
}

void turn::finish(step_end how) {
  stepping_ = false;
  how_ = how;
  if (how == step_end::nothing)
    return end("end_turn");
  const bool goes_on = !calls_.empty() || how == step_end::more;
  if (keep_step(goes_on ? "" : stop_of(how)))
    next_call();
}

void turn::fail(const std::string& why) {
  if (p_.model.overflowed() && step_.pieces.empty() && !std::exchange(squeezed_, true) && compact(true))
    return;
  stepping_ = false;
  if (keep_step("failed"))
    end({}, why);
}

void turn::next_call() {
  if (over_ || question_ != 0)
    return;
  while (cancelled_ && !calls_.empty())
    if (!record(take_next(), failure_of("cancelled before it began")))
      return;
  if (calls_.empty())
    return after_calls();
  if (!p_.where.is_there()) {
    if (!std::exchange(waits_, true))
      p_.where.when_there([this, life = std::weak_ptr<bool>(life_)] {
        if (!life.expired() && std::exchange(waits_, false))
          next_call();
      });
    return;
  }
  const auto& next = calls_.front();
  const auto* what = p_.tools.find(next.name);
  const bool all_together =
      std::all_of(running_.begin(), running_.end(), [](const auto& r) { return r.second.together; });
  if (!running_.empty() && (what == nullptr || !what->together || !all_together))
    return;
  if (what == nullptr)
    return refuse_next("there is no tool '" + next.name + "'");
  consider(next, *what);
}

void turn::consider(const piece& call, const tool& what) {
  if (call.name == "ask")
    return ask_question(call);
  const auto use = use_of(call.name, call.input, p_.cwd, p_.env);
  const auto ruled = judge(p_.permissions, p_.owner.current_mode(), what.can, use, p_.owner.granted());
  switch (ruled.is) {
  case verdict::refuse:
    return refuse_next(ruled.why);
  case verdict::ask:
    return ask_permission(call, use);
  case verdict::allow:
    return run_call(what);
  }
}

void turn::after_calls() {
  if (!running_.empty())
    return;
  if (cancelled_)
    return end("cancelled");
  if (command_)
    return end("end_turn");
  const bool called =
      std::any_of(step_.pieces.begin(), step_.pieces.end(), [](const piece& p) { return p.is == piece::kind::call; });
  if (called || how_ == step_end::more)
    return next_step();
  end(stop_of(how_));
}

void turn::ask(const piece& call, json options, std::function<void(const std::string&)> chosen) {
  auto fields = call_fields(shown(call), p_.cwd, p_.env);
  fields["status"] = "pending";
  json params{{"sessionId", p_.owner.id()}, {"toolCall", std::move(fields)}, {"options", std::move(options)}};
  question_ = p_.client.request("session/request_permission", std::move(params),
                                [this, chosen = std::move(chosen)](const json* result) {
                                  question_ = 0;
                                  const auto choice = choice_in(result);
                                  if (choice == "cancelled") {
                                    cancel();
                                    return refuse_next("cancelled");
                                  }
                                  chosen(choice);
                                });
}

void turn::ask_permission(const piece& call, const tool_use& use) {
  auto rules = lasting_rules(use, p_.permissions.places);
  std::string named;
  for (const auto& rule : rules)
    named += (named.empty() ? "" : ", ") + rule;
  auto options =
      json::array({option("allow_once", "Allow"), option("allow_always", "Always allow " + named + " in this session"),
                   option("reject_once", "Reject")});
  ask(call, std::move(options), [this, rules = std::move(rules)](const std::string& choice) {
    const auto* what = p_.tools.find(calls_.front().name); // a server may have taken it back meanwhile
    if (choice != "allow_once" && choice != "allow_always")
      return refuse_next(choice.empty() ? "not done: the client gave no answer" : "not done: the user rejected it");
    if (choice == "allow_always")
      for (const auto& rule : rules)
        if (!p_.owner.grant(rule))
          return end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
    if (what == nullptr)
      return refuse_next("there is no tool '" + calls_.front().name + "' any more");
    run_call(*what);
  });
}

void turn::ask_question(const piece& call) {
  auto options = json::array({option("allow_once", "Yes"), option("reject_once", "No")});
  ask(call, std::move(options), [this](const std::string& choice) {
    if (choice.empty())
      return refuse_next("the client gave no answer");
    if (record(take_next(), {false, choice == "allow_once" ? "Yes" : "No", {}, {}, {}, {}}))
      next_call();
  });
}

piece turn::take_next() {
  auto next = std::move(calls_.front());
  calls_.pop_front();
  return next;
}

void turn::refuse_next(const std::string& why) {
  if (record(take_next(), failure_of(why)))
    next_call();
}

void turn::run_call(const tool& what) {
  const auto number = ++last_run_;
  auto& mine = running_[number];
  mine.call = take_next();
  mine.together = what.together;
  update(call_in_progress(shown(mine.call)));
  const tool_context context{p_.events,  p_.env,    p_.cwd,
                             p_.limits,  p_.shells, p_.tasks,
                             p_.watches, p_.skills, p_.talk.id() + "/" + mine.call.id,
                             p_.exit};
  mine.what = what.start(context, mine.call.input,
                         [this, number](tool_outcome outcome) { finished(number, std::move(outcome)); });
  if (what.together)
    next_call();
}

void turn::finished(std::uint64_t number, tool_outcome outcome) {
  auto done = running_.extract(number);
  if (record(done.mapped().call, std::move(outcome)))
    next_call();
  else if (running_.empty() && over_)
    end(over_->stop, over_->error);
}

/// False where the turn is over for it.
bool turn::record(const piece& done, tool_outcome outcome) {
  update(call_ended(shown(done).id, outcome));
  message m{message::role::tool, {}, {}, done.id, done.name, std::move(outcome.text), outcome.failed};
  if (p_.talk.append(std::move(m)))
    return !over_;
  end({}, std::string("cannot save the conversation: ") + std::strerror(errno));
  return false;
}

void turn::cancel() {
  if (std::exchange(cancelled_, true) || !ended_)
    return;
  if (!std::exchange(begun_, true))
    return end("cancelled");
  if (stepping_) {
    p_.model.cancel();
    stepping_ = false;
    if (step_.pieces.empty() || keep_step("cancelled"))
      next_call();
    return;
  }
  cancel_running();
  if (question_ != 0) {
    p_.client.forget(std::exchange(question_, 0));
    refuse_next("cancelled");
  }
}

void turn::cancel_running() {
  for (auto& [number, each] : running_)
    if (each.what) // else a tool that works at once is about to tell its outcome
      each.what->cancel();
}

/// What still runs is ended first.
void turn::end(const std::string& stop, const std::string& error) {
  if (!ended_)
    return;
  calls_.clear();
  if (!running_.empty()) {
    if (!std::exchange(over_, turn_end{stop, error}))
      cancel_running();
    return;
  }
  p_.events.defer([ended = std::exchange(ended_, nullptr), stop, error, total = total_] {
    ended({stop, error, total});
  });
}

} // namespace troupe::agent
