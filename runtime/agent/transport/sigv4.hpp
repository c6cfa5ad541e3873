// AWS Signature Version 4 for requests with a body in memory. curl's own encodes Bedrock's paths once where the service
// wants them encoded twice. Pure but for OpenSSL's hashes.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::agent {

struct aws_keys {
  std::string key, secret, token; ///< `token` empty: none
  std::string region, service;
};

struct aws_request {
  std::string method;
  std::string path;                                         ///< as it is sent, encoded; "/" at least
  std::string query;                                        ///< as it is sent, without "?"; names and values encoded
  std::vector<std::pair<std::string, std::string>> headers; ///< those to sign, "host" among them
  std::string_view body;
};

/// The headers to add: x-amz-date, x-amz-security-token where there is a token, and authorization.
/// `time`: UTC as 20150830T123600Z.
std::vector<std::pair<std::string, std::string>> sign(const aws_request& request, const aws_keys& keys,
                                                      const std::string& time);
/// The canonical request that is signed, for tests. `headers`: all of them.
std::string canonical_request(const aws_request& request,
                              const std::vector<std::pair<std::string, std::string>>& headers);

} // namespace troupe::agent
