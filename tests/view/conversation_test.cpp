// A terminal attached to a conversation, key by key, without a terminal; and what Markdown looks like on it.
#define CAF_SUITE view_conversation
#include <random>

#include "actors/agent_view/text.hpp"
#include "actors/conversation_view/machine.hpp"
#include "actors/conversation_view/markdown.hpp"
#include "caf/test/unit_test.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;
using intent = view::conversation_intent;

namespace {

std::string text_of_lines(const std::vector<view::line>& lines) {
  std::string out;
  for (const auto& l : lines) {
    std::string text;
    for (const auto& s : l.spans)
      text += s.text;
    text.erase(text.find_last_not_of(' ') + 1);
    out += text + "\n";
  }
  return out;
}

struct talker {
  view::conversation c;
  std::vector<intent> wants, last;
  wall_ms now = noon;
  std::uint64_t n = 0;

  explicit talker(int rows = 24, int columns = 80) {
    c.set.id = "a1";
    take(view::resized{rows, columns});
    auto row = make_session("a1", "working", "fix-auth");
    take(view::row_told{row});
    take(view::worker_reached{true});
  }
  void take(const view::conversation_event& e) { view::next(c, e, now, wants); }
  void say(const std::string& what, const std::string& text, const std::string& detail = {}, const std::string& id = {},
           std::int64_t value = 0) {
    troupe::event e;
    e.n = ++n;
    e.t = now;
    e.what = what;
    e.text = text;
    e.detail = detail;
    e.id = id;
    e.value = value;
    take(view::happened{{e}});
  }
  void press(const std::string& key) { take(view::key_pressed{key}); }
  void type(const std::string& text) {
    for (char ch : text)
      press(ch == ' ' ? "space" : std::string(1, ch));
  }
  const std::vector<intent>& wanted() { return last = std::exchange(wants, {}); }
  [[nodiscard]] std::string text() const { return text_of_lines(view::show(c).lines); }
  [[nodiscard]] bool shows(const std::string& part) const { return text().find(part) != std::string::npos; }
};

} // namespace

// ATT-1
CAF_TEST(a conversation is prompts and answers and folded tool calls) {
  talker t;
  t.say("taken", "fix the login", "", "k1");
  t.say("sent", "", "", "k1");
  t.say("text", "I will look ", "agent");
  t.say("text", "at it.", "agent");
  for (int i = 1; i <= 6; ++i)
    t.say("tool", "read file-" + std::to_string(i), "completed", "t" + std::to_string(i));
  t.say("tool", "run the tests", "in_progress", "t7");
  CAF_CHECK(t.shows("› fix the login"));
  CAF_CHECK(t.shows("  I will look at it."));
  CAF_CHECK(!t.shows("read file-1") && t.shows("read file-6") && t.shows("✻ run the tests"));
  CAF_CHECK(t.shows("earlier tool calls"));
  t.press("ctrl+o");
  CAF_CHECK(t.shows("✓ read file-1"));
  t.say("tool", "run the tests", "failed", "t7");
  CAF_CHECK(t.shows("✗ run the tests"));
  t.say("turn_ended", "", "end_turn");
  CAF_CHECK(!t.shows("Esc interrupts"));
}

// ATT-1
CAF_TEST(a recap tells what happened while nobody looked) {
  talker t;
  std::vector<troupe::event> all;
  auto add = [&](const std::string& what, std::int64_t value = 0) {
    troupe::event e;
    e.n = ++t.n;
    e.what = what;
    e.id = "x" + std::to_string(t.n);
    e.text = "x";
    e.value = value;
    all.push_back(e);
  };
  add("attached", 1);
  add("attached", 0);
  add("tool");
  add("tool");
  add("turn_ended");
  t.take(view::happened{all});
  CAF_CHECK(t.shows("meanwhile: 1 turn, 2 tool calls"));
  t.press("down");
  CAF_CHECK(!t.shows("meanwhile"));
}

// ATT-2
CAF_TEST(left on an empty prompt goes back when the last edit is half a second ago) {
  talker t;
  t.now += 1000;
  t.type("x");
  t.press("backspace");
  t.press("left");
  CAF_CHECK(t.wanted().empty());
  t.now += 600;
  t.press("left");
  CAF_CHECK(t.wanted().front().kind == intent::view);
  t.c.set.left_detaches = false;
  t.press("left");
  CAF_CHECK(t.wanted().empty());
  t.press("ctrl+c");
  CAF_CHECK(t.wanted().empty());
  t.press("ctrl+c");
  CAF_CHECK(t.wanted().front().kind == intent::view);
  t.press("ctrl+z");
  CAF_CHECK(t.wanted().front().kind == intent::leave);
  t.press("ctrl+d");
  CAF_CHECK(t.wanted().front().kind == intent::view);
  t.type("/exit");
  t.press("enter");
  CAF_CHECK(t.wanted().front().kind == intent::view);
}

CAF_TEST(escape interrupts what runs and clears what is typed first) {
  talker t;
  t.say("sent", "");
  t.type("half");
  t.press("escape");
  CAF_CHECK(t.wanted().empty() && t.c.input.empty());
  t.press("escape");
  CAF_CHECK(t.wanted().front().kind == intent::cancel);
  t.say("turn_ended", "", "cancelled");
  CAF_CHECK(t.shows("interrupted"));
  t.press("escape");
  CAF_CHECK(t.wanted().empty());
}

// BEYOND-7
CAF_TEST(a question is answered by its number or by choosing) {
  talker t;
  t.take(view::row_told{asking(make_session("a1", "blocked", "fix-auth"), "Run make?", {"Yes", "No"})});
  t.say("question", "Run make?", "", "q1");
  CAF_CHECK(t.shows("? Run make?"));
  CAF_CHECK(t.shows("❯ 1  Yes") && t.shows("waits for you"));
  t.press("down");
  t.press("enter");
  auto first = t.wanted();
  CAF_CHECK(first.front().kind == intent::answer && first.front().text == "2" && first.front().question == "q1");
  t.press("1");
  auto second = t.wanted();
  CAF_CHECK_EQUAL(second.front().text, "1");
  t.type("do it later"); // a message, not an answer
  t.press("enter");
  CAF_CHECK(t.wanted().front().kind == intent::reply);
}

CAF_TEST(a message that fails comes back into the input) {
  talker t;
  t.type("and the tests");
  t.press("enter");
  auto wants = t.wanted();
  t.take(view::done_told{wants.front().token, false, "no such session\nlist them"});
  CAF_CHECK_EQUAL(t.c.input.text(), "and the tests");
  CAF_CHECK(t.shows("no such session · list them"));
}

CAF_TEST(what is read stays in its place while more comes) {
  talker t;
  for (int i = 0; i < 60; ++i)
    t.say("taken", "line " + std::to_string(i), "", "k" + std::to_string(i));
  t.press("page_up");
  auto before = t.text();
  t.say("taken", "newest", "", "kx");
  CAF_CHECK_EQUAL(before.substr(0, before.find("more lines")).substr(0, 200), t.text().substr(0, 200));
  CAF_CHECK(t.shows("more lines"));
  t.press("page_down");
  t.press("page_down");
  CAF_CHECK(t.shows("newest"));
}

// BG-1
CAF_TEST(a foreground session goes to the background with left and with a command) {
  talker t;
  t.c.set.foreground = true;
  t.now += 1000;
  t.press("left");
  CAF_CHECK(t.wanted().front().kind == intent::background);
  t.type("/bg go on with the tests");
  t.press("enter");
  auto wants = t.wanted();
  CAF_REQUIRE_EQUAL(wants.size(), 1u);
  CAF_CHECK_EQUAL(wants.front().text, "go on with the tests");
}

// SEC-2
CAF_TEST(what an agent says cannot move the cursor) {
  talker t;
  t.say("text", "a\x1b[2J\xe2\x80\xae\tb\r\n```\n\x07\xff\n```", "agent");
  t.say("tool", "evil\x1b]0;x\x07", "failed", "t1");
  for (const auto& l : view::show(t.c).lines)
    for (const auto& s : l.spans)
      for (char ch : s.text)
        CAF_CHECK(static_cast<unsigned char>(ch) >= 0x20 && ch != 0x7f);
  CAF_CHECK(t.shows("a^[[2J<U+202E>"));
}

// ATT-1
CAF_TEST(markdown keeps its shape) {
  auto lines =
      view::markdown_lines("# Title\n\nSome **bold** words and `code` that go on and on for a while.\n- one\n- two\n"
                           "  - inner\n1. first\n\n```diff\n+added\n-gone\n same\n```\n> quoted\n\nsee "
                           "[the docs](https://e.x/d) or https://e.x/y.",
                           40, 2);
  CAF_CHECK_EQUAL(text_of_lines(lines),
                  "  Title\n\n  Some bold words and code that go on\n  and on for a while.\n  · one\n  · two\n"
                  "    · inner\n  1. first\n\n    +added\n    -gone\n     same\n  │ quoted\n\n"
                  "  see the docs or https://e.x/y.\n");
  bool linked = false, added = false;
  for (const auto& l : lines)
    for (const auto& s : l.spans) {
      linked = linked || s.link == "https://e.x/d";
      added = added || (s.as == view::ink::added && s.text == "+added");
    }
  CAF_CHECK(linked && added);
}

CAF_TEST(whatever is said and typed the screen stays whole) {
  static const std::vector<std::string> keys{"up",        "down",   "left",     "enter", "escape",    "page_up",
                                             "page_down", "ctrl+o", "a",        "space", "backspace", "?",
                                             "1",         "ctrl+u", "shift+up", "日"};
  static const std::vector<std::string> texts{"",
                                              "plain",
                                              "```\ncode",
                                              "# h\n- l\n> q\n| a | b |",
                                              "**",
                                              "[x](",
                                              "`",
                                              "日本語日本語",
                                              "\x1b\xff\n\n\n",
                                              "word word word word word word word word word word word word"};
  static const std::vector<std::string> whats{"taken",      "sent", "text",  "tool",     "question", "answered",
                                              "turn_ended", "note", "ended", "attached", "nonsense"};
  for (unsigned seed = 1; seed <= 40; ++seed) {
    std::mt19937 r(seed);
    talker t;
    for (int i = 0; i < 200; ++i) {
      t.now += r() % 400;
      if (r() % 3 == 0)
        t.press(keys[r() % keys.size()]);
      else if (r() % 12 == 0)
        t.take(view::resized{static_cast<int>(r() % 40), static_cast<int>(r() % 100)});
      else
        t.say(whats[r() % whats.size()], texts[r() % texts.size()], r() % 2 ? "agent" : "completed",
              "t" + std::to_string(r() % 9), static_cast<std::int64_t>(r() % 2));
      auto shown = view::show(t.c);
      CAF_REQUIRE_EQUAL(static_cast<int>(shown.lines.size()), t.c.rows);
      CAF_REQUIRE(shown.cursor_row < t.c.rows);
      std::size_t lines = t.c.said.slice(0, 1'000'000).size();
      CAF_REQUIRE_EQUAL(lines, t.c.said.lines());
    }
  }
}
