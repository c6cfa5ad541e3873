// credentials.json: what `troupe login` has stored (CRED-1). Read by the background service and by troupe-credentials,
// written by the latter alone, under the lock beside it.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "messages/errors.hpp"
#include "messages/session.hpp"
#include "runtime/files/paths.hpp"

namespace troupe {

/// An access token with its refresh token, as a sign-in gave them.
struct stored_login {
  std::string provider; ///< its row in the table of sign-ins
  std::string variable; ///< which the access token is handed out as
  std::string access, refresh;
  wall_ms expires = 0; ///< 0: never
  std::string account; ///< whose it is, where the provider has told
  std::string host;    ///< where it may be sent (CRED-8)
};

struct stored_credentials {
  std::map<std::string, std::string> keys;  ///< variable and API key
  std::map<std::string, std::string> hosts; ///< variable and the host that its key is for
  std::vector<stored_login> logins;
  bool elsewhere = false; ///< the secrets are in the desktop's secret service; those here are empty
  [[nodiscard]] bool empty() const { return keys.empty() && logins.empty(); }
};

std::string credentials_path(const paths& where);
/// The lock of everybody who writes, or spends a refresh token (CRED-3).
std::string credentials_lock(const paths& where);
/// Reads it. A file that is open to others, a link, or not as Troupe writes it is refused with the remedy, and left as
/// it is; one that is not there holds nothing.
stored_credentials read_stored(const std::string& path, failure& error);
/// Its text, and back; for the file, and for the secret service. Throws field_error.
std::string stored_text(const stored_credentials& x);
stored_credentials stored_from(const std::string& text);
/// Whether the file can be replaced: asked before a refresh token is spent, since the new one must not be lost.
bool can_store(const std::string& path, failure& error);
/// Replaces it, safe from a power cut, 0600; nothing in it: deletes it.
bool write_stored(const std::string& path, const stored_credentials& x, failure& error);

} // namespace troupe
