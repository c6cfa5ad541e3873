// The warm pool's machine, event by event and in random orders.
#define CAF_SUITE pool_machine
#include <algorithm>
#include <random>

#include "actors/warm_pool/machine.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;
namespace pm = troupe::pool_machine;

namespace {

const profile native{"native", "1"};

struct pool {
  pm::state m;
  pm::policy p;
  std::int64_t now = 0;
  std::vector<pm::effect> all;
  explicit pool(std::size_t size = 1) {
    p.size = size;
    p.warmed = native;
  }
  std::vector<pm::effect> on(const pm::event_& e) {
    auto s = pm::next(std::move(m), e, now, 1.0, p);
    m = std::move(s.to);
    all.insert(all.end(), s.effects.begin(), s.effects.end());
    return s.effects;
  }
};

template <class T>
std::vector<T> of(const std::vector<pm::effect>& xs) {
  std::vector<T> out;
  for (const auto& x : xs)
    if (const auto* t = std::get_if<T>(&x))
      out.push_back(*t);
  return out;
}

} // namespace

// POOL-1
CAF_TEST(it keeps as many spares as asked and none when turned off) {
  CAF_CHECK_EQUAL(of<pm::launch>(pool(3).on(pm::open{})).size(), 3u);
  CAF_CHECK_EQUAL(of<pm::launch>(pool(0).on(pm::open{})).size(), 0u);
}

// POOL-2
CAF_TEST(a claim takes the ready spare and its replacement starts once the harness has) {
  pool x;
  auto spare = of<pm::launch>(x.on(pm::open{}))[0].who;
  x.on(pm::spare_ready{spare});
  auto e = x.on(pm::claimed{{"a"}, native});
  CAF_REQUIRE_EQUAL(of<pm::grant>(e).size(), 1u);
  CAF_CHECK(of<pm::grant>(e)[0].who == spare);
  CAF_CHECK(of<pm::grant>(e)[0].warm);
  CAF_CHECK(of<pm::launch>(e).empty());
  CAF_CHECK_EQUAL(of<pm::launch>(x.on(pm::permit_asked{{"a"}})).size(), 0u);
  CAF_CHECK_EQUAL(of<pm::launch>(x.on(pm::permit_returned{{"a"}})).size(), 1u);
}

// POOL-3
CAF_TEST(a burst takes the one spare and cold workers and waits for none) {
  pool x;
  x.on(pm::spare_ready{of<pm::launch>(x.on(pm::open{}))[0].who});
  std::size_t warm = 0;
  for (int i = 0; i < 50; ++i) {
    auto g = of<pm::grant>(x.on(pm::claimed{{std::to_string(i)}, native}));
    CAF_REQUIRE_EQUAL(g.size(), 1u);
    warm += g[0].warm;
  }
  CAF_CHECK_EQUAL(warm, 1u);
}

// POOL-3
CAF_TEST(only so many harnesses start at a time and each gets its turn) {
  pool x(0);
  x.p.most_starting = 2;
  std::vector<std::string> given;
  for (int i = 0; i < 5; ++i)
    for (const auto& g : of<pm::permit>(x.on(pm::permit_asked{{std::to_string(i)}})))
      given.push_back(g.to.value);
  CAF_CHECK_EQUAL(given, (std::vector<std::string>{"0", "1"}));
  for (const char* id : {"0", "3", "1", "2", "4"}) // 3 gives up its place in the queue
    for (const auto& g : of<pm::permit>(x.on(pm::permit_returned{{id}})))
      given.push_back(g.to.value);
  CAF_CHECK_EQUAL(given, (std::vector<std::string>{"0", "1", "2", "4"}));
}

// POOL-4
CAF_TEST(a spare that is too old or of another profile is not granted) {
  pool x;
  auto spare = of<pm::launch>(x.on(pm::open{}))[0].who;
  x.on(pm::spare_ready{spare});
  CAF_CHECK(!of<pm::grant>(x.on(pm::claimed{{"a"}, {"other", "1"}}))[0].warm);
  x.now = 3'600'000;
  CAF_CHECK(!of<pm::grant>(x.on(pm::claimed{{"b"}, native}))[0].warm);
  auto e = x.on(pm::tick{x.m.generation});
  CAF_REQUIRE_EQUAL(of<pm::retire>(e).size(), 1u);
  CAF_CHECK(of<pm::retire>(e)[0].who == spare);
  CAF_CHECK_EQUAL(of<pm::launch>(e).size(), 1u);
}

// POOL-5
CAF_TEST(spares that die are replaced with back off and after five the pool is degraded until one is ready) {
  pool x;
  auto who = of<pm::launch>(x.on(pm::open{}))[0].who;
  std::int64_t expected = 500;
  for (int i = 1; i <= 9; ++i) {
    auto e = x.on(pm::exited{who, "broken"});
    auto delay = of<pm::arm>(e)[0].ms;
    CAF_CHECK_EQUAL(delay, expected);
    expected = expected < 32'000 ? expected * 2 : 60'000;
    CAF_CHECK_EQUAL(pm::describe(x.m.is), i < 5 ? "backing off" : "degraded: broken");
    CAF_CHECK(!of<pm::grant>(x.on(pm::claimed{{std::to_string(i)}, native}))[0].warm); // dispatch goes on cold
    who = of<pm::launch>(x.on(pm::tick{x.m.generation}))[0].who;
  }
  x.on(pm::spare_ready{who});
  CAF_CHECK_EQUAL(pm::describe(x.m.is), "steady");
}

// POOL-6, F-31
CAF_TEST(in all orders of events no worker is granted twice and no session twice) {
  for (unsigned seed = 1; seed <= 3000; ++seed) {
    std::mt19937 r(seed);
    pool x(1 + r() % 3);
    x.on(pm::open{});
    std::vector<worker_id> live;
    int sessions = 0;
    for (int step = 0; step < 60; ++step) {
      auto spares = std::vector<std::pair<const worker_id, pm::spare>>(x.m.spares.begin(), x.m.spares.end());
      auto pick = spares.empty() ? worker_id{} : spares[r() % spares.size()].first;
      switch (r() % 7) {
      case 0:
      case 1:
        x.on(pm::claimed{{std::to_string(++sessions)}, native});
        break;
      case 2:
        x.on(pm::spare_ready{pick});
        break;
      case 3:
        x.on(pm::exited{pick, "gone"});
        break;
      case 4:
        x.now += 1'000'000;
        x.on(pm::tick{x.m.generation});
        break;
      case 5:
        x.on(pm::permit_asked{{std::to_string(sessions)}});
        break;
      default:
        x.on(pm::permit_returned{{std::to_string(sessions)}});
        break;
      }
    }
    std::vector<worker_id> workers;
    std::vector<session_id> to;
    for (const auto& g : of<pm::grant>(x.all)) {
      workers.push_back(g.who);
      to.push_back(g.to);
    }
    CAF_REQUIRE_EQUAL(static_cast<int>(to.size()), sessions); // POOL-3: none is lost
    std::sort(workers.begin(), workers.end());
    CAF_REQUIRE(std::adjacent_find(workers.begin(), workers.end()) == workers.end());
    x.on(pm::close{});
    CAF_REQUIRE_EQUAL(of<pm::refuse>(x.on(pm::claimed{{"late"}, native})).size(), 1u);
  }
}
