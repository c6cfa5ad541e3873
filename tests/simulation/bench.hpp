// The simulated worker host: what runtime/services/worker_bench does, on the processes of the simulated world.
#pragma once

#include <deque>
#include <functional>
#include <map>

#include "tests/simulation/link.hpp"

namespace troupe::simulation {

class world;
class worker;

/// What the bench tells the supervisor.
struct worker_news {
  std::function<void(worker_id, const std::string& version)> ready;
  std::function<void(worker_id, session_id, event)> happened;
  std::function<void(worker_id, session_id, std::string line)> put_out;
  std::function<void(worker_id, session_id, std::string evidence)> exited;
};

class bench {
public:
  template <class T>
  using answer = std::function<void(const T*, const failure&)>; ///< null: the failure holds

  /// One worker as the supervisor's process knows it.
  struct slot {
    worker_address where;
    session_id session;
    worker* process = nullptr;
    link_ptr channel;
    std::uint64_t last = 0; ///< the last event that it told
    bool told_end = false, channel_closed = false, process_gone = false;
    answer<worker_adopted> adopting; ///< waits until its end is sure
    std::map<std::uint64_t, std::function<void(const worker_answer&)>> waiting;
  };

  bench(world& around, std::uint64_t epoch) : around_(around), epoch_(epoch) {}
  void listen(worker_news news) { news_ = std::move(news); }
  /// Hands a call over, as the actor does to its thread: calls are done in order, one a step.
  void post(std::function<void()> call) { calls.push_back(std::move(call)); }

  void launch(const launch_worker& x, const answer<worker_address>& done);
  template <class T, class Request>
  void ask(worker_id who, const Request& x, answer<T> done) {
    request(who, x, [done](const worker_answer& a) {
      const auto* got = std::get_if<T>(&a);
      done(got, got ? failure{} : std::get<failure>(a));
    });
  }
  void assign(const assign_worker& x, const answer<receipt>& done);
  void start(const start_worker& x);
  void freeze(const freeze_worker& x, const answer<worker_frozen>& done);
  void thaw(const thaw_worker& x);
  void end(const end_worker& x, const answer<ending_worker>& done);
  void kill(const kill_worker& x);
  void adopt(const adopt_worker& x, const answer<worker_adopted>& done);
  void goodbye(const std::function<void()>& done);

  // What comes from the processes. Each is one step.
  void read(slot& from);
  void see_close(slot& of);
  void see_exit(slot& of);

  /// The supervisor's process has died: its ends of all connections close.
  void drop();

  std::deque<std::function<void()>> calls;
  std::map<worker_id, slot> slots;

private:
  void notify(worker_id who, decltype(to_worker::what) what);
  void request(worker_id who, decltype(to_worker::what) what, std::function<void(const worker_answer&)> done);
  void connect(slot& s);
  void consider_gone(worker_id who);
  void clear_leftovers(const slot& s);
  worker_adopted gone(const slot& s, const std::string& why) const;

  world& around_;
  std::uint64_t epoch_, tickets_ = 0;
  worker_news news_;
};

} // namespace troupe::simulation
