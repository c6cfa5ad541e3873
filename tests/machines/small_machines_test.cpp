// The machines of supervisor and credential store.
#define CAF_SUITE small_machines
#include <algorithm>

#include "actors/credential_store/machine.hpp"
#include "actors/supervisor/machine.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;
namespace sm = troupe::supervisor_machine;
namespace cm = troupe::credential_machine;

namespace {

struct supervisor {
  sm::state m;
  sm::policy p;
  wall_ms now = 0;
  std::vector<sm::effect> on(const sm::event_& e) {
    auto s = sm::next(std::move(m), e, now, p);
    m = std::move(s.to);
    return s.effects;
  }
};

template <class T, class V>
bool has(const std::vector<V>& xs) {
  for (const auto& x : xs)
    if (std::holds_alternative<T>(x))
      return true;
  return false;
}

} // namespace

// SUP-3
CAF_TEST(it lingers only while nobody and nothing holds it) {
  supervisor s;
  CAF_CHECK(has<sm::arm_linger>(s.on(sm::opened{})));
  CAF_CHECK(!has<sm::arm_linger>(s.on(sm::busy_now{1})));
  CAF_CHECK(!has<sm::leave>(s.on(sm::linger_over{1}))); // stale
  CAF_CHECK(has<sm::arm_linger>(s.on(sm::busy_now{0})));
  CAF_CHECK(!has<sm::arm_linger>(s.on(sm::front_ends_now{1})));
  auto e = s.on(sm::front_ends_now{0});
  CAF_CHECK(has<sm::leave>(s.on(sm::linger_over{std::get<sm::arm_linger>(e[0]).generation})));
}

// SUP-4
CAF_TEST(a stop drains what is busy and is answered when it has ended) {
  supervisor s;
  s.on(sm::opened{});
  s.on(sm::busy_now{2});
  CAF_CHECK(has<sm::refuse>(s.on(sm::stop_asked{false, false, 2})));
  auto e = s.on(sm::stop_asked{true, false, 2});
  CAF_CHECK(has<sm::drain>(e) && !has<sm::leave>(e));
  CAF_CHECK(has<sm::refuse>(s.on(sm::dispatch_asked{"k", "d", {"a"}})));
  s.on(sm::busy_now{0}); // rows may be behind: the sessions' own answers count
  CAF_CHECK(!has<sm::leave>(s.on(sm::session_ended{})));
  CAF_CHECK(has<sm::leave>(s.on(sm::session_ended{})));
}

// SUP-11
CAF_TEST(a key counts once and is forgotten after a day) {
  supervisor s;
  s.on(sm::opened{});
  CAF_CHECK(has<sm::admit>(s.on(sm::dispatch_asked{"key", "digest", {"a"}})));
  auto again = s.on(sm::dispatch_asked{"key", "digest", {"b"}});
  CAF_REQUIRE(has<sm::repeat>(again));
  CAF_CHECK(std::get<sm::repeat>(again[0]).session == session_id{"a"});
  CAF_CHECK(has<sm::refuse>(s.on(sm::dispatch_asked{"key", "other", {"c"}})));
  s.now = 25 * 3'600'000;
  CAF_CHECK(has<sm::admit>(s.on(sm::dispatch_asked{"key", "other", {"d"}})));
}

namespace {

template <class T, class V>
int count(const std::vector<V>& xs) {
  return static_cast<int>(
      std::count_if(xs.begin(), xs.end(), [](const auto& x) { return std::holds_alternative<T>(x); }));
}

struct store {
  cm::state m;
  snapshot vault; ///< what it holds now
  std::vector<cm::effect> on(const cm::event_& e, wall_ms now) {
    auto s = cm::next(std::move(m), e, now);
    m = std::move(s.to);
    if (has<cm::load>(s.effects))
      return on(cm::loaded{vault, m.logouts}, now);
    return s.effects;
  }
};

/// The same, told by the test what comes of each look into the vault.
struct plain_store {
  cm::state m;
  std::vector<cm::effect> operator()(const cm::event_& e, wall_ms now) {
    auto s = cm::next(std::move(m), e, now);
    m = std::move(s.to);
    return s.effects;
  }
};

} // namespace

CAF_TEST(a refresh in flight is shared and the old credential used while it is valid) {
  store s;
  s.vault = {0, 400'000, {{"K", "old"}}};
  s.on(cm::loaded{s.vault, 0}, 0);
  CAF_CHECK(has<cm::give>(s.on(cm::asked{1}, 0)));
  CAF_CHECK(has<cm::refresh>(s.on(cm::asked{2}, 200'000)));
  CAF_CHECK(s.on(cm::asked{3}, 200'000).empty());
  CAF_CHECK_EQUAL(count<cm::give>(s.on(cm::not_refreshed{"down", 1}, 200'000)), 2);
  CAF_CHECK(has<cm::refresh>(s.on(cm::asked{4}, 390'000)));
  CAF_CHECK(has<cm::refuse>(s.on(cm::not_refreshed{"down", 2}, 500'000)));
  CAF_CHECK(has<cm::refresh>(s.on(cm::asked{5}, 500'000))); // it may be up again
  CAF_CHECK(has<cm::refuse>(s.on(cm::not_refreshed{"down", 3}, 500'000)));
  s.on(cm::logged_out{}, 500'000);
  auto e = s.on(cm::asked{6}, 500'000);
  CAF_CHECK(std::get<cm::give>(e[0]).what.credentials.empty());
}

// CRED-5: a provider may take a token back ahead of its time
CAF_TEST(what an endpoint has turned down is refreshed once for all who say so) {
  store s;
  s.vault = {0, 4'000'000, {{"K", "old"}}};
  s.on(cm::loaded{s.vault, 0}, 0);
  auto old = std::get<cm::give>(s.on(cm::asked{1}, 0).at(0)).what.epoch;
  auto first = s.on(cm::asked{2, old}, 1'000);
  CAF_REQUIRE(has<cm::refresh>(first));
  CAF_CHECK(std::get<cm::refresh>(first.at(0)).refused);
  CAF_CHECK(s.on(cm::asked{3, old}, 1'000).empty());
  s.vault.credentials = {{"K", "new"}};
  auto given = s.on(cm::refreshed{s.vault, 1}, 2'000);
  CAF_CHECK_EQUAL(count<cm::give>(given), 2);
  CAF_CHECK(has<cm::announce>(given));
  auto late = s.on(cm::asked{4, old}, 3'000); // its word is about the one before
  CAF_CHECK_EQUAL(std::get<cm::give>(late.at(0)).what.credentials[0].secret, "new");
  auto now = std::get<cm::give>(late.at(0)).what.epoch;
  CAF_CHECK(now > old);
  auto soon = s.on(cm::asked{5, now}, 4'000); // whoever turns down whatever comes gets no token a second
  CAF_CHECK_EQUAL(std::get<cm::give>(soon.at(0)).what.epoch, now);
  CAF_CHECK(has<cm::give>(s.on(cm::asked{6}, 100'000)));
  CAF_CHECK(has<cm::refresh>(s.on(cm::asked{7, now}, 100'000)));
  auto kept = s.on(cm::not_refreshed{"down", 2}, 100'000);
  CAF_CHECK_EQUAL(std::get<cm::give>(kept.at(0)).what.epoch, now); // CRED-4
}

// CRED-5, CRED-6
CAF_TEST(a key that cannot be refreshed is looked for anew when it was turned down) {
  store s;
  s.vault = {0, 0, {{"K", "key"}}};
  s.on(cm::loaded{s.vault, 0}, 0);
  auto held = std::get<cm::give>(s.on(cm::asked{1}, 0).at(0)).what.epoch;
  auto same = s.on(cm::asked{2, held}, 0);
  CAF_CHECK_EQUAL(std::get<cm::give>(same.at(0)).what.epoch, held);
  s.vault.credentials = {{"K", "another"}};
  auto fresh = s.on(cm::asked{3, held}, 0);
  CAF_CHECK(std::get<cm::give>(fresh.at(0)).what.epoch > held);
}

// CRED-2, F-10: read when it is asked for, never earlier
CAF_TEST(a key that is stored after the store was read reaches whoever asks next) {
  store s;
  s.on(cm::loaded{{}, 0}, 0);
  CAF_CHECK(std::get<cm::give>(s.on(cm::asked{1}, 0).at(0)).what.credentials.empty());
  s.vault.credentials = {{"K", "new"}};
  auto first = std::get<cm::give>(s.on(cm::asked{2}, 0).at(0)).what;
  CAF_REQUIRE_EQUAL(first.credentials.size(), 1u);
  auto second = std::get<cm::give>(s.on(cm::asked{3}, 0).at(0)).what;
  CAF_CHECK_EQUAL(first.epoch, second.epoch); // nothing has changed
  s.vault.credentials = {{"K", "newer"}};
  auto third = std::get<cm::give>(s.on(cm::asked{4}, 0).at(0)).what;
  CAF_CHECK_EQUAL(third.credentials[0].secret, "newer");
  CAF_CHECK(third.epoch > second.epoch);
  s.vault = {};
  CAF_CHECK(std::get<cm::give>(s.on(cm::asked{5}, 0).at(0)).what.credentials.empty());
}

// CRED-4: a vault that cannot be read is not an empty one
CAF_TEST(what is held stays and goes out while the vault cannot be read) {
  plain_store on;
  snapshot held{0, 900'000, {{"K", "held"}}};
  on(cm::loaded{held, 0}, 0);
  auto failed = on(cm::not_loaded{0}, 0);
  CAF_REQUIRE_EQUAL(failed.size(), 1u); // nobody is told to drop anything, and it is looked at again soon
  CAF_CHECK_EQUAL(std::get<cm::arm>(failed[0]).ms, cm::retry_least_ms);
  CAF_CHECK(has<cm::load>(on(cm::due_now{std::get<cm::arm>(failed[0]).generation}, 5'000)));
  on(cm::loaded{held, 0}, 5'000);
  CAF_CHECK(has<cm::load>(on(cm::asked{1}, 5'000)));
  auto given = on(cm::not_loaded{0}, 5'000);
  CAF_CHECK_EQUAL(std::get<cm::give>(given.at(0)).what.credentials, held.credentials);
  CAF_CHECK(has<cm::load>(on(cm::asked{2}, 800'000)));
  CAF_CHECK(has<cm::refresh>(on(cm::not_loaded{0}, 800'000)));
  CAF_CHECK(has<cm::give>(on(cm::not_refreshed{"no private file", 1}, 800'000))); // valid still
  on(cm::asked{3}, 950'000);
  on(cm::not_loaded{0}, 950'000);
  auto over = on(cm::not_refreshed{"no private file", 2}, 950'000);
  CAF_CHECK(has<cm::refuse>(over)); // with the cause
  on(cm::logged_out{}, 950'000);
  CAF_CHECK(on(cm::not_loaded{0}, 950'000).empty());
  CAF_CHECK(std::get<cm::give>(on(cm::asked{4}, 950'000).at(0)).what.credentials.empty());
}

CAF_TEST(whoever asks while the vault cannot be read and nothing is held gets nothing) {
  cm::state m;
  auto step = cm::next(m, cm::asked{1}, 0);
  step = cm::next(step.to, cm::not_loaded{0}, 0);
  CAF_CHECK(std::get<cm::give>(step.effects.at(0)).what.credentials.empty());
}

// CRED-2: one look for all who ask meanwhile
CAF_TEST(a look into the vault is shared and a logout beats it) {
  cm::state m;
  auto on = [&](const cm::event_& e) {
    auto s = cm::next(std::move(m), e, 0);
    m = std::move(s.to);
    return s.effects;
  };
  CAF_CHECK(has<cm::load>(on(cm::asked{1})));
  CAF_CHECK(on(cm::asked{2}).empty());
  auto e = on(cm::logged_out{});
  CAF_REQUIRE_EQUAL(e.size(), 2u);
  for (const auto& x : e)
    CAF_CHECK(std::get<cm::give>(x).what.credentials.empty());
}

// CRED-2, CRED-6
CAF_TEST(neither a refresh nor a reading of the vault from before a logout brings a credential back) {
  plain_store on;
  snapshot old{0, 400'000, {{"K", "old"}}}, other{0, 400'000, {{"K", "other"}}};
  on(cm::loaded{old, 0}, 0);
  CAF_CHECK(has<cm::load>(on(cm::asked{1}, 200'000)));
  CAF_CHECK(has<cm::refresh>(on(cm::loaded{old, 0}, 200'000)));
  CAF_CHECK(on(cm::loaded{old, 0}, 200'000).empty()); // the same one is not refreshed twice
  CAF_CHECK(!has<cm::refresh>(on(cm::asked{2}, 200'000)));
  on(cm::logged_out{}, 200'000);
  on(cm::loaded{old, 0}, 200'000);
  CAF_CHECK(std::get<cm::give>(on(cm::asked{3}, 200'000)[0]).what.credentials.empty());
  on(cm::loaded{other, 1}, 200'000);
  CAF_CHECK(has<cm::load>(on(cm::asked{4}, 200'000)));
  CAF_CHECK(has<cm::refresh>(on(cm::loaded{other, 1}, 200'000)));
  CAF_CHECK(on(cm::refreshed{old, 1}, 200'000).empty());
  CAF_CHECK_EQUAL(count<cm::give>(on(cm::refreshed{other, 2}, 200'000)), 1);
}

namespace {

const cm::announce* announced(const std::vector<cm::effect>& effects) {
  for (const auto& e : effects)
    if (const auto* a = std::get_if<cm::announce>(&e))
      return a;
  return nullptr;
}

const cm::arm* armed(const std::vector<cm::effect>& effects) {
  for (const auto& e : effects)
    if (const auto* a = std::get_if<cm::arm>(&e))
      return a;
  return nullptr;
}

} // namespace

// CRED-5, BEYOND-6
CAF_TEST(what expires is refreshed with nobody asking and announced with a higher epoch) {
  store s;
  s.vault = {0, 400'000, {{"K", "old"}}};
  auto first = s.on(cm::load_asked{}, 0);
  CAF_REQUIRE(armed(first) && announced(first));
  CAF_CHECK_EQUAL(armed(first)->ms, 100'000);
  auto epoch = announced(first)->what.epoch;
  CAF_CHECK(s.on(cm::due_now{armed(first)->generation + 1}, 100'000).empty()); // stale
  CAF_CHECK(has<cm::refresh>(s.on(cm::due_now{armed(first)->generation}, 100'001)));
  auto second = s.on(cm::refreshed{{0, 4'000'000, {{"K", "new"}}}, s.m.flight}, 100'001);
  CAF_REQUIRE(armed(second) && announced(second));
  CAF_CHECK(announced(second)->what.epoch > epoch);
  CAF_CHECK_EQUAL(announced(second)->what.credentials[0].secret, "new");
  CAF_CHECK_EQUAL(armed(second)->ms, 4'000'000 - 300'000 - 100'001);
}

// CRED-4, CRED-5: tried again while the old one lasts; then those who run are told that there is none
CAF_TEST(a refresh that fails is tried again until the old one ends) {
  store s;
  s.vault = {0, 400'000, {{"K", "old"}}};
  auto e = s.on(cm::load_asked{}, 0);
  auto epoch = announced(e)->what.epoch;
  wall_ms now = 100'001;
  int tries = 0;
  for (; armed(e); ++tries) {
    CAF_REQUIRE(tries < 30);
    CAF_CHECK(has<cm::refresh>(s.on(cm::due_now{armed(e)->generation}, now)));
    e = s.on(cm::not_refreshed{"down", s.m.flight}, now);
    if (armed(e))
      now += armed(e)->ms;
  }
  CAF_CHECK(tries > 4);
  CAF_REQUIRE(announced(e));
  CAF_CHECK(announced(e)->what.credentials.empty());
  CAF_CHECK(announced(e)->what.epoch > epoch);
  CAF_CHECK(now >= 400'000);
}

// CRED-6: whoever runs hears of a logout, and of a login by another process; of nothing that changes nothing
CAF_TEST(each change of what is held is announced once) {
  store s;
  CAF_CHECK(!announced(s.on(cm::load_asked{}, 0)));
  s.vault.credentials = {{"K", "one"}};
  auto in = s.on(cm::load_asked{}, 0);
  CAF_REQUIRE(announced(in));
  CAF_CHECK(!announced(s.on(cm::load_asked{}, 0)));
  CAF_CHECK(!announced(s.on(cm::asked{1}, 0)));
  auto out = s.on(cm::logged_out{}, 0);
  CAF_REQUIRE(announced(out));
  CAF_CHECK(announced(out)->what.credentials.empty());
  CAF_CHECK(announced(out)->what.epoch > announced(in)->what.epoch);
  s.vault.credentials = {{"K", "two"}};
  auto again = s.on(cm::load_asked{}, 0);
  CAF_REQUIRE(announced(again));
  CAF_CHECK(announced(again)->what.epoch > announced(out)->what.epoch);
}
