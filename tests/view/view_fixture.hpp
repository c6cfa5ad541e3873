// A view without terminal and supervisor: keys and changes go in, the screen comes out as text.
#pragma once

#include <string>
#include <vector>

#include "actors/agent_view/machine.hpp"
#include "actors/agent_view/text.hpp"

namespace troupe::test {

constexpr wall_ms noon = 1'700'000'000'000;

inline view::session make_session(const std::string& id, const std::string& state, const std::string& name = {},
                                  const std::string& sentence = {}) {
  view::session s;
  s.now.id.value = id;
  s.now.name = name;
  s.now.state = state;
  s.now.process = state == "done" || state == "failed" || state == "stopped" ? "exited" : "alive";
  s.now.sentence = sentence;
  s.now.cwd = "/home/ann/shop";
  s.now.harness = "native";
  s.now.started_at = noon - 60'000;
  s.now.told = {"protocol", noon - 30'000};
  return s;
}

inline view::session asking(view::session s, const std::string& text, const std::vector<std::string>& options) {
  question q{"q1", text, {}, noon - 180'000};
  for (const auto& o : options)
    q.options.push_back({static_cast<std::uint32_t>(q.options.size() + 1), o, "", o});
  s.now.state = "blocked";
  s.now.waiting = {q};
  return s;
}

struct viewer {
  view::state s;
  std::vector<view::intent> wants, last_wanted;
  wall_ms now = noon;

  explicit viewer(int rows = 24, int columns = 80) {
    s.set.cwd = "/home/ann/shop";
    s.set.home = "/home/ann";
    take(view::resized{rows, columns});
  }
  void take(const view::event& e) { view::next(s, e, now, wants); }
  void show(std::vector<view::session> all) { take(view::connected{std::move(all)}); }
  void press(const std::vector<std::string>& keys) {
    for (const auto& k : keys)
      take(view::key_pressed{k});
  }
  void type(const std::string& text) {
    for (std::size_t at = 0; at < text.size();) {
      auto end = view::character_after(text, at);
      auto c = text.substr(at, end - at);
      take(view::key_pressed{c == " " ? "space" : c});
      at = end;
    }
  }
  /// What was wanted since the last call; stays until the next one.
  const std::vector<view::intent>& wanted() { return last_wanted = std::exchange(wants, {}); }
  [[nodiscard]] std::vector<std::string> lines() const {
    std::vector<std::string> out;
    for (const auto& l : view::show(s).lines) {
      std::string text;
      for (const auto& span : l.spans)
        text += span.text;
      text.erase(text.find_last_not_of(' ') + 1);
      out.push_back(text);
    }
    return out;
  }
  [[nodiscard]] std::string text() const {
    std::string out;
    for (const auto& l : lines())
      out += l + "\n";
    return out;
  }
  [[nodiscard]] bool shows(const std::string& part) const { return text().find(part) != std::string::npos; }
};

/// One session of each kind of state.
inline std::vector<view::session> some() {
  return {asking(make_session("a1", "blocked", "ask-release"), "Shall I tag the release?", {"Yes", "No"}),
          make_session("b2", "working", "fix-auth", "editing login.cpp"),
          make_session("c3", "done", "greeting", "Hello."), make_session("d4", "failed", "broken", "exit 3"),
          make_session("e5", "stopped", "old")};
}

/// The one intent of that kind; null when there is none, or more.
inline const view::intent* only(const std::vector<view::intent>& all, view::intent::kind_ kind) {
  const view::intent* found = nullptr;
  for (const auto& x : all)
    if (x.kind == kind)
      found = found == nullptr ? &x : nullptr;
  return found;
}

} // namespace troupe::test
