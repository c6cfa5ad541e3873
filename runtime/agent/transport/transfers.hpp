// The requests that troupe-model carries out, by libcurl. It knows HTTP and nothing of models.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <curl/curl.h>

#include "runtime/agent/transport/wire.hpp"

namespace troupe::agent {

/// All transfers of one agent. A request is {method, url, headers: [[name, value]...], proxy, noProxy, caFile,
/// connectMs, aws?: {key, secret, token, region, service}} and its body; nothing of the environment is looked at.
/// Redirects are answers like others. Failure kinds: "dns", "connect", "timeout", "tls", "dropped", "other".
class transfers {
public:
  /// Frames go out on `socket`, in blocking writes: who does not read gets no more, down to the server.
  explicit transfers(int socket);
  ~transfers();
  transfers(const transfers&) = delete;
  transfers& operator=(const transfers&) = delete;
  /// Until the other end of `socket` closes.
  void run();

private:
  struct transfer;
  void take(frame_kind kind, std::uint32_t id, std::string_view payload);
  void begin(std::uint32_t id, std::string_view payload);
  void drop(std::uint32_t id);
  void collect_ended();
  void send(frame_kind kind, std::uint32_t id, std::string_view payload);
  int socket_;
  bool over_ = false;
  CURLM* multi_;
  frame_reader in_;
  std::map<std::uint32_t, std::unique_ptr<transfer>> running_;
};

} // namespace troupe::agent
