// Questions answered from the shell and over the socket, once.
#define CAF_SUITE questions
#include <sstream>

#include "caf/test/unit_test.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::until;

namespace {

std::string answer_line(const std::string& id, const std::string& key, const std::string& choice,
                        const std::string& question = {}, const std::string& by = "a program") {
  json params{{"id", id}, {"key", key}, {"choice", choice}, {"by", by}};
  if (!question.empty())
    params["question"] = question;
  return to_line({{"jsonrpc", "2.0"}, {"id", 1}, {"method", "session/answer"}, {"params", params}});
}

std::size_t answers_in(const sandbox& s, const std::string& id) {
  std::istringstream in(slurp(s.home() + "/sessions/" + id + "/transcript.jsonl"));
  std::size_t n = 0;
  for (std::string line; std::getline(in, line);)
    n += json::parse(line)["what"] == "answered";
  return n;
}

} // namespace

// F-17, BEYOND-7, STATE-3: asked where it can be seen, answered from outside
CAF_TEST(a question is shown with its choices and answered over the socket by its id) {
  sandbox s;
  auto id = s.bg({"ask Shall I go on?\nsay well"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 3);
  CAF_CHECK(s.troupe({"logs", id}).out.find("Shall I go on?") != std::string::npos);
  auto row = s.row(id);
  CAF_CHECK_EQUAL(row["waitingFor"], "answer");
  CAF_CHECK_EQUAL(row["evidence"]["source"], "protocol"); // BEYOND-8
  CAF_CHECK_EQUAL(row["evidence"]["since"], row["question"]["since"]);
  auto socket = s.connect();
  auto wrong = json::parse(test::ask(socket.get(), answer_line(id, "key-00001", "1", "q9.9")));
  CAF_CHECK_EQUAL(wrong["error"]["data"]["code"], "wrong_state");
  auto none = json::parse(test::ask(socket.get(), answer_line(id, "key-00002", "7", row["question"]["id"])));
  CAF_CHECK_EQUAL(none["error"]["data"]["code"], "bad_request");
  auto right = json::parse(test::ask(socket.get(), answer_line(id, "key-00003", "allow_once", row["question"]["id"])));
  CAF_CHECK_EQUAL(right["result"]["question"], row["question"]["id"]);
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK_EQUAL(answers_in(s, id), 1u);
  CAF_CHECK(s.stop().empty());
}

// F-17, BEYOND-7: the first counts, and whoever is late is told who was first
CAF_TEST(of many answers at once from shell and socket one counts) {
  sandbox s;
  auto id = s.bg({"ask Which of you?\nwait " + s.work() + "/go"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 3);
  auto question = s.field(id, "question")["id"].get<std::string>();
  std::vector<int> shells;
  std::vector<unique_fd> programs;
  for (int i = 0; i < 4; ++i) {
    shells.push_back(s.start({"answer", id, "1"}, "shell" + std::to_string(i)));
    programs.push_back(s.connect());
    test::write_bytes(programs.back().get(),
                      answer_line(id, "key-0000" + std::to_string(i), "2", question, "program " + std::to_string(i)) +
                          "\n");
  }
  int taken = 0;
  std::string refusals;
  for (const auto& p : programs) {
    auto got = json::parse(test::read_line(p.get()));
    taken += got.contains("result");
    if (got.contains("error")) {
      CAF_CHECK_EQUAL(got["error"]["data"]["code"], "answered");
      refusals += got["error"]["message"].get<std::string>() + "\n";
    }
  }
  for (int i = 0; i < 4; ++i) {
    taken += test::wait_for(shells[static_cast<std::size_t>(i)]) == 0;
    auto said = slurp(s.root() + "/shell" + std::to_string(i));
    if (said.find("answered · ") == std::string::npos)
      refusals += said;
  }
  CAF_CHECK_EQUAL(taken, 1);
  CAF_CHECK_EQUAL(answers_in(s, id), 1u);
  CAF_CHECK(refusals.find(" by program ") != std::string::npos || refusals.find(" by command") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// F-17, SUP-11: a connection that was lost before the answer's answer came
CAF_TEST(an answer that is repeated with its key counts once and with other content is refused) {
  sandbox s;
  auto id = s.bg({"ask Shall I?\nwait " + s.work() + "/go"});
  CAF_REQUIRE_EQUAL(s.troupe({"wait", id}).status, 3);
  auto socket = s.connect();
  auto first = json::parse(test::ask(socket.get(), answer_line(id, "key-00001", "1"))),
       second = json::parse(test::ask(socket.get(), answer_line(id, "key-00001", "1")));
  CAF_CHECK_EQUAL(first["result"], second["result"]);
  auto other = json::parse(test::ask(socket.get(), answer_line(id, "key-00001", "2")));
  CAF_CHECK_EQUAL(other["error"]["data"]["code"], "key_reused");
  CAF_CHECK_EQUAL(answers_in(s, id), 1u);
  auto reply = [&](const std::string& text) {
    return json::parse(
        test::ask(socket.get(), to_line({{"jsonrpc", "2.0"},
                                         {"id", 1},
                                         {"method", "session/reply"},
                                         {"params", {{"id", id}, {"key", "key-00002"}, {"text", text}}}})));
  };
  CAF_CHECK(reply("say hello").contains("result"));
  CAF_CHECK(reply("say hello").contains("result"));
  auto refused = reply("say something else");
  CAF_CHECK_EQUAL(refused["error"]["data"]["code"], "key_reused");
  CAF_CHECK(s.stop().empty());
}
