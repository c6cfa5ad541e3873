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
  std::function<void(worker_id)> ready;
  std::function<void(worker_id, session_id, event)> happened;
  std::function<void(worker_id, session_id, std::string evidence)> exited;
};

struct bench_setup {
  paths where;
  std::string worker_program, agent_program;
  environment
      spare_env; ///< HOME, USER, SHELL, PATH, LANG and where Troupe's files are: a spare holds nothing else (POOL-8)
  std::uint64_t epoch = 0;
  std::string version;
};

/// All worker processes of one supervisor, ours and adopted ones. Lives on the Asio thread.
class worker_bench {
public:
  template <class T>
  using answer = std::function<void(const T*, const failure&)>; ///< null: the failure holds
  worker_bench(asio::io_context& loop, reaper& children, bench_setup setup);
  void listen(worker_news news) { news_ = std::move(news); }

  void launch(const launch_worker& x, const answer<worker_address>& done);
  void assign(const assign_worker& x, const answer<receipt>& done);
  void start(const start_worker& x);
  void deliver(const deliver_reply& x, const answer<reply_taken>& done);
  void give(const give_answer& x, const answer<answer_taken>& done);
  void end(const end_worker& x, const answer<ending_worker>& done);
  void kill(const kill_worker& x);
  void adopt(const adopt_worker& x, const answer<worker_adopted>& done);
  void goodbye(const std::function<void()>& done);

private:
  struct worker {
    worker_address where;
    session_id session;
    std::string directory;
    std::shared_ptr<rpc_peer> peer;
    std::unique_ptr<exit_watch> watch; ///< of an adopted one
    bool told_end = false, channel_closed = false, process_gone = false;
    std::string evidence;
  };
  using slot = std::shared_ptr<worker>;
  slot find(worker_id id) const;
  bool connect(const slot& w, failure& error);
  void request(worker_id id, const std::string& method, json params, rpc_peer::answer done);
  void told(const slot& w, const std::string& method, const json& params);
  void consider_gone(const slot& w);
  void clear_leftovers(const slot& w);
  [[nodiscard]] bool is_worker(std::int32_t pid) const;
  void report(const slot& w);

  asio::io_context& loop_;
  reaper& children_;
  bench_setup setup_;
  worker_news news_;
  std::map<worker_id, slot> workers_;
};

/// The actor in front of the bench; `thunk` brings the bench's answers back into it.
using real_worker_host = worker_host_actor::extend<caf::reacts_to<thunk>>;
real_worker_host::behavior_type make_worker_host(real_worker_host::pointer self, asio::io_context* loop,
                                                 std::shared_ptr<worker_bench> bench);

} // namespace troupe
