// The workers of a supervisor that has agents of the host program beside worker processes: each message goes to where
// its worker lives.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "runtime/host/agent_threads.hpp"
#include "runtime/host/hosted_session.hpp"
#include "runtime/services/worker_host.hpp"

namespace troupe {

/// The host program's agents, by harness name.
struct hosted_agents {
  std::map<std::string, embed::agent_maker> makers;
  std::chrono::milliseconds grace{5000};
  std::shared_ptr<agent_threads> threads;
  bool worktrees = false; ///< their sessions work in worktrees of their own (ISO-1)
};

/// How the profile of an agent of the host's begins; then its name. No worker process has such a profile.
constexpr std::string_view hosted_profile = "host/";

/// On the Asio thread.
class host_bench : public bench {
public:
  /// `caught_up(session, done)`: calls `done` on the loop when the actors have seen all that was told of the session.
  using settling = std::function<void(const session_id&, std::function<void()> done)>;
  /// `worktree_program`: the path of troupe-worktree.
  host_bench(asio::io_context& loop, reaper& children, std::shared_ptr<worker_bench> processes, hosted_agents agents,
             std::string worktree_program);
  void listen(worker_news news, settling caught_up);

  void launch(const launch_worker& x, const answer<worker_address>& done) override;
  void assign(const assign_worker& x, const answer<receipt>& done) override;
  void start(const start_worker& x) override;
  void deliver(const deliver_reply& x, const answer<reply_taken>& done) override;
  void give(const give_answer& x, const answer<answer_taken>& done) override;
  void freeze(const freeze_worker& x, const answer<worker_frozen>& done) override;
  void thaw(const thaw_worker& x) override;
  void renew(const renew_worker& x, const answer<worker_renewed>& done) override;
  void note(const note_work& x, const answer<work_declared>& done) override;
  void steer(const steer_worker& x, const answer<steered>& done) override;
  void end(const end_worker& x, const answer<ending_worker>& done) override;
  void kill(const kill_worker& x) override;
  void clear(const clear_session& x, const answer<session_cleared>& done) override;
  void adopt(const adopt_worker& x, const answer<worker_adopted>& done) override;
  void goodbye(const std::function<void(std::uint32_t ended)>& done) override;
  /// As the death of this process would: channels close, sessions inside are over.
  void drop_all();

private:
  using guest = std::shared_ptr<hosted_session>;
  [[nodiscard]] guest find(worker_id id) const;
  hosted_news news_for(worker_id id, const session_id& session);
  asio::io_context& loop_;
  reaper& children_;
  std::shared_ptr<worker_bench> processes_;
  hosted_agents agents_;
  std::string worktree_program_;
  worker_news news_;
  settling caught_up_;
  std::map<worker_id, guest> guests_;
};

} // namespace troupe
