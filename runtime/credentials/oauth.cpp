// Signing in by OAuth.
#include "runtime/credentials/oauth.hpp"

#include <array>
#include <cstring>
#include <thread>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sha2.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/credentials/web_post.hpp"

namespace troupe {

namespace {

constexpr long web_seconds = 15;
constexpr int browser_ms = 300'000; ///< how long a person may take

struct built_in {
  const char *name, *authorize_url, *token_url, *device_url, *scopes, *variable, *host, *pasted_redirect;
};
/// Client ids are given by a provider to each program: the user names his own in auth.oauth.NAME.clientId.
constexpr std::array table{
    built_in{"anthropic", "https://claude.ai/oauth/authorize", "https://console.anthropic.com/v1/oauth/token", "",
             "user:inference user:profile", "CLAUDE_CODE_OAUTH_TOKEN", "api.anthropic.com",
             "https://console.anthropic.com/oauth/code/callback"},
    built_in{"google", "https://accounts.google.com/o/oauth2/v2/auth", "https://oauth2.googleapis.com/token",
             "https://oauth2.googleapis.com/device/code", "https://www.googleapis.com/auth/cloud-platform",
             "GOOGLE_OAUTH_ACCESS_TOKEN", "generativelanguage.googleapis.com", ""},
};

std::string base64url(const std::uint8_t* data, std::size_t n) {
  constexpr char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  std::string out;
  for (std::size_t i = 0; i < n; i += 3) {
    std::uint32_t v = 0;
    for (std::size_t k = 0; k < 3; ++k)
      v = v << 8 | (i + k < n ? data[i + k] : 0U);
    for (std::size_t k = 0; k < 4 && i + k <= n; ++k)
      out += letters[v >> (18 - 6 * k) & 63];
  }
  return out;
}

std::string random_word() {
  std::uint8_t bytes[32];
  if (::getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
    return {};
  return base64url(bytes, sizeof bytes);
}

/// PKCE (RFC 7636), method S256.
std::string challenge_of(const std::string& verifier) {
  SHA2_CTX context;
  std::uint8_t digest[SHA256_DIGEST_LENGTH];
  SHA256Init(&context);
  SHA256Update(&context, reinterpret_cast<const std::uint8_t*>(verifier.data()), verifier.size());
  SHA256Final(digest, &context);
  return base64url(digest, sizeof digest);
}

std::string text_in(const json& x, const char* name) {
  return x.is_object() && x.contains(name) && x[name].is_string() ? x[name].get<std::string>() : std::string();
}

/// Takes a token answer; a pair without a new refresh token keeps the old one.
bool take_tokens(const sign_in& row, const web_answer& got, wall_ms now, stored_login& into, failure& error) {
  auto body = json::parse(got.body, nullptr, false);
  auto access = text_in(body, "access_token");
  if (got.status != 200 || access.empty()) {
    auto why = text_in(body, "error"), more = text_in(body, "error_description");
    bool rejected = why == "invalid_grant" || got.status == 400 || got.status == 401;
    error = {rejected ? errc::refused : errc::timed_out,
             "the sign-in service of " + row.name +
                 (rejected ? " has rejected it" : " answered with status " + std::to_string(got.status)) +
                 (why.empty() ? "" : ": " + why) + (more.empty() ? "" : " (" + more + ")") +
                 (rejected ? "\nsign in again: troupe login " + row.name : "\ntry again in a moment")};
    return false;
  }
  into.provider = row.name;
  into.variable = row.variable;
  into.host = row.host;
  into.access = access;
  if (auto fresh = text_in(body, "refresh_token"); !fresh.empty())
    into.refresh = fresh;
  constexpr std::int64_t an_hour = 3600;
  auto lasts =
      body.contains("expires_in") && body["expires_in"].is_number() ? body["expires_in"].get<std::int64_t>() : an_hour;
  into.expires = into.refresh.empty() && !body.contains("expires_in") ? 0 : now + lasts * 1000;
  if (body.contains("account") && body["account"].is_object())
    into.account = text_in(body["account"], "email_address");
  else if (auto name = text_in(body, "account"); !name.empty())
    into.account = name;
  return true;
}

/// The first line of what a browser sends to the loopback address; answers it.
std::string await_redirect(int listening, failure& error) {
  pollfd ready{listening, POLLIN, 0};
  if (::poll(&ready, 1, browser_ms) != 1) {
    error = {errc::timed_out, "nobody has signed in within five minutes\ntry again: troupe login"};
    return {};
  }
  unique_fd peer(::accept4(listening, nullptr, nullptr, SOCK_CLOEXEC));
  std::string text;
  char block[4096];
  while (peer && text.find("\r\n\r\n") == std::string::npos && text.size() < 65536) {
    auto n = ::read(peer.get(), block, sizeof block);
    if (n <= 0)
      break;
    text.append(block, static_cast<std::size_t>(n));
  }
  constexpr std::string_view page = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
                                    "You may close this page and go back to the terminal.\n";
  [[maybe_unused]] auto n = ::write(peer.get(), page.data(), page.size());
  return text.substr(0, text.find("\r\n"));
}

std::string decoded(const std::string& text) {
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i)
    if (text[i] == '%' && i + 2 < text.size()) {
      out += static_cast<char>(std::strtol(text.substr(i + 1, 2).c_str(), nullptr, 16));
      i += 2;
    } else {
      out += text[i] == '+' ? ' ' : text[i];
    }
  return out;
}

std::string parameter(const std::string& line, const std::string& name) {
  for (const char* before : {"?", "&"})
    if (auto at = line.find(before + name + "="); at != std::string::npos) {
      auto from = at + name.size() + 2;
      return decoded(line.substr(from, line.find_first_of("& #", from) - from));
    }
  return {};
}

bool named(const sign_in& row, failure& error) {
  if (!row.client_id.empty())
    return true;
  error = {errc::bad_request, "there is no client id for " + row.name + "\nname it in settings.json: auth.oauth." +
                                  row.name + ".clientId; or use a key: troupe login --api-key"};
  return false;
}

} // namespace

std::vector<sign_in> sign_ins(const json& user, std::vector<std::string>& problems) {
  std::vector<sign_in> out;
  for (const auto& b : table)
    out.push_back(
        {b.name, b.authorize_url, b.token_url, b.device_url, {}, b.scopes, b.variable, b.host, b.pasted_redirect});
  static const json::json_pointer where("/auth/oauth");
  if (!user.is_object() || !user.contains(where) || !user.at(where).is_object())
    return out;
  for (const auto& [name, said] : user.at(where).items()) {
    auto at = std::find_if(out.begin(), out.end(), [&, n = &name](const auto& row) { return row.name == *n; });
    if (at == out.end())
      at = out.insert(out.end(), sign_in{name, {}, {}, {}, {}, {}, {}, {}, {}});
    for (const auto& [key, field] :
         {std::pair("authorizeUrl", &sign_in::authorize_url), std::pair("tokenUrl", &sign_in::token_url),
          std::pair("deviceUrl", &sign_in::device_url), std::pair("clientId", &sign_in::client_id),
          std::pair("variable", &sign_in::variable), std::pair("host", &sign_in::host),
          std::pair("pastedRedirect", &sign_in::pasted_redirect)})
      if (said.is_object() && said.contains(key))
        (*at).*field = text_in(said, key);
    if (said.is_object() && said.contains("scopes") && said["scopes"].is_array()) {
      at->scopes.clear();
      for (const auto& s : said["scopes"])
        if (s.is_string())
          at->scopes += (at->scopes.empty() ? "" : " ") + s.get<std::string>();
    }
    if (at->token_url.empty() || at->variable.empty()) {
      problems.push_back("auth.oauth." + name + " needs tokenUrl and variable");
      out.erase(at);
    }
  }
  return out;
}

const sign_in* find_sign_in(const std::vector<sign_in>& all, const std::string& name) {
  for (const auto& row : all)
    if (row.name == name)
      return &row;
  return nullptr;
}

bool refresh(const sign_in& row, stored_login& login, wall_ms now, failure& error) {
  web_answer got;
  if (!post_form(row.token_url,
                 {{"grant_type", "refresh_token"}, {"refresh_token", login.refresh}, {"client_id", row.client_id}},
                 web_seconds, got, error))
    return false;
  return take_tokens(row, got, now, login, error);
}

std::optional<stored_login> sign_in_by_browser(const sign_in& row, bool paste, const person& who, wall_ms now,
                                               failure& error) {
  if (!named(row, error))
    return {};
  unique_fd listening;
  auto redirect = row.pasted_redirect;
  if (!paste) {
    listening.reset(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
    sockaddr_in here{};
    socklen_t size = sizeof here;
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!listening || ::bind(listening.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 ||
        ::listen(listening.get(), 1) != 0 ||
        ::getsockname(listening.get(), reinterpret_cast<sockaddr*>(&here), &size) != 0) {
      error = {errc::disk, std::string("no port can be opened on loopback: ") + std::strerror(errno) +
                               "\npaste the code instead: troupe login --paste"};
      return {};
    }
    redirect = "http://127.0.0.1:" + std::to_string(ntohs(here.sin_port)) + "/callback";
  } else if (redirect.empty()) {
    redirect = "urn:ietf:wg:oauth:2.0:oob";
  }
  auto verifier = random_word(), state = random_word();
  auto url = row.authorize_url + (row.authorize_url.find('?') == std::string::npos ? "?" : "&") +
             encoded({{"response_type", "code"},
                      {"client_id", row.client_id},
                      {"redirect_uri", redirect},
                      {"scope", row.scopes},
                      {"state", state},
                      {"code_challenge", challenge_of(verifier)},
                      {"code_challenge_method", "S256"}});
  who.say("sign in here: " + url);
  std::string code, returned;
  if (paste) {
    code = who.ask("paste the code: ");
    if (auto at = code.find('#'); at != std::string::npos) { // some pages show both
      returned = code.substr(at + 1);
      code = code.substr(0, at);
    } else {
      returned = state;
    }
  } else {
    who.open(url);
    auto line = await_redirect(listening.get(), error);
    if (line.empty())
      return {};
    code = parameter(line, "code");
    returned = parameter(line, "state");
  }
  if (code.empty() || returned != state) {
    error = {errc::refused, "the sign-in was not completed\ntry again: troupe login " + row.name};
    return {};
  }
  web_answer got;
  stored_login out;
  if (!post_form(row.token_url,
                 {{"grant_type", "authorization_code"},
                  {"code", code},
                  {"redirect_uri", redirect},
                  {"client_id", row.client_id},
                  {"code_verifier", verifier},
                  {"state", state}},
                 web_seconds, got, error) ||
      !take_tokens(row, got, now, out, error))
    return {};
  return out;
}

std::optional<stored_login> sign_in_by_device(const sign_in& row, const person& who,
                                              const std::function<wall_ms()>& now, failure& error) {
  if (!named(row, error))
    return {};
  if (row.device_url.empty()) {
    error = {errc::bad_request,
             row.name + " has no sign-in on another device\npaste a code instead: troupe login --paste"};
    return {};
  }
  web_answer got;
  if (!post_form(row.device_url, {{"client_id", row.client_id}, {"scope", row.scopes}}, web_seconds, got, error))
    return {};
  auto body = json::parse(got.body, nullptr, false);
  auto device = text_in(body, "device_code"), code = text_in(body, "user_code");
  auto page = text_in(body, "verification_uri");
  if (got.status != 200 || device.empty() || page.empty()) {
    error = {errc::refused, "the sign-in service of " + row.name +
                                " gives no device code\npaste a code instead: troupe login --paste"};
    return {};
  }
  who.say("on any device, open " + page + " and enter " + code);
  auto wait = body.contains("interval") && body["interval"].is_number() ? body["interval"].get<double>() : 5.0;
  auto until = now() + browser_ms;
  while (now() < until) {
    std::this_thread::sleep_for(std::chrono::milliseconds(static_cast<int>(wait * 1000)));
    web_answer answer;
    stored_login out;
    if (!post_form(row.token_url,
                   {{"grant_type", "urn:ietf:params:oauth:grant-type:device_code"},
                    {"device_code", device},
                    {"client_id", row.client_id}},
                   web_seconds, answer, error))
      return {};
    error = {}; // of the poll before: that nobody had signed in yet
    if (take_tokens(row, answer, now(), out, error))
      return out;
    auto why = text_in(json::parse(answer.body, nullptr, false), "error");
    if (why == "slow_down")
      wait += 5;
    else if (why != "authorization_pending")
      return {};
  }
  error = {errc::timed_out, "nobody has signed in within five minutes\ntry again: troupe login"};
  return {};
}

} // namespace troupe
