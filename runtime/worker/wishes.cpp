// One worker: what the supervisor wants of its session once that runs.
#include <algorithm>

#include <asio/post.hpp>

#include "runtime/worker/refusal.hpp"
#include "runtime/worker/worker.hpp"

namespace troupe {

void worker::require_running() const {
  if (!harness_ || harness_gone_ || !end_reason_.empty())
    throw refusal{errc::not_running, "the session is not running here"};
}

json worker::deliver(const json& params) {
  auto key = required_text(params, "key");
  auto text = required_text(params, "text");
  if (!job_ || !started_ || harness_gone_ || !end_reason_.empty())
    throw refusal{errc::not_running, "the session is not running here"};
  job_->seen = std::max(job_->seen, static_cast<std::uint64_t>(optional_number(params, "seen", 0)));
  thaw("reply");
  if (events_.taken(key) == 0)
    take_prompt(key, text);
  return {{"taken", events_.taken(key)}};
}

json worker::answer(const json& params) {
  auto key = required_text(params, "key");
  auto question = optional_text(params, "question"), choice = required_text(params, "choice");
  if (!harness_)
    throw refusal{errc::not_running, "the session is not running here"};
  if (auto at = answers_.find(key); at != answers_.end()) {
    if (at->second.question != question || at->second.choice != choice)
      throw refusal{errc::key_reused, "this key has been used for another answer\nsend it with a key of its own"};
    return at->second.result;
  }
  thaw("answer");
  std::string resolved, chosen;
  auto error = harness_->answer(question, choice, optional_text(params, "by", "command"), resolved, chosen);
  if (error.code != errc::ok)
    throw refusal{error.code, error.text};
  json out{{"n", events_.last()}, {"question", resolved}, {"choice", bytes_to_json(chosen)}};
  answers_[key] = {question, choice, out};
  return out;
}

bool worker::at_rest() const {
  return attached_.terminals() == 0 && !turn_ && events_.unsent().empty() && asked_.empty() && harness_work_.empty() &&
         declared_.empty();
}

/// BEYOND-3: only between turns, and only when the supervisor knows all that has happened (KEEP-5).
json worker::freeze(const json& params) {
  auto seen = required_unsigned(params, "seen");
  require_running();
  if (pty_)
    throw refusal{errc::wrong_state, "a shell job is at work until its command ends"};
  if (!freezer_.frozen()) {
    if (seen < events_.last() || !at_rest())
      throw refusal{errc::refused, "a later event came first"};
    if (!freezer_.freeze())
      throw refusal{errc::refused, "its processes did not come to rest"};
  }
  event e;
  e.what = "frozen";
  emit(std::move(e));
  return json::object();
}

void worker::thaw(const std::string& why) {
  if (!freezer_.frozen())
    return;
  freezer_.thaw();
  event e;
  e.what = "thawed";
  e.detail = why;
  emit(std::move(e));
}

/// KEEP-2: what a program inside the session says it does. It goes with this worker.
json worker::work(const json& params) {
  constexpr std::size_t most = 64;
  auto id = required_text(params, "work");
  require_running();
  auto at = std::find_if(declared_.begin(), declared_.end(), [&](const work_item& w) { return w.id == id; });
  auto before = declared_;
  if (optional_flag(params, "begins", true)) {
    if (at == declared_.end() && declared_.size() == most)
      throw refusal{errc::overloaded, "the session has declared " + std::to_string(most) +
                                          " works already\n  end one of them: troupe work end ID"};
    if (at == declared_.end())
      at = declared_.insert(declared_.end(), work_item{id, "declared", {}});
    at->title = optional_text(params, "title");
  } else if (at != declared_.end()) {
    declared_.erase(at);
    ended_work_.insert(id);
  } else if (ended_work_.count(id) == 0) {
    throw refusal{errc::wrong_state, "no work '" + id + "' was declared in this session\n  see what is: troupe agents"};
  }
  if (declared_ != before) {
    event e;
    e.what = "work";
    e.work = harness_work_;
    emit(std::move(e));
  }
  return {{"work", bytes_to_json(id)}};
}

/// CRED-5, CRED-6: held in memory alone, here and in the agent.
json worker::credentials(const json& params) {
  if (!job_ || !end_reason_.empty())
    throw refusal{errc::not_running, "the session is not running here"};
  auto fresh = snapshot_from_json(params.at("snapshot"));
  if (fresh.epoch < job_->credentials.epoch)
    throw refusal{errc::refused, "newer credentials are here already"};
  job_->credentials = std::move(fresh);
  if (harness_)
    harness_->renew(job_->credentials);
  return json::object();
}

/// Answered when the agent has; what came of it is in the transcript by then.
void worker::steer(const std::shared_ptr<rpc_peer>& from, const json& params, const json& id) {
  require_running();
  const auto action = required_text(params, "action");
  thaw(action);
  harness_->steer(action, optional_text(params, "name"), optional_text(params, "value"),
                  optional_text(params, "by", "command"), [from, id](const failure& error, const std::string& value) {
                    if (error.code == errc::ok) {
                      from->respond(id, {{"value", bytes_to_json(value)}});
                      return;
                    }
                    from->respond_failure(id, error);
                  });
}

json worker::end(const json& params) {
  auto reason = required_text(params, "reason");
  auto seen = static_cast<std::uint64_t>(optional_number(params, "seen", 0));
  if (reason == "reap" && (seen < events_.last() || !at_rest())) // KEEP-5
    throw refusal{errc::refused, "a later event came first"};
  if (!end_reason_.empty())
    return json::object();
  end_reason_ = reason;
  if (job_)
    thaw(reason);
  if (!job_) {
    asio::post(loop_, [this] { end_tree(0); });
    return json::object();
  }
  asio::post(loop_, [this] {
    if (harness_ && !harness_gone_)
      harness_->begin_end();
    end_tree(harness_ && !harness_gone_ ? harness_->grace() : 0);
  });
  return json::object();
}

} // namespace troupe
