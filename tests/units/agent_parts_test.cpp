// The agent's parts by themselves: offline scripts, limits, files, permissions.
#define CAF_SUITE agent_parts

#include "caf/test/unit_test.hpp"

#include <csignal>

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "runtime/agent/background_shells.hpp"
#include "runtime/agent/file_tools.hpp"
#include "runtime/agent/foreground_shell.hpp"
#include "runtime/agent/json_rpc.hpp"
#include "runtime/agent/offline_provider.hpp"
#include "runtime/agent/output_window.hpp"
#include "runtime/agent/skill_book.hpp"
#include "runtime/agent/tool_limits.hpp"
#include "tests/units/agent_client.hpp"

using namespace troupe::agent;
using troupe::test::scratch_folder;
using troupe::test::text_of_file;
using troupe::test::write_file;

namespace {

message user(const std::string& text) {
  return {message::role::user, {{piece::kind::text, text, {}, {}, {}}}, {}, {}, {}, {}, false};
}

message assistant(const planned_step& step) {
  return {message::role::assistant, step.pieces, {}, {}, {}, {}, false};
}

message result_of(const planned_step& step, const std::string& text) {
  return {message::role::tool, {}, {}, step.pieces.at(0).id, step.pieces.at(0).name, text, false};
}

/// The loop reads SIGCHLD from a descriptor: no thread of the test's runner may take it, so it is blocked before any.
[[maybe_unused]] const int blocked_early = [] {
  sigset_t children;
  sigemptyset(&children);
  sigaddset(&children, SIGCHLD);
  return sigprocmask(SIG_BLOCK, &children, nullptr);
}();

tool_outcome run(const std::string& command, milliseconds timeout) {
  event_loop events;
  const environment env{{"PATH", "/usr/bin:/bin"}};
  const std::string cwd = "/";
  background_shells none(events, "/nonexistent", "s", [] {});
  const tool_limits limits;
  const skill_book skills;
  const tool_context context{events, env, cwd, limits, none, nullptr, nullptr, skills, "s/call", [](int) {}};
  tool_outcome outcome;
  const auto running = run_in_foreground(context, command, timeout, [&](tool_outcome told) {
    outcome = std::move(told);
    events.stop();
  });
  events.run();
  return outcome;
}

} // namespace

// NAT-3
CAF_TEST(only whole directives are taken from a prompt) {
  const auto script = parse_script("hello there\n  say hi \r\nsay\nstop it\nstop refusal\nexit soon\nexit 3\n"
                                   "edit f a to b\nedit f a => b\nbashful x\nstream 5x",
                                   "/");
  const std::vector<directive> expected{{"say", "hi"}, {"stop", "refusal"}, {"exit", "3"}, {"edit", "f a => b"}};
  CAF_CHECK(script == expected);
}

// NAT-3
CAF_TEST(a script file that cannot be read is said and one that includes itself ends) {
  scratch_folder work;
  write_file(work / "loop", "say in\nscript loop\n");
  const auto missing = parse_script("script missing", work.path);
  CAF_CHECK_EQUAL(missing.at(0).rest, "cannot read the script missing");
  CAF_CHECK_EQUAL(parse_script("script loop", work.path).size(), 5u);
}

// NAT-3 REST-5
CAF_TEST(the next step follows from the conversation alone) {
  std::vector<message> talk{user("say a\nbash true\nsay b")};
  const auto first = next_step(talk, "/");
  CAF_CHECK_EQUAL(first.pieces.at(0).text, "a");
  CAF_CHECK(first.end == step_end::more);
  talk.push_back(assistant(first));
  const auto second = next_step(talk, "/");
  CAF_CHECK_EQUAL(second.pieces.at(0).name, "bash");
  talk.push_back(assistant(second));
  talk.push_back(result_of(second, "interrupted"));
  talk.push_back(user("You were interrupted, continue."));
  const auto third = next_step(talk, "/");
  CAF_CHECK_EQUAL(third.pieces.at(0).text, "b");
  CAF_CHECK(third.end == step_end::end_turn);
  talk.push_back(assistant(third));
  talk.push_back(user("thanks"));
  CAF_CHECK(next_step(talk, "/").pieces.at(0).text.find("thanks") != std::string::npos);
  talk.push_back(user("say c"));
  const auto fourth = next_step(talk, "/");
  CAF_CHECK_EQUAL(fourth.pieces.at(0).text, "c");
}

// F-25: the agent before has been killed and has not quite ended
CAF_TEST(a conversation that another process is about to let go is waited for) {
  scratch_folder at;
  std::string error;
  bool missing = false;
  conversation::create(at.path, "id", "/", error);
  int ends[2];
  CAF_REQUIRE(::pipe(ends) == 0);
  auto holder = ::fork();
  if (holder == 0) {
    auto held = conversation::load(at.path, "id", error, missing);
    auto told = ::write(ends[1], held ? "y" : "n", 1);
    while (told == 1 && text_of_file("/proc/locks").find("->") == std::string::npos) { // until somebody waits
    }
    ::_exit(0);
  }
  char holds = 'n';
  CAF_REQUIRE(::read(ends[0], &holds, 1) == 1 && holds == 'y');
  CAF_CHECK(conversation::load(at.path, "id", error, missing) != nullptr);
  CAF_CHECK_EQUAL(error, "");
  ::waitpid(holder, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}

// NAT-3
CAF_TEST(a script that ends with a tool says nothing more and its calls have their own ids) {
  std::vector<message> talk{user("read a\nread b")};
  const auto first = next_step(talk, "/");
  talk.push_back(assistant(first));
  talk.push_back(result_of(first, "A"));
  const auto second = next_step(talk, "/");
  CAF_CHECK_NOT_EQUAL(first.pieces.at(0).id, second.pieces.at(0).id);
  talk.push_back(assistant(second));
  talk.push_back(result_of(second, "B"));
  CAF_CHECK(next_step(talk, "/").end == step_end::nothing);
}

CAF_TEST(output beyond the limit keeps its beginning and its end) {
  output_window window(20);
  window.append("0123456789");
  CAF_CHECK_EQUAL(window.text(), "0123456789");
  for (int i = 0; i < 1000; ++i)
    window.append("middle");
  window.append("abcdefghij");
  CAF_CHECK_EQUAL(window.text(), "0123456789\n[... 6000 bytes left out ...]\nabcdefghij");
}

CAF_TEST(a limit never cuts a character in two) {
  output_window window(10);
  window.append("abcd\xc3\xa4"
                "123456789\xe2\x82\xac"
                "xyz");
  CAF_CHECK_EQUAL(window.text(), "abcd\n[... 14 bytes left out ...]\nxyz");
  CAF_CHECK_EQUAL(whole_end("a\xf0\x9f\x98"), "a");
  CAF_CHECK_EQUAL(whole_end("\xf0\x9f\x98\x80"), "\xf0\x9f\x98\x80");
}

// NAT-2
CAF_TEST(a command is held to its output and time limits) {
  const auto loud = run("head -c 1000000 /dev/zero | tr '\\0' x; echo end", milliseconds{60'000});
  CAF_CHECK(!loud.failed);
  CAF_CHECK(loud.text.size() < output_limit + 100);
  CAF_CHECK(loud.text.ends_with("xend\n"));
  const auto slow = run("echo begun; trap '' TERM; sleep 1000; sleep 1000", milliseconds{300});
  CAF_CHECK(slow.failed);
  CAF_CHECK_EQUAL(slow.text, "begun\n[timed out after 300 ms; its processes were ended]");
}

CAF_TEST(a signal that ends a command is told) {
  const auto outcome = run("kill -9 $$", milliseconds{60'000});
  CAF_CHECK(outcome.failed);
  CAF_CHECK_EQUAL(outcome.text, "[killed by signal 9]");
}

CAF_TEST(reading gives the lines that were asked for and says where to go on) {
  scratch_folder work;
  write_file(work / "f", "one\ntwo\nthree");
  CAF_CHECK_EQUAL(read_lines_of(work / "f", 2, 10).text, "two\nthree");
  CAF_CHECK_EQUAL(read_lines_of(work / "f", 1, 2).text, "one\ntwo\n\n[... more: read on with offset 3]");
  CAF_CHECK_EQUAL(read_lines_of(work / "f", 9, 2).text, "");
  write_file(work / "big", std::string(read_limit + 5, 'x') + "\nnext\n");
  const auto big = read_lines_of(work / "big", 1, 10);
  CAF_CHECK(big.text.size() < read_limit + 100);
  CAF_CHECK(big.text.ends_with("offset 2]"));
}

CAF_TEST(reading refuses folders and devices and fifos and binary files) {
  scratch_folder work;
  mkfifo((work / "fifo").c_str(), 0600);
  write_file(work / "binary", std::string("a\0b", 3));
  for (const auto& path : {work.path, work / "fifo", work / "binary", work / "missing", std::string("/dev/zero")})
    CAF_CHECK(read_lines_of(path, 1, 10).failed);
}

CAF_TEST(an edit wants its text exactly once and keeps mode and link) {
  scratch_folder work;
  write_file(work / "f", "a b a");
  chmod((work / "f").c_str(), 0750);
  CAF_REQUIRE_EQUAL(symlink("f", (work / "link").c_str()), 0);
  CAF_CHECK(edit_text(work / "f", "x", "y", false).failed);
  CAF_CHECK(edit_text(work / "f", "a", "y", false).failed);
  CAF_CHECK(edit_text(work / "f", "", "y", true).failed);
  CAF_CHECK(!edit_text(work / "link", "b", "B", false).failed);
  CAF_CHECK(!edit_text(work / "f", "a", "aa", true).failed);
  CAF_CHECK_EQUAL(text_of_file(work / "f"), "aa B aa");
  struct stat what {};
  CAF_REQUIRE_EQUAL(lstat((work / "link").c_str(), &what), 0);
  CAF_CHECK(S_ISLNK(what.st_mode));
  stat((work / "f").c_str(), &what);
  CAF_CHECK_EQUAL(what.st_mode & 0777, 0750u);
}

CAF_TEST(lines are cut at any byte and one that is too long costs only itself) {
  std::string all;
  int long_ones = 0;
  line_splitter lines(5);
  for (const char c : std::string("abc\n123456789\nxyz\n12345\n\n"))
    lines.feed(
        {&c, 1}, [&](std::string_view line) { all += std::string(line) + "|"; }, [&] { ++long_ones; });
  CAF_CHECK_EQUAL(all, "abc|xyz|12345||");
  CAF_CHECK_EQUAL(long_ones, 1);
  CAF_CHECK(nests_deeper("[[[]]]", 2));
  CAF_CHECK(!nests_deeper(R"(["[[[\"[[["])", 2));
}

// REST-5
CAF_TEST(a torn line is cut off and an interrupted call is answered) {
  scratch_folder work;
  std::string error;
  bool missing = false;
  const auto folder = work / "s";
  {
    auto talk = conversation::create(folder, "id", "/", error);
    CAF_REQUIRE(talk != nullptr);
    talk->append(user("read x"));
    talk->append(
        {message::role::assistant, {{piece::kind::call, {}, "call_1", "read", json::object()}}, {}, {}, {}, {}, false});
    CAF_CHECK(conversation::load(folder, "id", error, missing, 0) == nullptr);
    CAF_CHECK(!missing);
  }
  write_file(folder + "/conversation.jsonl", "not json\n{\"role\":\"us", true);
  {
    auto talk = conversation::load(folder, "id", error, missing);
    CAF_REQUIRE(talk != nullptr);
    CAF_REQUIRE_EQUAL(talk->messages().size(), 3u);
    CAF_CHECK_EQUAL(talk->messages()[2].call, "call_1");
    CAF_CHECK(talk->messages()[2].failed);
  }
  CAF_CHECK(conversation::load(folder, "other", error, missing) == nullptr);
  CAF_CHECK(missing);
  auto again = conversation::load(folder, "id", error, missing);
  CAF_REQUIRE(again != nullptr);
  CAF_CHECK_EQUAL(again->messages().size(), 3u);
}
