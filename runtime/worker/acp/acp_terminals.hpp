// The client's terminal methods, for agents whose driver offers them: commands that an agent has the worker run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>

#include "messages/json.hpp"
#include "runtime/io/process.hpp"

namespace troupe {

/// The terminals of one session. On the loop's thread. Whatever runs in them ends with this.
class acp_terminals {
public:
  static constexpr std::size_t most = 64, most_bytes = std::size_t{1} << 20; ///< terminals; output kept of each
  acp_terminals(asio::io_context& loop, reaper& children);
  ~acp_terminals();
  acp_terminals(const acp_terminals&) = delete;
  acp_terminals& operator=(const acp_terminals&) = delete;

  using answer = std::function<void(const json* result, const failure& error)>; ///< result null: error holds
  /// Whether `method` is one of the protocol's; `done` is then called once, of `terminal/wait_for_exit` when the
  /// command has ended. `env`, `cwd`: of the session.
  bool called(const std::string& method, const json& params, const environment& env, const std::string& cwd,
              const answer& done);

private:
  struct terminal {
    std::int32_t pid = 0; ///< 0: it has ended
    exit_status status;
    bool ended = false, truncated = false;
    std::size_t limit = most_bytes;
    std::string output;
    std::unique_ptr<asio::posix::stream_descriptor> pipe;
    std::vector<answer> waiting;
  };
  using slot = std::shared_ptr<terminal>;
  json create(const json& params, environment env, const std::string& cwd, failure& error);
  static void read(const slot& t);
  static void keep(terminal& t, const char* bytes, std::size_t n);
  static bool drain(terminal& t);
  static void ended(const slot& t, exit_status status);
  static void end(terminal& t);
  static json status_of(const terminal& t);

  asio::io_context& loop_;
  reaper& children_;
  std::uint64_t next_ = 1;
  std::map<std::string, slot> all_;
};

} // namespace troupe
