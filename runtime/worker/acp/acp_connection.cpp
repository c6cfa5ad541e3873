// The wire to an agent.
#include "runtime/worker/acp/acp_connection.hpp"

#include <cerrno>
#include <utility>

#include <unistd.h>

#include <asio/buffer.hpp>

#include "runtime/worker/acp/acp_wire.hpp"

namespace troupe {
namespace {

constexpr std::size_t chunk_bytes = std::size_t{64} << 10;
constexpr int deepest = 100; ///< levels of nesting; deeper parts are dropped, so that a line costs memory in proportion

json parse(std::string_view line) {
  const auto bounded = [](int depth, json::parse_event_t, json&) { return depth < deepest; };
  return json::parse(line.begin(), line.end(), bounded, false);
}

bool is_id(const json& id) {
  return id.is_number_integer() || id.is_string();
}

} // namespace

std::shared_ptr<acp_connection> acp_connection::create(asio::io_context& loop, unique_fd from_agent,
                                                       unique_fd to_agent) {
  return std::shared_ptr<acp_connection>(new acp_connection(loop, std::move(from_agent), std::move(to_agent)));
}

acp_connection::acp_connection(asio::io_context& loop, unique_fd from_agent, unique_fd to_agent)
    : in_(loop, from_agent.release()), out_(loop, to_agent.release()), chunk_(chunk_bytes, '\0') {}

void acp_connection::start(callbacks cb) {
  cb_ = std::move(cb);
  read();
}

/// Not async_read_some: what that has read and not told yet would be overtaken, and overwritten, by `drain`.
void acp_connection::read() {
  in_.async_wait(asio::posix::stream_descriptor::wait_read, [self = shared_from_this()](const asio::error_code& error) {
    if (self->closed_ || self->finished_)
      return;
    const auto n = error ? 0 : ::read(self->in_.native_handle(), self->chunk_.data(), chunk_bytes);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
      return self->finish("it closed its output", false);
    if (n > 0)
      self->take(self->chunk_.data(), static_cast<std::size_t>(n));
    if (!self->closed_ && !self->finished_)
      self->read();
  });
}

void acp_connection::take(const char* bytes, std::size_t n) {
  std::string_view rest(bytes, n);
  while (!closed_ && !finished_ && !rest.empty()) {
    const auto end = rest.find('\n');
    if (line_.size() + std::min(end, rest.size()) > line_bytes)
      return finish("it wrote a line of more than " + std::to_string(line_bytes >> 20) + " MiB", true);
    if (end == std::string_view::npos) {
      line_ += rest;
      return;
    }
    line_ += rest.substr(0, end);
    rest.remove_prefix(end + 1);
    take_line(line_);
    line_.clear();
    if (line_.capacity() > chunk_bytes * 4)
      line_.shrink_to_fit();
  }
}

void acp_connection::take_line(std::string_view line) {
  if (!line.empty() && line.back() == '\r')
    line.remove_suffix(1);
  if (line.find_first_not_of(" \t") == std::string_view::npos)
    return;
  const auto message = parse(line);
  const auto* method = field_of(message, "method");
  const auto* id = field_of(message, "id");
  const bool named = method != nullptr && method->is_string();
  if (!message.is_object() || (method != nullptr && !named) || (!named && id == nullptr) ||
      (named && id != nullptr && !id->is_null() && !is_id(*id)))
    return cb_.garbage(line);
  if (!named)
    return take_answer(message);
  static const json none = json::object();
  const auto* params = field_of(message, "params");
  const json asked = id != nullptr ? *id : json();
  if (!cb_.called(method->get<std::string>(), params != nullptr ? *params : none, asked) && !asked.is_null())
    respond_error(asked, rpc_unknown_method, "there is no method '" + clipped(method->get<std::string>(), 100) + "'");
}

void acp_connection::take_answer(const json& message) {
  const auto& id = message["id"];
  const auto found = id.is_number_integer() ? waiting_.find(id.get<std::int64_t>()) : waiting_.end();
  if (found == waiting_.end())
    return; // answered before, or never asked
  const auto done = std::move(found->second);
  waiting_.erase(found);
  const auto* error = field_of(message, "error");
  static const json null;
  if (error == nullptr) {
    const auto* result = field_of(message, "result");
    return done(result != nullptr ? result : &null, {});
  }
  const auto* code = field_of(*error, "code");
  rpc_error told{code != nullptr && code->is_number_integer() ? static_cast<int>(code->get<std::int64_t>()) : 0,
                 clipped(text_of(*error, "message"), 4096)};
  if (told.message.empty())
    told.message = "error " + std::to_string(told.code);
  // Agents put the cause of an internal error into `data`.
  if (const auto* more = field_of(*error, "data"))
    if (const auto text = more->is_string() ? more->get<std::string>() : text_of(*more, "details"); !text.empty())
      told.message += ": " + clipped(text, 4096);
  done(nullptr, told);
}

std::int64_t acp_connection::request(const std::string& method, json params, answer done) {
  const auto id = next_++;
  waiting_[id] = std::move(done);
  send({{"jsonrpc", "2.0"}, {"id", id}, {"method", method}, {"params", std::move(params)}});
  return id;
}

void acp_connection::cancel(std::int64_t id, bool forget) {
  if (waiting_.contains(id))
    notify("$/cancel_request", {{"requestId", id}});
  if (forget)
    waiting_.erase(id);
}

void acp_connection::notify(const std::string& method, json params) {
  send({{"jsonrpc", "2.0"}, {"method", method}, {"params", std::move(params)}});
}

void acp_connection::respond(const json& id, json result) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"result", std::move(result)}});
}

void acp_connection::respond_error(const json& id, int code, const std::string& message) {
  send({{"jsonrpc", "2.0"}, {"id", id}, {"error", {{"code", code}, {"message", message}}}});
}

void acp_connection::send(const json& message) {
  if (closed_ || finished_ || ending_input_ || !out_.is_open())
    return;
  auto line = to_line(message) + "\n";
  queued_ += line.size();
  if (queued_ > unread_bytes)
    return finish("it does not read its input", true);
  queue_.push_back(std::move(line));
  write();
}

void acp_connection::write() {
  if (writing_ || closed_ || !out_.is_open())
    return;
  asio::error_code ignored;
  if (queue_.empty()) {
    if (ending_input_)
      out_.close(ignored);
    return;
  }
  writing_ = true;
  out_.async_write_some(asio::buffer(queue_.front().data() + offset_, queue_.front().size() - offset_),
                        [self = shared_from_this()](const asio::error_code& error, std::size_t n) {
                          self->writing_ = false;
                          if (self->closed_)
                            return;
                          if (error)
                            return self->finish("it closed its input", false);
                          self->written(n);
                        });
}

void acp_connection::written(std::size_t n) {
  offset_ += n;
  if (offset_ == queue_.front().size()) {
    queued_ -= offset_;
    offset_ = 0;
    queue_.pop_front();
  }
  write();
}

void acp_connection::close_input() {
  ending_input_ = true;
  write();
}

void acp_connection::drain() {
  constexpr int rounds = 64; // someone else may hold the pipe and write on
  for (int i = 0; i < rounds && !closed_ && !finished_ && in_.is_open(); ++i) {
    const auto n = ::read(in_.native_handle(), chunk_.data(), chunk_.size());
    if (n <= 0)
      return;
    take(chunk_.data(), static_cast<std::size_t>(n));
  }
}

void acp_connection::finish(const std::string& why, bool broken) {
  finished_ = finished_ || broken;
  if (!closed_ && !std::exchange(told_, true))
    cb_.closed(why, broken); // before the pipes close: an agent that is killed for it does not end by itself first
  asio::error_code ignored;
  out_.close(ignored);
  queue_.clear();
  if (broken) // else what is left to hear is still heard
    in_.close(ignored);
}

void acp_connection::close() {
  closed_ = true;
  asio::error_code ignored;
  in_.close(ignored);
  out_.close(ignored);
  queue_.clear();
  waiting_.clear();
}

} // namespace troupe
