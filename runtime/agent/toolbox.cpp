// Which tools there are.
#include "runtime/agent/toolbox.hpp"

#include <algorithm>

namespace troupe::agent {
namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// A definition's word for a tool: `Edit`, `Task(explore)`, `mcp__server`.
bool means(std::string word, const std::string& name) {
  word = word.substr(0, word.find('('));
  if (word == "*" || word == name || name.starts_with(word + "__"))
    return true;
  word = lower(std::move(word));
  if (word == "agent")
    word = "task";
  return word == name || name.starts_with(word + "_") || (word == "bash" && name == "monitor") ||
         (word == "multiedit" && name == "edit");
}

} // namespace

toolbox::toolbox(std::vector<std::string> only, std::vector<std::string> without) : without_(std::move(without)) {
  if (!only.empty())
    only_.push_back(std::move(only));
}

void toolbox::replace(const std::string& source, std::vector<tool> tools) {
  more_[source] = std::move(tools);
}

bool toolbox::allowed(const std::string& name) const {
  const auto named = [&](const std::vector<std::string>& list) {
    return std::any_of(list.begin(), list.end(), [&](const std::string& word) { return means(word, name); });
  };
  return std::all_of(only_.begin(), only_.end(), named) && !named(without_);
}

const tool* toolbox::find(const std::string& name) const {
  const auto* known = find_tool(name);
  if (known != nullptr)
    return known->offline_only || allowed(name) ? known : nullptr;
  for (const auto& [source, tools] : more_)
    for (const auto& each : tools)
      if (each.name == name && allowed(name))
        return &each;
  return nullptr;
}

std::vector<const tool*> toolbox::offered() const {
  std::vector<const tool*> all;
  for (const auto& each : all_tools())
    if (!each.offline_only && allowed(each.name))
      all.push_back(&each);
  for (const auto& [source, tools] : more_)
    for (const auto& each : tools)
      if (allowed(each.name))
        all.push_back(&each);
  return all;
}

toolbox toolbox::narrowed(const std::vector<std::string>& only, const std::vector<std::string>& without) const {
  auto other = *this;
  if (!only.empty())
    other.only_.push_back(only);
  other.without_.insert(other.without_.end(), without.begin(), without.end());
  return other;
}

} // namespace troupe::agent
