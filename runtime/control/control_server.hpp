// The control socket: connections on the Asio thread, requests into the front desk's context, answers back.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/control/front_desk.hpp"
#include "runtime/io/line_channel.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

constexpr std::size_t requests_limit = 64; ///< unanswered ones of one connection; then it is not read

/// Serves one listening socket. All members on the loop's thread.
class control_server {
public:
  control_server(asio::io_context& loop, unique_fd listening, std::string greeting);
  control_server(const control_server&) = delete;
  control_server& operator=(const control_server&) = delete;
  ~control_server(); ///< closes all connections
  /// Begins to read requests; until then connections are accepted and greeted only.
  void open(std::function<void(front_call)> take, std::function<void(connection_id, std::uint32_t count)> ended,
            std::function<void(std::uint32_t count)> came);
  void send(connection_id to, std::string line);
  void answered(connection_id who);
  /// Stops accepting and gives the listening socket, which stays open: for `leave` in favour of a next version (SUP-6).
  unique_fd release();
  /// Closes the door, answers what was taken, says goodbye to all (with the number of requests taken, so that a front
  /// end knows which to send to the next supervisor), flushes what is queued, then calls `done`; at most two seconds.
  /// The connections stay open: their end tells front ends that this process has ended (SUP-4).
  void leave(std::function<void()> done);

private:
  struct connection {
    std::shared_ptr<rpc_peer> peer;
    std::int32_t process = 0;
    std::size_t waiting = 0;
    std::uint64_t taken = 0;
    bool reading = false;
  };
  void accept();
  void take_in(asio::local::stream_protocol::socket s);
  void begin(connection_id id);
  void request(connection_id id, const std::string& method, json params, json rpc_id);
  void say_goodbye();

  asio::io_context& loop_;
  asio::local::stream_protocol::acceptor acceptor_;
  asio::steady_timer pause_;
  std::string greeting_;
  bool open_ = false, leaving_ = false, said_goodbye_ = false;
  std::size_t undrained_ = 0;
  std::function<void(front_call)> take_;
  std::function<void(connection_id, std::uint32_t)> ended_;
  std::function<void(std::uint32_t)> came_;
  connection_id next_ = 1;
  std::map<connection_id, connection> connections_;
};

} // namespace troupe
