// The view in words, for those who hear it: where one is, what is asked, what came of what was done.
#include "actors/agent_view/parts.hpp"
#include "messages/wording.hpp"

namespace troupe::view {

namespace {

std::string choices_of(const question& q) {
  std::string out;
  for (const auto& o : q.options)
    out += (out.empty() ? " Answers: " : ", ") + std::to_string(o.n) + " " + visible_line(o.name);
  return out;
}

} // namespace

std::string spoken(const session& x) {
  auto out = label(x) + ": " + state_words(x.now.state);
  const auto* q = x.now.waiting.empty() ? nullptr : &x.now.waiting.front();
  auto sentence = said(x);
  if (!sentence.empty())
    out += ": " + sentence;
  return q != nullptr ? out + choices_of(*q) : out;
}

std::string spoken(const state& s) {
  if (!s.dialogs.empty()) {
    std::string out;
    for (const auto& t : s.dialogs[0].text)
      out += t + " ";
    for (std::size_t i = 0; i < s.dialogs[0].choices.size(); ++i) {
      const auto& c = s.dialogs[0].choices[i];
      out += (c.key.empty() ? std::to_string(i + 1) : c.key) + " " + c.label + ". ";
    }
    return out;
  }
  if (!s.notice.text.empty() && s.now < s.notice.until)
    return s.notice.text;
  if (const auto* x = selected_session(s))
    return (s.peeking ? "reply to " : "on ") + spoken(*x);
  return s.selected.kind == item::none ? "" : "on the group " + group_title(s, s.selected.group);
}

} // namespace troupe::view
