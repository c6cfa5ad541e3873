// One POST by libcurl.
#include "runtime/credentials/web_post.hpp"

#include <memory>

#include <curl/curl.h>

#include "runtime/config/project_trust.hpp"

namespace troupe {

namespace {

std::size_t take(char* data, std::size_t, std::size_t n, void* to) {
  constexpr std::size_t most = 1 << 20;
  auto& text = *static_cast<std::string*>(to);
  if (text.size() + n > most)
    return 0;
  text.append(data, n);
  return n;
}

std::string escaped(const std::string& text) {
  constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text)
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' || c == '_' ||
        c == '.' || c == '~')
      out += static_cast<char>(c);
    else
      out += {'%', digits[c >> 4], digits[c & 15]};
  return out;
}

} // namespace

std::string encoded(const form& fields) {
  std::string out;
  for (const auto& [name, value] : fields)
    out += (out.empty() ? "" : "&") + escaped(name) + "=" + escaped(value);
  return out;
}

bool post_form(const std::string& url, const form& fields, long seconds, web_answer& out, failure& error) {
  bool secure = false;
  auto host = host_of(url, &secure);
  if (host.empty() || !secure) {
    error = {errc::bad_request, "no secret is sent over plain HTTP: " + url + "\nname an https address in auth.oauth"};
    return false;
  }
  std::unique_ptr<CURL, void (*)(CURL*)> call(curl_easy_init(), curl_easy_cleanup);
  auto body = encoded(fields);
  auto set = [&](CURLoption option, auto value) { curl_easy_setopt(call.get(), option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_POSTFIELDS, body.c_str());
  set(CURLOPT_POSTFIELDSIZE, static_cast<long>(body.size()));
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_TIMEOUT, seconds);
  set(CURLOPT_CONNECTTIMEOUT, seconds);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_WRITEFUNCTION, take);
  set(CURLOPT_WRITEDATA, &out.body);
  set(CURLOPT_USERAGENT, "troupe/" TROUPE_VERSION);
  auto code = curl_easy_perform(call.get());
  if (code != CURLE_OK) {
    error = {errc::timed_out, "the sign-in service at " + host + " cannot be reached: " + curl_easy_strerror(code) +
                                  "\ntry again when there is a network"};
    return false;
  }
  curl_easy_getinfo(call.get(), CURLINFO_RESPONSE_CODE, &out.status);
  return true;
}

} // namespace troupe
