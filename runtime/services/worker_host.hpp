// The worker host on the real system: an actor that translates, and a bench of workers on the Asio thread that does.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "actors/caf_seams.hpp"
#include "actors/interfaces.hpp"
#include "runtime/files/paths.hpp"
#include "runtime/io/line_channel.hpp"
#include "runtime/io/process.hpp"
#include "runtime/services/thunk.hpp"

namespace troupe {

/// What the bench tells the supervisor. Called on the Asio thread.
struct worker_news {
  std::function<void(worker_id, const std::string& version)> ready;
  std::function<void(worker_id, session_id, event)> happened;
  std::function<void(worker_id, session_id, std::string line)> put_out;
  std::function<void(worker_id, session_id, std::string evidence)> exited;
};

struct bench_setup {
  paths where;
  std::string worker_program, agent_program;
  environment
      spare_env; ///< HOME, USER, SHELL, PATH, LANG and where Troupe's files are: a spare holds nothing else (POOL-8)
  std::uint64_t epoch = 0;
  std::string version;
  std::map<std::string, std::string> drivers; ///< of ACP agents, by name: what a spare that runs one ahead needs
  bool guest = false;  ///< inside a program that has children of its own: those are not Troupe's to end
  bool models = false; ///< its sessions ask models: a spare of the built-in agent gets ready for that too
};

/// All workers of one supervisor, wherever they run. Lives on the Asio thread.
class bench {
public:
  template <class T>
  using answer = std::function<void(const T*, const failure&)>; ///< null: the failure holds
  virtual ~bench() = default;
  virtual void launch(const launch_worker& x, const answer<worker_address>& done) = 0;
  virtual void assign(const assign_worker& x, const answer<receipt>& done) = 0;
  virtual void start(const start_worker& x) = 0;
  virtual void deliver(const deliver_reply& x, const answer<reply_taken>& done) = 0;
  virtual void give(const give_answer& x, const answer<answer_taken>& done) = 0;
  virtual void freeze(const freeze_worker& x, const answer<worker_frozen>& done) = 0;
  virtual void thaw(const thaw_worker& x) = 0;
  virtual void renew(const renew_worker& x, const answer<worker_renewed>& done) = 0;
  virtual void note(const note_work& x, const answer<work_declared>& done) = 0;
  virtual void steer(const steer_worker& x, const answer<steered>& done) = 0;
  virtual void end(const end_worker& x, const answer<ending_worker>& done) = 0;
  virtual void kill(const kill_worker& x) = 0;
  /// Ends what a dead worker of the session has left running for the next one.
  virtual void clear(const clear_session& x, const answer<session_cleared>& done) = 0;
  virtual void adopt(const adopt_worker& x, const answer<worker_adopted>& done) = 0;
  /// `done` gets the number of workers that could not outlive this process.
  virtual void goodbye(const std::function<void(std::uint32_t ended)>& done) = 0;
};

/// The worker processes, ours and adopted ones.
class worker_bench : public bench {
public:
  worker_bench(asio::io_context& loop, reaper& children, bench_setup setup);
  void listen(worker_news news) { news_ = std::move(news); }

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
  /// Drops all channels as a death of this process would.
  void drop_all();

private:
  struct worker {
    worker_address where;
    session_id session;
    std::string directory;
    std::shared_ptr<rpc_peer> peer;
    std::unique_ptr<exit_watch> watch; ///< of an adopted one
    answer<worker_adopted> adopting;   ///< asked, and its channel closed instead of an answer
    std::uint64_t last = 0;            ///< the last event that it has told
    std::string version;               ///< of its program, once it has said so
    bool told_end = false, channel_closed = false, process_gone = false;
    std::string evidence;
    std::vector<process_identity> tree; ///< of a guest's worker that was killed: what was below it then
  };
  using slot = std::shared_ptr<worker>;
  slot find(worker_id id) const;
  bool connect(const slot& w, failure& error);
  void request(worker_id id, std::string_view method, const json& params, rpc_peer::answer done);
  void request_text(worker_id id, std::string_view method, std::string_view params, rpc_peer::answer done);
  void told(const slot& w, const std::string& method, const json& params);
  void consider_gone(const slot& w);
  void clear_leftovers(const slot& w);
  [[nodiscard]] static worker_adopted gone(const slot& w, const std::string& why);
  [[nodiscard]] static std::vector<event> untold(const slot& w);
  [[nodiscard]] bool is_worker(std::int32_t pid) const;
  [[nodiscard]] bool is_kept_shell(const process_identity& p) const;
  void report(const slot& w);

  asio::io_context& loop_;
  reaper& children_;
  bench_setup setup_;
  worker_news news_;
  std::map<worker_id, slot> workers_;
  std::vector<process_identity> inherited_; ///< workers of an earlier version in this process, not all adopted yet
};

/// The actor in front of the bench; `thunk` brings the bench's answers back into it.
using real_worker_host = worker_host_actor::extend<caf::reacts_to<thunk>>;
real_worker_host::behavior_type make_worker_host(real_worker_host::pointer self, asio::io_context* loop,
                                                 std::shared_ptr<bench> workers);

} // namespace troupe
