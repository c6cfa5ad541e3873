// Who runs, and who waits for it.
#include "runtime/agent/subagents.hpp"

#include <algorithm>

namespace troupe::agent {
namespace {

tool_outcome told(bool failed, std::string text) {
  return {failed, std::move(text), {}, {}, {}, {}};
}

} // namespace

/// A call that waits for its subagent.
class subagents::foreground : public running_tool {
public:
  explicit foreground(task& t) : task_(t) {}
  void cancel() override {
    task_.ending = true;
    if (task_.run)
      task_.run->cancel();
  }

private:
  task& task_;
};

std::unique_ptr<running_tool> subagents::run(const json& input, tool_done done) {
  const auto refuse = [&](std::string why) {
    events_.defer([done = std::move(done), why = std::move(why)] { done(told(true, why)); });
    return nullptr;
  };
  const auto prompt = text_field(input, "prompt").value_or("");
  const auto wanted = text_field(input, "agent").value_or("");
  const auto kind = std::find_if(kinds_.begin(), kinds_.end(), [&](const auto& k) { return k.name == wanted; });
  const auto live = std::count_if(known_.begin(), known_.end(), [](const auto& t) { return t.second.run != nullptr; });
  if (prompt.empty())
    return refuse("task wants a prompt");
  if (!wanted.empty() && kind == kinds_.end())
    return refuse("there is no agent named " + wanted);
  if (live >= most_)
    return refuse(std::to_string(live) + " subagents run already (native.subagents): wait for one of them");
  const auto id = "task-" + std::to_string(last_ + 1);
  std::string error;
  auto made = around_.make(id, wanted.empty() ? nullptr : &*kind, error);
  if (!made)
    return refuse(error);
  ++last_;
  auto& t = known_[id];
  t.id = id;
  t.title = title_of("task", input);
  t.run = std::move(made);
  const bool background = flag_field(input, "background");
  if (background)
    events_.defer([done, id] {
      auto outcome = told(false, "runs in the background as " + id + "; its result comes as a prompt");
      outcome.raw = {{"id", id}};
      done(outcome);
    });
  else
    t.waiting.emplace_back(done);
  t.run->start(prompt, [this, &t, background](tool_outcome result) { ended(t, std::move(result), background); });
  around_.changed();
  return background ? nullptr : std::make_unique<foreground>(t);
}

void subagents::ended(task& t, tool_outcome result, bool background) {
  t.result = std::move(result);
  events_.defer([run = std::shared_ptr<subagent_run>(std::move(t.run))] {}); // it is what calls
  for (auto& next : std::exchange(t.waiting, {}))
    next(t.result);
  if (background && !t.ending)
    around_.wake("The subagent " + t.id + " (" + t.title + ") has " + (t.result.failed ? "failed" : "finished") +
                 ":\n" + t.result.text);
  around_.changed();
}

tool_outcome subagents::describe(const std::string& id) const {
  const auto& t = known_.at(id);
  return t.run ? told(false, "[running]\n") : t.result;
}

void subagents::end(const std::string& id, std::function<void(tool_outcome)> done) {
  auto& t = known_.at(id);
  if (!t.run)
    return events_.defer([done = std::move(done), id] { done(told(false, id + " ended before")); });
  t.ending = true;
  t.waiting.emplace_back([done = std::move(done), id](const tool_outcome&) { done(told(false, id + " was ended")); });
  t.run->cancel();
}

void subagents::end_all(event_loop::task done) {
  auto left = std::make_shared<std::size_t>(1);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0)
      done();
  };
  for (auto& [id, t] : known_)
    if (t.run) {
      ++*left;
      end(id, [one_less](const tool_outcome&) { one_less(); });
    }
  events_.defer(one_less);
}

std::string subagents::listed() const {
  std::string all;
  for (const auto& kind : kinds_)
    all += "- " + kind.name + ": " + kind.description + "\n";
  return all;
}

void subagents::list(json& into) const {
  for (const auto& [id, t] : known_)
    if (t.run)
      into.push_back({{"id", id}, {"kind", "subagent"}, {"title", t.title}});
}

} // namespace troupe::agent
