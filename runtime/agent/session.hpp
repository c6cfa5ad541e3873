// One session of the agent: its conversation, environment, provider, background shells, and the turn that runs.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "runtime/agent/session_setup.hpp"
#include "runtime/agent/turn.hpp"

namespace troupe::agent {

class session {
public:
  /// Keeps the conversation locked. `exit` ends the process (offline scripts).
  session(event_loop& events, json_rpc& client, session_setup setup, std::unique_ptr<conversation> talk,
          std::function<void(int)> exit);

  /// Starts a turn. False with `error` set where one runs already or the prompt cannot be saved; else `ended` comes.
  bool prompt(const std::string& text, std::function<void(const turn_end&)> ended, std::string& error);
  void cancel();
  [[nodiscard]] bool busy() const { return turn_ != nullptr; }
  [[nodiscard]] conversation& talk() { return *talk_; }
  /// Sends the conversation as updates.
  void replay();
  /// Goes on with the background shells of an earlier process (REST-7).
  void pick_up() { shells_.pick_up(); }
  /// Cancels the turn, ends its tools and the background shells; `done` comes once, when all are gone. `abandoned`: the
  /// client has gone without a word; background shells that somebody sees to go on (REST-7).
  void end(event_loop::task done, bool abandoned);
  /// The processes that go on after such an end.
  [[nodiscard]] std::vector<process_row> kept() const;

private:
  void announce_background();
  event_loop& events_;
  json_rpc& client_;
  session_setup setup_;
  std::unique_ptr<conversation> talk_;
  std::unique_ptr<provider> model_; ///< reads `setup_`
  std::function<void(int)> exit_;
  background_shells shells_;
  bool closed_ = false; ///< asked to end: nothing of it goes on
  std::unique_ptr<turn> turn_;
  event_loop::task at_rest_; ///< waits for the turn's end
};

} // namespace troupe::agent
