// Which of the stored credentials go along with a session, and which stay where they are (CRED-7, CRED-8).
#pragma once

#include <string>
#include <vector>

#include "actors/session/session.hpp"
#include "runtime/config/settings_layers.hpp"

namespace troupe {

/// Fills `hands_all`, `hands` and `keeps_back` of `out`, and takes from its `env` what the user has for an endpoint of
/// somebody else's. `layers`: those in force, the user's own first. `harness`: an agent of another maker, or empty.
/// `consented`: the pairs of host and variable that the user lets go to the directory's endpoints.
void share_credentials(const std::vector<settings_layer>& layers, const std::string& harness,
                       const environment& consented, launch_settings& out);

} // namespace troupe
