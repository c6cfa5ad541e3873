// What can go wrong with a request to a model: its own word for each, and whether and when it is tried again. Pure.
#pragma once

#include <chrono>
#include <optional>
#include <string>

#include "runtime/agent/fields.hpp"
#include "runtime/agent/model/dialect.hpp"
#include "runtime/agent/model/endpoint.hpp"

namespace troupe::agent {

struct trouble {
  enum class kind {
    refused,    ///< 401, 403: the sign-in
    unknown,    ///< 404: the model or the address
    bad,        ///< other 4xx: the request itself
    too_long,   ///< the conversation does not fit any more
    limited,    ///< 429
    overloaded, ///< 529, or said so in the answer
    failing,    ///< 5xx
    dropped,    ///< the connection, ahead of the end of the answer
    stalled,    ///< silent for too long
    tls,        ///< not who it should be
    no_name,    ///< DNS
    no_route,   ///< refused, unreachable, timed out
    redirected,
    broken, ///< an answer that is none
    local,  ///< this machine's: the transport cannot be started
  };
  kind is = kind::broken;
  std::string text;                              ///< the provider's or the system's words
  int status = 0;                                ///< HTTP; 0: none
  std::optional<std::chrono::milliseconds> wait; ///< what retry-after said
};

/// An answer with an HTTP status other than 200.
trouble of_status(int status, const json& headers, const std::string& body);
trouble of_transport(const http_failure& failure);
trouble of_answer(const answer_error& error);
trouble of_silence(std::chrono::seconds waited);

struct retry_policy {
  int most = 6; ///< tries in all
  std::chrono::milliseconds first{500}, longest{32'000};
  std::chrono::milliseconds patience{120'000}; ///< a retry-after beyond it is not waited for
};

/// How long to wait before try `made + 1`; none: give up. `said`: part of the answer has been passed on. `chance`: 0 to
/// 1, spreads those who failed together.
std::optional<std::chrono::milliseconds> next_try(const retry_policy& policy, const trouble& what, int made, bool said,
                                                  double chance);

/// Two lines for people: what is wrong and what to do. `tries`: how many were made.
std::string explain(const trouble& what, const endpoint& where, int tries);
/// One short word: "rate limited", "overloaded", ...
const char* word_of(trouble::kind kind);

} // namespace troupe::agent
