// One MCP server over stdio: its process, its messages, its tools. It gets no credentials, and ends with the session.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "runtime/agent/json_rpc.hpp"
#include "runtime/agent/output_window.hpp"
#include "runtime/agent/process_tree.hpp"
#include "runtime/agent/tool_limits.hpp"
#include "runtime/agent/tools.hpp"

namespace troupe::agent {

/// How a server is started.
struct mcp_setup {
  std::string name; ///< letters, digits, `-` and `_`
  std::string command;
  std::vector<std::string> arguments;
  environment env; ///< the whole of it
  std::string cwd; ///< absolute
};

class mcp_server {
public:
  struct callbacks {
    std::function<void(std::vector<tool>)> tools; ///< all it has now: at first, after a change, none after its end
    std::function<void()> settled;                ///< once: it has told its tools, or will not
    std::function<void(const std::string&)> note; ///< what a person should know: why it is not there
  };
  mcp_server(event_loop& events, mcp_setup setup, std::string mark, const tool_limits& limits, callbacks told);
  ~mcp_server();
  mcp_server(const mcp_server&) = delete;
  mcp_server& operator=(const mcp_server&) = delete;

  /// Starts its process and asks for its tools.
  void start();
  /// Calls a tool. `done` comes once, from the loop. What it cancels is cancelled at the server, which may ignore it.
  std::unique_ptr<running_tool> call(const std::string& name, const json& input, tool_done done);
  /// Its process; 0: none.
  [[nodiscard]] pid_t pid() const { return leader_.pid; }
  [[nodiscard]] const std::string& name() const { return setup_.name; }
  /// Closes its input, then ends its tree; `done` comes once.
  void end(event_loop::task done);

private:
  using answer = std::function<void(const json* result, const std::string& error)>;
  class running_call;
  struct asked {
    answer done;
    event_loop::ticket deadline = 0;
  };
  std::uint64_t request(const char* method, json params, std::int64_t patience, answer done);
  void forget(std::uint64_t id);
  void send(const json& message);
  void write_some();
  void read_some();
  void read_errors();
  void take(std::string_view line);
  void take_request(const json& message, const std::string& method);
  void initialized(const json* result, const std::string& error);
  void list_tools(const std::string& cursor);
  void take_tools(const json& result);
  tool tool_from(const json& listed);
  void settle();
  void fail(const std::string& why);
  void drop_calls(const std::string& why);
  void close_pipes();
  void end_tree();
  event_loop& events_;
  mcp_setup setup_;
  std::string mark_;
  const tool_limits& limits_;
  callbacks told_;
  process_row leader_;
  unique_fd in_, out_, err_;
  std::string unwritten_;
  line_splitter lines_;
  output_window errors_{2000};
  std::map<std::uint64_t, asked> asked_;
  std::uint64_t last_ = 0;
  std::vector<tool> listed_; ///< so far
  bool settled_ = false, dead_ = false, ending_ = false, listing_ = false, stale_ = false, has_tools_ = false;
  std::unique_ptr<tree_ending> ending_tree_;
  event_loop::ticket grace_ = 0;
  event_loop::task ended_;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
};

/// The result of tools/call as text: its text blocks, a word for each other one.
tool_outcome outcome_of_call(const json& result, std::size_t limit);

} // namespace troupe::agent
