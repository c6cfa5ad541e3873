// The threads on which a program's own agents are called: as many as there are calls that do not return at once, and
// none when there are no calls. No CAF, no Asio.
#pragma once

#include <chrono>
#include <deque>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

/// Calls, in order within a strand; a call that blocks holds its own strand up and no other. Thread safe.
class agent_threads {
public:
  class strand;
  agent_threads();
  agent_threads(const agent_threads&) = delete;
  agent_threads& operator=(const agent_threads&) = delete;
  ~agent_threads(); ///< as `close(0)`

  /// `session`: whom the strand is for, see `current_session`.
  std::shared_ptr<strand> make_strand(std::string session);
  /// Runs `call` behind those of its strand. After `close` it is dropped.
  void post(const std::shared_ptr<strand>& where, std::function<void()> call);
  /// Runs it beside them.
  void post_beside(const std::shared_ptr<strand>& where, std::function<void()> call);
  /// Waits until all calls posted so far have returned; drops later ones. False where some have not by then: their
  /// threads finish by themselves and touch nothing of this object's.
  bool close(std::chrono::milliseconds deadline);
  /// Whether the caller is inside a call of this object's; then `session` is whose.
  bool inside(std::string& session) const;

private:
  struct state;
  static void run(const std::shared_ptr<state>& s);
  void enqueue(std::shared_ptr<strand> where);
  std::shared_ptr<state> state_;
};

} // namespace troupe
