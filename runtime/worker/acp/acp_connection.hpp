// JSON-RPC over an agent's standard input and output: one message a line, bounded both ways.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "messages/json.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// An error answer, as the agent gave it.
struct rpc_error {
  int code = 0;
  std::string message;
};

/// One agent's wire. All members on the loop's thread. Keeps itself alive while an operation is pending; after
/// `close()` no callback comes, and requests that have no answer get none.
class acp_connection : public std::enable_shared_from_this<acp_connection> {
public:
  static constexpr std::size_t line_bytes = std::size_t{8} << 20;    ///< of one line from the agent (FILES-3)
  static constexpr std::size_t unread_bytes = std::size_t{32} << 20; ///< that the agent may leave unread
  struct callbacks {
    /// A request, or with a null id a notification. False: the method is unknown; a request is then answered -32601.
    std::function<bool(const std::string& method, const json& params, const json& id)> called;
    /// A line that is no JSON-RPC message; it is skipped.
    std::function<void(std::string_view line)> garbage;
    /// Nothing can be said or heard any more. `broken`: the agent broke a bound; else it closed its end. Once.
    std::function<void(const std::string& why, bool broken)> closed;
  };
  using answer = std::function<void(const json* result, const rpc_error& error)>; ///< result null: error holds
  /// Takes our ends of the two pipes, both non-blocking.
  static std::shared_ptr<acp_connection> create(asio::io_context& loop, unique_fd from_agent, unique_fd to_agent);
  void start(callbacks cb);
  /// `done` is called once, unless the connection closes first.
  /// Gives the request's id.
  std::int64_t request(const std::string& method, json params, answer done);
  /// `$/cancel_request`: the agent need not answer any more. `forget`: an answer that comes all the same is not heard.
  void cancel(std::int64_t id, bool forget);
  void notify(const std::string& method, json params);
  void respond(const json& id, json result);
  void respond_error(const json& id, int code, const std::string& message);
  /// Ends the agent's input once all is written.
  void close_input();
  /// Reads what is there already, without waiting: for when the process has ended.
  void drain();
  void close();

private:
  acp_connection(asio::io_context& loop, unique_fd from_agent, unique_fd to_agent);
  void read();
  void take(const char* bytes, std::size_t n);
  void take_line(std::string_view line);
  void take_answer(const json& message);
  void send(const json& message);
  void write();
  void written(std::size_t n);
  void finish(const std::string& why, bool broken);
  asio::posix::stream_descriptor in_, out_;
  callbacks cb_;
  std::string chunk_, line_;
  std::deque<std::string> queue_;
  std::size_t queued_ = 0, offset_ = 0; ///< bytes in the queue; bytes of its front that are written
  bool writing_ = false, ending_input_ = false, closed_ = false, finished_ = false, told_ = false;
  std::int64_t next_ = 1;
  std::map<std::int64_t, answer> waiting_;
};

} // namespace troupe
