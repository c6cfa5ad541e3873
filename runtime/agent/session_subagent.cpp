// From a prompt to the last words.
#include "runtime/agent/session_subagent.hpp"

#include <cerrno>
#include <cstring>

namespace troupe::agent {
namespace {

std::string last_words(const conversation& talk) {
  for (auto each = talk.messages().rbegin(); each != talk.messages().rend(); ++each) {
    std::string text;
    for (const auto& p : each->pieces)
      if (each->from == message::role::assistant && p.is == piece::kind::text)
        text += p.text;
    if (!text.empty())
      return text;
  }
  return {};
}

} // namespace

void session_subagent::start(const std::string& prompt, std::function<void(tool_outcome)> ended) {
  ended_ = std::move(ended);
  message said{message::role::user, {{piece::kind::text, prompt, {}, {}, {}}}, {}, {}, {}, {}, false};
  if (!talk_->append(std::move(said)))
    return parts_->events.defer([this, why = std::string(std::strerror(errno))] {
      finish({{}, "cannot save its conversation: " + why});
    });
  turn_ = std::make_unique<turn>(*parts_, [this](const turn_end& how) { finish(how); });
  turn_->start();
}

void session_subagent::cancel() {
  if (turn_)
    turn_->cancel();
}

void session_subagent::finish(const turn_end& how) {
  tool_outcome result;
  const auto said = last_words(*talk_);
  result.failed = how.stop != "end_turn";
  result.text = !result.failed          ? (said.empty() ? "it ended without a word" : said)
                : !how.error.empty()    ? "the subagent failed: " + how.error
                : how.stop == "refusal" ? "the subagent refused: " + said
                                        : "cancelled";
  const auto ended = std::move(ended_); // it destroys this, later
  ended(std::move(result));
}

} // namespace troupe::agent
