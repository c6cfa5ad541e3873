// Signing.
#include "runtime/agent/transport/sigv4.hpp"

#include <algorithm>
#include <cctype>

#include <openssl/evp.h>
#include <openssl/hmac.h>

namespace troupe::agent {
namespace {

using headers = std::vector<std::pair<std::string, std::string>>;

std::string to_hex(std::string_view bytes) {
  std::string text;
  for (const unsigned char c : bytes) {
    text.push_back("0123456789abcdef"[c >> 4]);
    text.push_back("0123456789abcdef"[c & 15]);
  }
  return text;
}

std::string sha256(std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  EVP_Digest(bytes.data(), bytes.size(), digest, &size, EVP_sha256(), nullptr);
  return {reinterpret_cast<char*>(digest), size};
}

std::string hmac(std::string_view key, std::string_view bytes) {
  unsigned char digest[EVP_MAX_MD_SIZE];
  unsigned size = 0;
  HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(bytes.data()),
       bytes.size(), digest, &size);
  return {reinterpret_cast<char*>(digest), size};
}

/// A path that is sent encoded is encoded once more, but for its slashes.
std::string encoded_again(std::string_view path) {
  std::string out;
  for (const unsigned char c : path)
    if (std::isalnum(c) || std::string_view("-_.~/").find(static_cast<char>(c)) != std::string_view::npos)
      out.push_back(static_cast<char>(c));
    else
      out += {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
  return out;
}

std::string sorted_query(std::string_view query) {
  std::vector<std::string> parts;
  while (!query.empty()) {
    const auto end = std::min(query.find('&'), query.size());
    parts.emplace_back(query.substr(0, end));
    if (parts.back().find('=') == std::string::npos)
      parts.back().push_back('=');
    query.remove_prefix(std::min(end + 1, query.size()));
  }
  std::sort(parts.begin(), parts.end());
  std::string out;
  for (const auto& each : parts)
    out += (out.empty() ? "" : "&") + each;
  return out;
}

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// Without spaces around, and one for several within.
std::string squeezed(std::string_view text) {
  std::string out;
  for (const char c : text)
    if (c != ' ' || (!out.empty() && out.back() != ' '))
      out.push_back(c);
  while (!out.empty() && out.back() == ' ')
    out.pop_back();
  return out;
}

headers canonical_headers(const headers& all) {
  headers sorted;
  for (const auto& [name, value] : all)
    sorted.emplace_back(lowered(name), squeezed(value));
  std::sort(sorted.begin(), sorted.end());
  return sorted;
}

std::string names_of(const headers& sorted) {
  std::string names;
  for (const auto& each : sorted)
    names += (names.empty() ? "" : ";") + each.first;
  return names;
}

} // namespace

std::string canonical_request(const aws_request& request, const headers& all) {
  const auto sorted = canonical_headers(all);
  auto text = request.method + "\n" + encoded_again(request.path) + "\n" + sorted_query(request.query) + "\n";
  for (const auto& [name, value] : sorted)
    text += name + ":" + value + "\n";
  return text + "\n" + names_of(sorted) + "\n" + to_hex(sha256(request.body));
}

headers sign(const aws_request& request, const aws_keys& keys, const std::string& time) {
  headers added{{"x-amz-date", time}};
  if (!keys.token.empty())
    added.emplace_back("x-amz-security-token", keys.token);
  auto all = request.headers;
  all.insert(all.end(), added.begin(), added.end());
  const auto day = time.substr(0, 8);
  const auto scope = day + "/" + keys.region + "/" + keys.service + "/aws4_request";
  const auto text = "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + to_hex(sha256(canonical_request(request, all)));
  auto key = hmac("AWS4" + keys.secret, day);
  for (const auto& part : {keys.region, keys.service, std::string("aws4_request")})
    key = hmac(key, part);
  added.emplace_back("authorization", "AWS4-HMAC-SHA256 Credential=" + keys.key + "/" + scope + ", SignedHeaders=" +
                                          names_of(canonical_headers(all)) + ", Signature=" + to_hex(hmac(key, text)));
  return added;
}

} // namespace troupe::agent
