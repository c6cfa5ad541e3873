// The connection to a session's worker as a terminal attached to a conversation: its events, in order. On the loop's
// thread.
#pragma once

#include <array>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>

#include "messages/json.hpp"

namespace troupe {

class worker_link : public std::enable_shared_from_this<worker_link> {
public:
  struct callbacks {
    std::function<void(std::vector<event>)> events;
    std::function<void()> lost; ///< once
  };
  /// Null when the worker cannot be reached. `from`: the last event that is known already.
  static std::shared_ptr<worker_link> open(asio::io_context& loop, const std::string& socket, bool read_only,
                                           std::uint64_t from, callbacks cb);
  void close();

private:
  worker_link(asio::io_context& loop, int fd, callbacks cb);
  void read();
  bool take();
  void end();
  asio::local::stream_protocol::socket socket_;
  callbacks cb_;
  std::string in_;
  std::array<char, 65536> block_{};
  bool answered_ = false, ended_ = false;
};

} // namespace troupe
