// The ACP agent: the methods a client may call, and the sessions behind them.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/agent/model/http_client.hpp"
#include "runtime/agent/session.hpp"

namespace troupe::agent {

/// What a session has that says nothing else.
struct agent_defaults {
  environment env; ///< of the process; tells where its files go then
  std::string provider, model;
};

/// One a process. Runs until its input ends or it is told to by a signal.
class acp_agent {
public:
  acp_agent(event_loop& events, int in, int out, agent_defaults own);
  /// Takes messages and tells the loop to stop when all is ended.
  void start();
  /// Writes what is left to write, within a second.
  void finish() { client_.flush(milliseconds{1000}); }

private:
  struct problem {
    int code = 0;
    std::string text;
  };
  using method = void (acp_agent::*)(const json& params, const json& id);
  void called(const std::string& name, const json& params, const json& id);
  void initialize(const json& params, const json& id);
  void new_session(const json& params, const json& id);
  void load_session(const json& params, const json& id);
  void fork_session(const json& params, const json& id);
  void prompt(const json& params, const json& id);
  void credentials(const json& params);
  void worktree(const json& params);
  void cancel(const json& params, const json& id);
  void close(const json& params, const json& id);
  void set_mode(const json& params, const json& id);
  bool read_setup(const json& params, session_setup& setup, problem& wrong) const;
  bool read_extension(const json& params, session_setup& setup, problem& wrong) const;
  bool give_folder(session_setup& setup, problem& wrong) const;
  session& add(session_setup setup, std::unique_ptr<conversation> talk);
  session* find(const json& params, const json& id);
  void end(bool abandoned);
  void end_rest();
  [[nodiscard]] std::vector<process_row> to_end() const;
  void exit_now(int status);
  event_loop& events_;
  json_rpc client_;
  http_client http_;
  agent_defaults own_;
  std::map<std::string, std::unique_ptr<session>> sessions_;
  bool ending_ = false, abandoned_ = false;
  std::size_t open_ = 0; ///< sessions that have not ended
  std::unique_ptr<tree_ending> rest_;
};

} // namespace troupe::agent
