// The agent view under keys and changes drawn at random: what always holds.
#define CAF_SUITE view_properties
#include <algorithm>
#include <random>

#include "caf/test/unit_test.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

using randomness = std::mt19937;

std::size_t below(randomness& r, std::size_t n) {
  return std::uniform_int_distribution<std::size_t>(0, n - 1)(r);
}

view::session any_session(randomness& r) {
  static const char* states[] = {"working", "blocked", "idle", "done", "failed", "stopped", "unknown", ""};
  static const char* processes[] = {"alive", "frozen", "starting", "ending", "exited", "unknown", ""};
  static const char* texts[] = {
      "",
      "short",
      "日本語の名前です",
      "👩‍👩‍👧 family",
      "a\x1b[31mb\nc\td",
      "\xff\xfe",
      "e\xcc\x81\xcc\x81",
      "a sentence that is rather long and goes on past the edge of most terminals, does it not"};
  auto s =
      make_session("s" + std::to_string(below(r, 40)), states[below(r, 8)], texts[below(r, 8)], texts[below(r, 8)]);
  s.now.process = processes[below(r, 7)];
  s.now.pinned = below(r, 6) == 0;
  s.now.started_at = noon - static_cast<wall_ms>(below(r, 5)) * 100;
  s.now.cwd = below(r, 2) == 0 ? "/home/ann/shop" : std::string("/x") + texts[below(r, 8)];
  s.now.told.since = static_cast<wall_ms>(below(r, 3)) * 1000;
  if (s.now.state == "blocked" && below(r, 2) == 0)
    s = asking(s, texts[below(r, 8)], {"Yes", "No\x1b"});
  if (below(r, 5) == 0)
    s.pulls = {{static_cast<std::int64_t>(below(r, 20)), "https://e.x/pull/1", below(r, 2) ? "ready" : "merged"}};
  return s;
}

view::event any_event(randomness& r) {
  static const std::vector<std::string> keys{"up",
                                             "down",
                                             "left",
                                             "right",
                                             "enter",
                                             "shift+enter",
                                             "space",
                                             "tab",
                                             "escape",
                                             "ctrl+c",
                                             "ctrl+s",
                                             "ctrl+t",
                                             "ctrl+r",
                                             "ctrl+g",
                                             "ctrl+j",
                                             "ctrl+x",
                                             "ctrl+f",
                                             "ctrl+l",
                                             "ctrl+z",
                                             "ctrl+d",
                                             "shift+up",
                                             "shift+down",
                                             "alt+up",
                                             "alt+down",
                                             "page_up",
                                             "page_down",
                                             "home",
                                             "end",
                                             "?",
                                             "alt+1",
                                             "alt+9",
                                             "backspace",
                                             "delete",
                                             "ctrl+w",
                                             "ctrl+u",
                                             "ctrl+k",
                                             "ctrl+y",
                                             "alt+b",
                                             "alt+f",
                                             "1",
                                             "2",
                                             "a",
                                             "/",
                                             "@",
                                             "!",
                                             "#",
                                             ":",
                                             "s",
                                             "y",
                                             "n",
                                             "é",
                                             "日",
                                             "👩‍👩‍👧",
                                             "f1",
                                             "nonsense",
                                             ""};
  static const std::vector<std::string> pastes{
      "x", "/model", "/help", "s:done", "find me", "a\nb\nc\nd\ne\nf", "\x1b[2J\x01", "\xff", std::string(3000, 'p')};
  switch (below(r, 24)) {
  case 0:
    return view::pasted{pastes[below(r, pastes.size())]};
  case 1:
    return view::resized{static_cast<int>(below(r, 50)), static_cast<int>(below(r, 140))};
  case 2:
    return view::removed{"s" + std::to_string(below(r, 40))};
  case 3:
    return view::mouse_used{static_cast<view::mouse_used::kind_>(below(r, 3)), static_cast<int>(below(r, 50)), 3};
  case 4:
    return view::outcome{below(r, 30), below(r, 2) == 0, "s" + std::to_string(below(r, 40))};
  case 5:
    return below(r, 4) != 0 ? view::event(view::ticked{}) : view::event(view::disconnected{"away"});
  case 6: {
    view::connected all;
    for (std::size_t i = below(r, 60); i > 0; --i)
      all.sessions.push_back(any_session(r));
    return below(r, 4) == 0 ? view::event(all) : view::event(view::accounts_told{});
  }
  case 7: {
    view::catalog known;
    known.agents = {{"reviewer", "reads\x1b", true}, {"shipper", "", false}};
    known.models = {"opus"};
    return view::catalog_told{known};
  }
  case 8:
  case 9:
  case 10:
  case 11:
    return view::changed{any_session(r)};
  default:
    return view::key_pressed{keys[below(r, keys.size())]};
  }
}

/// All items by stepping from the first: each once, the same backwards, and each row that fits is there or folded.
void check_walk(const view::state& s) {
  std::vector<view::item> forward, backward;
  for (auto at = s.sessions.begin(); at.kind != view::item::none; at = s.sessions.next(at)) {
    forward.push_back(at);
    CAF_REQUIRE(forward.size() < 1000);
  }
  for (auto at = s.sessions.end(); at.kind != view::item::none; at = s.sessions.previous(at)) {
    backward.push_back(at);
    CAF_REQUIRE(backward.size() < 1000);
  }
  std::reverse(backward.begin(), backward.end());
  CAF_REQUIRE(forward == backward);
  std::size_t rows = 0, hidden = 0;
  for (const auto& x : forward) {
    CAF_REQUIRE(s.sessions.is_shown(x));
    rows += x.kind == view::item::row;
  }
  for (const auto& g : s.sessions.groups())
    hidden += s.sessions.fold_of(g) == view::fold::closed ? s.sessions.members(g) : s.sessions.hidden(g);
  CAF_REQUIRE_EQUAL(rows + hidden, s.sessions.shown());
}

void check_window(const view::state& s) {
  bool any = s.sessions.begin().kind != view::item::none;
  CAF_REQUIRE_EQUAL(s.selected.kind != view::item::none, any);
  if (any)
    CAF_REQUIRE(s.sessions.is_shown(s.selected));
  for (std::size_t i = 0; i < s.window.size(); ++i) {
    CAF_REQUIRE(s.sessions.is_shown(s.window[i]));
    CAF_REQUIRE(s.window_rows[i] >= 0 && s.window_rows[i] < s.rows);
    CAF_REQUIRE(i == 0 || s.window_rows[i] > s.window_rows[i - 1]);
  }
  if (any && !s.window.empty() && s.rows >= 4)
    CAF_REQUIRE(std::find(s.window.begin(), s.window.end(), s.selected) != s.window.end());
}

void check_screen(const view::state& s) {
  auto out = view::show(s);
  CAF_REQUIRE_EQUAL(static_cast<int>(out.lines.size()), s.rows);
  CAF_REQUIRE(out.cursor_row < s.rows);
  CAF_REQUIRE(out.cursor_column >= 0);
  for (const auto& l : out.lines)
    for (const auto& span : l.spans) {
      for (char c : span.text)
        CAF_REQUIRE(static_cast<unsigned char>(c) >= 0x20 && c != 0x7f);
      CAF_REQUIRE(span.text.find("\xe2\x80\xae") == std::string::npos);
    }
  CAF_REQUIRE(view::next_change(s) >= 0);
}

} // namespace

// VIEW-3, SEC-2
CAF_TEST(whatever comes in whatever order the view stays whole) {
  for (unsigned seed = 1; seed <= 25; ++seed) {
    randomness r(seed);
    viewer v(24, 80);
    for (int i = 0; i < 400; ++i) {
      v.now += static_cast<wall_ms>(below(r, 700));
      v.take(any_event(r));
      if (i % 8 == 0)
        check_walk(v.s);
      check_window(v.s);
      check_screen(v.s);
      if (v.wants.size() > 1000)
        v.wants.clear();
    }
  }
}

// VIEW-3
CAF_TEST(what the view remembers comes back the same and nonsense is left out) {
  for (unsigned seed = 1; seed <= 30; ++seed) {
    randomness r(seed);
    viewer v;
    for (int i = 0; i < 200; ++i)
      v.take(any_event(r));
    view::state again;
    view::recall(again, view::remember(v.s));
    CAF_CHECK_EQUAL(view::remember(again), view::remember(v.s));
  }
  for (const char* text :
       {"", "{", "[]", "{\"grouping\":7,\"folds\":[1,{\"group\":{}}],\"places\":{\"a\":[1],\"b\":7}}"}) {
    view::state s;
    view::recall(s, text);
    CAF_CHECK(s.sessions.places().empty());
  }
}

// VIEW-9
CAF_TEST(a key costs the same with ten thousand sessions) {
  viewer v(50, 160);
  std::vector<view::session> all;
  for (int i = 0; i < 10'000; ++i) {
    auto s = make_session("s" + std::to_string(i), i % 10 == 0 ? "failed" : i % 3 == 0 ? "working" : "done", "name");
    s.now.started_at = noon - i;
    all.push_back(s);
  }
  v.show(all);
  auto before = std::chrono::steady_clock::now();
  for (int i = 0; i < 1000; ++i) {
    v.press({i % 2 == 0 ? "down" : i % 5 == 0 ? "page_down" : "up"});
    v.take(view::changed{all[static_cast<std::size_t>(i * 7)]});
  }
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - before).count();
  CAF_MESSAGE("1,000 keys and 1,000 changes in " << ms << " ms");
  CAF_CHECK(ms < 2000); // 0.2 ms each here; a sort of all would take tens of seconds
}
