// notify.command: run by the supervisor, view or not.
#define CAF_SUITE notifying
#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::until;

// VIEW-7
CAF_TEST(the command hears of each session that needs input or finishes or fails) {
  sandbox s(
      R"({"notify": {"command": "echo \"$TROUPE_NOTIFY_NAME $TROUPE_NOTIFY_STATE $TROUPE_NOTIFY_TEXT\" >> $TROUPE_HOME/told"}})");
  auto told = [&] { return test::slurp(s.home() + "/told"); };
  s.bg({"--name", "fails", "--exec", "exit 3"});
  auto id = s.bg({"--name", "asks", "ask Shall I go on?"});
  CAF_CHECK(until(s, [&] { return told().find("asks blocked Shall I go on?") != std::string::npos; }));
  CAF_CHECK(until(s, [&] { return told().find("fails failed") != std::string::npos; }));
  s.troupe({"answer", id, "1"});
  CAF_CHECK(until(s, [&] { return told().find("asks done") != std::string::npos; }));
  CAF_CHECK_EQUAL(told().find("working"), std::string::npos);
}
