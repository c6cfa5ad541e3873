// A harness that hosts an ACP agent over stdio: the built-in one (native) and all others. It carries messages between
// the agent and the conversation's state (acp_state), and decides nothing of its own about prompts, questions and work.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/worker/acp/acp_connection.hpp"
#include "runtime/worker/acp/acp_features.hpp"
#include "runtime/worker/acp/acp_state.hpp"
#include "runtime/worker/acp/acp_terminals.hpp"
#include "runtime/worker/acp/acp_wire.hpp"
#include "runtime/worker/acp/agent_process.hpp"
#include "runtime/worker/acp/outliving_processes.hpp"
#include "runtime/worker/acp/output_tail.hpp"
#include "runtime/worker/harness.hpp"

namespace troupe {

/// How an agent is started.
struct acp_options {
  std::string program;
  std::vector<std::string> arguments; ///< with argument 0
  environment env;         ///< of a native agent, and of any that is warmed up: HOME, USER, SHELL, PATH, LANG
  bool native = false;     ///< it takes its environment and its credentials with the session, in `_meta.troupe`
  harness_driver driver{}; ///< of another agent
  std::vector<std::string> ignored_work{};           ///< names of commands that count as no work (`activeWork.ignore`)
  std::chrono::milliseconds patience{30000};         ///< for the answer to `initialize`
  std::chrono::milliseconds session_patience{60000}; ///< for the answers until the session can take prompts
  std::chrono::milliseconds change_patience{10000};  ///< for the answer to a change of mode, model or another option
};

/// One agent, for one session. All members on the loop's thread; no callback comes from within a call, but `emit`.
///
/// `ended` comes exactly once for each agent that was warmed up or started, when its process is gone and reaped or when
/// there never was one. Its status is `known == false` exactly when the session failed to start: no program, no or a
/// wrong answer to `initialize`, a session refused (-32000: sign in first), a bound broken before `ready`, an agent
/// that was asked nothing more and closed its pipes. The evidence then begins with the reason and, in the second line,
/// what to do next. Else the evidence is the end of the agent's standard error, after the reason where this harness
/// killed it. Secrets of the snapshot are struck out.
class acp_harness final : public harness {
public:
  acp_harness(asio::io_context& loop, reaper& children, harness_callbacks callbacks, acp_options options);
  /// Kills the agent's tree when it still lives.
  ~acp_harness() override;
  /// Starts the agent ahead of time, with `options.env` in `/`, and sends `initialize`; then `warmed` comes once. After
  /// a failure `ended` follows. Without it `start` does both, another agent then with the job's own environment and
  /// directory.
  void warm_up();
  /// The agent's own id of the conversation to go on with (the transcript's last `ready`); before `start` of a job with
  /// `resume`.
  void set_former_session(std::string id) { former_ = std::move(id); }
  /// Kills the agent and all it has started at once; `ended` follows. For a spare, and for one that does not end.
  void close_now();
  /// Emits `started` (value: the agent's process id), makes or loads the agent's session, sets mode and model, emits
  /// `ready`, and sends what was delivered meanwhile. Makes `directory/tmp`.
  void start(const assignment& job) override;
  void deliver(const std::string& key, const std::string& text) override;
  void renew(const snapshot& fresh) override;
  /// The place that a native agent was told ahead (`job.tree` without an inode) is there: it may work now, in `cwd`.
  void placed(const std::string& cwd);
  failure answer(const std::string& question, const std::string& choice, const std::string& by, std::string& resolved,
                 std::string& chosen) override;
  /// What earlier runs have used (the transcript's last `usage`), before `start`.
  void set_former_usage(const std::string& data) { features_.set_former_usage(data); }
  void steer(const std::string& action, const std::string& name, const std::string& value, const std::string& by,
             const steered_answer& done) override;
  void begin_end() override;
  [[nodiscard]] int grace() const override { return options_.native ? 5000 : options_.driver.grace_ms; }
  /// The agent's process; 0 when there is none.
  [[nodiscard]] std::int32_t pid() const { return pid_; }

private:
  enum class phase { cold, initializing, warm, opening, open, ending, over };
  template <class F>
  auto guarded(F what) {
    return [this, life = std::weak_ptr<bool>(life_), what = std::move(what)](auto&&... args) {
      if (!life.expired())
        what(std::forward<decltype(args)>(args)...);
    };
  }
  void launch(const environment& env, const std::string& cwd);
  void listen(agent_process agent);
  void initialized(const json* result, const rpc_error& error);
  void open_session();
  void request_session(const std::string& method);
  void opened(const json* result, const rpc_error& error, const std::string& method);
  void set_up();
  bool set_up_mode();
  void set_up_model();
  void next_step();
  void ready();
  bool called(const std::string& method, const json& params, const json& id);
  bool told(const std::string& method, const json& params);
  bool asked(const std::string& method, const json& params, const json& id);
  void updated(const json& params);
  void permission(const json& params, const json& id);
  void form(const json& params, const json& id);
  bool file(const std::string& method, const json& params, const json& id);
  bool terminal(const std::string& method, const json& params, const json& id);
  void withdrawn(const json& request);
  void tell(acp_features::events events);
  void authenticate(const std::string& method);
  void set_mode(const std::string& word, const steered_answer& done);
  void set_model(const std::string& value, const steered_answer& done);
  void set_option(const acp_choice& option, const std::string& value, const steered_answer& done);
  void change(const std::string& method, json params, const steered_answer& done,
              std::function<void(const json& result)> taken);
  void cancel_turn();
  void sentence(const std::string& text);
  void background(const json& params);
  void wake(const json& params, const json& id);
  void send_credentials();
  void replace_credentials(const json& params, const json& id);
  void send_place();
  void find_pulls(const json& update, bool announced);
  void send_prompt(const acp_send_prompt& prompt);
  void prompt_answered(const json* result, const rpc_error& error);
  void perform(acp_effects effects);
  void arm(const acp_timer& timer);
  void note(const std::string& text);
  std::vector<work_item> look(bool again);
  [[nodiscard]] std::string sign_in_remedy() const;
  void garbage(std::string_view line);
  void closed(const std::string& why, bool broken);
  void set_deadline(std::chrono::milliseconds after, const std::string& why);
  void fail(const std::string& why);
  void exited(exit_status status);
  void finish(exit_status status);
  [[nodiscard]] std::string evidence() const;
  [[nodiscard]] std::string clean(std::string text) const;
  [[nodiscard]] std::string agent_name() const;

  /// What is asked for between the session and its first prompt; what is not binding and refused is noted and left.
  struct setup_step {
    std::string method;
    json params;
    std::string what;
    bool binding; ///< without it the session is not started
    std::function<void(const json& result)> taken;
  };

  asio::io_context& loop_;
  reaper& children_;
  harness_callbacks callbacks_;
  acp_options options_;
  std::shared_ptr<bool> life_ = std::make_shared<bool>(true);
  phase phase_ = phase::cold;
  std::int32_t pid_ = 0;
  std::shared_ptr<acp_connection> wire_;
  std::shared_ptr<output_tail> errors_;
  asio::steady_timer deadline_, text_timer_, quiet_timer_;
  acp_state state_;
  acp_features features_;
  std::optional<acp_terminals> terminals_;
  std::map<std::string, std::function<void()>> waits_; ///< requests of the agent that may still be withdrawn
  asio::steady_timer cancel_timer_;
  std::int64_t prompt_ = 0; ///< the request of the running turn
  outliving_processes outliving_;
  acp_agent_facts agent_;
  std::optional<assignment> job_;
  std::string former_, session_; ///< the agent's own ids
  std::deque<setup_step> setup_;
  std::vector<credential> former_secrets_; ///< struck out of what is told, too
  bool warming_ = false, was_ready_ = false;
  bool renewed_ = false;                     ///< newer credentials came while the session was being made
  std::vector<json> refused_;                ///< requests for other credentials
  std::string place_;                        ///< came while the session was being made
  std::set<std::string> pull_calls_, pulls_; ///< tool calls that run git or gh; the pull requests that they have named
  std::string failure_;
  std::uint64_t garbage_ = 0, wakes_ = 0;
  std::string first_garbage_;
};

} // namespace troupe
