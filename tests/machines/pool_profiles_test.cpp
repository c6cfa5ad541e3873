// The warm pool's shape: profiles, and how many spares.
#define CAF_SUITE pool_profiles
#include "actors/warm_pool/machine.hpp"
#include "actors/warm_pool/profiles.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;
namespace pm = troupe::pool_machine;

namespace {

const profile native{"native", "1"};
const profile gemini{"gemini", "1", {"gemini", "--acp"}, {{"LANG", "C"}, {"PATH", "/bin"}}};

struct pool {
  pm::state m;
  pm::policy p;
  std::int64_t now = 0;
  explicit pool(std::size_t size = 1) {
    p.size = size;
    p.warmed = native;
  }
  template <class T>
  std::vector<T> on(const pm::event_& e) {
    auto s = pm::next(std::move(m), e, now, 1.0, p);
    m = std::move(s.to);
    std::vector<T> out;
    for (const auto& x : s.effects)
      if (const auto* t = std::get_if<T>(&x))
        out.push_back(*t);
    return out;
  }
  /// Makes every spare ready, and gives how many there are.
  std::size_t settle() {
    on<pm::launch>(pm::tick{m.generation});
    std::size_t n = 0;
    for (const auto& [id, x] : std::map(m.spares)) {
      if (std::holds_alternative<pm::retired>(x.at))
        on<pm::launch>(pm::exited{id, "asked"});
      else
        on<pm::launch>(pm::spare_ready{id, "1"});
    }
    for (const auto& [id, x] : m.spares)
      n += std::holds_alternative<pm::ready>(x.at);
    return n;
  }
  pm::grant claim(const profile& wanted, bool warmable = true) {
    static int n = 0;
    return on<pm::grant>(pm::claimed{{std::to_string(++n)}, wanted, warmable}).at(0);
  }
};

} // namespace

// POOL-9
CAF_TEST(the spare is started for the profile used last and another profile goes cold) {
  pool x;
  x.on<pm::launch>(pm::open{});
  x.settle();
  CAF_CHECK(!x.claim(gemini).warm);
  x.settle();
  CAF_CHECK_EQUAL(x.settle(), 1u);
  auto other = gemini;
  other.env[0].second = "C.UTF-8";
  auto g = x.claim(other);
  CAF_CHECK(!g.warm);
  CAF_CHECK_EQUAL(g.differs, "environment: LANG"); // BEYOND-4; the name, never the value
  x.settle();
  x.settle();
  CAF_CHECK(x.claim(other).warm);
}

// BEYOND-4
CAF_TEST(a mismatch says which part differed) {
  CAF_CHECK_EQUAL(difference(native, gemini), "harness native instead of gemini");
  auto longer = gemini;
  longer.command.push_back("--debug");
  CAF_CHECK_EQUAL(difference(gemini, longer), "command line");
  auto newer = gemini;
  newer.version = "2";
  newer.env.emplace_back("TOKENS", "9");
  CAF_CHECK_EQUAL(difference(gemini, newer), "version 1 instead of 2; environment: TOKENS");
  CAF_CHECK_EQUAL(difference(gemini, gemini), "");
}

// POOL-8, POOL-9
CAF_TEST(a shell job and a harness that is not started ahead take any spare of their version) {
  pool x;
  x.on<pm::launch>(pm::open{});
  x.settle();
  CAF_CHECK(x.claim({any_harness, "1"}, false).warm);
  x.settle();
  CAF_CHECK_EQUAL(x.settle(), 1u);
  CAF_CHECK_EQUAL(x.claim({any_harness, "2"}, false).differs, "version 1 instead of 2");
  CAF_CHECK(x.claim(native).warm); // the spare was left as it is, and the next is as it was
}

// BEYOND-4, POOL-8: what changes with the directory is bound late
CAF_TEST(a profile holds the environment of a warmed harness and nothing of the directory) {
  dispatch_spec spec;
  spec.kind = "agent";
  spec.harness = "gemini";
  spec.command = {"gemini", "--acp"};
  spec.cwd = "/somewhere";
  spec.prompt = "hello";
  environment env{{"PWD", "/somewhere"}, {"PATH", "/bin"}, {"SHLVL", "2"}, {"LANG", "C"}};
  CAF_CHECK(wanted_profile(spec, env, "1", true) == gemini);
  CAF_CHECK(wanted_profile(spec, env, "1", false) == (profile{any_harness, "1"}));
  spec.harness = "native";
  CAF_CHECK(wanted_profile(spec, env, "1", true) == native);
}

// POOL-4, SUP-6: a new binary with an old spare
CAF_TEST(a spare of another version is retired and the pool says why) {
  pool x;
  auto spare = x.on<pm::launch>(pm::open{})[0].who;
  auto gone = x.on<pm::retire>(pm::spare_ready{spare, "0.9"});
  CAF_REQUIRE_EQUAL(gone.size(), 1u);
  CAF_CHECK_EQUAL(gone[0].why, "the worker program is version 0.9 instead of 1");
  CAF_CHECK(!x.claim(native).warm);
  CAF_CHECK_EQUAL(pm::describe(x.m.is), "backing off");
  x.on<pm::launch>(pm::exited{spare, "asked"});
  auto next = x.on<pm::launch>(pm::tick{x.m.generation});
  CAF_REQUIRE_EQUAL(next.size(), 1u);
  x.on<pm::launch>(pm::spare_ready{next[0].who, "1"});
  CAF_CHECK_EQUAL(pm::describe(x.m.is), "steady");
  CAF_CHECK(x.claim(native).warm);
}

// POOL-10
CAF_TEST(an automatic pool follows the recent rate up to its bound and shrinks when idle) {
  pool x;
  x.p.follow = true;
  x.p.most = 4;
  x.on<pm::launch>(pm::open{});
  CAF_CHECK_EQUAL(x.settle(), 1u);
  for (int i = 0; i < 3; ++i)
    x.claim(native);
  CAF_CHECK_EQUAL(x.settle(), 3u);
  for (int i = 0; i < 9; ++i)
    x.claim(native);
  CAF_CHECK_EQUAL(x.settle(), 4u);
  x.now += 59'999;
  CAF_CHECK_EQUAL(x.settle(), 4u);
  x.now += 2;
  CAF_CHECK_EQUAL(x.on<pm::retire>(pm::tick{x.m.generation}).size(), 3u);
  CAF_CHECK_EQUAL(x.settle(), 1u);
}
