// A supervisor inside this process and the way to it: its thread, its start and end, and requests to its front desk
// with a deadline, as a front end on the control socket makes them (BEYOND-10). Thread safe.
#pragma once

#include <atomic>
#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include "messages/json.hpp"
#include "runtime/host/supervisor_host.hpp"
#include "runtime/troupe.hpp"

namespace troupe {

/// Somebody who waits for a session's next event.
struct transcript_watch {
  std::mutex mutex;
  std::condition_variable changed;
  std::uint64_t written = 0; ///< number of the last event known
  bool over = false;         ///< no more will be told
  void tell(std::uint64_t n, bool is_over);
};

class embedded_supervisor : public std::enable_shared_from_this<embedded_supervisor> {
public:
  /// Takes one line of the front desk's; an empty one is the last: the supervisor has ended.
  using line_taker = std::function<void(std::string line)>;
  explicit embedded_supervisor(embed::options how);
  ~embedded_supervisor();
  embedded_supervisor(const embedded_supervisor&) = delete;
  embedded_supervisor& operator=(const embedded_supervisor&) = delete;

  embed::error start(std::chrono::milliseconds deadline);
  embed::error end(embed::workers how, std::chrono::milliseconds deadline);
  /// Ends it as a death of this process would, unless it has ended.
  void abandon();
  [[nodiscard]] bool over() const;

  /// One request and its result.
  embed::result<json> ask(const std::string& method, json params, std::chrono::milliseconds deadline);
  /// The same for a request that waits for the end of these sessions, which no agent may ask of its own.
  embed::result<json> ask_for_end(const std::vector<std::string>& sessions, const std::string& method, json params,
                                  std::chrono::milliseconds deadline);
  /// Sends a request whose answers `take` gets, from an actor's thread, until `hang_up`. Zero: it has ended.
  connection_id open_line(const std::string& method, json params, line_taker take);
  void hang_up(connection_id line);
  /// Tells `w` of the session's events from now on, until it is gone.
  void watch(const std::string& session, const std::shared_ptr<transcript_watch>& w);

  [[nodiscard]] const environment& shell() const { return shell_; }
  [[nodiscard]] bool inside_agent() const;

private:
  enum class phase { fresh, starting, serving, over };
  embed::error prepare(host_setup& setup, std::chrono::milliseconds deadline);
  embed::error check();
  void serve(host_setup setup);
  void take_line(connection_id to, std::string line);
  void written(const session_id& session, std::uint64_t n);
  void join();

  embed::options how_;
  environment shell_;
  std::shared_ptr<agent_threads> agents_;
  mutable std::mutex mutex_;
  std::condition_variable changed_;
  phase phase_ = phase::fresh;
  supervisor_host* host_ = nullptr; ///< while it runs; under the mutex
  connection_id next_line_ = first_local;
  std::map<connection_id, line_taker> lines_;
  std::mutex watches_mutex_;
  std::multimap<std::string, std::weak_ptr<transcript_watch>> watches_;
  std::atomic<bool> watched_ = false;
  std::mutex join_mutex_;
  std::thread thread_;
};

/// The same error in the words of the public header.
embed::error to_embed(const failure& f);

} // namespace troupe
