// What each key does.
#include "actors/agent_view/keymap.hpp"

namespace troupe::view {

const std::vector<action_entry>& actions() {
  static const std::vector<action_entry> all{
      {action::up, "up", "up ctrl+p", "one up"},
      {action::down, "down", "down ctrl+n", "one down"},
      {action::accept, "enter", "enter", "attach; send what is typed; fold a group"},
      {action::attach, "attach", "right", "attach to the session"},
      {action::peek, "peek", "space", "look at a session and reply to it"},
      {action::accept_attach, "send-attach", "shift+enter alt+enter", "send what is typed and attach to it"},
      {action::complete, "complete", "tab", "complete; when empty: agent definitions"},
      {action::newline, "newline", "ctrl+j", "a new line in what is typed"},
      {action::edit, "edit", "ctrl+g", "edit what is typed in $VISUAL or $EDITOR"},
      {action::stop, "stop", "ctrl+x", "stop; again within two seconds: delete"},
      {action::remove, "delete", "", "delete"},
      {action::respawn, "respawn", "", "run it again"},
      {action::pin, "pin", "ctrl+t", "pin or unpin"},
      {action::rename, "rename", "ctrl+r", "give it a name"},
      {action::move_up, "move-up", "shift+up", "move it up in its group"},
      {action::move_down, "move-down", "shift+down", "move it down in its group"},
      {action::grouping, "group", "ctrl+s", "group by directory, or by state"},
      {action::find, "find", "ctrl+f", "find"},
      {action::group_up, "group-up", "alt+up", "to the group above"},
      {action::group_down, "group-down", "alt+down", "to the group below"},
      {action::page_up, "page-up", "page_up", "a page up"},
      {action::page_down, "page-down", "page_down", "a page down"},
      {action::first, "first", "home alt+home", "to the top"},
      {action::last, "last", "end alt+end", "to the end"},
      {action::help, "help", "? f1", "all keys"},
      {action::cancel, "cancel", "escape", "close, clear, leave"},
      {action::interrupt, "interrupt", "ctrl+c", "clear; twice: leave"},
      {action::redraw, "redraw", "ctrl+l", "draw the screen anew"},
      {action::suspend, "suspend", "ctrl+z", "suspend the view"},
      {action::leave, "exit", "ctrl+d", "leave the view; sessions go on"},
  };
  return all;
}

const action_entry* action_named(std::string_view name) {
  for (const auto& entry : actions())
    if (name == entry.name)
      return &entry;
  return nullptr;
}

namespace {

std::vector<std::string> words(std::string_view text) {
  std::vector<std::string> out;
  while (!text.empty()) {
    auto word = text.substr(0, text.find(' '));
    if (!word.empty())
      out.emplace_back(word);
    text.remove_prefix(word.size() == text.size() ? word.size() : word.size() + 1);
  }
  return out;
}

} // namespace

keymap::keymap() {
  for (const auto& entry : actions())
    bind(entry.name, words(entry.keys));
}

bool keymap::bind(std::string_view name, const std::vector<std::string>& keys) {
  const auto* entry = action_named(name);
  if (entry == nullptr)
    return false;
  std::erase_if(by_key_, [&](const auto& x) { return x.second == entry->what; });
  auto& own = by_action_[entry->what];
  own.clear();
  for (const auto& key : keys) {
    if (auto taken = by_key_.find(key); taken != by_key_.end())
      std::erase(by_action_[taken->second], key);
    by_key_[key] = entry->what;
    own.push_back(key);
  }
  return true;
}

action keymap::find(const std::string& key) const {
  auto at = by_key_.find(key);
  return at == by_key_.end() ? action::none : at->second;
}

std::string keymap::key_of(action what) const {
  auto at = by_action_.find(what);
  return at == by_action_.end() || at->second.empty() ? "" : at->second.front();
}

std::string keymap::keys_of(action what) const {
  std::string out;
  if (auto at = by_action_.find(what); at != by_action_.end())
    for (const auto& key : at->second)
      out += (out.empty() ? "" : "  ") + spelled(key);
  return out;
}

std::string spelled(const std::string& key) {
  static const std::map<std::string, std::string> names{
      {"up", "↑"},        {"down", "↓"},       {"left", "←"},
      {"right", "→"},     {"enter", "Enter"},  {"escape", "Esc"},
      {"space", "Space"}, {"tab", "Tab"},      {"backspace", "Backspace"},
      {"delete", "Del"},  {"page_up", "PgUp"}, {"page_down", "PgDn"},
      {"home", "Home"},   {"end", "End"}};
  std::string out, rest = key;
  for (const char* prefix : {"ctrl+", "alt+", "shift+"})
    if (rest.starts_with(prefix)) {
      out += static_cast<char>(prefix[0] - 32);
      out += prefix + 1;
      rest.erase(0, std::string_view(prefix).size());
    }
  auto at = names.find(rest);
  if (at != names.end())
    return out + at->second;
  if ((!out.empty() || (rest.size() > 1 && rest[0] == 'f')) && !rest.empty() && rest[0] >= 'a' && rest[0] <= 'z')
    rest[0] = static_cast<char>(rest[0] - 32);
  return out + rest;
}

} // namespace troupe::view
