// What the dialects share.
#include "runtime/agent/model/dialect.hpp"

#include <algorithm>

namespace troupe::agent {
namespace {

constexpr const char* not_run = "not run: the step ended before it";

const message* result_of(const std::vector<message>& conversation, std::size_t behind, const std::string& call) {
  for (auto i = behind + 1; i < conversation.size() && conversation[i].from != message::role::assistant; ++i)
    if (conversation[i].from == message::role::tool && conversation[i].call == call)
      return &conversation[i];
  return nullptr;
}

} // namespace

std::vector<message> paired(const std::vector<message>& conversation) {
  std::vector<message> out;
  for (std::size_t i = 0; i < conversation.size(); ++i) {
    const auto& m = conversation[i];
    if (m.from == message::role::tool)
      continue; // it stands behind its call, or has none
    out.push_back(m);
    for (const auto& p : m.pieces) {
      if (p.is != piece::kind::call)
        continue;
      const auto* result = result_of(conversation, i, p.id);
      out.push_back(result != nullptr ? *result : message{message::role::tool, {}, {}, p.id, p.name, not_run, true});
    }
  }
  return out;
}

call_ids::call_ids(const std::vector<message>& conversation) {
  for (const auto& m : conversation)
    for (const auto& p : m.pieces)
      if (p.is == piece::kind::call)
        taken_.insert(p.id);
}

std::string call_ids::take(const std::string& wanted) {
  if (!wanted.empty() && taken_.insert(wanted).second)
    return wanted;
  const auto stem = (wanted.empty() ? "call" : wanted) + "_";
  for (std::size_t n = 1;; ++n)
    if (auto id = stem + std::to_string(n); taken_.insert(id).second)
      return id;
}

json input_from(const std::string& text) {
  if (text.find_first_not_of(" \t\r\n") == std::string::npos)
    return json::object();
  auto input = json::parse(text, nullptr, false);
  return input.is_object() ? input : json{{"unreadable", text}};
}

} // namespace troupe::agent
