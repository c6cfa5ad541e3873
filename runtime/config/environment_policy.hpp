// Which variable of a dispatching shell reaches a session: one table, data and not code (ENV-2, ENV-3, ENV-4, ENV-6).
#pragma once

#include <string_view>

#include "messages/session.hpp"

namespace troupe {

enum class environment_rule {
  forward,    ///< follows the dispatching shell (ENV-2)
  gateway,    ///< inherited from neither shell (ENV-3)
  credential, ///< reaches a session only through the credential store (ENV-4)
  own,        ///< Troupe sets it itself: TERM, TROUPE_*
  drop,       ///< belongs to the terminal it came from: TMUX
};

/// The rule that decides about a variable.
environment_rule rule_for(std::string_view name);
/// What of a dispatching shell's environment the session gets.
environment forwarded(const environment& shell);

} // namespace troupe
