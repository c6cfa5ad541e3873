// When a conversation fills its model's window, its older part gives way to a summary that the model writes. The pure
// part: when, what stays, and what is asked.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "runtime/agent/provider.hpp"

namespace troupe::agent {

/// Whether `context` tokens are `percent` of the window or more; false where either is not known, or percent is 0.
bool is_full(std::int64_t context, const model_facts& facts, std::int64_t percent);
/// The tokens of messages, roughly: four bytes are one.
std::int64_t estimate(const message& m);
/// The first message that stays as it is: about a fifth of the window does, from a message on that no call is torn from
/// its result by. 0: there is nothing to leave out. `window` 0: not known, a small one is assumed.
std::size_t keep_from(const std::vector<message>& shown, std::int64_t window);
/// What the model is asked for a summary of: all before `keep`, as much of its end as fits, and the request.
std::vector<message> to_summarise(const std::vector<message>& shown, std::size_t keep, std::int64_t window);

/// Takes the step that is the summary.
class summary_taker : public step_sink {
public:
  using taken = std::function<void(const std::string& summary)>;
  summary_taker(taken done, std::function<void(const token_usage&)> used,
                std::function<void(const std::string&)> failed)
      : done_(std::move(done)), used_(std::move(used)), failed_(std::move(failed)) {}
  void text(std::string_view more) override { text_ += more; }
  void thought(std::string_view) override {}
  void proof(std::string, bool) override {}
  void call(std::string, std::string, json) override {} // none is asked for, and none is run
  void used(const token_usage& usage) override { used_(usage); }
  void note(const std::string&) override {}
  void finish(step_end how) override;
  void fail(const std::string& why) override { failed_(why); }
  void when_drained(event_loop::task next) override { next(); }

private:
  taken done_;
  std::function<void(const token_usage&)> used_;
  std::function<void(const std::string&)> failed_;
  std::string text_;
};

} // namespace troupe::agent
