// One session of the agent: its conversation, environment, provider and tools, what runs in the background, and the
// turn that runs.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include "runtime/agent/mcp_servers.hpp"
#include "runtime/agent/memory_files.hpp"
#include "runtime/agent/monitors.hpp"
#include "runtime/agent/place.hpp"
#include "runtime/agent/row_sentence.hpp"
#include "runtime/agent/session_setup.hpp"
#include "runtime/agent/skill_book.hpp"
#include "runtime/agent/subagents.hpp"
#include "runtime/agent/turn.hpp"
#include "runtime/agent/wakes.hpp"

namespace troupe::agent {

class session {
public:
  /// Keeps the conversation locked. `exit` ends the process (offline scripts).
  session(event_loop& events, json_rpc& client, http_client& http, session_setup setup,
          std::unique_ptr<conversation> talk, std::function<void(int)> exit);

  /// Starts a turn. False with `error` set where one runs already, the prompt cannot be saved, or it names a command
  /// that cannot be read; else `ended` comes. `own`: a person's own word, who may run a command with `!`.
  bool prompt(const std::string& text, bool own, std::function<void(const turn_end&)> ended, std::string& error);
  void cancel();
  /// Credentials for the next request to a model on; of an older epoch than those at hand: nothing (BEYOND-6).
  void renew(environment snapshot, std::uint64_t epoch);
  /// Its worktree is there: tools may run, in `cwd`.
  void arrived(const std::string& cwd);
  [[nodiscard]] bool busy() const { return turn_ != nullptr; }
  [[nodiscard]] conversation& talk() { return *talk_; }
  /// Sends the conversation as updates.
  void replay();
  /// Tells the client which commands there are, and what a person should know. After the answer that made the session.
  void announce();
  /// Goes on with the background shells of an earlier process (REST-7).
  void pick_up() { shells_.pick_up(); }
  /// Cancels the turn, ends its tools and the background shells; `done` comes once, when all are gone. `abandoned`: the
  /// client has gone without a word; background shells that somebody sees to go on (REST-7).
  void end(event_loop::task done, bool abandoned);
  /// The processes that go on after such an end.
  [[nodiscard]] std::vector<process_row> kept() const;

private:
  void announce_background();
  void note(const std::string& text);
  void replace_credentials(std::uint64_t epoch, std::function<void()> done);
  std::string memory();
  void start_servers();
  bool begin(const std::string& text, bool own, std::function<void(const turn_end&)> ended, std::string& error);
  void turn_over(const std::function<void(const turn_end&)>& ended, const turn_end& how);
  void end_work(event_loop::task done);
  turn_parts parts(conversation& talk, provider& model, const toolbox& tools);
  const session_setup& setup_for(const std::string& model);
  std::unique_ptr<subagent_run> make_subagent(const std::string& id, const subagent_kind* kind, std::string& error);
  event_loop& events_;
  json_rpc& client_;
  http_client& http_;
  session_setup setup_;
  std::map<std::string, session_setup> other_models_; ///< the same but for the model, of subagents; by model
  std::vector<std::string> problems_;                 ///< that nobody was told of yet
  tool_limits limits_;
  environment tool_env_; ///< without credentials (SEC-5)
  permission_setup permissions_;
  place place_;
  std::unique_ptr<conversation> talk_;
  std::unique_ptr<provider> model_; ///< reads `setup_`
  std::function<void(int)> exit_;
  toolbox tools_;
  skill_book skills_;
  background_shells shells_;
  subagents tasks_;
  monitors watches_;
  mcp_servers servers_;
  wakes wakes_;
  row_sentence sentence_;
  bool memory_told_ = false; ///< what is wrong with the instructions
  bool closed_ = false;      ///< asked to end: nothing of it goes on
  std::unique_ptr<turn> turn_;
  bool own_turn_ = false; ///< it was begun by a wake that the client did not take
  struct waiting_prompt {
    std::string text;
    bool own;
    std::function<void(const turn_end&)> ended;
  };
  std::optional<waiting_prompt> next_; ///< came during such a turn
  event_loop::task at_rest_;           ///< waits for the turn's end
};

} // namespace troupe::agent
