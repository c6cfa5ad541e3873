// A sign-in service on loopback for tests: it rotates refresh tokens, and revokes all when one is spent twice, as real
// ones do.
#pragma once

#include <atomic>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "runtime/io/unique_fd.hpp"

namespace troupe::test {

class token_server {
public:
  token_server();
  ~token_server();
  token_server(const token_server&) = delete;
  token_server& operator=(const token_server&) = delete;

  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] int spent() const { return spent_; }       ///< refresh tokens traded in
  [[nodiscard]] int punished() const { return punished_; } ///< such as were spent already
  [[nodiscard]] std::vector<std::string> forms() const;    ///< bodies of all requests
  std::atomic<int> expires_in = 3600;                      ///< of what it gives, in seconds
  std::atomic<int> slow_ms = 0;                            ///< how long it thinks
  std::atomic<bool> refuses = false;
  std::atomic<int> pending = 0; ///< how often a device's code is told to be waited for

private:
  void serve();
  struct reply {
    const char* status;
    std::string body;
  };
  reply answer(const std::string& form);
  unique_fd listening_;
  int port_ = 0;
  std::atomic<int> spent_ = 0, punished_ = 0, given_ = 0;
  std::atomic<bool> ending_ = false;
  mutable std::mutex guard_;
  std::vector<std::string> forms_;
  std::thread thread_;
};

} // namespace troupe::test
