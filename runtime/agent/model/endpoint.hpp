// Where a step's request goes, and with what credential: from a session's settings, environment and snapshot. Pure.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "runtime/agent/model/http_client.hpp"
#include "runtime/agent/session_setup.hpp"

namespace troupe::agent {

enum class dialect { anthropic, chat };

struct endpoint {
  std::string provider, model; ///< the model as the provider knows it
  std::string host;            ///< for people
  dialect speaks = dialect::anthropic;
  bool aws_frames = false;  ///< the answer comes as an AWS event stream
  std::string body_version; ///< anthropic_version in the body; empty: none, and the model stands in the body
  http_request request;     ///< all but the body
  /// A command whose output is the credential, to be run first: a bearer token, or with `aws_frames` JSON with
  /// AccessKeyId, SecretAccessKey and SessionToken. Empty: none is needed.
  std::string helper;
};

/// The endpoint of this provider; none with `error` set: a credential, a project or a region is missing, or the address
/// is neither HTTPS nor on loopback (CRED-8).
std::optional<endpoint> resolve_endpoint(const session_setup& setup, const std::string& provider, std::string& error);

/// A helper's output put into the request. False with `error` set where it is none.
bool take_credential(endpoint& where, const std::string& output, std::string& error);

/// Whether credentials may go to this URL: HTTPS, or HTTP on loopback.
bool is_safe(const std::string& url);

} // namespace troupe::agent
