// How a worker keeps up with the credentials: every order of what may happen, up to a bound.
#define CAF_SUITE renewal
#include <compare>
#include <deque>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/session/renewal.hpp"
#include "caf/test/unit_test.hpp"

using namespace troupe;

namespace {

constexpr std::uint64_t newest = 3;
constexpr std::size_t most_under_way = 2;

/// A store, a worker with an agent, and what is under way between them and the machine.
struct world {
  renewal a;
  std::uint64_t stored = 1, held = 1;
  std::uint64_t refused = 0; ///< the agent was turned down with these and waits for a word; 0: it does not
  std::uint64_t asked_anew = 0;
  std::vector<std::uint64_t> announced, sent;
  std::vector<std::pair<std::uint64_t, bool>> answers; ///< of the worker: to which, and whether it has taken that
  int asks = 0;
  bool timer = false, holds = true;
  auto operator<=>(const world&) const = default;

  [[nodiscard]] renewal_standing standing() const { return {holds, !holds}; }
  void obey(renewal_order what, std::uint64_t epoch = 0) {
    if (what == renewal_order::ask)
      ++asks;
    else if (what == renewal_order::send)
      sent.push_back(epoch);
    else if (what == renewal_order::later)
      timer = true;
  }
  void announce() { announced.push_back(++stored); }
  void hear() {
    auto epoch = announced.front();
    announced.erase(announced.begin());
    obey(a.told(epoch, standing()), epoch);
  }
  void answer(bool well) {
    --asks;
    obey(well ? a.told(stored, standing()) : a.unanswered(), stored);
  }
  void arrive(bool well) {
    auto epoch = sent.front();
    sent.erase(sent.begin());
    well = well && epoch >= held; // older ones are refused
    if (well) {
      held = epoch;
      refused = 0;
    }
    answers.emplace_back(epoch, well);
  }
  void hear_worker() {
    auto [epoch, well] = answers.front();
    answers.erase(answers.begin());
    obey(well ? a.taken(epoch) : a.not_taken(epoch));
  }
  void due() {
    timer = false;
    obey(a.due());
  }
  void turn_down() {
    refused = held;
    if (a.may_ask())
      asked_anew = held;
  }
  void replace(bool well) {
    auto epoch = std::exchange(asked_anew, 0);
    obey(well ? a.replaced(epoch, stored, standing()) : a.not_replaced(), stored);
  }
};

std::vector<world> after(const world& w) {
  std::vector<world> out;
  auto with = [&](auto&& change) {
    auto next = w;
    change(next);
    out.push_back(std::move(next));
  };
  if (w.stored < newest && w.announced.size() < most_under_way)
    with([](world& x) { x.announce(); });
  if (!w.announced.empty())
    with([](world& x) { x.hear(); });
  if (w.asks > 0)
    for (bool well : {true, false})
      with([well](world& x) { x.answer(well); });
  if (!w.sent.empty())
    for (bool well : {true, false})
      with([well](world& x) { x.arrive(well); });
  if (!w.answers.empty())
    with([](world& x) { x.hear_worker(); });
  if (w.timer)
    with([](world& x) { x.due(); });
  if (w.refused == 0)
    with([](world& x) { x.turn_down(); });
  if (w.asked_anew != 0)
    for (bool well : {true, false})
      with([well](world& x) { x.replace(well); });
  with([](world& x) { x.holds = !x.holds; });
  if (w.asks == 0)
    with([](world& x) { x.obey(x.a.woke(x.standing())); });
  return out;
}

/// All goes well from here on; gives where that ends.
world settled(world w) {
  w.holds = true;
  for (int step = 0; step < 100; ++step)
    if (!w.announced.empty())
      w.hear();
    else if (w.asked_anew != 0)
      w.replace(true);
    else if (w.asks > 0)
      w.answer(true);
    else if (!w.sent.empty())
      w.arrive(true);
    else if (!w.answers.empty())
      w.hear_worker();
    else if (w.timer)
      w.due();
    else
      break;
  return w;
}

std::string told(const world& w) {
  return "\n  stored " + std::to_string(w.stored) + ", held " + std::to_string(w.held) + ", refused " +
         std::to_string(w.refused) + ", asks " + std::to_string(w.asks) + ", sent " + std::to_string(w.sent.size()) +
         (w.asked_anew ? ", asked anew" : "") + (w.holds ? "" : ", ending") + (w.timer ? ", timer" : "");
}

} // namespace

// BEYOND-6, CRED-5
CAF_TEST(in every order of events the worker ends with the newest credentials and no agent waits for ever) {
  world first;
  CAF_REQUIRE(first.a.assigned(1) == renewal_order::none);
  std::map<world, world> seen{{first, first}}; // and where each came from
  std::deque<world> open{first};
  std::size_t sends = 0;
  while (!open.empty()) {
    auto w = std::move(open.front());
    open.pop_front();
    sends += w.sent.empty() ? 0 : 1;
    auto end = settled(w);
    if (end.held != end.stored || end.refused != 0 || end.a.behind()) {
      std::string story = told(end);
      for (; w != first; w = seen.at(w))
        story = told(w) + story;
      CAF_ERROR("an agent waits, or its worker is behind:" + story);
      return;
    }
    for (auto& next : after(w))
      if (next.asks <= 2 && next.sent.size() + next.answers.size() <= most_under_way && seen.emplace(next, w).second)
        open.push_back(std::move(next));
  }
  CAF_MESSAGE(std::to_string(seen.size()) + " states");
  CAF_CHECK(seen.size() > 1000 && sends > 100);
}

// BEYOND-6
CAF_TEST(a worker that was given none is sent none and one that ends is offered them later) {
  renewal a;
  CAF_CHECK(a.told(1, {true, false}) == renewal_order::none);
  CAF_CHECK(!a.may_ask() && a.due() == renewal_order::none && a.woke({true, false}) == renewal_order::none);
  CAF_CHECK(a.assigned(0) == renewal_order::ask); // announced while its own were on their way
  CAF_CHECK(a.told(1, {false, true}) == renewal_order::later);
  CAF_CHECK(a.due() == renewal_order::ask);
  CAF_CHECK(a.told(1, {false, false}) == renewal_order::none); // it is gone
  a.parted();
  CAF_CHECK(!a.behind() && a.told(2, {true, false}) == renewal_order::none);
}

// BEYOND-6
CAF_TEST(what fails is tried again at growing distance until it is taken) {
  renewal a;
  a.assigned(1);
  std::vector<std::int64_t> distances;
  for (int i = 0; i < 9; ++i) {
    CAF_CHECK(a.told(2, {true, false}) == renewal_order::send);
    CAF_CHECK(a.not_taken(2) == renewal_order::later);
    distances.push_back(a.delay_s());
  }
  CAF_CHECK_EQUAL(distances, (std::vector<std::int64_t>{5, 10, 20, 40, 80, 160, 320, 320, 320}));
  a.told(2, {true, false});
  CAF_CHECK(a.taken(2) == renewal_order::none);
  CAF_CHECK(!a.behind());
  CAF_CHECK_EQUAL(a.delay_s(), 5);
}
