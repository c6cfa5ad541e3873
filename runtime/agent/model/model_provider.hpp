// Steps by a model behind HTTP: the request in the provider's dialect, tries again where that helps, and words for what
// goes wrong (NAT-1).
#pragma once

#include <chrono>
#include <memory>
#include <optional>
#include <string>

#include "runtime/agent/model/credential_helper.hpp"
#include "runtime/agent/model/dialect.hpp"
#include "runtime/agent/model/endpoint.hpp"
#include "runtime/agent/model/event_stream.hpp"
#include "runtime/agent/model/sse.hpp"
#include "runtime/agent/model/trouble.hpp"

namespace troupe::agent {

class model_provider : public provider {
public:
  /// `setup` and `http` outlive it.
  model_provider(event_loop& events, http_client& http, const session_setup& setup);
  ~model_provider() override { cancel(); }
  /// By the provider that `setup` chooses now.
  void begin_step(const step_request& request, step_sink& sink) override;
  void cancel() override;
  [[nodiscard]] bool overflowed() const override { return too_long_; }

private:
  struct settings {
    retry_policy retry;
    std::chrono::seconds first_byte{300}, stall{120};
    std::int64_t max_tokens = 0; ///< 0: the model's most
    json extra = json::object();
  };
  [[nodiscard]] settings read_settings() const;
  void later(event_loop::task what);
  void need_credential();
  bool renew();
  bool replace(const trouble& what);
  void run_helper();
  void attempt();
  void began(int status, const json& headers);
  void take(std::string_view bytes);
  void take_aws(const aws_message& m);
  void answered();
  void failed(const trouble& what);
  void give_up(const std::string& why);
  void await_more(std::chrono::seconds patience);
  [[nodiscard]] std::string body(const step_request& request) const;
  event_loop& events_;
  http_client& http_;
  const session_setup& setup_;
  settings how_;
  endpoint where_;
  call_ids ids_;              ///< of the conversation
  step_sink* sink_ = nullptr; ///< null: none runs
  std::string body_;          ///< of the step that runs
  int tries_ = 0;
  std::uint64_t epoch_ = 0;         ///< of the credentials that are used
  bool renewed_ = false;            ///< they were looked for anew, since they were refused
  std::shared_ptr<bool> replacing_; ///< others are asked for
  http_client::ticket call_ = 0;
  event_loop::ticket timer_ = 0;
  std::unique_ptr<credential_helper> helper_;
  struct kept_credential {
    std::string helper, output;
    std::chrono::steady_clock::time_point until;
  };
  std::optional<kept_credential> kept_;
  int status_ = 0; ///< of the answer that comes
  json headers_;
  std::string error_body_;
  sse_reader events_in_;
  event_stream_reader frames_in_;
  bool garbled_ = false;
  std::unique_ptr<answer_reader> reader_;
  bool too_long_ = false;
};

} // namespace troupe::agent
