// Requests and answers over a line_channel.
#include "runtime/io/line_channel.hpp"

namespace troupe {

std::shared_ptr<rpc_peer> rpc_peer::create(std::shared_ptr<line_channel> channel) {
  return std::shared_ptr<rpc_peer>(new rpc_peer(std::move(channel)));
}

void rpc_peer::start(callbacks cb) {
  cb_ = std::move(cb);
  channel_->start(
      {[self = shared_from_this()](std::string_view line) { self->take(line); },
       [self = shared_from_this()](const std::string& why) {
         for (auto& [id, done] : std::exchange(self->waiting_, {}))
           done(nullptr, {errc::worker_gone, "the connection was closed" + (why.empty() ? "" : ": " + why)});
         auto closed = std::move(self->cb_.closed);
         self->cb_ = {};
         if (closed)
           closed(why);
       }});
}

void rpc_peer::take(std::string_view line) {
  auto message = json::parse(line, nullptr, false);
  if (message.is_discarded()) {
    respond_error(nullptr, -32700, "the line is not JSON");
    return;
  }
  if (!message.is_object() || message.value("jsonrpc", json()) != "2.0") {
    respond_error(nullptr, -32600, "not a request of JSON-RPC 2.0");
    return;
  }
  auto id = message.contains("id") ? std::move(message["id"]) : json();
  if (message.contains("method")) {
    auto params = message.contains("params") ? std::move(message["params"]) : json::object();
    if (!message["method"].is_string() || !(id.is_null() || id.is_number() || id.is_string()))
      respond_error(nullptr, -32600, "'method' must be a string, and 'id' a number or a string");
    else if (!params.is_object())
      respond_error(id, -32602, "'params' must be an object");
    else if (cb_.request)
      cb_.request(message["method"].get_ref<const std::string&>(), std::move(params), std::move(id));
    return;
  }
  if (!message.contains("result") && !message.contains("error")) {
    respond_error(id, -32600, "neither a request nor an answer");
    return;
  }
  auto at = id.is_number_unsigned() ? waiting_.extract(id.get<std::uint64_t>()) : decltype(waiting_)::node_type();
  if (at.empty())
    return;
  if (message.contains("error"))
    at.mapped()(nullptr, failure_of(message["error"]));
  else
    at.mapped()(&message["result"], {});
}

namespace {

/// `{"jsonrpc":"2.0",` and what the pieces say.
std::string message(std::initializer_list<std::string_view> pieces) {
  std::string out = R"({"jsonrpc":"2.0",)";
  for (auto piece : pieces)
    out += piece;
  return out += '}';
}

} // namespace

void rpc_peer::request(std::string_view method, const json& params, answer done) {
  request_text(method, to_line(params), std::move(done));
}

void rpc_peer::notify(std::string_view method, const json& params) {
  notify_text(method, to_line(params));
}

void rpc_peer::respond(const json& id, const json& result) {
  respond_text(id, to_line(result));
}

void rpc_peer::request_text(std::string_view method, std::string_view params, answer done) {
  auto id = next_++;
  waiting_[id] = std::move(done);
  channel_->send(message({"\"id\":", std::to_string(id), ",\"method\":\"", method, "\",\"params\":", params}));
}

void rpc_peer::notify_text(std::string_view method, std::string_view params) {
  channel_->send(message({"\"method\":\"", method, "\",\"params\":", params}));
}

void rpc_peer::respond_text(const json& id, std::string_view result) {
  channel_->send(message({"\"id\":", to_line(id), ",\"result\":", result}));
}

void rpc_peer::respond_error(const json& id, int code, const std::string& message, json extra) {
  json error{{"code", code}, {"message", message}};
  if (!extra.is_null())
    error["data"] = std::move(extra);
  channel_->send(to_line({{"jsonrpc", "2.0"}, {"id", id}, {"error", std::move(error)}}));
}

void rpc_peer::respond_failure(const json& id, const failure& why) {
  channel_->send(to_line({{"jsonrpc", "2.0"}, {"id", id}, {"error", error_object(why)}}));
}

json error_object(const failure& error) {
  auto split = error.text.find('\n');
  json extra{{"code", name_of(error.code)}};
  if (split != std::string::npos)
    extra["remedy"] = bytes_to_json(error.text.substr(split + 1));
  return {{"code", -32000}, {"message", bytes_to_json(error.text.substr(0, split))}, {"data", std::move(extra)}};
}

failure failure_of(const json& error) {
  failure out{errc::bad_request, "an answer that is not understood"};
  if (!error.is_object())
    return out;
  if (error.contains("message") && error["message"].is_string())
    out.text = error["message"].get<std::string>();
  auto extra = error.value("data", json::object());
  if (extra.is_object() && extra.contains("code") && extra["code"].is_string())
    out.code = errc_of(extra["code"].get<std::string>());
  if (extra.is_object() && extra.contains("remedy") && extra["remedy"].is_string())
    out.text += "\n" + extra["remedy"].get<std::string>();
  return out;
}

} // namespace troupe
