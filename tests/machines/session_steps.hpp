// A session's machine in the hands of a test: events in, the effects of all steps kept.
#pragma once

#include <algorithm>
#include <string>
#include <vector>

#include "actors/session/machine.hpp"

namespace troupe::test {

namespace sm = troupe::session_machine;

struct session {
  sm::state m;
  sm::policy p;
  wall_ms now = 1'000'000;
  std::uint64_t next_worker = 1, events = 0;
  std::vector<sm::effect> all;

  explicit session(const std::string& kind = "agent") {
    m.known.id = {"s"};
    m.known.spec.kind = kind;
    m.known.spec.harness = kind == "exec" ? "exec" : "native";
  }
  std::vector<sm::effect> on(const sm::event_& e) {
    auto s = sm::next(std::move(m), e, now, p);
    m = std::move(s.to);
    all.insert(all.end(), s.effects.begin(), s.effects.end());
    return s.effects;
  }
  worker_address fresh() { return {{next_worker++}, {"boot", 7, 9}, "/socket"}; }
  std::vector<sm::effect> happens(const std::string& what, const std::string& id = {}, const std::string& detail = {},
                                  std::int64_t value = 0, const std::string& text = {}) {
    event e;
    e.n = ++events;
    e.t = now;
    e.run = m.known.run;
    e.what = what;
    e.id = id;
    e.detail = detail;
    e.value = value;
    e.text = text;
    return on(sm::happened{e});
  }
  worker_id worker() const { return {next_worker - 1}; }
  /// Brings it to where its harness runs.
  void run() {
    if (!std::holds_alternative<sm::claiming>(m.at))
      on(sm::begin{});
    on(sm::granted{fresh(), true});
    on(sm::held{{m.known.id, m.known.run, "/", m.known.spec.permission_mode, 0}});
    on(sm::permitted{});
    happens("assigned");
    happens("started");
  }
  void turn() {
    happens("ready");
    if (m.known.taken.count("first") == 0)
      happens("taken", "first");
    happens("sent", "first");
  }
  std::string state() const { return sm::look(m).state; }
};

template <class T>
std::size_t count(const std::vector<sm::effect>& xs) {
  return static_cast<std::size_t>(
      std::count_if(xs.begin(), xs.end(), [](const auto& x) { return std::holds_alternative<T>(x); }));
}

inline bool wrote(const std::vector<sm::effect>& xs, const std::string& what) {
  return std::any_of(xs.begin(), xs.end(), [&](const auto& x) {
    const auto* r = std::get_if<sm::record>(&x);
    return r && r->entry.what == what;
  });
}

} // namespace troupe::test
