// JSON-RPC 2.0 on stdio, one message a line, from the agent's side. Bad input is answered, never fatal.
#pragma once

#include <cstddef>
#include <functional>
#include <map>
#include <string>
#include <string_view>

#include "runtime/agent/event_loop.hpp"
#include "runtime/agent/fields.hpp"

namespace troupe::agent {

constexpr std::size_t line_limit = std::size_t{8} << 20;    ///< bytes of one message
constexpr std::size_t depth_limit = 128;                    ///< arrays and objects within each other
constexpr std::size_t busy_limit = std::size_t{1} << 20;    ///< unwritten bytes beyond which producers wait
constexpr std::size_t unread_limit = std::size_t{64} << 20; ///< unwritten bytes beyond which the client counts as gone

enum rpc_code : int {
  parse_error = -32700,
  invalid_request = -32600,
  method_not_found = -32601,
  invalid_params = -32602,
  internal_error = -32603,
  not_found = -32002,
};

/// Cuts a stream of bytes into lines of at most `limit` bytes; a longer one is skipped whole and told once.
class line_splitter {
public:
  explicit line_splitter(std::size_t limit = line_limit) : limit_(limit) {}
  /// Calls `line` for each complete line, without its newline, and `too_long` as soon as one passes the limit.
  void feed(std::string_view bytes, const std::function<void(std::string_view)>& line,
            const std::function<void()>& too_long);

private:
  void keep(std::string_view bytes, const std::function<void()>& too_long);
  std::size_t limit_;
  std::string partial_;
  bool skipping_ = false;
};

/// Whether arrays and objects nest deeper than `limit`: looked at before parsing, since deep JSON costs memory by the
/// byte and recursion later.
bool nests_deeper(std::string_view text, std::size_t limit);

/// The connection to the client. On the loop's thread.
class json_rpc {
public:
  using answer = std::function<void(const json* result)>; ///< null: the client answered with an error
  struct callbacks {
    /// `id` null: a notification. `params` is an object (empty where none came) and lives for the call only.
    std::function<void(const std::string& method, const json& params, const json& id)> called;
    std::function<void()> closed; ///< once: end of input, or the client went away
  };
  json_rpc(event_loop& events, int in, int out);
  void start(callbacks told);
  void respond(const json& id, json result);
  void respond_error(const json& id, int code, const std::string& message);
  void notify(const char* method, json params);
  /// Asks the client. `done` is called at most once; the id can be given to `forget`.
  std::uint64_t request(const char* method, json params, answer done);
  /// Drops a question; a late answer to it is ignored.
  void forget(std::uint64_t id) { asked_.erase(id); }
  /// Calls `next` on the loop once the client has read enough, for those who produce much.
  void when_drained(event_loop::task next);
  /// Writes what the client takes; with a limit, waits that long for it to take everything.
  void flush(milliseconds limit = milliseconds{0});

private:
  void read_some();
  void take(std::string_view line);
  void take_object(const json& message);
  void take_answer(const json& message);
  void send(const json& message);
  bool write_some();
  void finish();
  void set_reading();
  [[nodiscard]] std::size_t unwritten() const { return out_.size() - written_; }
  event_loop& events_;
  int in_, out_fd_;
  bool socket_ = false, closed_ = false, flushing_ = false, reading_ = false;
  callbacks told_;
  line_splitter lines_;
  std::string out_;
  std::size_t written_ = 0;
  std::uint64_t last_ = 0;
  std::map<std::uint64_t, answer> asked_;
  std::vector<event_loop::task> waiting_;
};

} // namespace troupe::agent
