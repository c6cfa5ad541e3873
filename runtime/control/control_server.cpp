// The control socket.
#include "runtime/control/control_server.hpp"

#include <chrono>

#include "runtime/io/sockets.hpp"

namespace troupe {

namespace stream = asio::local;

control_server::control_server(asio::io_context& loop, unique_fd listening, std::string greeting)
    : loop_(loop), acceptor_(loop, stream::stream_protocol(), listening.release()), pause_(loop),
      greeting_(std::move(greeting)) {
  accept();
}

control_server::~control_server() {
  ended_ = [](connection_id, std::uint32_t) {};
  std::vector<std::shared_ptr<rpc_peer>> all;
  for (const auto& [id, c] : connections_)
    all.push_back(c.peer);
  for (auto& peer : all)
    peer->channel().close();
}

void control_server::accept() {
  acceptor_.async_accept([this](const asio::error_code& error, stream::stream_protocol::socket s) {
    if (error == asio::error::operation_aborted || !acceptor_.is_open())
      return;
    if (error) { // out of descriptors, most likely: back off instead of spinning
      pause_.expires_after(std::chrono::milliseconds(100));
      pause_.async_wait([this](const asio::error_code& e) {
        if (!e)
          accept();
      });
      return;
    }
    if (same_user(s.native_handle())) // SEC-3
      take_in(std::move(s));
    accept();
  });
}

void control_server::take_in(stream::stream_protocol::socket s) {
  auto id = next_++;
  auto process = peer_process(s.native_handle());
  auto peer = rpc_peer::create(line_channel::create(std::move(s)));
  connections_[id] = {peer, process};
  peer->channel().send(greeting_);
  if (open_)
    begin(id);
}

void control_server::begin(connection_id id) {
  auto& c = connections_[id];
  c.reading = true;
  came_(static_cast<std::uint32_t>(connections_.size()));
  c.peer->start({[this, id](const std::string& method, json params, json rpc_id) {
                   request(id, method, std::move(params), std::move(rpc_id));
                 },
                 [this, id](const std::string&) {
                   connections_.erase(id);
                   ended_(id, static_cast<std::uint32_t>(connections_.size()));
                 }});
}

void control_server::request(connection_id id, const std::string& method, json params, json rpc_id) {
  auto at = connections_.find(id);
  if (at == connections_.end())
    return;
  ++at->second.taken;
  if (++at->second.waiting >= requests_limit)
    at->second.peer->channel().pause(true);
  take_(front_call{{id, std::move(rpc_id), at->second.process}, method, std::move(params)});
}

void control_server::open(std::function<void(front_call)> take, std::function<void(connection_id, std::uint32_t)> ended,
                          std::function<void(std::uint32_t)> came) {
  open_ = true;
  take_ = std::move(take);
  ended_ = std::move(ended);
  came_ = std::move(came);
  std::vector<connection_id> early;
  for (const auto& [id, c] : connections_)
    early.push_back(id);
  for (auto id : early)
    begin(id);
}

void control_server::send(connection_id to, std::string line) {
  if (auto at = connections_.find(to); at != connections_.end())
    at->second.peer->channel().send(std::move(line));
}

void control_server::answered(connection_id who) {
  auto at = connections_.find(who);
  if (at == connections_.end() || at->second.waiting == 0)
    return;
  if (at->second.waiting-- == requests_limit && !leaving_)
    at->second.peer->channel().pause(false);
  if (leaving_)
    say_goodbye();
}

unique_fd control_server::release() {
  asio::error_code ignored;
  return unique_fd(acceptor_.release(ignored));
}

void control_server::leave(std::function<void()> done) {
  asio::error_code ignored;
  acceptor_.close(ignored);
  pause_.expires_after(std::chrono::seconds(2));
  pause_.async_wait([done](const asio::error_code&) { done(); });
  leaving_ = true;
  for (const auto& [id, c] : connections_)
    c.peer->channel().pause(true);
  say_goodbye();
}

/// Once nothing that was taken waits for its answer any more.
void control_server::say_goodbye() {
  for (const auto& [id, c] : connections_)
    if (c.waiting > 0)
      return;
  if (std::exchange(said_goodbye_, true))
    return;
  undrained_ = connections_.size() + 1;
  auto drained = [this] {
    if (--undrained_ == 0)
      pause_.cancel();
  };
  for (const auto& [id, c] : connections_) {
    c.peer->notify("goodbye", {{"taken", c.taken}});
    c.peer->channel().drain(drained);
  }
  drained();
}

} // namespace troupe
