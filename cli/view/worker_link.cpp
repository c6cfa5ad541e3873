// The connection to a session's worker.
#include "cli/view/worker_link.hpp"

#include <asio/buffer.hpp>

#include "runtime/io/sockets.hpp"

namespace troupe {

namespace {
constexpr std::size_t frame_limit = std::size_t{1} << 20, head_size = 5;
} // namespace

worker_link::worker_link(asio::io_context& loop, int fd, callbacks cb)
    : socket_(loop, asio::local::stream_protocol(), fd), cb_(std::move(cb)) {}

std::shared_ptr<worker_link> worker_link::open(asio::io_context& loop, const std::string& socket, bool read_only,
                                               std::uint64_t from, callbacks cb) {
  int fd = connect_to(socket);
  if (fd < 0)
    return nullptr;
  auto out = std::shared_ptr<worker_link>(new worker_link(loop, fd, std::move(cb)));
  json params{{"mode", read_only ? "read" : "terminal"}, {"from", from}, {"rows", 0}, {"cols", 0}};
  auto line = to_line({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "worker/attach"}, {"params", params}}) + "\n";
  asio::error_code e;
  out->socket_.send(asio::buffer(line), 0, e); // shorter than what a socket holds
  if (e)
    return nullptr;
  out->read();
  return out;
}

void worker_link::close() {
  ended_ = true;
  asio::error_code ignored;
  socket_.close(ignored);
}

void worker_link::end() {
  if (std::exchange(ended_, true))
    return;
  close();
  cb_.lost();
}

void worker_link::read() {
  socket_.async_read_some(asio::buffer(block_), [me = shared_from_this()](const asio::error_code& e, std::size_t n) {
    if (me->ended_)
      return;
    me->in_.append(me->block_.data(), n);
    if (e || !me->take())
      me->end();
    else
      me->read();
  });
}

/// False when the worker refuses, breaks the protocol, or says that the session has ended.
bool worker_link::take() {
  if (!answered_) {
    auto end = in_.find('\n');
    if (end == std::string::npos)
      return in_.size() <= frame_limit;
    auto answer = json::parse(in_.substr(0, end), nullptr, false);
    in_.erase(0, end + 1);
    answered_ = answer.is_object() && answer.contains("result");
    if (!answered_)
      return false;
  }
  std::vector<event> events;
  bool more = true;
  std::size_t at = 0;
  while (more && in_.size() - at >= head_size) {
    std::size_t n = 0;
    for (std::size_t i = 0; i < 4; ++i)
      n |= static_cast<std::size_t>(static_cast<unsigned char>(in_[at + 1 + i])) << (8 * i);
    if (n > frame_limit)
      return false;
    if (in_.size() - at < head_size + n)
      break;
    auto parsed = in_[at] == 'e' ? json::parse(in_.substr(at + head_size, n), nullptr, false) : json();
    more = in_[at] != 'x';
    at += head_size + n;
    if (parsed.is_object())
      try {
        events.push_back(event_from_json(parsed));
      } catch (const field_error&) { // one that this version does not understand
      }
  }
  in_.erase(0, at);
  if (!events.empty())
    cb_.events(std::move(events));
  return more;
}

} // namespace troupe
