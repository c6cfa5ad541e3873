// One step after the other.
#include "runtime/agent/model/model_provider.hpp"

#include <algorithm>
#include <random>

#include "runtime/agent/model/choice.hpp"
#include "runtime/agent/model/models.hpp"

namespace troupe::agent {
namespace {

constexpr std::chrono::minutes credential_life{5};
constexpr std::chrono::seconds replace_patience{45}; ///< for others than those that were refused
constexpr std::int64_t usual_output = 32'000;        ///< tokens; more would leave the conversation less of the window
constexpr std::size_t error_limit = std::size_t{64} << 10;

double chance() {
  static std::minstd_rand source{std::random_device{}()};
  return std::uniform_real_distribution<double>(0, 1)(source);
}

std::string seconds_text(milliseconds wait) {
  const auto tenths = (wait.count() + 99) / 100;
  return std::to_string(tenths / 10) + (tenths < 100 ? "." + std::to_string(tenths % 10) : "") + " s";
}

std::string from_base64(const std::string& text) {
  return bytes_of(json{{"b64", text}}).value_or("");
}

} // namespace

model_provider::model_provider(event_loop& events, http_client& http, const session_setup& setup)
    : events_(events), http_(http), setup_(setup) {}

model_provider::settings model_provider::read_settings() const {
  settings out;
  const auto* native = field(setup_.settings, "native");
  if (native == nullptr)
    return out;
  const auto number = [&](const char* name, std::int64_t otherwise, std::int64_t least) {
    return std::max(least, number_field(*native, name, otherwise));
  };
  out.retry.most = static_cast<int>(number("tries", out.retry.most, 1));
  out.retry.first = milliseconds(number("retryMs", out.retry.first.count(), 1));
  out.first_byte = std::chrono::seconds(number("firstByteSeconds", out.first_byte.count(), 1));
  out.stall = std::chrono::seconds(number("stallSeconds", out.stall.count(), 1));
  out.max_tokens = number("maxTokens", 0, 0);
  if (const auto* extra = field(*native, "request"); extra != nullptr && extra->is_object())
    out.extra = *extra;
  return out;
}

void model_provider::later(event_loop::task what) {
  timer_ = events_.after(milliseconds{0}, std::move(what));
}

void model_provider::begin_step(const step_request& request, step_sink& sink) {
  cancel();
  sink_ = &sink;
  tries_ = 0;
  renewed_ = false;
  epoch_ = setup_.snapshot_epoch;
  too_long_ = false;
  how_ = read_settings();
  std::string error;
  const auto name = choose_provider(setup_, error);
  auto found = error.empty() ? resolve_endpoint(setup_, name, error) : std::nullopt;
  if (!found)
    return later([this, error] { give_up(error); });
  where_ = std::move(*found);
  body_ = body(request);
  ids_ = call_ids(request.conversation);
  need_credential();
}

std::string model_provider::body(const step_request& request) const {
  body_options options;
  options.model = where_.model;
  options.version = where_.body_version;
  options.streams_by_path = where_.aws_frames;
  options.extra = how_.extra;
  options.max_tokens = how_.max_tokens;
  if (where_.speaks == dialect::chat)
    return to_line(chat_body(request, options));
  if (options.max_tokens == 0)
    options.max_tokens = std::min(facts_of(setup_, where_.model).max_output, usual_output);
  return to_line(anthropic_body(request, options));
}

void model_provider::need_credential() {
  const bool fresh = kept_ && kept_->helper == where_.helper && kept_->until > std::chrono::steady_clock::now();
  std::string error;
  if (where_.helper.empty() || (fresh && take_credential(where_, kept_->output, error)))
    return attempt();
  run_helper();
}

void model_provider::run_helper() {
  auto env = setup_.env;
  env.insert(env.end(), setup_.snapshot.begin(), setup_.snapshot.end());
  helper_ = std::make_unique<credential_helper>(
      events_, where_.helper, env, setup_.cwd, [this](const std::string& output, const std::string& error) {
        auto why = error.empty() ? std::string() : unresolved(error);
        if (why.empty() && take_credential(where_, output, why))
          kept_ = kept_credential{where_.helper, output, std::chrono::steady_clock::now() + credential_life};
        events_.defer([helper = std::shared_ptr<credential_helper>(std::move(helper_))] {}); // it is calling
        if (why.empty())
          attempt();
        else
          give_up(why);
      });
}

void model_provider::attempt() {
  ++tries_;
  status_ = 0;
  headers_ = json();
  error_body_.clear();
  events_in_ = {};
  frames_in_ = {};
  garbled_ = false;
  reader_ = where_.speaks == dialect::chat ? chat_reader(ids_) : anthropic_reader(ids_);
  where_.request.body = body_;
  await_more(how_.first_byte);
  call_ = http_.start(where_.request, {[this](int status, const json& headers) { began(status, headers); },
                                       [this](std::string_view bytes) { take(bytes); }, [this] { answered(); },
                                       [this](const http_failure& why) {
                                         call_ = 0;
                                         failed(of_transport(why));
                                       }});
  where_.request.body.clear();
}

/// Silence ends the try.
void model_provider::await_more(std::chrono::seconds patience) {
  events_.cancel(timer_);
  timer_ = events_.after(patience, [this, patience] {
    http_.cancel(std::exchange(call_, 0));
    failed(of_silence(patience));
  });
}

void model_provider::began(int status, const json& headers) {
  status_ = status;
  headers_ = headers;
}

void model_provider::take(std::string_view bytes) {
  if (status_ != 200) {
    error_body_.append(bytes.substr(0, error_limit - std::min(error_limit, error_body_.size())));
    return;
  }
  const auto mine = call_;
  if (where_.aws_frames)
    garbled_ = !frames_in_.feed(bytes, [this](const aws_message& m) {
      if (sink_ != nullptr)
        take_aws(m);
    });
  else
    events_in_.feed(bytes, [this](const std::string&, const std::string& data) {
      if (sink_ != nullptr)
        reader_->take(data, *sink_);
    });
  if (call_ != mine || call_ == 0)
    return; // cancelled by what was said
  await_more(how_.stall);
  http_.pause();
  sink_->when_drained([&http = http_] { http.resume(); });
  if (reader_->failed() || garbled_) {
    http_.cancel(std::exchange(call_, 0));
    failed(garbled_ ? of_answer({"unreadable", "it is no event stream"}) : of_answer(reader_->error()));
  }
}

void model_provider::take_aws(const aws_message& m) {
  const auto header = [&](const char* name) {
    const auto found = m.headers.find(name);
    return found == m.headers.end() ? std::string() : found->second;
  };
  const auto payload = json::parse(m.payload, nullptr, false);
  if (header(":message-type") == "event")
    return reader_->take(from_base64(text_field(payload, "bytes").value_or("")), *sink_);
  auto kind = header(":exception-type");
  if (kind.empty())
    kind = header(":error-code");
  const json error{
      {"type", "error"},
      {"error", {{"type", kind}, {"message", text_field(payload, "message").value_or(header(":error-message"))}}}};
  reader_->take(to_line(error), *sink_);
}

void model_provider::answered() {
  call_ = 0;
  if (status_ != 200)
    return failed(of_status(status_, headers_, error_body_));
  const auto how = reader_->finish(*sink_);
  if (!how)
    return failed(of_answer(reader_->error()));
  auto* sink = sink_;
  cancel();
  sink->finish(*how);
}

void model_provider::failed(const trouble& what) {
  events_.cancel(timer_);
  if (what.is == trouble::kind::refused && (renew() || replace(what)))
    return;
  const auto wait = next_try(how_.retry, what, tries_, reader_->said(), chance());
  if (!wait) {
    too_long_ = what.is == trouble::kind::too_long;
    return give_up(explain(what, where_, tries_));
  }
  sink_->note(where_.host + ": " + word_of(what.is) + ", tries again in " + seconds_text(*wait) + "\n");
  timer_ = events_.after(*wait, [this] { attempt(); });
}

/// A credential that is refused may have run out ahead of its time: once a step, one that is newer is tried.
bool model_provider::renew() {
  const bool newer = epoch_ != setup_.snapshot_epoch || !where_.helper.empty();
  if (!newer || std::exchange(renewed_, true))
    return false;
  std::string error;
  auto anew = resolve_endpoint(setup_, where_.provider, error);
  if (!anew)
    return false;
  epoch_ = setup_.snapshot_epoch;
  kept_.reset();
  where_ = std::move(*anew);
  timer_ = events_.after(milliseconds{0}, [this] { need_credential(); });
  return true;
}

/// CRED-5: others are asked for where a provider no longer takes what has not expired: it has been taken back.
bool model_provider::replace(const trouble& what) {
  if (what.status != 401 || renewed_ || setup_.snapshot.empty() || !setup_.replace_credentials)
    return false;
  sink_->note(where_.host + ": refused the sign-in, another one is asked for\n");
  replacing_ = std::make_shared<bool>(true);
  timer_ = events_.after(replace_patience, [this, what] { give_up(explain(what, where_, tries_)); });
  setup_.replace_credentials(epoch_, [this, asked = std::weak_ptr<bool>(replacing_), what] {
    if (asked.expired()) // the step was cancelled, or has waited for too long
      return;
    replacing_.reset();
    events_.cancel(timer_);
    if (!renew())
      give_up(explain(what, where_, tries_));
  });
  return true;
}

void model_provider::give_up(const std::string& why) {
  auto* sink = sink_;
  cancel();
  sink->fail(why);
}

void model_provider::cancel() {
  events_.cancel(std::exchange(timer_, 0));
  if (call_ != 0)
    http_.cancel(std::exchange(call_, 0));
  helper_.reset();
  replacing_.reset();
  sink_ = nullptr;
  body_ = {};
}

} // namespace troupe::agent
