// A sign-in service on loopback.
#include "tests/support/token_server.hpp"

#include <chrono>
#include <stdexcept>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe::test {

token_server::token_server() : listening_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
  sockaddr_in here{};
  socklen_t size = sizeof here;
  here.sin_family = AF_INET;
  here.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (::bind(listening_.get(), reinterpret_cast<sockaddr*>(&here), sizeof here) != 0 ||
      ::listen(listening_.get(), 64) != 0)
    throw std::runtime_error("no token server");
  ::getsockname(listening_.get(), reinterpret_cast<sockaddr*>(&here), &size);
  port_ = ntohs(here.sin_port);
  thread_ = std::thread([this] { serve(); });
}

token_server::~token_server() {
  ending_ = true;
  ::shutdown(listening_.get(), SHUT_RDWR); // wakes the accept
  thread_.join();
}

std::vector<std::string> token_server::forms() const {
  std::lock_guard lock(guard_);
  return forms_;
}

token_server::reply token_server::answer(const std::string& form) {
  auto pair = [&]() -> reply {
    auto n = std::to_string(++given_);
    return {"200 OK", "{\"access_token\":\"access-" + n + "-secret\",\"refresh_token\":\"refresh-" + n +
                          "-secret\",\"expires_in\":" + std::to_string(expires_in) +
                          ",\"account\":{\"email_address\":\"me@test\"}}"};
  };
  auto refusal = [](const char* why) -> reply {
    return {"400 Bad Request", std::string("{\"error\":\"") + why + "\"}"};
  };
  auto grant = [&](const char* what) { return form.find(std::string("grant_type=") + what) != std::string::npos; };
  if (refuses)
    return refusal("invalid_grant");
  if (form.find("grant_type=") == std::string::npos) // of a device (RFC 8628)
    return {
        "200 OK",
        R"({"device_code":"the-device","user_code":"AB-CD","verification_uri":"https://test/device","interval":0.05})"};
  if (grant("urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code") && pending-- > 0)
    return refusal("authorization_pending");
  if (!grant("refresh_token"))
    return pair();
  ++spent_;
  if (punished_ == 0 && form.find("refresh_token=refresh-" + std::to_string(given_) + "-secret") != std::string::npos)
    return pair();
  ++punished_;
  return refusal("invalid_grant");
}

void token_server::serve() {
  while (!ending_) {
    unique_fd peer(::accept4(listening_.get(), nullptr, nullptr, SOCK_CLOEXEC));
    if (!peer)
      continue;
    std::string text;
    char block[4096];
    auto whole = [&] {
      auto head = text.find("\r\n\r\n"), at = text.find("Content-Length: ");
      return head != std::string::npos && at != std::string::npos &&
             text.size() >= head + 4 + static_cast<std::size_t>(std::atoi(text.c_str() + at + 16));
    };
    while (!whole()) {
      auto n = ::read(peer.get(), block, sizeof block);
      if (n <= 0)
        break;
      text.append(block, static_cast<std::size_t>(n));
    }
    auto form = text.substr(std::min(text.find("\r\n\r\n"), text.size() - std::min<std::size_t>(4, text.size())) + 4);
    if (slow_ms > 0)
      ::poll(nullptr, 0, slow_ms); // a service that thinks
    {
      std::lock_guard lock(guard_);
      forms_.push_back(form);
    }
    auto [status, body] = answer(form);
    auto out =
        "HTTP/1.1 " + std::string(status) +
        "\r\nContent-Type: application/json\r\nConnection: close\r\nContent-Length: " + std::to_string(body.size()) +
        "\r\n\r\n" + body;
    [[maybe_unused]] auto n = ::write(peer.get(), out.data(), out.size());
  }
}

} // namespace troupe::test
