// CAF's actors on Asio's thread. CAF's own schedulers have a thread for actors and one for their timers: a request that
// comes in on a socket, is decided by actors and goes out by another socket then crosses threads a dozen times, and
// each crossing wakes an idle processor, which costs more than the work. Here the loop runs the actors between its
// handlers.
#pragma once

#include <functional>
#include <mutex>
#include <optional>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/steady_timer.hpp>

#include "caf/detail/simple_actor_clock.hpp"
#include "caf/execution_unit.hpp"
#include "caf/scheduler/abstract_coordinator.hpp"

#include "runtime/services/thunk.hpp"

namespace troupe {

/// Timers of actors. Any thread may set and cancel them, the loop's thread fires them. A destructor of an actor that a
/// timer held may cancel timers in turn, hence the recursive mutex.
///
/// Deadlines of requests are kept apart: CAF 0.17 drops none when the answer comes, and its clock looks through all
/// that an actor has each time it sets one, so that a supervisor that has dispatched much would be slower for it.
class loop_clock : public caf::detail::simple_actor_clock {
public:
  using super = caf::detail::simple_actor_clock;
  void set_ordinary_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_multi_timeout(time_point t, caf::abstract_actor* self, caf::atom_value type, std::uint64_t id) override;
  void set_request_timeout(time_point t, caf::abstract_actor* self, caf::message_id id) override;
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override;
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override;
  void cancel_timeouts(caf::abstract_actor* self) override;
  void schedule_message(time_point t, caf::strong_actor_ptr receiver, caf::mailbox_element_ptr content) override;
  void schedule_message(time_point t, caf::group target, caf::strong_actor_ptr sender, caf::message content) override;
  void cancel_all() override;

  /// `set` is called after something was set, by the thread that did it.
  explicit loop_clock(std::function<void()> set) : set_(std::move(set)) {}
  void fire(); ///< what is due; loop's thread
  std::optional<time_point> next();

private:
  template <class F>
  void locked(F change) {
    std::lock_guard guard(mutex_);
    change();
  }
  template <class F>
  void sets(F change) {
    locked(change);
    set_();
  }
  /// Of a request that was made. An actor that has its answer ignores it, as CAF has it.
  struct request {
    time_point due;
    caf::strong_actor_ptr by; ///< which may have nothing else that keeps it
    caf::message_id id;
    bool operator<(const request& other) const { return due > other.due; } ///< a heap's top is the soonest
  };
  std::recursive_mutex mutex_;
  std::function<void()> set_;
  std::vector<request> requests_; ///< a heap
};

/// The scheduler of one actor system, which runs on the loop that it entered. Before `enter` and after `leave` nothing
/// runs: messages wait in their mailboxes.
class loop_scheduler : public caf::scheduler::abstract_coordinator {
public:
  explicit loop_scheduler(caf::actor_system& system);
  ~loop_scheduler() override;

  /// From now on actors run on `loop`, which outlives `leave`.
  void enter(asio::io_context& loop);
  /// Runs what is left to run, timers excepted, and from then on nothing. On the loop's thread, which no longer runs.
  void leave();

  void enqueue(caf::resumable* what) override; ///< from any thread
  caf::actor_clock& clock() noexcept override { return clock_; }
  bool detaches_utility_actors() const override { return false; }
  void start() override;
  void stop() override;

private:
  /// What an actor that runs hands its messages' receivers to: its own thread, so no lock.
  struct here : caf::execution_unit {
    here(loop_scheduler& s, caf::actor_system& system) : caf::execution_unit(&system), scheduler(s) {}
    void exec_later(caf::resumable* what) override { scheduler.ready_.push_back(what); }
    loop_scheduler& scheduler;
  };
  void want_turn();
  void turn();
  std::size_t run(std::size_t most);
  void arm();

  here unit_;
  loop_clock clock_{[this] { want_turn(); }};
  asio::io_context* loop_ = nullptr;
  std::optional<asio::steady_timer> timer_;
  std::optional<caf::actor_clock::time_point> armed_; ///< loop's thread only
  std::vector<caf::resumable*> ready_;                ///< loop's thread only
  std::size_t next_ = 0;                              ///< of `ready_`
  std::mutex mutex_;
  std::vector<caf::resumable*> arrived_; ///< under the mutex
  bool wanted_ = true;                   ///< under the mutex: a turn is on its way, or there are none
};

/// The configuration of an actor system that runs on a loop.
struct loop_config : service_config {
  loop_config() {
    set("scheduler.max-throughput", std::size_t{50}); // messages of one actor, then others and sockets have their turn
    module_factories.emplace_back([](caf::actor_system& system) { return new loop_scheduler(system); });
  }
};

} // namespace troupe
