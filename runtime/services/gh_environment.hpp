// What of a session's environment `gh` gets when nobody of the session runs it (PR-1). Looks at the file system.
#pragma once

#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

/// Of `env`: what names an account of the user's (HOME, GH_TOKEN, GITHUB_TOKEN, GH_CONFIG_DIR, the keyring) and the way
/// to its host (proxies, certificates), nothing else; no token for hosts that any link may name (GH_ENTERPRISE_TOKEN).
/// PATH and the folders among them are left without what is relative, or within one of `folders` or the repository
/// around it: what a repository brings along is neither the program nor its configuration. A folder that HOME is in is
/// the user's own and no repository's.
environment gh_environment(const environment& env, const std::vector<std::string>& folders);

} // namespace troupe
