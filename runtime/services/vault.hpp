// The vault on the real system: API keys from `credentials.json` and from the shell that started the supervisor
// (CRED-1).
#pragma once

#include <functional>
#include <string>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "runtime/files/paths.hpp"

namespace troupe {

struct vault_state {
  static inline const char* name = "troupe.vault";
  explicit vault_state(vault_actor::pointer) {}
  paths where;
  environment keys; ///< of the shell that started the supervisor; in memory only
  std::function<void(const std::string&)> log;
};
static_assert(!std::is_aggregate_v<vault_state>);

/// The keys in `credentials.json`: {"keys": {"ANTHROPIC_API_KEY": "..."}}. A file that is open to others, a link, or no
/// such JSON is refused with the remedy, and left as it is.
std::vector<credential> read_credentials(const std::string& path, failure& error);

/// `shell`: the environment the supervisor was started with.
vault_actor::behavior_type make_vault(vault_actor::stateful_pointer<vault_state> self, paths where, environment shell,
                                      std::function<void(const std::string&)> log);

} // namespace troupe
