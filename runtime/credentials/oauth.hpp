// Signing in by OAuth: the table of providers, the token requests, the browser and the device flow (CRED-1).
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "messages/json.hpp"
#include "runtime/files/credential_file.hpp"

namespace troupe {

/// A provider's row: built in, and changed or added by the setting auth.oauth.NAME.
struct sign_in {
  std::string name;
  std::string authorize_url, token_url;
  std::string device_url; ///< empty: it has no device flow
  std::string client_id;
  std::string scopes;          ///< with spaces between
  std::string variable;        ///< that the access token is handed out as
  std::string host;            ///< where it may be sent
  std::string pasted_redirect; ///< of a provider that shows a code to be pasted; empty: a loopback address
};

/// All rows. `problems` gets one sentence a fault.
std::vector<sign_in> sign_ins(const json& user_settings, std::vector<std::string>& problems);
const sign_in* find_sign_in(const std::vector<sign_in>& all, const std::string& name);

/// How the flows speak to the person at the terminal.
struct person {
  std::function<void(const std::string&)> say;
  std::function<std::string(const std::string& question)> ask;
  std::function<void(const std::string& url)> open; ///< in a browser, if there is one
};

/// Trades a refresh token for a new pair; `login` is changed. False: `error` says why; with errc::refused the provider
/// has rejected the token, and it is of no use any more.
bool refresh(const sign_in& row, stored_login& login, wall_ms now, failure& error);
/// Signs in by a browser on this machine, or with `paste` by a code that the person copies.
std::optional<stored_login> sign_in_by_browser(const sign_in& row, bool paste, const person& who, wall_ms now,
                                               failure& error);
/// Signs in on another device (RFC 8628).
std::optional<stored_login> sign_in_by_device(const sign_in& row, const person& who,
                                              const std::function<wall_ms()>& now, failure& error);

} // namespace troupe
