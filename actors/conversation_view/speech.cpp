// A conversation as whole lines.
#include "actors/conversation_view/speech.hpp"

#include "messages/wording.hpp"

namespace troupe::view {

namespace {

std::string choices(const troupe::event& e) {
  std::string out;
  for (const auto& o : e.options)
    out += (out.empty() ? " Answers: " : ", ") + std::to_string(o.n) + " " + visible_line(o.name);
  return out;
}

} // namespace

void speech::flush(std::vector<std::string>& out) {
  if (!held_.empty())
    out.push_back(visible(held_));
  held_.clear();
}

std::vector<std::string> speech::take(const troupe::event& e) {
  std::vector<std::string> out;
  if (e.what == "text" && e.detail == "agent") {
    held_ += e.text;
    if (auto end = held_.rfind('\n'); end != std::string::npos) {
      auto rest = held_.substr(end + 1);
      held_.resize(end);
      flush(out);
      held_ = std::move(rest);
    }
    return out;
  }
  flush(out);
  if (e.what == "taken" || (e.what == "text" && e.detail == "user"))
    out.push_back("You: " + visible(e.text));
  else if (e.what == "tool" && !e.text.empty() && e.detail != "pending" && e.detail != "in_progress")
    out.push_back("Tool: " + visible_line(e.text) + (e.detail.empty() ? "" : " · " + visible_line(e.detail)));
  else if (e.what == "question")
    out.push_back("Needs input: " + visible(e.text) + choices(e));
  else if (e.what == "answered")
    out.push_back("Answered: " + visible_line(e.text));
  else if (e.what == "turn_ended")
    out.push_back(e.text.empty() ? "The turn has ended." : "The turn has failed: " + visible(e.text));
  else if (e.what == "ended" || e.what == "note")
    out.push_back(visible(e.text.empty() ? "Its process has ended." : e.text));
  return out;
}

} // namespace troupe::view
