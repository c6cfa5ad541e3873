// What each key does: one table with the keys by default, the slash command beside it and its sentence for the help
// (VIEW-3, VIEW-11). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::view {

enum class action {
  none,
  up,
  down,
  page_up,
  page_down,
  first,
  last,
  group_up,
  group_down,
  attach,
  accept,
  accept_attach,
  peek,
  complete,
  grouping,
  pin,
  rename,
  edit,
  newline,
  stop,
  remove,
  respawn,
  move_up,
  move_down,
  find,
  cancel,
  interrupt,
  help,
  redraw,
  suspend,
  leave,
};

struct action_entry {
  action what;
  const char* name; ///< in settings `keys.NAME`, and as `/NAME`
  const char* keys; ///< by default, separated by spaces
  const char* does; ///< for people
};

/// The whole table, in the order of the help.
const std::vector<action_entry>& actions();
const action_entry* action_named(std::string_view name);

/// A key's name: `a`, `up`, `ctrl+s`, `alt+1`, `shift+up`, in the order ctrl, alt, shift.
class keymap {
public:
  keymap(); ///< the defaults
  /// Binds the action to these keys only; none unbinds it. False when there is no such action.
  bool bind(std::string_view name, const std::vector<std::string>& keys);
  [[nodiscard]] action find(const std::string& key) const;
  /// The first key of an action, for hints: "ctrl+x"; empty when it has none.
  [[nodiscard]] std::string key_of(action what) const;
  [[nodiscard]] std::string keys_of(action what) const; ///< all, for the help

private:
  std::map<std::string, action> by_key_;
  std::map<action, std::vector<std::string>> by_action_;
};

/// A key's name as people write it: "Ctrl+X", "↑".
std::string spelled(const std::string& key);

} // namespace troupe::view
