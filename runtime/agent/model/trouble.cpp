// Troubles in words.
#include "runtime/agent/model/trouble.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::agent {
namespace {

using std::chrono::milliseconds;
using kind = trouble::kind;

constexpr std::size_t text_limit = 300;

/// The message in a provider's error, whatever its shape; else the beginning of the body.
std::string words_in(const std::string& body, std::string& type) {
  const auto all = json::parse(body, nullptr, false);
  const auto* error = field(all, "error");
  if (error == nullptr && all.is_array() && !all.empty()) // Google's
    error = field(all.front(), "error");
  if (error != nullptr)
    type = text_field(*error, "type").value_or(text_field(*error, "code").value_or(""));
  auto text = error != nullptr && error->is_string() ? std::optional(error->get<std::string>())
              : error != nullptr                     ? text_field(*error, "message")
                                                     : text_field(all, "message");
  auto words = text.value_or(all.is_discarded() ? body : "");
  words = words.substr(0, words.find('\n'));
  return words.size() > text_limit ? words.substr(0, text_limit) + " ..." : words;
}

bool is_about_length(const std::string& text, const std::string& type) {
  for (const char* part : {"prompt is too long", "context length", "context window", "maximum context",
                           "too many tokens", "input length and `max_tokens` exceed"})
    if (text.find(part) != std::string::npos)
      return true;
  return type == "context_length_exceeded";
}

std::optional<milliseconds> wait_in(const json& headers) {
  for (const auto& [name, unit] : {std::pair("retry-after-ms", 1.0), std::pair("retry-after", 1000.0)}) {
    const auto value = text_field(headers, name).value_or("");
    double number = 0;
    const auto [end, failed] = std::from_chars(value.data(), value.data() + value.size(), number);
    if (failed == std::errc() && number >= 0 && number < 1e7)
      return milliseconds(static_cast<std::int64_t>(number * unit));
  }
  return std::nullopt;
}

kind kind_of_status(int status) {
  if (status >= 300 && status < 400)
    return kind::redirected;
  if (status == 401 || status == 403)
    return kind::refused;
  if (status == 404)
    return kind::unknown;
  if (status == 429)
    return kind::limited;
  if (status == 529)
    return kind::overloaded;
  return status >= 500 ? kind::failing : kind::bad;
}

bool passes(kind what) {
  switch (what) {
  case kind::limited:
  case kind::overloaded:
  case kind::failing:
  case kind::dropped:
  case kind::stalled:
  case kind::no_name:
  case kind::no_route:
    return true;
  default:
    return false;
  }
}

std::string fault_of(const trouble& what, const endpoint& where) {
  const auto& host = where.host;
  switch (what.is) {
  case kind::refused:
    return host + " refused the sign-in";
  case kind::unknown:
    return host + " does not know the model '" + where.model + "', or has no such address";
  case kind::bad:
    return host + " refused the request";
  case kind::too_long:
    return "the conversation is too long for '" + where.model + "'";
  case kind::limited:
    return host + " is rate limiting";
  case kind::overloaded:
    return host + " is overloaded";
  case kind::failing:
    return host + " failed";
  case kind::dropped:
    return "the connection to " + host + " was dropped";
  case kind::stalled:
    return host + " went silent";
  case kind::tls:
    return "no safe connection to " + host;
  case kind::no_name:
    return "the name " + host + " was not found";
  case kind::no_route:
    return "no connection to " + host;
  case kind::redirected:
    return host + " redirects elsewhere, where credentials are not sent";
  case kind::broken:
    return "the answer of " + host + " is none";
  case kind::local:
    break;
  }
  return "the request could not be sent";
}

const char* remedy_of(kind what) {
  switch (what) {
  case kind::refused:
    return "sign in anew: troupe login; then send a message to go on";
  case kind::unknown:
    return "name another model: --model NAME";
  case kind::bad:
    return "look at the provider's words; another model may take it: --model NAME";
  case kind::too_long:
    return "begin a new session, or name a model with a longer context";
  case kind::tls:
    return "look at the certificate, or name the one to trust in SSL_CERT_FILE";
  case kind::no_name:
  case kind::no_route:
    return "look at the network, the proxy variables and the *_BASE_URL; then send a message to go on";
  case kind::redirected:
    return "give the final address as the *_BASE_URL";
  case kind::local:
    return "run: troupe doctor";
  default:
    return "wait a while, then send a message to go on";
  }
}

} // namespace

trouble of_status(int status, const json& headers, const std::string& body) {
  trouble what;
  std::string type;
  what.status = status;
  what.is = kind_of_status(status);
  what.text = words_in(body, type);
  what.wait = wait_in(headers);
  if (what.is == kind::redirected)
    what.text = "to " + text_field(headers, "location").value_or("nowhere");
  if (type == "overloaded_error")
    what.is = kind::overloaded;
  if ((status == 400 || status == 413) && is_about_length(what.text, type))
    what.is = kind::too_long;
  return what;
}

trouble of_transport(const http_failure& failure) {
  trouble what;
  what.text = failure.text;
  what.is = failure.kind == "dns"       ? kind::no_name
            : failure.kind == "connect" ? kind::no_route
            : failure.kind == "timeout" ? kind::no_route
            : failure.kind == "tls"     ? kind::tls
            : failure.kind == "dropped" ? kind::dropped
                                        : kind::local;
  return what;
}

trouble of_answer(const answer_error& error) {
  trouble what;
  what.text = error.text;
  const auto has = [&](const char* part) { return error.kind.find(part) != std::string::npos; };
  what.is = error.kind == "dropped"                                ? kind::dropped
            : error.kind == "unreadable"                           ? kind::broken
            : has("overloaded")                                    ? kind::overloaded
            : has("rate_limit") || has("throttling")               ? kind::limited
            : has("authentication") || has("permission")           ? kind::refused
            : is_about_length(error.text, error.kind)              ? kind::too_long
            : has("invalid_request") || has("validationException") ? kind::bad
                                                                   : kind::failing;
  return what;
}

trouble of_silence(std::chrono::seconds waited) {
  trouble what;
  what.is = kind::stalled;
  what.text = "nothing came for " + std::to_string(waited.count()) + " s";
  return what;
}

std::optional<milliseconds> next_try(const retry_policy& policy, const trouble& what, int made, bool said,
                                     double chance) {
  if (said || made >= policy.most || !passes(what.is))
    return std::nullopt;
  auto base = policy.first;
  for (int i = 1; i < made && base < policy.longest; ++i)
    base *= 2;
  base = std::min(base, policy.longest);
  const auto spread =
      milliseconds(static_cast<std::int64_t>(static_cast<double>(base.count()) * (0.75 + 0.5 * chance)));
  if (!what.wait)
    return spread;
  if (*what.wait > policy.patience)
    return std::nullopt;
  return std::max(*what.wait + (spread - base * 3 / 4) / 2, milliseconds(1)); // never before what was asked for
}

const char* word_of(kind what) {
  switch (what) {
  case kind::limited:
    return "rate limited";
  case kind::overloaded:
    return "overloaded";
  case kind::failing:
    return "failing";
  case kind::dropped:
    return "connection dropped";
  case kind::stalled:
    return "silent";
  case kind::no_name:
    return "name not found";
  case kind::no_route:
    return "not reached";
  default:
    return "failed";
  }
}

std::string explain(const trouble& what, const endpoint& where, int tries) {
  auto line = fault_of(what, where);
  if (what.status != 0)
    line += " (" + std::to_string(what.status) + ")";
  if (tries > 1)
    line += ", " + std::to_string(tries) + " times";
  if (!what.text.empty())
    line += ": " + what.text;
  return line + "\n  " + remedy_of(what.is);
}

} // namespace troupe::agent
