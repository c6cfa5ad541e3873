// libcurl's multi interface, with the socket to the agent as one more descriptor.
#include "runtime/agent/transport/transfers.hpp"

#include <cctype>
#include <cerrno>
#include <cstring>
#include <ctime>
#include <vector>

#include <unistd.h>

#include <nlohmann/json.hpp>

#include "runtime/agent/transport/sigv4.hpp"

namespace troupe::agent {
namespace {

using json = nlohmann::json;

std::string text_in(const json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

std::string now_utc() {
  const auto now = std::time(nullptr);
  std::tm parts{};
  gmtime_r(&now, &parts);
  char text[32];
  std::strftime(text, sizeof text, "%Y%m%dT%H%M%SZ", &parts);
  return text;
}

std::string part_of(CURLU* url, CURLUPart which) {
  char* text = nullptr;
  if (curl_url_get(url, which, &text, 0) != CURLUE_OK)
    return {};
  std::string out(text);
  curl_free(text);
  return out;
}

/// Host and port as the Host header has them.
std::string host_of(CURLU* url) {
  const auto port = part_of(url, CURLUPART_PORT);
  return part_of(url, CURLUPART_HOST) + (port.empty() ? "" : ":" + port);
}

const char* kind_of(CURLcode code) {
  switch (code) {
  case CURLE_COULDNT_RESOLVE_HOST:
  case CURLE_COULDNT_RESOLVE_PROXY:
    return "dns";
  case CURLE_COULDNT_CONNECT:
    return "connect";
  case CURLE_OPERATION_TIMEDOUT:
    return "timeout";
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_CACERT_BADFILE:
  case CURLE_SSL_ISSUER_ERROR:
    return "tls";
  case CURLE_GOT_NOTHING:
  case CURLE_SEND_ERROR:
  case CURLE_RECV_ERROR:
  case CURLE_PARTIAL_FILE:
  case CURLE_HTTP2:
  case CURLE_HTTP2_STREAM:
    return "dropped";
  default:
    return "other";
  }
}

} // namespace

struct transfers::transfer {
  transfers& owner;
  std::uint32_t id;
  std::string body;
  CURL* easy = curl_easy_init();
  curl_slist* headers = nullptr;
  char error[CURL_ERROR_SIZE] = "";
  json answered = json::object(); ///< headers of the latest answer
  bool told = false;              ///< the status

  transfer(transfers& o, std::uint32_t n) : owner(o), id(n) {}
  ~transfer() {
    curl_easy_cleanup(easy);
    curl_slist_free_all(headers);
  }
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  void add_header(const std::string& name, const std::string& value) {
    headers = curl_slist_append(headers, (name + ": " + value).c_str());
  }

  void tell_status() {
    if (std::exchange(told, true))
      return;
    long status = 0;
    curl_easy_getinfo(easy, CURLINFO_RESPONSE_CODE, &status);
    owner.send(frame_kind::status, id,
               json{{"status", status}, {"headers", answered}}.dump(-1, ' ', false, json::error_handler_t::replace));
  }

  static std::size_t header(char* text, std::size_t, std::size_t size, void* self) {
    auto& t = *static_cast<transfer*>(self);
    std::string_view line(text, size);
    if (line.starts_with("HTTP/"))
      t.answered = json::object(); // a proxy's answer, or a 1xx, was there before
    const auto colon = line.find(':');
    if (colon == std::string_view::npos)
      return size;
    std::string name(line.substr(0, colon));
    for (auto& c : name)
      c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    line.remove_prefix(colon + 1);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.front())))
      line.remove_prefix(1);
    while (!line.empty() && std::isspace(static_cast<unsigned char>(line.back())))
      line.remove_suffix(1);
    t.answered[name] = line;
    return size;
  }

  static std::size_t data(char* bytes, std::size_t, std::size_t size, void* self) {
    auto& t = *static_cast<transfer*>(self);
    t.tell_status();
    t.owner.send(frame_kind::data, t.id, {bytes, size});
    return size;
  }
};

transfers::transfers(int socket) : socket_(socket), multi_(curl_multi_init()) {}

transfers::~transfers() {
  while (!running_.empty())
    drop(running_.begin()->first);
  curl_multi_cleanup(multi_);
}

void transfers::send(frame_kind kind, std::uint32_t id, std::string_view payload) {
  const auto bytes = to_frame(kind, id, payload);
  for (std::size_t at = 0; at < bytes.size() && !over_;) {
    const auto n = ::write(socket_, bytes.data() + at, bytes.size() - at);
    if (n > 0)
      at += static_cast<std::size_t>(n);
    else if (errno != EINTR)
      over_ = true;
  }
}

void transfers::run() {
  while (!over_) {
    int running = 0;
    curl_multi_perform(multi_, &running);
    collect_ended();
    curl_waitfd agent{socket_, CURL_WAIT_POLLIN, 0};
    curl_multi_poll(multi_, &agent, 1, 60'000, nullptr);
    if (agent.revents == 0)
      continue;
    char bytes[65536];
    const auto n = ::read(socket_, bytes, sizeof bytes);
    if (n <= 0)
      return;
    in_.feed({bytes, static_cast<std::size_t>(n)},
             [this](frame_kind kind, std::uint32_t id, std::string_view payload) { take(kind, id, payload); });
  }
}

void transfers::take(frame_kind kind, std::uint32_t id, std::string_view payload) {
  if (kind == frame_kind::request)
    begin(id, payload);
  else if (kind == frame_kind::cancel)
    drop(id);
}

void transfers::begin(std::uint32_t id, std::string_view payload) {
  const auto line = payload.substr(0, payload.find('\n'));
  const auto asked = json::parse(line.begin(), line.end(), nullptr, false);
  if (!asked.is_object() || line.size() == payload.size())
    return send(frame_kind::failure, id, R"({"kind":"other","text":"not a request"})");
  auto t = std::make_unique<transfer>(*this, id);
  t->body = payload.substr(line.size() + 1);
  const auto url = text_in(asked, "url"), method = text_in(asked, "method");
  std::vector<std::pair<std::string, std::string>> headers;
  for (const auto& pair : asked.value("headers", json::array()))
    headers.emplace_back(pair.at(0).get<std::string>(), pair.at(1).get<std::string>());
  if (const auto aws = asked.find("aws"); aws != asked.end()) {
    CURLU* parts = curl_url();
    curl_url_set(parts, CURLUPART_URL, url.c_str(), 0);
    aws_request request{method, part_of(parts, CURLUPART_PATH), part_of(parts, CURLUPART_QUERY), headers, t->body};
    request.headers.emplace_back("host", host_of(parts));
    curl_url_cleanup(parts);
    const aws_keys keys{text_in(*aws, "key"), text_in(*aws, "secret"), text_in(*aws, "token"), text_in(*aws, "region"),
                        text_in(*aws, "service")};
    for (auto& each : sign(request, keys, now_utc()))
      headers.push_back(std::move(each));
  }
  for (const auto& [name, value] : headers)
    t->add_header(name, value);
  t->add_header("Expect", ""); // a body is never held back for a 100
  const auto set = [easy = t->easy](auto option, auto value) { curl_easy_setopt(easy, option, value); };
  set(CURLOPT_URL, url.c_str());
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_CUSTOMREQUEST, method.c_str());
  if (method != "GET") {
    set(CURLOPT_POSTFIELDS, t->body.data());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(t->body.size()));
  }
  set(CURLOPT_HTTPHEADER, t->headers);
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NOSIGNAL, 1L);
  set(CURLOPT_QUICK_EXIT, 1L); // a cancel does not wait for a name that is being looked up
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_PATH_AS_IS, 1L);
  set(CURLOPT_PROXY, text_in(asked, "proxy").c_str()); // "" is none, whatever the environment says
  set(CURLOPT_NOPROXY, text_in(asked, "noProxy").c_str());
  if (const auto file = text_in(asked, "caFile"); !file.empty())
    set(CURLOPT_CAINFO, file.c_str());
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(asked.value("connectMs", 30'000)));
  set(CURLOPT_ERRORBUFFER, t->error);
  set(CURLOPT_PRIVATE, t.get());
  set(CURLOPT_HEADERFUNCTION, &transfer::header);
  set(CURLOPT_HEADERDATA, t.get());
  set(CURLOPT_WRITEFUNCTION, &transfer::data);
  set(CURLOPT_WRITEDATA, t.get());
  curl_multi_add_handle(multi_, t->easy);
  running_[id] = std::move(t);
}

void transfers::drop(std::uint32_t id) {
  const auto found = running_.find(id);
  if (found == running_.end())
    return;
  curl_multi_remove_handle(multi_, found->second->easy);
  running_.erase(found);
}

void transfers::collect_ended() {
  int left = 0;
  while (const auto* note = curl_multi_info_read(multi_, &left)) {
    if (note->msg != CURLMSG_DONE)
      continue;
    const auto code = note->data.result;
    char* self = nullptr;
    curl_easy_getinfo(note->easy_handle, CURLINFO_PRIVATE, &self);
    auto& t = *reinterpret_cast<transfer*>(self);
    if (code == CURLE_OK) {
      t.tell_status();
      send(frame_kind::end, t.id, {});
    } else {
      long number = 0;
      curl_easy_getinfo(t.easy, CURLINFO_OS_ERRNO, &number);
      std::string text = t.error[0] != '\0' ? t.error : curl_easy_strerror(code);
      long proxy = 0; // what a proxy answered to CONNECT
      curl_easy_getinfo(t.easy, CURLINFO_HTTP_CONNECTCODE, &proxy);
      if (code == CURLE_COULDNT_CONNECT && number != 0)
        text = std::strerror(static_cast<int>(number));
      const bool refused = proxy != 0 && proxy / 100 != 2;
      if (refused)
        text = "the proxy answers " + std::to_string(proxy);
      send(frame_kind::failure, t.id,
           json{{"kind", refused ? "connect" : kind_of(code)}, {"text", text}}.dump(-1, ' ', false,
                                                                                    json::error_handler_t::replace));
    }
    drop(t.id);
  }
}

} // namespace troupe::agent
