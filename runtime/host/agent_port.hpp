// Between an agent's threads and its session on the loop: calls with a bound go one way, answers to questions the
// other. It outlives both ends. No CAF.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include <asio/io_context.hpp>

#include "messages/session.hpp"
#include "runtime/troupe.hpp"
#include "runtime/worker/acp/acp_state.hpp"

namespace troupe {

constexpr std::size_t agent_calls_limit = 512; ///< calls of one agent that are not yet carried out; then it waits

class hosted_session;

} // namespace troupe

namespace troupe::embed::detail {

/// One agent's way to its session. Thread safe; `close` and `answered` are called on the loop.
struct port : std::enable_shared_from_this<port> {
  using act = std::function<void(hosted_session&)>;
  port(asio::io_context& on, std::weak_ptr<hosted_session> to) : loop(&on), session(std::move(to)) {}

  /// Carries `what` out on the loop; waits while too many are under way.
  embed::error call(act what);
  embed::result<choice> ask(std::string question, std::vector<embed::option> options, milliseconds deadline);
  /// Tells a turn's end, whether or not there is room: it is one a turn.
  embed::error end_turn(std::uint64_t generation, acp_prompt_end how);
  /// `count` calls have been carried out, and all that they caused has been seen.
  void carried_out(std::size_t count);
  /// The question with this request's number has its answer; no option: it was cancelled.
  void answered(std::uint64_t request, const std::optional<std::string>& option);
  /// The session is over: every call gives errc::ended, every question errc::cancelled.
  void close();

  static embed::conversation way(std::shared_ptr<port> p) { return embed::conversation(std::move(p)); }
  static embed::turn begin(std::shared_ptr<turn_state> t) { return embed::turn(std::move(t)); }

private:
  struct asked {
    std::vector<embed::option> options;
    bool settled = false;
    std::optional<std::string> option;
  };
  embed::error post(std::unique_lock<std::mutex>& guard, act what);
  embed::result<choice> settled(std::uint64_t id);

  std::mutex mutex;
  std::condition_variable changed;
  asio::io_context* loop;
  std::weak_ptr<hosted_session> session;
  std::size_t under_way = 0;
  bool closed = false;
  std::map<std::uint64_t, asked> questions;
  std::uint64_t next_question = 1;
};

struct turn_state {
  turn_state(std::shared_ptr<port> p, std::uint64_t g, std::string t)
      : to(std::move(p)), generation(g), text(std::move(t)) {}
  turn_state(const turn_state&) = delete;
  turn_state& operator=(const turn_state&) = delete;
  ~turn_state();
  embed::error end(acp_prompt_end how);
  const std::shared_ptr<port> to;
  const std::uint64_t generation;
  const std::string text;
  std::atomic<bool> over = false, cancelled = false;
};

} // namespace troupe::embed::detail
