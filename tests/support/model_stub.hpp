// A model server on loopback for tests (model_stub.py, which says what a step of its script may hold).
#pragma once

#include <deque>
#include <string>

#include <nlohmann/json.hpp>

#include "runtime/io/unique_fd.hpp"

namespace troupe::test {

/// One running server; it ends with this object. Every wait has a deadline of 30 seconds and throws when it passes.
class model_stub {
public:
  /// `tls`: it listens with TLS as well, with a certificate for 127.0.0.1 that it has signed itself.
  explicit model_stub(bool tls = false);
  ~model_stub();
  model_stub(const model_stub&) = delete;
  model_stub& operator=(const model_stub&) = delete;

  /// Appends steps to the script: an object, or a list of them.
  void add(nlohmann::json steps);
  /// The next request, or notice, that was not taken yet; in the order in which they came.
  nlohmann::json next();
  /// The next model request: {n, method, path, headers, body, dialect, signed, t}.
  nlohmann::json request();
  /// Whether a request has come that was not taken yet.
  bool asked();

  /// The same settings, with the built-in agent asking this model by Anthropic's protocol.
  [[nodiscard]] nlohmann::json asked_in(nlohmann::json settings) const {
    settings["provider"] = "anthropic";
    settings["env"]["ANTHROPIC_BASE_URL"] = url();
    return settings;
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  [[nodiscard]] std::string tls_url() const { return "https://127.0.0.1:" + std::to_string(tls_port_); }
  /// The certificate's file, for those who are to trust it.
  [[nodiscard]] std::string certificate() const { return folder_ + "/cert.pem"; }
  /// The key pair that Bedrock requests must be signed with.
  static constexpr const char* aws_key = "AKIDEXAMPLE";
  static constexpr const char* aws_secret = "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";

private:
  nlohmann::json read();
  std::string folder_, buffer_;
  int pid_ = -1, port_ = 0, tls_port_ = 0;
  unique_fd in_, out_;
  std::deque<nlohmann::json> seen_;
};

} // namespace troupe::test
