// The state of a conversation with an ACP agent, in all orders of what can happen to it.
#define CAF_SUITE acp_state

#include "caf/test/unit_test.hpp"

#include <algorithm>
#include <functional>

#include "runtime/worker/acp/acp_state.hpp"

using namespace troupe;

namespace {

using words = std::vector<std::string>;

std::string told(const acp_effect& effect) {
  if (const auto* e = std::get_if<acp_emit>(&effect)) {
    auto text = e->what.what;
    for (const auto& part : {e->what.id, e->what.detail, e->what.text})
      text += part.empty() ? "" : " " + part;
    for (const auto& each : e->what.work)
      text += " [" + each.kind + " " + each.title + "]";
    return text;
  }
  if (const auto* p = std::get_if<acp_send_prompt>(&effect))
    return "-> prompt " + p->text;
  if (const auto* r = std::get_if<acp_respond>(&effect))
    return "-> respond " + r->request.dump() + " " + r->option.value_or("cancelled");
  return "timer";
}

words told(const acp_effects& effects, bool timers = false) {
  words all;
  for (const auto& each : effects)
    if (timers || !std::holds_alternative<acp_timer>(each))
      all.push_back(told(each));
  return all;
}

std::uint64_t generation(const acp_effects& effects, acp_timer::of what) {
  for (const auto& each : effects)
    if (const auto* t = std::get_if<acp_timer>(&each); t != nullptr && t->what == what)
      return t->generation;
  return 0;
}

std::vector<option> usual() {
  return {{1, "Always", "allow_always", "o-always"},
          {2, "Once", "allow_once", "o-once"},
          {3, "Never", "reject_once", "o-no"}};
}

struct fixture {
  fixture() {
    state.begin(2);
    state.ready("agent-session");
  }
  void prompt(const std::string& key) { state.deliver(key, "do " + key); }
  words ask(int request = 7, const std::string& title = "rm -rf build") {
    return told(state.asked(request, "call-1", title, usual()));
  }
  words end(const std::string& stop = "end_turn", std::vector<work_item> left = {}) {
    return told(state.prompt_ended({stop, {}, false}, std::move(left)));
  }
  acp_state state;
};

std::size_t count(const words& all, const std::string& start) {
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&](const auto& w) { return w.starts_with(start); }));
}

} // namespace

CAF_TEST_FIXTURE_SCOPE(acp_state_tests, fixture)

// REST-5
CAF_TEST(a prompt is told as sent before it goes and the next one waits for the end of its turn) {
  CAF_CHECK_EQUAL(told(state.deliver("k1", "one")), (words{"sent k1", "-> prompt one"}));
  CAF_CHECK_EQUAL(told(state.deliver("k2", "two")), words{});
  CAF_CHECK_EQUAL(end(), (words{"turn_ended k1 end_turn", "sent k2", "-> prompt two"}));
  CAF_CHECK_EQUAL(end("refusal"), (words{"turn_ended k2 refusal"}));
  CAF_CHECK_EQUAL(end(), words{});
}

// REST-5
CAF_TEST(prompts delivered before the session is there go once it is) {
  acp_state fresh;
  CAF_CHECK_EQUAL(told(fresh.deliver("k1", "one")), words{});
  CAF_CHECK_EQUAL(told(fresh.ready("s")), (words{"ready s", "sent k1", "-> prompt one"}));
  CAF_CHECK_EQUAL(told(fresh.ready("s")), words{});
}

// REST-5
CAF_TEST(in every order of deliveries and ends each prompt is sent once and in order) {
  for (unsigned order = 0; order < 256; ++order) { // a set bit delivers, an unset one ends a turn
    acp_state s;
    words sent;
    int running = 0, delivered = 0, ready_at = static_cast<int>(order % 8);
    const auto look = [&](const acp_effects& effects) {
      for (const auto& each : effects)
        if (const auto* p = std::get_if<acp_send_prompt>(&each)) {
          sent.push_back(p->key);
          CAF_REQUIRE_EQUAL(++running, 1);
        } else if (told(each).starts_with("turn_ended")) {
          --running;
        }
    };
    for (int bit = 0; bit < 8; ++bit) {
      if (bit == ready_at)
        look(s.ready("s"));
      if ((order >> bit) & 1)
        look(s.deliver(std::to_string(delivered++), "x"));
      else
        look(s.prompt_ended({"end_turn", {}, false}, {}));
    }
    while (running > 0)
      look(s.prompt_ended({"end_turn", {}, false}, {}));
    CAF_REQUIRE_EQUAL(sent.size(), static_cast<std::size_t>(delivered));
    for (int i = 0; i < delivered; ++i)
      CAF_REQUIRE_EQUAL(sent[static_cast<std::size_t>(i)], std::to_string(i));
  }
}

// REST-5
CAF_TEST(nothing is sent to an agent that ends or has ended) {
  prompt("k1");
  state.deliver("k2", "two");
  state.hold();
  CAF_CHECK_EQUAL(end(), (words{"turn_ended k1 end_turn"}));
  acp_state other;
  other.ready("s");
  other.deliver("k1", "one");
  other.deliver("k2", "two");
  other.ending();
  CAF_CHECK_EQUAL(told(other.prompt_ended({"cancelled", {}, false}, {})), (words{"turn_ended k1 cancelled"}));
  CAF_CHECK_EQUAL(told(other.deliver("k3", "three")), words{});
}

// REST-5
CAF_TEST(a turn whose agent died has no end) {
  prompt("k1");
  CAF_CHECK_EQUAL(told(state.gone()), words{});
  CAF_CHECK_EQUAL(end(), words{});
}

CAF_TEST(an error ends the turn as error and after a cancel as cancelled) {
  prompt("k1");
  CAF_CHECK_EQUAL(told(state.prompt_ended({"", "no credit", false}, {})), (words{"turn_ended k1 error no credit"}));
  prompt("k2");
  CAF_CHECK_EQUAL(told(state.prompt_ended({"", "request cancelled", true}, {})), (words{"turn_ended k2 cancelled"}));
  prompt("k3");
  state.ending();
  CAF_CHECK_EQUAL(told(state.prompt_ended({"", "aborted", false}, {})), (words{"turn_ended k3 cancelled"}));
}

// BEYOND-7
CAF_TEST(a question has an id of its run and its answer is written before the agent hears it) {
  prompt("k1");
  CAF_CHECK_EQUAL(ask(7), (words{"question q2.1 rm -rf build"}));
  CAF_CHECK_EQUAL(ask(8), (words{"question q2.2 rm -rf build"}));
  const auto oldest = state.answer("", "2", "the view");
  CAF_CHECK_EQUAL(oldest.question, "q2.1");
  CAF_CHECK_EQUAL(oldest.choice, "Once");
  CAF_CHECK_EQUAL(told(oldest.effects), (words{"answered q2.1 the view Once", "-> respond 7 o-once"}));
  CAF_CHECK_EQUAL(told(state.answer("q2.2", "no", "the shell").effects),
                  (words{"answered q2.2 the shell Never", "-> respond 8 o-no"}));
}

// BEYOND-7
CAF_TEST(a late answer is refused and says who was first) {
  prompt("k1");
  ask();
  state.answer("q2.1", "1", "the view");
  const auto late = state.answer("q2.1", "3", "the shell");
  CAF_CHECK(late.error.code == errc::answered);
  CAF_CHECK(late.error.text.find("'Always' by the view") != std::string::npos);
  CAF_CHECK(late.effects.empty());
  CAF_CHECK(state.answer("", "3", "the shell").error.code == errc::wrong_state);
  CAF_CHECK(state.answer("q2.9", "3", "the shell").error.code == errc::wrong_state);
}

// BEYOND-7
CAF_TEST(a choice that is none leaves the question open and lists the choices) {
  prompt("k1");
  ask();
  for (const auto* wrong : {"0", "4", "maybe", "", "once", "99999999999999999999"}) {
    const auto refused = state.answer("q2.1", wrong, "the view");
    CAF_CHECK(refused.error.code == errc::bad_request);
    CAF_CHECK(refused.error.text.find("1 Always, 2 Once, 3 Never") != std::string::npos);
  }
  CAF_CHECK(state.answer("q2.1", "Once", "the view").error.code == errc::ok);
}

// BEYOND-7
CAF_TEST(an option is chosen by its number then by its kind and only then by its name) {
  const std::vector<option> tricky{{1, "no", "allow_always", "a"},
                                   {2, "reject_once", "allow_once", "b"},
                                   {3, "3rd", "reject_once", "c"},
                                   {4, "1", "", "d"}};
  const auto n = [&](const std::string& choice) {
    const auto* o = find_option(tricky, choice);
    return o == nullptr ? 0u : o->n;
  };
  CAF_CHECK_EQUAL(n("1"), 1u);
  CAF_CHECK_EQUAL(n("no"), 3u);
  CAF_CHECK_EQUAL(n("Deny"), 3u);
  CAF_CHECK_EQUAL(n("yes"), 2u);
  CAF_CHECK_EQUAL(n("allow"), 2u);
  CAF_CHECK_EQUAL(n("allow_always"), 1u);
  CAF_CHECK_EQUAL(n("reject_once"), 3u);
  CAF_CHECK_EQUAL(n("3rd"), 3u);
  CAF_CHECK(find_option({{1, "For ever", "allow_always", "a"}}, "yes") == nullptr);
  CAF_CHECK(find_option({{1, "For ever", "reject_always", "a"}}, "no") != nullptr);
  CAF_CHECK(find_option({{1, "yes", "", "a"}}, "yes") != nullptr);
  CAF_CHECK(find_option({{1, "x", "", "a"}}, "") == nullptr);
}

// BEYOND-7
CAF_TEST(in every order of answers and cancels a question ends once and by whoever was first) {
  words steps{"view", "shell", "withdrawn", "turn end", "ending", "gone"};
  std::sort(steps.begin(), steps.end());
  do {
    acp_state s;
    s.begin(1);
    s.ready("s");
    s.deliver("k", "x");
    s.asked(7, "", "may I", usual());
    words all;
    for (const auto& step : steps) {
      acp_effects effects;
      if (step == "withdrawn") {
        effects = s.withdrawn(7);
      } else if (step == "turn end") {
        effects = s.prompt_ended({"end_turn", {}, false}, {});
      } else if (step == "ending") {
        effects = s.ending();
      } else if (step == "gone") {
        effects = s.gone();
      } else {
        auto answer = s.answer("q1.1", "2", step);
        CAF_REQUIRE(answer.error.code == (step == steps.front() ? errc::ok : errc::answered));
        effects = std::move(answer.effects);
      }
      const auto now = told(effects);
      if (step == steps.front()) {
        CAF_REQUIRE_EQUAL(count(now, "answered q1.1"), 1u);
        CAF_REQUIRE_EQUAL(count(now, "-> respond 7"), step == "gone" ? 0u : 1u);
        CAF_REQUIRE(now.front().starts_with("answered q1.1"));
        const bool chosen = step == "view" || step == "shell";
        CAF_REQUIRE_EQUAL(now.front().ends_with(step + " Once"), chosen);
        CAF_REQUIRE_EQUAL(now.front().ends_with("cancelled"), !chosen);
      }
      all.insert(all.end(), now.begin(), now.end());
    }
    CAF_REQUIRE_EQUAL(count(all, "answered"), 1u);
    CAF_REQUIRE(count(all, "-> respond") <= 1u);
  } while (std::next_permutation(steps.begin(), steps.end()));
}

// BEYOND-7
CAF_TEST(the end of a turn answers what is open as cancelled before it is told) {
  prompt("k1");
  ask(7);
  ask(8);
  CAF_CHECK_EQUAL(end("cancelled"), (words{"answered q2.1 the end of the turn cancelled", "-> respond 7 cancelled",
                                           "answered q2.2 the end of the turn cancelled", "-> respond 8 cancelled",
                                           "turn_ended k1 cancelled"}));
}

CAF_TEST(a question of an ending session and one too many are answered cancelled at once) {
  for (std::size_t i = 0; i < acp_state::open_questions; ++i)
    CAF_REQUIRE_EQUAL(count(ask(static_cast<int>(i)), "question"), 1u);
  CAF_CHECK_EQUAL(ask(999), (words{"-> respond 999 cancelled"}));
  state.ending();
  CAF_CHECK_EQUAL(ask(1000), (words{"-> respond 1000 cancelled"}));
}

CAF_TEST(a question without a title has the title of its tool call) {
  prompt("k1");
  state.tool({"call-1", "npm test", "pending", "execute", true});
  CAF_CHECK_EQUAL(ask(7, ""), (words{"question q2.1 npm test"}));
}

CAF_TEST(text is told in pieces when something else happens or it is long or late) {
  prompt("k1");
  const auto first = state.text("agent", "Hel");
  CAF_CHECK_EQUAL(told(first, true), words{"timer"});
  CAF_CHECK_EQUAL(told(state.text("agent", "lo"), true), words{});
  CAF_CHECK_EQUAL(told(state.text("thought", "hm")), (words{"text agent Hello"}));
  CAF_CHECK_EQUAL(told(state.text_due(generation(first, acp_timer::of::text))), words{});
  CAF_CHECK_EQUAL(told(state.tool({"t", "ls", "", "", true})), (words{"text thought hm", "tool t pending ls"}));
  const auto late = state.text("agent", "late");
  CAF_CHECK_EQUAL(told(state.text_due(generation(late, acp_timer::of::text))), (words{"text agent late"}));
  CAF_CHECK_EQUAL(count(told(state.text("agent", std::string(acp_state::text_limit, 'x'))), "text agent"), 1u);
  state.text("agent", "before");
  CAF_CHECK_EQUAL(ask(), (words{"text agent before", "question q2.1 rm -rf build"}));
  state.text("agent", "last");
  CAF_CHECK_EQUAL(end(), (words{"text agent last", "answered q2.1 the end of the turn cancelled",
                                "-> respond 7 cancelled", "turn_ended k1 end_turn"}));
}

CAF_TEST(a long text is cut into events between characters) {
  prompt("k1");
  std::string text;
  while (text.size() < acp_state::event_limit * 2)
    text += "\xe2\x82\xac"; // three bytes, and the limit is no multiple of three
  std::string joined;
  const auto effects = state.text("agent", text);
  for (const auto& each : effects)
    if (const auto* e = std::get_if<acp_emit>(&each)) {
      CAF_CHECK(e->what.text.size() <= acp_state::event_limit);
      CAF_CHECK_EQUAL(e->what.text.size() % 3, 0u);
      joined += e->what.text;
    }
  CAF_CHECK(joined == text);
}

CAF_TEST(a tool is told only when its status changes) {
  prompt("k1");
  CAF_CHECK_EQUAL(told(state.tool({"t", "make", "pending", "", true})), (words{"tool t pending make"}));
  CAF_CHECK_EQUAL(told(state.tool({"t", "make all", "", "", false})), words{});
  CAF_CHECK_EQUAL(told(state.tool({"t", "", "pending", "", false})), words{});
  CAF_CHECK_EQUAL(told(state.tool({"t", "", "in_progress", "", false})), (words{"tool t in_progress make all"}));
  CAF_CHECK_EQUAL(told(state.tool({"t", "", "completed", "", false})), (words{"tool t completed make all"}));
  CAF_CHECK_EQUAL(told(state.tool({"", "x", "completed", "", true})), words{});
}

// KEEP-2
CAF_TEST(what the agent runs in the background is told in full on each change) {
  CAF_CHECK_EQUAL(told(state.background({{"sh-1", "shell", "npm run dev"}})), (words{"work [shell npm run dev]"}));
  CAF_CHECK_EQUAL(told(state.background({{"sh-1", "shell", "npm run dev"}})), words{});
  CAF_CHECK_EQUAL(told(state.background({{"sh-1", "shell", "npm run dev"}, {"m", "monitor", "log"}})),
                  (words{"work [shell npm run dev] [monitor log]"}));
  CAF_CHECK_EQUAL(told(state.background({})), (words{"work"}));
}

// KEEP-2
CAF_TEST(a tool call that outlives its turn is work until it ends and is told before the end of the turn) {
  prompt("k1");
  state.tool({"t", "make", "in_progress", "execute", true});
  state.tool({"u", "read", "pending", "read", true});
  CAF_CHECK_EQUAL(end(), (words{"work [shell make]", "turn_ended k1 end_turn"}));
  prompt("k2");
  CAF_CHECK_EQUAL(told(state.tool({"t", "", "completed", "", false})), (words{"tool t completed make", "work"}));
  CAF_CHECK_EQUAL(end(), (words{"turn_ended k2 end_turn"}));
}

// KEEP-2
CAF_TEST(a cancelled turn leaves no tool call as work) {
  prompt("k1");
  state.tool({"t", "make", "in_progress", "", true});
  CAF_CHECK_EQUAL(end("cancelled"), (words{"turn_ended k1 cancelled"}));
}

// KEEP-2
CAF_TEST(a process that outlives its turn is work until it ends) {
  prompt("k1");
  CAF_CHECK_EQUAL(end("end_turn", {{"5-9", "process", "node"}}),
                  (words{"work [process node]", "turn_ended k1 end_turn"}));
  CAF_CHECK_EQUAL(told(state.processes({})), (words{"work"}));
}

// KEEP-2
CAF_TEST(an agent that goes on without a prompt is at work until it is quiet) {
  const auto first = state.text("agent", "the build is done");
  CAF_CHECK_EQUAL(told(first), (words{"work [subagent the agent goes on by itself]"}));
  const auto second = state.tool({"t", "ls", "completed", "", true});
  CAF_CHECK_EQUAL(told(state.quiet_due(generation(first, acp_timer::of::quiet))), words{});
  CAF_CHECK_EQUAL(told(state.quiet_due(generation(second, acp_timer::of::quiet))), (words{"work"}));
  state.text("agent", "again");
  prompt("k1");
  CAF_CHECK_EQUAL(end(), (words{"work", "turn_ended k1 end_turn"}));
}

CAF_TEST(a flood of tool calls is bounded and those that ended make room) {
  prompt("k1");
  std::size_t told_on = 0;
  for (std::size_t i = 0; i < acp_state::known_tools * 2; ++i)
    told_on += told(state.tool({"t" + std::to_string(i), "", "pending", "", true})).size();
  CAF_CHECK_EQUAL(told_on, acp_state::known_tools);
  state.tool({"t0", "", "completed", "", false});
  CAF_CHECK_EQUAL(told(state.tool({"new", "", "", "", true})).size(), 1u);
}

CAF_TEST_FIXTURE_SCOPE_END()
