// Width, cutting and breaking of text, and the input line.
#define CAF_SUITE view_text
#include "caf/test/unit_test.hpp"

#include "actors/agent_view/editor.hpp"
#include "actors/agent_view/text.hpp"
#include "cli/clipboard_guard.hpp"
#include "messages/wording.hpp"

using namespace troupe;
using namespace troupe::view;

CAF_TEST(wide characters take two columns and accents none) {
  CAF_CHECK_EQUAL(width("abc"), 3);
  CAF_CHECK_EQUAL(width("日本"), 4);
  CAF_CHECK_EQUAL(width("e\xcc\x81"), 1);
  CAF_CHECK_EQUAL(width("😀"), 2);
  CAF_CHECK_EQUAL(width("✻✽∙✓✗■❄✢❯"), 9);
}

CAF_TEST(what is cut ends with an ellipsis and never in the middle of a character) {
  CAF_CHECK_EQUAL(clip("hello", 5), "hello");
  CAF_CHECK_EQUAL(clip("hello", 4), "hel…");
  CAF_CHECK_EQUAL(clip("日本語", 4), "日…");
  CAF_CHECK_EQUAL(clip("x", 0), "");
  CAF_CHECK_EQUAL(clip_front("/home/ann/shop", 6), "…/shop");
}

CAF_TEST(lines break between words and inside those that are too long) {
  CAF_CHECK(wrap("one two three", 7) == std::vector<std::string>({"one two", "three"}));
  CAF_CHECK(wrap("abcdefgh", 3) == std::vector<std::string>({"abc", "def", "gh"}));
  CAF_CHECK(wrap("a\n\nb", 9) == std::vector<std::string>({"a", "", "b"}));
  CAF_CHECK(wrap("日本語", 1).size() == 3);
}

CAF_TEST(an emoji takes two columns whatever it is made of and is cut as a whole) {
  const std::string thumb = "👍🏽", heart = "❤️", flag = "🇩🇪", coder = "👩‍💻",
                    family = "👨‍👩‍👧‍👦";
  for (const auto& e : {thumb, heart, flag, coder, family}) {
    CAF_CHECK_EQUAL(width(e), 2);
    CAF_CHECK_EQUAL(width("a" + e + "b"), 4);
    CAF_CHECK_EQUAL(clip(e + "bcd", 4), e + "b…");
    CAF_CHECK_EQUAL(clip("a" + e + "b", 3), "a…");
    CAF_CHECK_EQUAL(visible(e), e);
    CAF_CHECK_EQUAL(character_after(e + "x", 0), e.size());
  }
  CAF_CHECK_EQUAL(width("日本語 e\xcc\x81"), 8);
  // a joiner anywhere else hides something
  CAF_CHECK_EQUAL(visible("pay‍pal"), "pay<U+200D>pal");
  CAF_CHECK_EQUAL(visible("👩‍x"), "👩<U+200D>x");
}

// SEC-2
CAF_TEST(what deceives the eye is shown) {
  CAF_CHECK_EQUAL(visible("a\x1b[2J\x7f"), "a^[[2J^?");
  CAF_CHECK_EQUAL(visible("\xe2\x80\xae\xe2\x80\x8b\xc2\xad\xf3\xa0\x81\x81"), "<U+202E><U+200B><U+00AD><U+E0041>");
  CAF_CHECK_EQUAL(visible("\xff"), "\xef\xbf\xbd");
  CAF_CHECK_EQUAL(visible_line("  a\n\tb\r\n "), "a b");
}

// VIEW-5
CAF_TEST(the input line moves by characters and words and keeps what was cut) {
  editor e;
  e.insert("fix the te\xcc\x81st");
  e.key("ctrl+w");
  CAF_CHECK_EQUAL(e.text(), "fix the ");
  e.key("ctrl+y");
  CAF_CHECK_EQUAL(e.text(), "fix the te\xcc\x81st");
  e.key("left");
  e.key("left");
  e.key("backspace");
  CAF_CHECK_EQUAL(e.text(), "fix the tst");
  e.key("ctrl+a");
  e.key("alt+f");
  e.insert("ed");
  CAF_CHECK_EQUAL(e.text(), "fixed the tst");
  e.key("ctrl+k");
  CAF_CHECK_EQUAL(e.text(), "fixed");
  CAF_CHECK(!e.key("up"));
  e.insert("\nsecond");
  CAF_CHECK(e.key("up"));
  CAF_CHECK_EQUAL(e.cursor(), 5u);
}

CAF_TEST(the input line is drawn around the cursor) {
  editor e;
  for (int i = 0; i < 20; ++i)
    e.insert("line " + std::to_string(i) + "\n");
  auto p = e.draw(20, 5);
  CAF_CHECK_EQUAL(p.lines.size(), 5u);
  CAF_CHECK_EQUAL(p.row, 4);
  e.set("abcdefghij");
  p = e.draw(5, 5);
  CAF_CHECK_EQUAL(p.lines.size(), 3u);
  CAF_CHECK_EQUAL(p.column, 2);
}

CAF_TEST(the history gives back what was entered and what was being typed) {
  editor e;
  e.remember("first");
  e.remember("second");
  e.insert("draft");
  CAF_CHECK(e.older());
  CAF_CHECK_EQUAL(e.text(), "second");
  CAF_CHECK(e.older());
  CAF_CHECK(!e.older());
  CAF_CHECK(e.newer());
  CAF_CHECK(e.newer());
  CAF_CHECK_EQUAL(e.text(), "draft");
}

// SEC-2
CAF_TEST(attached output never reads the clipboard and writes it only where it may) {
  const std::string read = "\x1b]52;c;?\a", read_st = "\x1b]52;p;?\x1b\\",
                    read_c1 = "\xc2\x9d"
                              "52;c;?\xc2\x9c",
                    write = "\x1b]52;c;aGVsbG8=\a";
  const std::string other =
      "\x1b]0;a title\a\x1b[31mred\x1b]8;;https://e.x/\x1b\\link\x1b]8;;\x1b\\ \xc2\xa9 日 \x1b]5;x\a";
  const auto all = "a" + read + "b" + read_st + "c" + read_c1 + other + write + "d";
  for (bool writes : {false, true}) {
    const auto wanted = "abc" + other + (writes ? write : "") + "d";
    CAF_CHECK_EQUAL(clipboard_guard(writes).pass(all), wanted);
    for (std::size_t cut = 0; cut <= all.size(); ++cut) { // wherever a read ends
      clipboard_guard g(writes);
      auto first = g.pass(all.substr(0, cut));
      CAF_REQUIRE_EQUAL(first + g.pass(all.substr(cut)), wanted);
    }
  }
  CAF_CHECK_EQUAL(clipboard_guard(false).pass("x\x1b]52;c;aGV\x1b[2Jy"), "x\x1b[2Jy"); // one that another cuts off
}
