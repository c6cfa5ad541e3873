// HTTP for the agent: requests go to troupe-model, a program of its own that is there while it is of use.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/fields.hpp"
#include "runtime/agent/transport/wire.hpp"

namespace troupe::agent {

/// What AWS signs with.
struct aws_signer {
  std::string key, secret, token, region, service;
};

struct http_request {
  std::string method = "POST";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string proxy, no_proxy; ///< as curl takes them; empty: none
  std::string ca_file;         ///< certificates to trust in place of the system's; empty: the system's
  std::optional<aws_signer> aws;
};

/// Why there is no (more) answer. `kind`: "dns", "connect", "timeout", "tls", "dropped", "other".
struct http_failure {
  std::string kind, text;
};

/// How an answer is told; all from the loop. After `ended` or `failed` nothing comes any more.
struct http_answer {
  std::function<void(int status, const json& headers)> began; ///< header names in lower case
  std::function<void(std::string_view bytes)> data;
  std::function<void()> ended;
  std::function<void(const http_failure& why)> failed;
};

class http_client {
public:
  using ticket = std::uint32_t; ///< names a request; 0 is none
  static constexpr milliseconds default_rest{60'000};

  /// `program`: where troupe-model is. It ends after `rest` without a request, and is started anew for the next.
  http_client(event_loop& events, std::string program, milliseconds rest = default_rest);
  ~http_client();
  http_client(const http_client&) = delete;
  http_client& operator=(const http_client&) = delete;

  /// Starts the program, if it does not run, so that the next request finds it ready.
  void warm();
  /// How long it stays from now on when nothing is asked of it.
  void set_rest(milliseconds rest) { rest_ = rest; }
  /// Ends it where nothing is asked of it.
  void release();
  ticket start(const http_request& request, http_answer answer);
  /// Nothing more is told of that request. Without effect for one that is over.
  void cancel(ticket id);
  /// For who cannot hand on what it is told: nothing more is read until each of these has been taken back, so that a
  /// fast answer waits at its server and not in memory.
  void pause();
  void resume();

private:
  bool launch(std::string& error);
  void watch();
  void write_some();
  void read_some();
  void take(frame_kind kind, ticket id, std::string_view payload);
  void lost();
  void rest_begins();
  event_loop& events_;
  std::string program_;
  milliseconds rest_;
  unique_fd socket_;
  std::string out_;
  frame_reader in_;
  ticket last_ = 0;
  std::map<ticket, http_answer> running_;
  event_loop::ticket resting_ = 0;
  int paused_ = 0;
};

} // namespace troupe::agent
