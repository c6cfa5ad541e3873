// A session whose agent is an object of the program that embeds the supervisor: what troupe-worker is for all others,
// inside this process. It holds the session's lock and transcript, and keeps the same promises (REST-5, KEEP-5,
// BEYOND-7), by the same state of a conversation. All members on the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/steady_timer.hpp>

#include "messages/requests.hpp"
#include "runtime/host/agent_port.hpp"
#include "runtime/host/agent_threads.hpp"
#include "runtime/io/unique_fd.hpp"
#include "runtime/worker/isolation.hpp"
#include "runtime/worker/transcript.hpp"

namespace troupe {

/// What it tells. `caught_up` calls back on the loop when everybody has seen what was told so far.
struct hosted_news {
  std::function<void(const event&)> happened;
  std::function<void(std::string evidence)> exited;
  std::function<void(std::function<void()> done)> caught_up;
};

class hosted_session : public std::enable_shared_from_this<hosted_session> {
public:
  /// `isolated`: it gets a worktree as its settings say; else none but one of an earlier run.
  hosted_session(asio::io_context& loop, agent_threads& threads, embed::agent_maker make,
                 std::chrono::milliseconds grace, isolation place, bool isolated);

  // The supervisor's words (actors/interfaces.hpp); false with `error` when refused.
  bool assign(const assignment& job, hosted_news news, receipt& got, failure& error);
  void start(std::uint32_t run);
  bool deliver(const deliver_reply& x, reply_taken& taken, failure& error);
  bool give(const give_answer& x, answer_taken& taken, failure& error);
  bool steer(const steer_worker& x, failure& error);
  bool end(const end_worker& x, failure& error);
  /// Ends it at once; its agent is let go. `told`: whether `exited` is told.
  void finish(const std::string& reason, const std::string& evidence, bool told);
  /// As a death of its process would; nothing is told or written.
  void abandon();
  [[nodiscard]] bool over() const { return over_; }
  [[nodiscard]] const assignment& job() const { return job_; }

  // The agent's words, by way of its port.
  void initialized(const embed::result<std::string>& how);
  void called(const embed::detail::port::act& what);
  void told(const std::string& who, const std::string& piece) { perform(state_.text(who, piece)); }
  void stepped(const acp_tool_update& u) { perform(state_.tool(u)); }
  void works(const std::vector<work_item>& all) { perform(state_.background(all)); }
  void asked(std::uint64_t request, const std::string& text, const std::vector<option>& options);
  void withdrawn(std::uint64_t request);
  void turn_ended(std::uint64_t generation, const acp_prompt_end& how);
  /// One of its calls has thrown.
  void broken(const std::string& why);

private:
  /// The agent, made and destroyed on its own threads.
  struct guest {
    std::shared_ptr<embed::agent> it;
  };
  std::uint64_t emit(event e);
  void perform(acp_effects effects);
  void perform_one(const acp_emit& e);
  void perform_one(const acp_send_prompt& e);
  void perform_one(const acp_respond& e);
  void perform_one(const acp_form_answer&) {} // no agent here asks for a form
  void perform_one(const acp_cancel_turn&) { cancel(); }
  void perform_one(const acp_timer& e);
  void place();
  void placed(const std::string& error, const std::string& remark);
  void note(const std::string& text);
  void initialize();
  void on_agent(std::function<void(embed::agent&)> call);
  void begin_prompts();
  void take_prompt(const std::string& key, const std::string& text);
  void begin_end(const std::string& reason);
  void cancel();

  asio::io_context& loop_;
  agent_threads& threads_;
  embed::agent_maker make_;
  std::chrono::milliseconds grace_;
  isolation place_;
  bool isolated_;
  hosted_news news_;
  assignment job_;
  unique_fd lock_;
  transcript events_;
  acp_state state_;
  std::shared_ptr<embed::detail::port> port_;
  std::shared_ptr<agent_threads::strand> strand_;
  std::shared_ptr<guest> guest_ = std::make_shared<guest>();
  std::weak_ptr<embed::detail::turn_state> turn_;
  asio::steady_timer text_timer_, quiet_timer_, grace_timer_;
  std::map<std::string, answer_taken> answers_; ///< by key: a repeated one gets the same answer (SUP-11)
  std::uint64_t turns_ = 0;
  std::size_t handled_ = 0; ///< calls since the last time everybody had caught up
  std::string end_reason_;
  bool held_ = false, started_ = false, initialized_ = false, over_ = false;
};

} // namespace troupe
