// The agent view's actor without a terminal: keys and changes go in as messages, intents and screens come out.
#define CAF_SUITE view_actor
#include "caf/test/dsl.hpp"

#include "actors/agent_view/agent_view.hpp"
#include "tests/view/view_fixture.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

struct system_config : actor_config {
  system_config() {
    set("scheduler.policy", caf::atom("testing"));
    add_message_types<caf::id_block::troupe_view>();
  }
};

view_port_actor::behavior_type fake_port(view_port_actor::pointer, std::vector<view::intent>* wanted) {
  return {[=](view_wants& w) { wanted->insert(wanted->end(), w.intents.begin(), w.intents.end()); }};
}

struct fixture : test_coordinator_fixture<system_config> {
  std::vector<view::intent> wanted;
  agent_view_actor actor;
  fixture() {
    agent_view_setup setup;
    setup.port = sys.spawn(fake_port, &wanted);
    setup.now = [] { return noon; };
    actor = sys.spawn(make_agent_view, std::move(setup));
    consume_messages();
  }
  ~fixture() {
    caf::anon_send_exit(actor, caf::exit_reason::kill);
    consume_messages();
  }
  std::string screen_text() {
    auto answer = self->request(actor, caf::infinite, screen_asked{});
    consume_messages();
    std::string out;
    answer.receive(
        [&](screen_told& told) {
          for (const auto& l : told.now->lines)
            for (const auto& s : l.spans)
              out += s.text;
        },
        [](caf::error&) { CAF_FAIL("no screen"); });
    return out;
  }
};

} // namespace

CAF_TEST_FIXTURE_SCOPE(view_actor_tests, fixture)

// VIEW-3
CAF_TEST(the view works with nothing but messages) {
  self->send(actor, view_events{{view::connected{{make_session("a1", "working", "fix-auth", "editing")}},
                                 view::key_pressed{"enter"}}});
  consume_messages();
  CAF_REQUIRE_EQUAL(wanted.size(), 1u);
  CAF_CHECK(wanted[0].kind == view::intent::attach && wanted[0].id == "a1");
  CAF_CHECK(screen_text().find("fix-auth") != std::string::npos);
}

CAF_TEST_FIXTURE_SCOPE_END()
