// A JSON-RPC connection on a Unix socket: one message a line, bounded both ways. Used by supervisor and worker.
#pragma once

#include <cstddef>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/local/stream_protocol.hpp>

#include "messages/json.hpp"

namespace troupe {

constexpr std::size_t line_limit = std::size_t{8} << 20;   ///< FILES-3: what a peer may send
constexpr std::size_t answer_limit = std::size_t{1} << 30; ///< what a front end takes from the supervisor
constexpr std::size_t unread_limit = std::size_t{4} << 20; ///< bytes a peer may leave unread before it is closed

/// One connection. All members are called on the loop's thread. Keeps itself alive while an operation is pending;
/// callbacks end with `close()`.
class line_channel : public std::enable_shared_from_this<line_channel> {
public:
  using socket = asio::local::stream_protocol::socket;
  struct callbacks {
    std::function<void(std::string_view line)> line;    ///< without its newline
    std::function<void(const std::string& why)> closed; ///< once; "" when the peer closed or `close` was called
  };
  /// `limit`: of what the peer leaves unread; `longest`: of a line that it sends.
  static std::shared_ptr<line_channel> create(socket s, std::size_t limit = unread_limit,
                                              std::size_t longest = line_limit);
  void start(callbacks cb);
  /// Queues one line (a newline is added), however long it is. With more than the limit and one such line unread
  /// already the connection is closed, with the reason "peer does not read".
  void send(std::string line);
  /// Stops and resumes reading, to hold back a peer that asks faster than it is answered.
  void pause(bool paused);
  /// Calls `done` once what is queued has been written or the connection has ended, from the loop; leaves it open.
  void drain(std::function<void()> done);
  /// Ends it, after what is queued was written when `flush`.
  void close(bool flush = false);
  /// Hands the socket over (attach): reading stops; what was read beyond the last line comes as `rest`.
  /// Call from inside the line callback only. Queued output is written first by the caller's choice of `send` before.
  socket detach(std::string& rest);
  [[nodiscard]] std::size_t queued() const { return queued_; }

private:
  line_channel(socket s, std::size_t limit, std::size_t longest);
  void refuse_length();
  void read();
  void consume();
  void write();
  void finish(const std::string& why);
  socket socket_;
  std::size_t limit_, longest_;
  callbacks cb_;
  std::string in_;
  std::size_t scanned_ = 0, consumed_ = 0;
  std::deque<std::string> out_;
  std::size_t queued_ = 0, largest_ = 0; ///< bytes; of what is queued since it was empty
  std::string writing_;
  std::function<void()> drained_;
  bool much_ = false; ///< the last read was full: the next one takes a larger block, as few lines need it
  bool reading_ = false, paused_ = false, closed_ = false, flushing_ = false, detached_ = false;
};

/// Requests over a line_channel: numbers them, matches answers, and tells incoming requests. On the loop's thread.
class rpc_peer : public std::enable_shared_from_this<rpc_peer> {
public:
  using answer = std::function<void(const json* result, const failure& error)>; ///< result null: error holds
  struct callbacks {
    std::function<void(const std::string& method, json params, json id)> request; ///< id null: a notification
    std::function<void(const std::string& why)> closed;
  };
  static std::shared_ptr<rpc_peer> create(std::shared_ptr<line_channel> channel);
  void start(callbacks cb);
  void request(std::string_view method, const json& params,
               answer done); ///< done is called once; errc::worker_gone when it closes
  void notify(std::string_view method, const json& params);
  void respond(const json& id, const json& result);
  // The same with parameters or a result that are JSON as text already.
  void request_text(std::string_view method, std::string_view params, answer done);
  void notify_text(std::string_view method, std::string_view params);
  void respond_text(const json& id, std::string_view result);
  void respond_error(const json& id, int code, const std::string& message, json extra = {});
  void respond_failure(const json& id, const failure& why); ///< as `error_object` has it
  [[nodiscard]] line_channel& channel() { return *channel_; }

private:
  explicit rpc_peer(std::shared_ptr<line_channel> channel) : channel_(std::move(channel)) {}
  void take(std::string_view line);
  std::shared_ptr<line_channel> channel_;
  callbacks cb_;
  std::uint64_t next_ = 1;
  std::map<std::uint64_t, answer> waiting_;
};

/// A failure as JSON-RPC error -32000 with data.code and data.remedy (the text's second line).
json error_object(const failure& error);
/// The inverse, also for the codes of JSON-RPC itself.
failure failure_of(const json& error);

} // namespace troupe
