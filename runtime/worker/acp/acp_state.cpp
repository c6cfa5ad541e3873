// The conversation's state. The order of effects is a promise: what is emitted stands before what it announces.
#include "runtime/worker/acp/acp_state.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {
namespace {

constexpr std::size_t title_limit = 4096;
constexpr std::size_t kept_answers = 1000;

event make(const char* what, std::string id = {}, std::string text = {}, std::string detail = {}) {
  event e;
  e.what = what;
  e.id = std::move(id);
  e.text = std::move(text);
  e.detail = std::move(detail);
  return e;
}

std::string listed(const std::vector<option>& options) {
  std::string all;
  for (const auto& each : options)
    all += (all.empty() ? "" : ", ") + std::to_string(each.n) + " " + each.name;
  return all;
}

/// What a plain word means, by kind, the likeliest first. "Yes" never gives more than this once.
std::vector<std::string> kinds_of(const std::string& word) {
  if (word == "yes" || word == "y" || word == "allow")
    return {"allow_once"};
  if (word == "no" || word == "n" || word == "deny" || word == "reject")
    return {"reject_once", "reject_always"};
  return {word};
}

/// What the agent hears when nobody answers.
acp_effect unanswered(json request, const question& q) {
  if (q.kind.empty())
    return acp_respond{std::move(request), std::nullopt};
  return acp_form_answer{std::move(request), "cancel", {}};
}

std::string lower(std::string text) {
  for (auto& c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

} // namespace

std::string clipped(const std::string& text, std::size_t limit) {
  if (text.size() <= limit)
    return text;
  auto end = limit;
  while (end > 0 && limit - end < 4 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80)
    --end;
  return text.substr(0, end);
}

const option* find_option(const std::vector<option>& options, const std::string& choice) {
  std::uint32_t n = 0;
  const auto [end, failed] = std::from_chars(choice.data(), choice.data() + choice.size(), n);
  const bool number = failed == std::errc() && end == choice.data() + choice.size();
  const auto first = [&](auto fits) {
    const auto at = std::find_if(options.begin(), options.end(), fits);
    return at == options.end() ? nullptr : &*at;
  };
  if (number)
    return first([&](const option& o) { return o.n == n; });
  for (const auto& kind : kinds_of(lower(choice)))
    if (const auto* found = first([&](const option& o) { return !o.kind.empty() && o.kind == kind; }))
      return found;
  return first([&](const option& o) { return !choice.empty() && o.name == choice; });
}

acp_effects acp_state::ready(const std::string& agent_session, bool copies) {
  acp_effects out;
  if (phase_ != phase::opening)
    return out;
  phase_ = phase::open;
  out.push_back(acp_emit{make("ready", {}, copies ? "copies" : "", agent_session)});
  next_prompt(out);
  return out;
}

acp_effects acp_state::deliver(std::string key, std::string text) {
  acp_effects out;
  queue_.push_back({std::move(key), std::move(text)});
  next_prompt(out);
  return out;
}

void acp_state::next_prompt(acp_effects& out) {
  if (phase_ != phase::open || held_back_ || running_ || queue_.empty())
    return;
  flush(out);
  running_ = std::move(queue_.front());
  queue_.pop_front();
  out.push_back(acp_emit{make("sent", running_->key)});
  out.push_back(acp_send_prompt{running_->key, running_->text});
}

acp_effects acp_state::prompt_ended(const acp_prompt_end& how, std::vector<work_item> processes) {
  acp_effects out;
  if (!running_ || phase_ == phase::gone)
    return out;
  const bool cancelled =
      how.cancelled || how.stop == "cancelled" || (!how.error.empty() && (phase_ == phase::ending || cancelling_));
  flush(out);
  cancel_questions(out, "the end of the turn", true);
  end_tools(cancelled);
  alone_ = cancelling_ = false;
  processes_ = std::move(processes);
  show_work(out);
  auto end = make("turn_ended", running_->key);
  end.detail = cancelled ? "cancelled" : !how.error.empty() ? "error" : clipped(how.stop, 64);
  if (end.detail == "error")
    end.text = clipped(how.error, title_limit);
  running_.reset();
  out.push_back(acp_emit{std::move(end)});
  next_prompt(out);
  return out;
}

void acp_state::end_tools(bool cancelled) {
  for (auto at = tools_.begin(); at != tools_.end();) {
    at->second.outlives = at->second.outlives || (!cancelled && at->second.status == "in_progress");
    at = at->second.outlives && at->second.status == "in_progress" ? std::next(at) : tools_.erase(at);
  }
}

acp_effects acp_state::text(const std::string& who, const std::string& piece) {
  acp_effects out;
  if (phase_ == phase::opening || phase_ == phase::gone || piece.empty())
    return out;
  if (held_by_ != who)
    flush(out);
  if (held_.empty())
    out.push_back(acp_timer{acp_timer::of::text, ++text_generation_, text_delay_ms});
  held_ += piece;
  held_by_ = who;
  if (held_.size() >= text_limit)
    flush(out);
  alone(out);
  return out;
}

void acp_state::flush(acp_effects& out) {
  while (!held_.empty()) {
    auto piece = clipped(held_, event_limit);
    held_.erase(0, piece.size());
    out.push_back(acp_emit{make("text", {}, std::move(piece), held_by_)});
  }
}

/// Words and calls without a prompt are a turn that the agent has begun by itself: it counts as work until it is quiet.
void acp_state::alone(acp_effects& out) {
  if (running_ || phase_ != phase::open)
    return;
  alone_ = true;
  out.push_back(acp_timer{acp_timer::of::quiet, ++quiet_generation_, quiet_delay_ms});
  show_work(out);
}

acp_effects acp_state::tool(const acp_tool_update& update) {
  acp_effects out;
  if (phase_ == phase::opening || phase_ == phase::gone || update.id.empty() || !room_for(update.id))
    return out;
  auto& call = tools_[update.id];
  if (!update.title.empty())
    call.title = clipped(update.title, title_limit);
  if (!update.kind.empty())
    call.kind = clipped(update.kind, 32);
  const auto now = !update.status.empty() ? clipped(update.status, 32) : call.status.empty() ? "pending" : call.status;
  if (now != call.status) {
    flush(out);
    call.status = now;
    out.push_back(acp_emit{make("tool", clipped(update.id, 256), call.title, now)});
  }
  call.outlives = call.outlives || (!running_ && now == "in_progress");
  if (update.announced)
    alone(out);
  show_work(out);
  return out;
}

/// Calls that have ended make room; a flood of calls that never end is not followed.
bool acp_state::room_for(const std::string& tool) {
  if (tools_.size() < known_tools || tools_.contains(tool))
    return true;
  std::erase_if(tools_, [](const auto& t) { return t.second.status == "completed" || t.second.status == "failed"; });
  return tools_.size() < known_tools;
}

acp_effects acp_state::asked(json request, const std::string& tool, const std::string& title,
                             std::vector<option> options) {
  acp_effects out;
  if (phase_ == phase::gone)
    return out;
  const auto about = tools_.find(tool);
  question q;
  q.text = !title.empty() ? clipped(title, title_limit) : about != tools_.end() ? about->second.title : "";
  if (q.text.empty())
    q.text = "the agent asks for a permission";
  q.options = std::move(options);
  put_question(out, std::move(request), std::move(q));
  return out;
}

acp_effects acp_state::asked_form(json request, acp_form form) {
  acp_effects out;
  if (phase_ != phase::gone)
    put_question(out, std::move(request),
                 {{}, std::move(form.text), std::move(form.options), 0, form.kind, to_line(form.data)});
  return out;
}

/// Opens a question, or answers it at once where nobody can.
void acp_state::put_question(acp_effects& out, json request, question q) {
  if (phase_ == phase::ending || cancelling_ || asked_.size() >= open_questions) {
    out.push_back(unanswered(std::move(request), q));
    return;
  }
  flush(out);
  q.id = "q" + std::to_string(run_) + "." + std::to_string(++questions_);
  auto e = make("question", q.id, q.text, q.kind);
  e.options = q.options;
  e.data = q.data;
  asked_.push_back({std::move(request), std::move(q)});
  out.push_back(acp_emit{std::move(e)});
}

acp_effects acp_state::cancel_turn(const std::string& by) {
  acp_effects out;
  if (phase_ != phase::open || !busy())
    return out;
  flush(out);
  out.push_back(acp_emit{make("cancel", {}, {}, by)});
  cancelling_ = running_.has_value();
  out.push_back(acp_cancel_turn{});
  cancel_questions(out, by, true);
  return out;
}

acp_effects acp_state::withdrawn(const json& request) {
  acp_effects out;
  for (std::size_t at = 0; at < asked_.size(); ++at)
    if (asked_[at].request == request) {
      settle(at, "the agent", "cancelled", 0, unanswered(request, asked_[at].what), out);
      break;
    }
  return out;
}

/// Takes the question off the list of open ones; the event comes first, then what the agent hears.
void acp_state::settle(std::size_t at, const std::string& by, const std::string& words, std::uint32_t n,
                       acp_effect response, acp_effects& out) {
  auto e = make("answered", asked_[at].what.id, words, by);
  e.value = n;
  out.push_back(acp_emit{std::move(e)});
  out.push_back(std::move(response));
  settled_.push_back({asked_[at].what.id, by, words});
  if (settled_.size() > kept_answers)
    settled_.pop_front();
  asked_.erase(asked_.begin() + static_cast<std::ptrdiff_t>(at));
}

acp_answer acp_state::answer(const std::string& id, const std::string& choice, const std::string& by) {
  acp_answer result;
  const auto open = id.empty()
                        ? asked_.begin()
                        : std::find_if(asked_.begin(), asked_.end(), [&](const asking& a) { return a.what.id == id; });
  if (open == asked_.end()) {
    result.error = not_open(id);
    return result;
  }
  const auto at = static_cast<std::size_t>(open - asked_.begin());
  result.question = open->what.id;
  if (!open->what.kind.empty()) {
    auto said = read_form_answer(open->what, choice);
    result.error = said.error;
    if (said.error.code != errc::ok)
      return result;
    result.choice = clipped(said.words, title_limit);
    settle(at, by, result.choice, 0, acp_form_answer{open->request, said.action, std::move(said.content)},
           result.effects);
    return result;
  }
  const auto* chosen = find_option(open->what.options, choice);
  if (chosen == nullptr) {
    result.error = {errc::bad_request, "question " + open->what.id + " has no choice '" + clipped(choice, 100) +
                                           "'\n  choose one by its number: " + listed(open->what.options)};
    return result;
  }
  result.choice = chosen->name.empty() ? chosen->kind : chosen->name;
  settle(at, by, result.choice, chosen->n, acp_respond{open->request, chosen->id}, result.effects);
  return result;
}

failure acp_state::not_open(const std::string& id) const {
  const auto told = [](const settled& s) { return "was answered '" + s.choice + "' by " + s.by; };
  const auto found = std::find_if(settled_.begin(), settled_.end(), [&](const settled& s) { return s.question == id; });
  if (found != settled_.end())
    return {errc::answered,
            "question " + id + " " + told(*found) + "\n  the first answer counts: nothing is left to do"};
  if (!id.empty())
    return {errc::wrong_state, "question " + clipped(id, 100) + " is not open in this session\n  " +
                                   (asked_.empty() ? "it waits for no answer" : "open is " + asked_.front().what.id)};
  return {errc::wrong_state,
          "the session waits for no answer\n  " + (settled_.empty() ? std::string("send it a message instead")
                                                                    : "its last question " + told(settled_.back()))};
}

void acp_state::cancel_questions(acp_effects& out, const std::string& by, bool respond) {
  while (!asked_.empty()) {
    settle(0, by, "cancelled", 0, unanswered(asked_.front().request, asked_.front().what), out);
    if (!respond)
      out.pop_back();
  }
}

acp_effects acp_state::background(std::vector<work_item> declared) {
  acp_effects out;
  if (phase_ == phase::gone)
    return out;
  declared_ = std::move(declared);
  show_work(out);
  return out;
}

acp_effects acp_state::processes(std::vector<work_item> found) {
  acp_effects out;
  if (phase_ == phase::gone)
    return out;
  processes_ = std::move(found);
  show_work(out);
  return out;
}

std::vector<work_item> acp_state::all_work() const {
  auto all = declared_;
  for (const auto& [id, call] : tools_)
    if (call.outlives && call.status == "in_progress")
      all.push_back(
          {id, call.kind == "execute" ? "shell" : "subagent", call.title.empty() ? "a tool call" : call.title});
  all.insert(all.end(), processes_.begin(), processes_.end());
  if (alone_)
    all.push_back({"alone", "subagent", "the agent goes on by itself"});
  if (all.size() > shown_work)
    all.resize(shown_work);
  return all;
}

void acp_state::show_work(acp_effects& out) {
  auto now = all_work();
  if (now == shown_)
    return;
  shown_ = now;
  auto e = make("work");
  e.work = std::move(now);
  out.push_back(acp_emit{std::move(e)});
}

acp_effects acp_state::text_due(std::uint64_t generation) {
  acp_effects out;
  if (generation == text_generation_)
    flush(out);
  return out;
}

acp_effects acp_state::quiet_due(std::uint64_t generation) {
  acp_effects out;
  if (generation != quiet_generation_ || !alone_ || phase_ == phase::gone)
    return out;
  flush(out);
  alone_ = false;
  show_work(out);
  return out;
}

acp_effects acp_state::ending() {
  acp_effects out;
  if (phase_ == phase::gone)
    return out;
  flush(out);
  cancel_questions(out, "the end of the session's process", true);
  phase_ = phase::ending;
  return out;
}

acp_effects acp_state::gone() {
  acp_effects out;
  flush(out);
  cancel_questions(out, "the end of the agent", false);
  phase_ = phase::gone;
  return out;
}

} // namespace troupe
