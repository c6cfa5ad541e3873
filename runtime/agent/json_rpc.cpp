// Lines in, lines out, with bounds on both.
#include "runtime/agent/json_rpc.hpp"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>

namespace troupe::agent {

void line_splitter::feed(std::string_view bytes, const std::function<void(std::string_view)>& line,
                         const std::function<void()>& too_long) {
  for (;;) {
    const auto end = bytes.find('\n');
    if (end == std::string_view::npos)
      return keep(bytes, too_long);
    keep(bytes.substr(0, end), too_long);
    bytes.remove_prefix(end + 1);
    std::string whole;
    whole.swap(partial_); // frees a big line's memory
    if (!std::exchange(skipping_, false))
      line(whole);
  }
}

void line_splitter::keep(std::string_view bytes, const std::function<void()>& too_long) {
  if (skipping_)
    return;
  if (partial_.size() + bytes.size() > limit_) {
    skipping_ = true;
    std::string().swap(partial_);
    return too_long();
  }
  partial_.append(bytes);
}

bool nests_deeper(std::string_view text, std::size_t limit) {
  std::size_t depth = 0;
  bool quoted = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quoted) {
      if (c == '\\')
        ++i;
      else if (c == '"')
        quoted = false;
    } else if (c == '"') {
      quoted = true;
    } else if (c == '[' || c == '{') {
      if (++depth > limit)
        return true;
    } else if ((c == ']' || c == '}') && depth > 0) {
      --depth;
    }
  }
  return false;
}

json_rpc::json_rpc(event_loop& events, int in, int out) : events_(events), in_(in), out_fd_(out) {
  struct stat what {};
  socket_ = fstat(out, &what) == 0 && S_ISSOCK(what.st_mode);
}

void json_rpc::start(callbacks told) {
  told_ = std::move(told);
  set_reading();
}

void json_rpc::set_reading() {
  const bool wanted = !closed_ && unwritten() < busy_limit * 4; // who does not read answers is not read either
  if (wanted == reading_)
    return;
  reading_ = wanted;
  if (wanted)
    events_.watch(in_, POLLIN, [this](short) { read_some(); });
  else
    events_.unwatch(in_);
}

void json_rpc::read_some() {
  char buffer[65536];
  const auto n = read(in_, buffer, sizeof buffer);
  if (n < 0 && (errno == EINTR || errno == EAGAIN))
    return;
  if (n <= 0)
    return finish();
  lines_.feed(
      {buffer, static_cast<std::size_t>(n)}, [this](std::string_view line) { take(line); },
      [this] { respond_error(nullptr, parse_error, "a message is longer than 8 MiB: send it in parts"); });
}

void json_rpc::take(std::string_view line) {
  if (line.find_first_not_of(" \t\r") == std::string_view::npos)
    return;
  if (nests_deeper(line, depth_limit))
    return respond_error(nullptr, parse_error, "a message nests deeper than 128 levels");
  const auto message = json::parse(line.begin(), line.end(), nullptr, false);
  if (message.is_discarded())
    return respond_error(nullptr, parse_error, "a line is no JSON: send one message a line, in UTF-8");
  if (!message.is_object())
    return respond_error(nullptr, invalid_request, "a message is no object: batches are not taken");
  take_object(message);
}

void json_rpc::take_object(const json& message) {
  static const json none = json::object();
  const auto* id = field(message, "id");
  if (id != nullptr && !id->is_string() && !id->is_number() && !id->is_null())
    return respond_error(nullptr, invalid_request, "an id is neither a string nor a number");
  const auto method = text_field(message, "method");
  if (!method && id != nullptr && (message.contains("result") || message.contains("error")))
    return take_answer(message);
  if (!method)
    return respond_error(id != nullptr ? *id : json(), invalid_request, "a message has no method");
  const auto* params = field(message, "params");
  if (params != nullptr && params->is_null())
    params = nullptr;
  if (params == nullptr || params->is_object())
    return told_.called(*method, params != nullptr ? *params : none, id != nullptr ? *id : json());
  if (id != nullptr)
    respond_error(*id, invalid_params, *method + ": params is no object");
}

void json_rpc::take_answer(const json& message) {
  const auto& id = message.at("id");
  if (!id.is_number_unsigned())
    return;
  auto node = asked_.extract(id.get<std::uint64_t>());
  if (!node.empty())
    node.mapped()(message.contains("error") ? nullptr : field(message, "result"));
}

void json_rpc::respond(const json& id, json result) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

void json_rpc::respond_error(const json& id, int code, const std::string& message) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
}

void json_rpc::notify(const char* method, json params) {
  send({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

std::uint64_t json_rpc::request(const char* method, json params, answer done) {
  asked_.emplace(++last_, std::move(done));
  send({{"jsonrpc", "2.0"}, {"id", last_}, {"method", method}, {"params", std::move(params)}});
  return last_;
}

void json_rpc::send(const json& message) {
  if (closed_ && unwritten() > busy_limit)
    return;
  out_ += to_line(message);
  out_ += '\n';
  if (!std::exchange(flushing_, true))
    events_.defer([this] { flush(); });
}

bool json_rpc::write_some() {
  // A pipe that polls writable takes PIPE_BUF bytes at once: no need to make it non-blocking for others who share it.
  pollfd ready{out_fd_, POLLOUT, 0};
  if (poll(&ready, 1, 0) <= 0)
    return false;
  const auto size = std::min<std::size_t>(unwritten(), socket_ ? 65536 : 4096);
  const auto n = socket_ ? ::send(out_fd_, out_.data() + written_, size, MSG_DONTWAIT | MSG_NOSIGNAL)
                         : ::write(out_fd_, out_.data() + written_, size);
  if (n < 0) {
    if (errno != EINTR && errno != EAGAIN)
      finish();
    return false;
  }
  written_ += static_cast<std::size_t>(n);
  return true;
}

void json_rpc::flush(milliseconds limit) {
  flushing_ = false;
  const auto until = std::chrono::steady_clock::now() + limit;
  while (unwritten() > 0) {
    if (write_some())
      continue;
    pollfd ready{out_fd_, POLLOUT, 0};
    const auto left = std::chrono::ceil<milliseconds>(until - std::chrono::steady_clock::now()).count();
    if (limit.count() == 0 || left <= 0 || poll(&ready, 1, static_cast<int>(left)) <= 0 ||
        (ready.revents & POLLERR) != 0)
      break;
  }
  out_.erase(0, std::exchange(written_, 0));
  if (out_.empty() || closed_)
    events_.unwatch(out_fd_);
  else
    events_.watch(out_fd_, POLLOUT, [this](short) { flush(); });
  if (unwritten() > unread_limit)
    finish();
  set_reading();
  if (unwritten() > busy_limit && !closed_)
    return;
  for (auto& next : std::exchange(waiting_, {}))
    events_.defer(std::move(next));
}

void json_rpc::when_drained(event_loop::task next) {
  if (unwritten() <= busy_limit || closed_)
    return events_.defer(std::move(next));
  waiting_.push_back(std::move(next));
}

void json_rpc::finish() {
  if (std::exchange(closed_, true))
    return;
  set_reading();
  events_.defer([this] { told_.closed(); });
}

} // namespace troupe::agent
