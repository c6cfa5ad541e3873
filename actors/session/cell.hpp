// What each cell of the session's table works on. For machine.cpp and the files beside it.
#pragma once

#include <algorithm>
#include <concepts>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "actors/session/machine.hpp"

namespace troupe::session_machine {

template <class S, class... Xs>
concept among = (std::same_as<S, Xs> || ...);
/// States that have a worker, under whichever name.
template <class S>
concept with_worker = among<S, assigning, queued, live, frozen, ending, killing, adopting, unreachable>;
template <class S>
concept without_worker = among<S, absent, backing_off, claiming, clearing, removed>;

/// What a cell works on.
struct context {
  state& s;
  std::vector<effect>& out;
  wall_ms now;
  const policy& p;
  [[nodiscard]] facts& f() const { return s.known; }
  void put(effect e) { out.push_back(std::move(e)); }
  void write(std::string what, std::map<std::string, std::string> named = {}, bool first_cause = false) {
    write_for(f().run, std::move(what), std::move(named), first_cause);
  }
  void write_for(std::uint32_t run, std::string what, std::map<std::string, std::string> named, bool first_cause) {
    ledger_entry e;
    e.t = now;
    e.what = std::move(what);
    e.session = f().id;
    e.run = run;
    e.seen = f().last_event;
    e.facts = std::move(named);
    fold(f(), e);
    put(record{std::move(e), first_cause});
  }
  void arm_timer(timer which, std::int64_t ms) {
    auto g = which == timer::rest       ? ++s.rest_generation
             : which == timer::sentence ? ++s.sentence_generation
                                        : ++s.generation;
    put(arm{which, std::max<std::int64_t>(ms, 0), g});
  }
};

} // namespace troupe::session_machine
