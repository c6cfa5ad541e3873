// The providers' addresses, one function each.
#include "runtime/agent/model/endpoint.hpp"

#include <algorithm>
#include <cctype>

#include "runtime/agent/model/choice.hpp"
#include "runtime/agent/model/models.hpp"

namespace troupe::agent {
namespace {

constexpr const char* anthropic_version = "2023-06-01";
constexpr const char* vertex_helper = "gcloud auth print-access-token";
constexpr const char* aws_helper = "aws configure export-credentials --format process";

std::string lowered(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

/// The host of a URL, without port, brackets and user.
std::string host_of(const std::string& url) {
  const auto scheme = url.find("://");
  auto rest = url.substr(scheme == std::string::npos ? 0 : scheme + 3);
  rest = rest.substr(0, rest.find_first_of("/?#"));
  rest = rest.substr(rest.rfind('@') + 1);
  if (rest.starts_with("["))
    return lowered(rest.substr(1, rest.find(']') - 1));
  return lowered(rest.substr(0, rest.find(':')));
}

bool is_loopback(const std::string& host) {
  return host == "localhost" || host == "::1" ||
         (host.starts_with("127.") && host.find_first_not_of("0123456789.") == std::string::npos);
}

std::string without_slash(std::string url) {
  while (url.ends_with("/"))
    url.pop_back();
  return url;
}

std::string first_of(const session_setup& setup, std::initializer_list<const char*> names) {
  for (const char* name : names)
    if (auto value = value_of(setup.env, name); !value.empty())
      return value;
  return {};
}

std::string escaped(const std::string& segment) {
  std::string out;
  for (const unsigned char c : segment)
    if (std::isalnum(c) != 0 || c == '-' || c == '_' || c == '.' || c == '~')
      out.push_back(static_cast<char>(c));
    else
      out += {'%', "0123456789ABCDEF"[c >> 4], "0123456789ABCDEF"[c & 15]};
  return out;
}

std::string native_text(const session_setup& setup, const char* name) {
  const auto* native = field(setup.settings, "native");
  return native != nullptr ? text_field(*native, name).value_or("") : std::string();
}

void add_custom_headers(const session_setup& setup, endpoint& to) {
  const auto lines = value_of(setup.env, "ANTHROPIC_CUSTOM_HEADERS");
  for (std::size_t at = 0; at < lines.size();) {
    const auto end = std::min(lines.find('\n', at), lines.size());
    const auto line = lines.substr(at, end - at);
    at = end + 1;
    const auto colon = line.find(':');
    if (colon == std::string::npos || colon == 0 || line.find('\r') != std::string::npos)
      continue;
    const auto value = line.find_first_not_of(' ', colon + 1);
    to.request.headers.emplace_back(line.substr(0, colon), value == std::string::npos ? "" : line.substr(value));
  }
}

void use_bearer(endpoint& to, const std::string& token) {
  to.request.headers.emplace_back("authorization", "Bearer " + token);
}

bool to_anthropic(const session_setup& setup, endpoint& to, std::string& error) {
  const auto base = value_of(setup.env, "ANTHROPIC_BASE_URL");
  to.request.url = without_slash(base.empty() ? "https://api.anthropic.com" : base) + "/v1/messages";
  to.request.headers.emplace_back("anthropic-version", anthropic_version);
  const auto key = variable(setup, "ANTHROPIC_API_KEY"), token = variable(setup, "ANTHROPIC_AUTH_TOKEN"),
             login = variable(setup, "CLAUDE_CODE_OAUTH_TOKEN");
  if (!token.empty()) {
    use_bearer(to, token);
  } else if (!key.empty()) {
    to.request.headers.emplace_back("x-api-key", key);
  } else if (!login.empty()) {
    use_bearer(to, login);
    to.request.headers.emplace_back("anthropic-beta", "oauth-2025-04-20");
  } else if (!is_loopback(host_of(to.request.url))) {
    error = unresolved("there is no key and no login for " + host_of(to.request.url));
    return false;
  }
  add_custom_headers(setup, to);
  return true;
}

bool to_openai(const session_setup& setup, endpoint& to, std::string& error) {
  const auto base = value_of(setup.env, "OPENAI_BASE_URL");
  to.speaks = dialect::chat;
  to.request.url = without_slash(base.empty() ? "https://api.openai.com/v1" : base) + "/chat/completions";
  const auto key = variable(setup, "OPENAI_API_KEY");
  if (!key.empty()) {
    use_bearer(to, key);
  } else if (!is_loopback(host_of(to.request.url))) {
    error = unresolved("there is no key for " + host_of(to.request.url));
    return false;
  }
  if (!to.model.empty())
    return true;
  error = "no model is named, and a server of one's own has no default\n  name one: --model NAME, or OPENAI_MODEL";
  return false;
}

bool to_bedrock(const session_setup& setup, endpoint& to, std::string& error) {
  const auto region = first_of(setup, {"AWS_REGION", "AWS_DEFAULT_REGION"});
  const auto base = value_of(setup.env, "ANTHROPIC_BEDROCK_BASE_URL");
  if (region.empty()) {
    error = "bedrock needs a region\n  set AWS_REGION";
    return false;
  }
  to.request.url = without_slash(base.empty() ? "https://bedrock-runtime." + region + ".amazonaws.com" : base) +
                   "/model/" + escaped(to.model) + "/invoke-with-response-stream";
  to.aws_frames = true;
  to.body_version = "bedrock-2023-05-31";
  add_custom_headers(setup, to);
  if (switched_on(setup, "CLAUDE_CODE_SKIP_BEDROCK_AUTH"))
    return true;
  if (const auto bearer = variable(setup, "AWS_BEARER_TOKEN_BEDROCK"); !bearer.empty()) {
    use_bearer(to, bearer);
    return true;
  }
  const auto key = variable(setup, "AWS_ACCESS_KEY_ID"), secret = variable(setup, "AWS_SECRET_ACCESS_KEY");
  to.request.aws = aws_signer{key, secret, variable(setup, "AWS_SESSION_TOKEN"), region, "bedrock"};
  if (key.empty() || secret.empty()) {
    const auto own = native_text(setup, "awsCredentialHelper");
    to.helper = own.empty() ? aws_helper : own;
  }
  return true;
}

bool to_vertex(const session_setup& setup, endpoint& to, std::string& error) {
  const auto project = first_of(setup, {"ANTHROPIC_VERTEX_PROJECT_ID", "GOOGLE_CLOUD_PROJECT", "GCLOUD_PROJECT"});
  auto region = first_of(setup, {"CLOUD_ML_REGION", "GOOGLE_CLOUD_LOCATION"});
  if (region.empty())
    region = "global";
  if (project.empty()) {
    error = "vertex needs a project\n  set ANTHROPIC_VERTEX_PROJECT_ID";
    return false;
  }
  auto base = value_of(setup.env, "ANTHROPIC_VERTEX_BASE_URL");
  if (base.empty())
    base = "https://" + (region == "global" ? "" : region + "-") + "aiplatform.googleapis.com/v1";
  to.request.url = without_slash(base) + "/projects/" + escaped(project) + "/locations/" + escaped(region) +
                   "/publishers/anthropic/models/" + to.model + ":streamRawPredict";
  to.body_version = "vertex-2023-10-16";
  add_custom_headers(setup, to);
  if (switched_on(setup, "CLAUDE_CODE_SKIP_VERTEX_AUTH"))
    return true;
  const auto own = native_text(setup, "vertexTokenHelper");
  to.helper = own.empty() ? vertex_helper : own;
  return true;
}

/// A proxy by the session's variables, as curl reads them; what is on loopback needs none.
void add_network(const session_setup& setup, endpoint& to) {
  to.request.ca_file = first_of(setup, {"CURL_CA_BUNDLE", "SSL_CERT_FILE"});
  to.request.no_proxy = first_of(setup, {"no_proxy", "NO_PROXY"});
  if (is_loopback(to.host))
    return;
  to.request.proxy = to.request.url.starts_with("https:")
                         ? first_of(setup, {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"})
                         : first_of(setup, {"http_proxy", "all_proxy", "ALL_PROXY"});
}

} // namespace

bool is_safe(const std::string& url) {
  const auto scheme = lowered(url.substr(0, url.find("://")));
  return scheme == "https" || (scheme == "http" && is_loopback(host_of(url)));
}

std::optional<endpoint> resolve_endpoint(const session_setup& setup, const std::string& provider, std::string& error) {
  endpoint to;
  to.provider = provider;
  to.model = resolve_model(setup, provider);
  to.request.headers.emplace_back("content-type", "application/json");
  to.request.headers.emplace_back("user-agent", "troupe-agent/" TROUPE_VERSION);
  const bool found = provider == "openai"    ? to_openai(setup, to, error)
                     : provider == "bedrock" ? to_bedrock(setup, to, error)
                     : provider == "vertex"  ? to_vertex(setup, to, error)
                                             : to_anthropic(setup, to, error);
  if (!found)
    return std::nullopt;
  to.host = host_of(to.request.url);
  if (!is_safe(to.request.url)) {
    error = "credentials are not sent without TLS to " + to.host + "\n  use an https:// address";
    return std::nullopt;
  }
  add_network(setup, to);
  return to;
}

bool take_credential(endpoint& where, const std::string& output, std::string& error) {
  const auto first = output.find_first_not_of(" \t\r\n"), last = output.find_last_not_of(" \t\r\n");
  const auto text = first == std::string::npos ? std::string() : output.substr(first, last - first + 1);
  if (!where.request.aws) {
    if (text.empty() || text.find_first_of(" \t\r\n") != std::string::npos) {
      error = unresolved("'" + where.helper + "' printed no token");
      return false;
    }
    use_bearer(where, text);
    return true;
  }
  const auto keys = json::parse(text, nullptr, false);
  auto& aws = *where.request.aws;
  aws.key = text_field(keys, "AccessKeyId").value_or("");
  aws.secret = text_field(keys, "SecretAccessKey").value_or("");
  aws.token = text_field(keys, "SessionToken").value_or("");
  if (!aws.key.empty() && !aws.secret.empty())
    return true;
  error = unresolved("'" + where.helper + "' printed no AccessKeyId and SecretAccessKey");
  return false;
}

} // namespace troupe::agent
