// One worker: a spare first, then the host of exactly one session. It holds the session's lock, transcript, harness and
// process tree, listens on its own socket, and outlives the supervisor.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/local/stream_protocol.hpp>
#include <asio/steady_timer.hpp>

#include "runtime/io/line_channel.hpp"
#include "runtime/worker/acp/acp_harness.hpp"
#include "runtime/worker/attach_server.hpp"
#include "runtime/worker/isolation.hpp"
#include "runtime/worker/latest_line.hpp"
#include "runtime/worker/pty_harness.hpp"
#include "runtime/worker/transcript.hpp"
#include "runtime/worker/tree_end.hpp"
#include "runtime/worker/tree_freeze.hpp"

namespace troupe {

struct worker_options {
  std::uint64_t id = 0;
  std::int32_t parent = 0;       ///< the supervisor that has started it; 0: not told
  std::vector<std::string> warm; ///< command line of the agent that a spare runs ahead; empty: none
  std::string driver;            ///< of another agent than the built-in one: its row, JSON as text
  bool native = true;            ///< that is the built-in one; another one gets this process's whole environment
  std::string version;           ///< told to the supervisor (POOL-4)
};

class worker {
public:
  worker(asio::io_context& loop, worker_options options, int listening);
  ~worker();

private:
  // The socket.
  void accept();
  void greet(asio::local::stream_protocol::socket s);
  void request(const std::shared_ptr<rpc_peer>& from, const std::string& method, const json& params, const json& id);
  bool attach(const std::shared_ptr<rpc_peer>& from, const json& params, const json& id);
  void channel_closed();
  void start_supervisor(int attempt);

  // The supervisor's words. Each gives its result or throws a refusal.
  json hello(const std::shared_ptr<rpc_peer>& from, const json& params);
  std::string assign(const json& params, std::vector<event>& happened);
  void prepare();
  void start(const json& params);
  void require_running() const;
  json deliver(const json& params);
  json answer(const json& params);
  json freeze(const json& params);
  json work(const json& params);
  json credentials(const json& params);
  void steer(const std::shared_ptr<rpc_peer>& from, const json& params, const json& id);
  json end(const json& params);

  // The session.
  void write_down(event& e);
  std::uint64_t emit(event e);
  void send_event(const event& e);
  void send_line();
  void watch_parent();
  void thaw(const std::string& why);
  [[nodiscard]] bool at_rest() const;
  void warm_up();
  [[nodiscard]] bool fits() const;
  void leave_spare();
  void copy_words();
  void begin_prompts();
  void isolate(acp_harness& agent);
  void start_agent_there(acp_harness& agent);
  void not_isolated(const std::string& why);
  void ask_pulls();
  void find_pulls();
  void take_prompt(const std::string& key, const std::string& text);
  void harness_ended(exit_status status, const std::string& evidence);
  void end_tree(int grace);
  [[nodiscard]] std::vector<process_identity> shells() const;
  [[nodiscard]] bool spares_shells() const;
  void tree_ended();
  harness_callbacks callbacks();

  asio::io_context& loop_;
  worker_options options_;
  asio::local::stream_protocol::acceptor acceptor_;
  reaper children_;
  tree_end ending_;
  asio::steady_timer timer_;
  std::unique_ptr<exit_watch> parent_;
  std::shared_ptr<rpc_peer> supervisor_;
  std::uint64_t epoch_ = 0;
  bool goodbye_ = false, ready_ = false, laid_out_ = false, started_ = false, over_ = false;
  std::optional<assignment> job_;
  unique_fd lock_;
  transcript events_;
  std::uint32_t terminals_ = 0;
  bool turn_ = false;           ///< a prompt was sent and its turn has not ended
  std::set<std::string> asked_; ///< questions that are open
  tree_freeze freezer_;
  isolation place_;
  acp_harness* agent_ = nullptr;                   ///< `harness_`, where that is one
  std::string unplaced_;                           ///< why the session has no worktree, and so does not run
  std::vector<work_item> harness_work_, declared_; ///< as the harness tells it; as programs inside declare it (KEEP-2)
  std::set<std::string> ended_work_;               ///< declared once: a repeated end gets the same answer (SUP-11)
  std::string end_reason_;
  exit_status status_;
  std::string evidence_;
  bool harness_gone_ = false;
  std::unique_ptr<acp_harness> warm_; ///< of a spare
  std::unique_ptr<acp_harness> retired_;
  std::unique_ptr<pty_harness> prepared_; ///< of a shell job that was assigned and not started yet
  std::unique_ptr<harness> harness_;
  pty_harness* pty_ = nullptr;
  std::optional<latest_line> says_; ///< of a shell job
  attach_server attached_;
  struct given {
    std::string question, choice;
    json result;
  };
  std::map<std::string, given> answers_; ///< by key: a repeated one gets the same result (SUP-11)
};

} // namespace troupe
