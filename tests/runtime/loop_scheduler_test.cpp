// The scheduler that runs actors on Asio's loop, with actors of its own.
#define CAF_SUITE loop_scheduler
#include <atomic>
#include <chrono>
#include <thread>

#include <asio/executor_work_guard.hpp>
#include <asio/post.hpp>

#include "caf/event_based_actor.hpp"
#include "caf/send.hpp"
#include "caf/test/unit_test.hpp"

#include "runtime/host/loop_scheduler.hpp"

using namespace troupe;

namespace {

/// A system on a loop that runs on this thread until `end`.
struct world {
  loop_config config;
  caf::actor_system system{config};
  asio::io_context loop{1};
  asio::executor_work_guard<asio::io_context::executor_type> work = asio::make_work_guard(loop);
  loop_scheduler& scheduler = static_cast<loop_scheduler&>(system.scheduler());
  world() { scheduler.enter(loop); }
  ~world() { scheduler.leave(); }
  void end() { loop.stop(); }
};

} // namespace

CAF_TEST(messages of several threads are all handled and on the thread of the loop) {
  world w;
  int got = 0;
  bool here = true;
  auto self = std::this_thread::get_id();
  auto counter = w.system.spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](int) {
      here = here && std::this_thread::get_id() == self;
      if (++got == 4000)
        w.end();
    }};
  });
  std::vector<std::thread> senders;
  for (int i = 0; i < 4; ++i)
    senders.emplace_back([counter] {
      for (int n = 0; n < 1000; ++n)
        caf::anon_send(counter, n);
    });
  w.loop.run();
  for (auto& t : senders)
    t.join();
  CAF_CHECK_EQUAL(got, 4000);
  CAF_CHECK(here);
  caf::anon_send_exit(counter, caf::exit_reason::kill);
}

/// Each is sent when the one before was handled, which is when that turn is about to end.
CAF_TEST(a message that another thread brings at the end of a turn does not wait for the next one) {
  constexpr int all = 20'000;
  world w;
  std::atomic<int> got = 0;
  auto counter = w.system.spawn([&](caf::event_based_actor*) -> caf::behavior { return {[&](int n) { got = n; }}; });
  std::thread sender([&] {
    const auto patience = std::chrono::seconds(10);
    for (int n = 1; n <= all; ++n) {
      caf::anon_send(counter, n);
      for (auto since = std::chrono::steady_clock::now(); got != n;)
        if (std::chrono::steady_clock::now() - since > patience)
          return w.end();
    }
    w.end();
  });
  w.loop.run();
  sender.join();
  CAF_CHECK_EQUAL(got.load(), all);
  caf::anon_send_exit(counter, caf::exit_reason::kill);
}

CAF_TEST(timers fire in the order of their times though they were set in another) {
  world w;
  std::vector<int> order;
  auto actor = w.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    for (int ms : {30, 10, 20})
      self->delayed_send(self, std::chrono::milliseconds(ms), ms);
    return {[&](int ms) {
      order.push_back(ms);
      if (order.size() == 3)
        w.end();
    }};
  });
  w.loop.run();
  CAF_CHECK_EQUAL(order, std::vector<int>({10, 20, 30}));
  caf::anon_send_exit(actor, caf::exit_reason::kill);
}

CAF_TEST(a timer that another thread sets while the loop rests fires) {
  world w;
  int got = 0;
  auto actor = w.system.spawn([&](caf::event_based_actor*) -> caf::behavior {
    return {[&](int n) {
      got = n;
      w.end();
    }};
  });
  std::thread other([&] { caf::delayed_anon_send(actor, std::chrono::milliseconds(5), 7); });
  w.loop.run();
  other.join();
  CAF_CHECK_EQUAL(got, 7);
  caf::anon_send_exit(actor, caf::exit_reason::kill);
}

CAF_TEST(a request that nobody answers times out) {
  world w;
  caf::error told;
  auto silent = w.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](int) { return self->make_response_promise<int>(); }};
  });
  w.system.spawn([&](caf::event_based_actor* self) {
    self->request(silent, std::chrono::milliseconds(5), 1)
        .then([&](int) { w.end(); },
              [&](caf::error& e) {
                told = std::move(e);
                w.end();
              });
  });
  w.loop.run();
  CAF_CHECK(told == caf::sec::request_timeout);
  caf::anon_send_exit(silent, caf::exit_reason::kill);
}

CAF_TEST(of many requests that nobody answers the soonest times out first) {
  world w;
  std::vector<int> order;
  auto silent = w.system.spawn([](caf::event_based_actor* self) -> caf::behavior {
    return {[self](int) { return self->make_response_promise<int>(); }};
  });
  w.system.spawn([&](caf::event_based_actor* self) {
    for (int ms : {30, 5, 20, 10})
      self->request(silent, std::chrono::milliseconds(ms), ms)
          .then([](int) {},
                [&, ms](caf::error&) {
                  order.push_back(ms);
                  if (order.size() == 4)
                    w.end();
                });
  });
  w.loop.run();
  CAF_CHECK_EQUAL(order, std::vector<int>({5, 10, 20, 30}));
  caf::anon_send_exit(silent, caf::exit_reason::kill);
}

CAF_TEST(sockets have their turn beside actors that never rest) {
  world w;
  long runs = 0;
  auto restless = w.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
    self->send(self, 1);
    return {[&runs, self](int n) {
      ++runs;
      self->send(self, n);
    }};
  });
  int turns = 0;
  std::function<void()> again = [&] {
    if (++turns == 100)
      w.end();
    else
      asio::post(w.loop, again);
  };
  asio::post(w.loop, again);
  w.loop.run();
  CAF_CHECK_EQUAL(turns, 100);
  CAF_CHECK(runs > 0);
  caf::anon_send_exit(restless, caf::exit_reason::kill);
}

CAF_TEST(actors that were ended are gone after leave whatever timers they had) {
  bool destroyed = false;
  {
    world w;
    auto actor = w.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
      self->delayed_send(self, std::chrono::minutes(60), 1);
      self->attach_functor([&](const caf::error&) { destroyed = true; });
      w.end();
      return {[](int) {}};
    });
    w.loop.run();
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    w.scheduler.leave();
    CAF_CHECK(destroyed);
    w.system.await_all_actors_done();
  }
  CAF_CHECK(destroyed);
}
