// Freezing a process tree, by control group where one can be made, and by signals.
#define CAF_SUITE tree_freeze
#include <algorithm>
#include <ctime>
#include <fstream>
#include <set>
#include <sstream>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "runtime/worker/tree_freeze.hpp"

using namespace troupe;

namespace {

std::string stat_of(std::int32_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/stat");
  std::string text((std::istreambuf_iterator<char>(in)), {});
  return text.substr(std::min(text.size(), text.rfind(')') + 2));
}

char state_of(std::int32_t pid) {
  return stat_of(pid).front();
}

/// A tree below this process that writes a byte to `up` once it is complete.
struct tree {
  int ends[2] = {-1, -1};
  std::int32_t root = 0;
  explicit tree(const std::string& script, char wait_for = 'u') {
    become_subreaper();
    CAF_REQUIRE_EQUAL(::pipe(ends), 0);
    spawn_request r;
    r.program = "/bin/sh";
    r.arguments = {"sh", "-c", script};
    r.env = {{"PATH", "/usr/bin:/bin"}};
    r.fds = {{ends[1], 3}};
    root = spawn(r);
    ::close(ends[1]);
    CAF_CHECK_EQUAL(next(), wait_for);
  }
  char next() const {
    char c = 0;
    return ::read(ends[0], &c, 1) == 1 ? c : '\0';
  }
  ~tree() {
    for (auto left = descendants(::getpid()); !left.empty(); left = descendants(::getpid())) {
      for (const auto& p : left)
        signal_process(p, SIGKILL);
      while (::waitpid(-1, nullptr, WNOHANG) > 0) {
      }
    }
    while (::waitpid(-1, nullptr, 0) > 0) {
    }
    ::close(ends[0]);
  }
};

/// Clock ticks that everything below this process has used.
std::uint64_t ticks() {
  std::uint64_t all = 0;
  for (const auto& p : descendants(::getpid())) {
    std::istringstream fields(stat_of(p.pid));
    std::string field;
    for (int i = 3; i <= 15 && fields >> field; ++i)
      if (i >= 14)
        all += std::stoull(field);
  }
  return all;
}

/// Uses as much processor time as five clock ticks.
void burn() {
  for (auto end = std::clock() + CLOCKS_PER_SEC / 20; std::clock() < end;) {
  }
}

constexpr auto ways = {tree_freeze::by::signals, tree_freeze::by::group_or_signals};

/// As a set: the death that was on its way when its parent stopped puts its children elsewhere in the tree.
std::set<process_identity> all_below() {
  auto list = descendants(::getpid());
  return {list.begin(), list.end()};
}

} // namespace

// BEYOND-3
CAF_TEST(a frozen tree uses no processor time and goes on when it is thawed) {
  for (auto way : ways) {
    tree t("setsid sh -c 'while :; do :; done' & sh -c 'while :; do :; done' & echo -n u >&3; wait");
    tree_freeze freezer(way);
    CAF_REQUIRE(freezer.freeze());
    CAF_CHECK(freezer.frozen());
    if (!freezer.by_group())
      for (const auto& p : descendants(::getpid()))
        CAF_CHECK_EQUAL(state_of(p.pid), 'T');
    CAF_CHECK_EQUAL(descendants(::getpid()).size(), 3u);
    auto before = ticks();
    burn();
    CAF_CHECK_EQUAL(ticks(), before);
    freezer.thaw();
    CAF_CHECK(!freezer.frozen());
    while (ticks() == before) // goes on, or the test runs into its time limit
      burn();
  }
}

// BEYOND-3: look again until no new child appears
CAF_TEST(a tree that starts processes all the time comes to rest) {
  for (auto way : ways) {
    tree t("sh -c 'while :; do sh -c \"exit 0\" & wait; done' & sh -c 'while :; do (sh -c :); done' & echo -n u >&3; "
           "wait");
    for (int round = 0; round < 5; ++round) {
      tree_freeze freezer(way);
      bool rests = freezer.freeze();
      for (int again = 0; !rests && again < 10; ++again) // a loaded machine may take longer than its patience
        rests = freezer.freeze();
      CAF_REQUIRE(rests);
      auto first = all_below();
      burn();
      CAF_CHECK(all_below() == first);
      freezer.thaw();
    }
  }
}

// BEYOND-3
CAF_TEST(who was stopped before stays stopped after) {
  tree t("sleep 361 & echo -n u >&3; wait");
  std::int32_t sleeper = 0;
  for (const auto& p : descendants(::getpid()))
    sleeper = p.pid == t.root ? sleeper : p.pid;
  ::kill(sleeper, SIGSTOP);
  while (state_of(sleeper) != 'T') {
  }
  tree_freeze freezer(tree_freeze::by::signals);
  CAF_REQUIRE(freezer.freeze());
  freezer.thaw();
  CAF_CHECK_EQUAL(state_of(sleeper), 'T');
  CAF_CHECK(state_of(t.root) != 'T');
}

// BEYOND-3: parents first, children first back
CAF_TEST(no parent sees its child stopped) {
  become_subreaper();
  int ends[2];
  CAF_REQUIRE_EQUAL(::pipe(ends), 0);
  auto parent = ::fork();
  if (parent == 0) {
    auto child = ::fork();
    if (child == 0)
      for (;;)
        ::pause();
    [[maybe_unused]] auto told = ::write(ends[1], &child, sizeof child);
    for (;;) {
      int status = 0;
      ::waitpid(child, &status, WUNTRACED | WCONTINUED);
      char word = WIFSTOPPED(status) ? 's' : WIFCONTINUED(status) ? 'c' : 'e';
      told = ::write(ends[1], &word, 1);
      if (word == 'e')
        ::_exit(0);
    }
  }
  pid_t child = 0;
  CAF_REQUIRE_EQUAL(::read(ends[0], &child, sizeof child), static_cast<ssize_t>(sizeof child));
  for (int round = 0; round < 20; ++round) {
    tree_freeze freezer(tree_freeze::by::signals);
    CAF_REQUIRE(freezer.freeze());
  }
  ::kill(child, SIGKILL);
  std::string heard;
  for (char word = 0; word != 'e' && ::read(ends[0], &word, 1) == 1;)
    heard += word;
  CAF_CHECK_EQUAL(heard.find('s'), std::string::npos);
  CAF_CHECK_EQUAL(heard.back(), 'e');
  ::waitpid(parent, nullptr, 0);
  ::close(ends[0]);
  ::close(ends[1]);
}
