// The providers by name.
#include "runtime/agent/provider.hpp"

#include "runtime/agent/offline_provider.hpp"

namespace troupe::agent {

std::unique_ptr<provider> make_provider(event_loop& events, const provider_choice& choice) {
  if (choice.name == "offline")
    return std::make_unique<offline_provider>(events, choice.cwd);
  return nullptr;
}

} // namespace troupe::agent
