// What is kept, and the words.
#include "runtime/agent/compaction.hpp"

namespace troupe::agent {
namespace {

constexpr std::int64_t small_window = 32'000;
constexpr const char* request =
    "The conversation is about to be shortened: all of it so far will be replaced by your answer to this message, and "
    "you "
    "will go on from there. Use no tools now. Write down all that is needed to go on: what the user wants, in the "
    "user's "
    "words where they matter; what was done and with what result; files, commands, names and values that matter; "
    "decisions and why; what failed; what is under way; and what comes next.";
constexpr const char* opening = "This is a summary of the conversation so far, which was too long to be shown:\n\n";

std::int64_t window_of(std::int64_t told) {
  return told > 0 ? told : small_window;
}

message user_message(std::string text) {
  return {message::role::user, {{piece::kind::text, std::move(text), {}, {}, {}}}, {}, {}, {}, {}, false};
}

} // namespace

bool is_full(std::int64_t context, const model_facts& facts, std::int64_t percent) {
  return percent > 0 && context > 0 && facts.window > 0 && context >= facts.window * percent / 100;
}

std::int64_t estimate(const message& m) {
  auto bytes = m.result.size() + 16;
  for (const auto& p : m.pieces)
    bytes += p.text.size() + p.proof.size() + (p.is == piece::kind::call ? to_line(p.input).size() + 32 : 0);
  return static_cast<std::int64_t>(bytes / 4);
}

std::size_t keep_from(const std::vector<message>& shown, std::int64_t window) {
  auto left = window_of(window) / 5;
  std::size_t keep = shown.size();
  for (auto i = shown.size(); i > 1; --i) {
    left -= estimate(shown[i - 1]);
    if (left < 0)
      break;
    if (shown[i - 1].from != message::role::tool)
      keep = i - 1;
  }
  // A prompt that nobody has answered stays in any case; a summary of a summary alone helps nobody.
  if (keep == shown.size() && !shown.empty() && shown.back().from == message::role::user)
    keep = shown.size() - 1;
  return keep > 1 ? keep : 0;
}

std::vector<message> to_summarise(const std::vector<message>& shown, std::size_t keep, std::int64_t window) {
  auto left = window_of(window) * 3 / 5;
  std::size_t from = keep;
  for (auto i = keep; i > 0; --i) {
    left -= estimate(shown[i - 1]);
    if (left < 0)
      break;
    if (shown[i - 1].from != message::role::tool)
      from = i - 1;
  }
  std::vector<message> out;
  if (from > 0) // what began it matters most
    out.push_back(shown.front());
  out.insert(out.end(), shown.begin() + static_cast<std::ptrdiff_t>(from),
             shown.begin() + static_cast<std::ptrdiff_t>(keep));
  out.push_back(user_message(request));
  return out;
}

void summary_taker::finish(step_end) {
  if (text_.empty())
    return failed_("the conversation is too long, and the model gave no summary of it\n  begin a new session");
  done_(opening + text_);
}

} // namespace troupe::agent
