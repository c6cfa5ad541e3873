// The port, and the public handles in front of it.
#include "runtime/host/agent_port.hpp"

#include <asio/post.hpp>

#include "runtime/host/hosted_session.hpp"

namespace troupe::embed {

namespace detail {

namespace {

constexpr milliseconds room_deadline{10'000};

embed::error over() {
  return {errc::ended, "the session has ended\nmake nothing more of it: a restarted one has an agent of its own"};
}

} // namespace

embed::error port::post(std::unique_lock<std::mutex>&, act what) {
  if (closed)
    return over();
  ++under_way;
  asio::post(*loop, [self = shared_from_this(), what = std::move(what)] {
    if (auto to = self->session.lock())
      to->called(what);
  });
  return {};
}

embed::error port::call(act what) {
  std::unique_lock guard(mutex);
  if (!changed.wait_for(guard, room_deadline, [&] { return closed || under_way < agent_calls_limit; }))
    return {errc::timed_out, "the session does not keep up with its agent\ntell less, or try again"};
  return post(guard, std::move(what));
}

embed::error port::end_turn(std::uint64_t generation, acp_prompt_end how) {
  std::unique_lock guard(mutex);
  return post(guard, [generation, how = std::move(how)](hosted_session& s) { s.turn_ended(generation, how); });
}

void port::carried_out(std::size_t count) {
  std::lock_guard guard(mutex);
  under_way -= std::min(under_way, count);
  changed.notify_all();
}

void port::answered(std::uint64_t request, const std::optional<std::string>& option) {
  std::lock_guard guard(mutex);
  if (auto at = questions.find(request); at != questions.end()) {
    at->second.settled = true;
    at->second.option = option;
    changed.notify_all();
  }
}

void port::close() {
  std::lock_guard guard(mutex);
  closed = true;
  changed.notify_all();
}

embed::result<choice> port::settled(std::uint64_t id) {
  auto mine = questions.extract(id);
  if (mine.mapped().settled && mine.mapped().option)
    for (const auto& o : mine.mapped().options)
      if (std::to_string(o.n) == *mine.mapped().option)
        return choice{o.name, o.kind, o.n};
  return embed::error{errc::cancelled, "nobody answers this question any more: its turn or its session has ended"};
}

embed::result<choice> port::ask(std::string question, std::vector<embed::option> options, milliseconds deadline) {
  if (options.empty())
    return embed::error{errc::bad_request, "a question needs a choice\ngive at least one option"};
  std::vector<troupe::option> shown;
  for (auto& o : options) {
    o.n = static_cast<std::uint32_t>(shown.size() + 1);
    shown.push_back({o.n, o.name, o.kind, std::to_string(o.n)});
  }
  std::unique_lock guard(mutex);
  auto id = next_question++;
  if (auto error = post(guard, [id, question, shown](hosted_session& s) { s.asked(id, question, shown); }))
    return error;
  auto& mine = questions[id];
  mine.options = std::move(options);
  auto over = [&] { return mine.settled || closed; };
  if (changed.wait_for(guard, deadline, over))
    return settled(id);
  auto unanswered = post(guard, [id](hosted_session& s) { s.withdrawn(id); });
  if (!unanswered)
    changed.wait_for(guard, room_deadline, over); // the answer that came first counts
  auto last = settled(id);
  if (last)
    return last;
  return embed::error{errc::timed_out, "nobody has answered in time: the question is withdrawn"};
}

turn_state::~turn_state() {
  if (!over)
    end({"", "the agent let its turn go without an end", false});
}

embed::error turn_state::end(acp_prompt_end how) {
  if (over.exchange(true))
    return {errc::wrong_state, "this turn has ended already"};
  return to->end_turn(generation, std::move(how));
}

} // namespace detail

error conversation::text(std::string_view piece) const {
  return port_->call([piece = std::string(piece)](hosted_session& s) { s.told("agent", piece); });
}

error conversation::thought(std::string_view piece) const {
  return port_->call([piece = std::string(piece)](hosted_session& s) { s.told("thought", piece); });
}

error conversation::tool(std::string id, std::string title, std::string status) const {
  if (id.empty() || (status != "pending" && status != "in_progress" && status != "completed" && status != "failed"))
    return {errc::bad_request, "a step needs an id and one of: pending, in_progress, completed, failed"};
  return port_->call([u = acp_tool_update{std::move(id), std::move(title), std::move(status), {}, false}](
                         hosted_session& s) { s.stepped(u); });
}

error conversation::active_work(std::vector<work> all) const {
  std::vector<work_item> items;
  for (auto& w : all)
    items.push_back({std::move(w.id), std::move(w.kind), std::move(w.title)});
  return port_->call([items = std::move(items)](hosted_session& s) { s.works(items); });
}

result<choice> conversation::ask(std::string question, std::vector<option> options, milliseconds deadline) const {
  return port_->ask(std::move(question), std::move(options), deadline);
}

const std::string& turn::prompt() const {
  return state_->text;
}

bool turn::cancelled() const {
  return state_->cancelled;
}

error turn::end(std::string stop_reason) const {
  return state_->end({std::move(stop_reason), "", false});
}

error turn::fail(std::string why) const {
  return state_->end({"", why.empty() ? std::string("the agent failed") : std::move(why), false});
}

} // namespace troupe::embed
