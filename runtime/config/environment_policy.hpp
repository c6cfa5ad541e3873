// Which variable of a dispatching shell reaches a session: one table, data and not code, that the user extends in
// settings (ENV-2, ENV-3, ENV-4, ENV-6). Pure.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "messages/json.hpp"
#include "messages/session.hpp"

namespace troupe {

enum class environment_rule {
  forward,    ///< follows the shell that dispatches or wakes the session (ENV-2)
  persist,    ///< the same, and the session keeps it (ENV-5)
  gateway,    ///< inherited from neither shell (ENV-3)
  credential, ///< reaches a session only through the credential store (ENV-4)
  own,        ///< Troupe sets it itself: TERM, TROUPE_*
  link,       ///< a link of the session's own that attach refreshes: SSH_AUTH_SOCK
  drop,       ///< belongs to the terminal it came from: TMUX
};
/// "forward", "persist", ...
std::string_view name_of(environment_rule rule);

struct environment_row {
  std::string pattern; ///< `*` at one end stands for anything
  environment_rule rule = environment_rule::forward;
  bool of_user = false; ///< from settings, else built in
};

/// Whether a name fits a pattern with `*` at one end or none.
bool fits_pattern(std::string_view pattern, std::string_view name);

class environment_policy {
public:
  /// The built-in table, behind the rows of `settings` (the value of the setting `environment`): {"rules": {"PATTERN":
  /// "RULE", ...}, "forwardGateway": "never" | "matching"}. `problems` gets one sentence a fault; `where` names the
  /// file.
  explicit environment_policy(const json& settings = json::object(), const std::string& where = {},
                              std::vector<std::string>* problems = nullptr);
  /// The row that decides about a variable: the first that fits, the user's ahead of the built-in ones.
  [[nodiscard]] const environment_row& row_for(std::string_view name) const;
  [[nodiscard]] environment_rule rule_for(std::string_view name) const { return row_for(name).rule; }
  /// ENV-3: gateways are forwarded where the service was started with the very same.
  [[nodiscard]] bool matching_gateways() const { return matching_; }

private:
  std::vector<environment_row> rows_;
  bool matching_ = false;
};

/// What of a shell's environment a session gets. `service`: the shell that the background service was started from;
/// its gateways go along where the policy says so, all of them are the same in both shells, and `at_home`: the session
/// runs in the directory that it was dispatched from (ENV-3).
environment forwarded(const environment& shell, const environment_policy& policy = environment_policy{},
                      const environment& service = {}, bool at_home = false);
/// What a session keeps over every restart: provider selection and model aliases (ENV-5).
environment kept_choices(const environment& shell, const environment_policy& policy = environment_policy{});
/// Sets a variable, in place of one of that name.
void put_variable(environment& env, const std::string& name, const std::string& value);
/// The value, or null.
const std::string* find_variable(const environment& env, std::string_view name);

} // namespace troupe
