// Sessions with real workers, shells and agents.
#define CAF_SUITE sessions
#include <algorithm>
#include <fstream>
#include <set>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::sandbox;
using troupe::test::until;

// CLI-1, CLI-7, JSON-1, STATE-1
CAF_TEST(a shell job is dispatched and its status is waited for) {
  sandbox s;
  auto r = s.troupe({"--bg", "--name", "seven", "--exec", "echo out; exit 7"});
  CAF_CHECK_EQUAL(r.status, 0);
  CAF_CHECK(r.out.starts_with("backgrounded · "));
  CAF_CHECK(r.out.ends_with(" · seven\n"));
  CAF_CHECK(r.err.find("troupe stop ") != std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"wait", "seven"}).status, 7);
  auto row = s.rows().at(0);
  CAF_CHECK_EQUAL(row["state"], "failed");
  CAF_CHECK_EQUAL(row["exitStatus"], 7);
  CAF_CHECK_EQUAL(s.troupe({"agents", "--json"}).out, "[]\n"); // it has no process and waits for nothing
  CAF_CHECK_EQUAL(s.troupe({"logs", "seven"}).out, "out\n");   // LOG-1, F-34
  CAF_CHECK(s.stop().empty());
  CAF_CHECK_EQUAL(s.troupe({"logs", "seven"}).out, "out\n"); // and without a supervisor, which it starts
  CAF_CHECK(s.stop().empty());
  CAF_CHECK(s.troupe({"why", "seven"}).out.find("dispatched from shell") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// CLI-2: `--` runs as given
CAF_TEST(arguments behind the dashes are passed as they are) {
  sandbox s;
  auto id = s.bg({"--exec", "--", "/usr/bin/printf", "%s|", "a b", "$HOME", "*"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"logs", id}).out, "a b|$HOME|*|\n");
  CAF_CHECK(s.stop().empty());
}

// F-15, FILES-3
CAF_TEST(a session runs in the directory it was dispatched from) {
  sandbox s;
  auto id = s.bg({"--exec", "pwd; echo $TROUPE_SESSION_ID"});
  s.troupe({"wait", id});
  CAF_CHECK_EQUAL(s.troupe({"logs", id}).out, s.work() + "\n" + id + "\n");
  CAF_CHECK(s.stop().empty());
}

// CLI-2: refused before a session exists
CAF_TEST(a directory that is not there or no directory is refused) {
  sandbox s;
  troupe::test::spill(s.work() + "/file", "x");
  for (const auto& where : {s.work() + "/none", s.work() + "/file"}) {
    auto r = s.troupe({"--bg", "--cwd", where, "--exec", "true"});
    CAF_CHECK_EQUAL(r.status, 1);
    CAF_CHECK(r.err.find("--cwd DIR") != std::string::npos);
  }
  CAF_CHECK_EQUAL(s.rows().size(), 0u);
  CAF_CHECK(s.stop().empty());
}

// CLI-8
CAF_TEST(sessions are named by id and name and unique prefix) {
  sandbox s;
  auto a = s.bg({"--name", "same", "--exec", "read x"}), b = s.bg({"--name", "same", "--exec", "read x"});
  auto r = s.troupe({"stop", "same"});
  CAF_CHECK_EQUAL(r.status, 1);
  CAF_CHECK(r.err.find(a) != std::string::npos && r.err.find(b) != std::string::npos);
  std::size_t n = 1;
  while (a.substr(0, n) == b.substr(0, n))
    ++n;
  CAF_CHECK_EQUAL(s.troupe({"stop", a.substr(0, n)}).status, 0);
  CAF_CHECK_EQUAL(s.field(a, "state"), "stopped");
  CAF_CHECK_EQUAL(s.troupe({"stop", "sane"}).err, "troupe: there is no session 'sane'\n  did you mean 'same'?\n");
  CAF_CHECK(s.stop().empty());
}

// POOL-3, POOL-6, SUP-11
CAF_TEST(fifty dispatches at once against one spare give fifty sessions) {
  sandbox s(R"({"launch": {"maxConcurrent": 3}})");
  s.troupe({"agents"});
  std::vector<int> pids;
  for (int i = 0; i < 50; ++i)
    pids.push_back(s.start({"--bg", "-q", "--exec", "read x"}, "d" + std::to_string(i)));
  std::set<std::string> ids;
  for (int i = 0; i < 50; ++i) {
    auto status = troupe::test::wait_for(pids[static_cast<std::size_t>(i)]);
    auto said = troupe::test::slurp(s.root() + "/d" + std::to_string(i));
    if (status != 0)
      CAF_FAIL("a dispatch failed: " << said);
    ids.insert(said);
  }
  CAF_CHECK_EQUAL(ids.size(), 50u);
  std::set<int> workers;
  for (const auto& r : s.rows())
    workers.insert(r["pid"].get<int>());
  CAF_CHECK_EQUAL(workers.size(), 50u); // no worker serves two
  CAF_CHECK(until(s, [&] {
    return std::all_of(ids.begin(), ids.end(), [&](std::string id) {
      id.pop_back();
      return troupe::test::slurp(s.home() + "/sessions/" + id + "/transcript.jsonl").find("\"started\"") !=
             std::string::npos;
    });
  }));
  CAF_CHECK(s.stop().empty());
  // At most three harnesses were starting at any time: between a session's `start` and its worker's `started`.
  std::vector<std::pair<std::int64_t, int>> marks;
  std::ifstream ledger(s.home() + "/ledger.jsonl");
  for (std::string line; std::getline(ledger, line);) {
    auto e = json::parse(line);
    if (e["what"] != "start")
      continue;
    marks.emplace_back(e["t"].get<std::int64_t>(), 1);
    std::ifstream transcript(s.home() + "/sessions/" + e["session"].get<std::string>() + "/transcript.jsonl");
    for (std::string t; std::getline(transcript, t);)
      if (auto x = json::parse(t); x["what"] == "started")
        marks.emplace_back(x["t"].get<std::int64_t>(), -1);
  }
  CAF_CHECK_EQUAL(marks.size(), 100u);
  std::sort(marks.begin(), marks.end());
  int now = 0, most = 0;
  for (auto [t, d] : marks)
    most = std::max(most, now += d);
  CAF_CHECK(most <= 3);
}

// KEEP-8, F-32
CAF_TEST(stop ends setsid grandchildren and shells that left the group) {
  sandbox s;
  auto id = s.bg({"--exec", "setsid sh -c 'sleep 311 & sleep 312' & nohup sleep 313 & exec sleep 314"});
  CAF_REQUIRE(until(s, [&] { return s.processes().size() >= 5; }));
  CAF_CHECK_EQUAL(s.troupe({"stop", id}).status, 0);
  for (const auto& p : s.processes())
    CAF_CHECK(troupe::test::slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("sleep") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// KEEP-8: what a job leaves behind ends with it
CAF_TEST(background processes of an ended shell job end too) {
  sandbox s;
  auto id = s.bg({"--exec", "setsid sleep 321 & sleep 322 & exit 0"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  for (const auto& p : s.processes())
    CAF_CHECK(troupe::test::slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("sleep") == std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// KEEP-7
CAF_TEST(the row of a job that ended with 0 goes and its status is still known) {
  sandbox s(R"({"session": {"doneRowSeconds": 0}})");
  auto id = s.bg({"--exec", "true"});
  CAF_CHECK(until(s, [&] { return s.rows().empty(); }));
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  CAF_CHECK(s.stop().empty());
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0); // the next supervisor knows it too
  CAF_CHECK(s.stop().empty());
}

// STATE-3, BEYOND-7
CAF_TEST(a question is answered once from the shell) {
  sandbox s;
  auto id = s.bg({"ask Shall I go on?"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 3);
  auto row = s.row(id);
  CAF_CHECK_EQUAL(row["state"], "blocked");
  CAF_CHECK_EQUAL(row["question"]["text"], "Shall I go on?");
  CAF_CHECK_EQUAL(row["question"]["options"].size(), 2u);
  CAF_CHECK_EQUAL(s.troupe({"answer", id, "2"}).out, "answered · No\n");
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 0);
  auto late = s.troupe({"answer", id, "1"});
  CAF_CHECK_EQUAL(late.status, 1);
  CAF_CHECK(late.err.find("No") != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// REST-5, KEEP-6
CAF_TEST(a reply wakes a session whose worker was reaped and goes on with the conversation) {
  sandbox s(R"({"session": {"idleSeconds": 0}})"); // KEEP-1, KEEP-4
  auto id = s.bg({"say first words"});
  CAF_CHECK(until(s, [&] { return s.field(id, "process") == "exited"; }));
  CAF_CHECK_EQUAL(s.field(id, "state"), "done");
  CAF_CHECK_EQUAL(s.troupe({"reply", id, "say second words"}).out, "saved\n");
  CAF_CHECK(until(s, [&] { return s.troupe({"logs", id}).out.find("agent  second words") != std::string::npos; }));
  auto log = s.troupe({"logs", id}).out;
  CAF_CHECK_EQUAL(log.find("first words"), log.rfind("say first words") + 4); // said once, not again
  CAF_CHECK(s.stop().empty());
}

// KEEP-1: active work keeps a worker
CAF_TEST(a background shell keeps its session working and its worker alive) {
  sandbox s(R"({"session": {"idleSeconds": 0}})");
  auto id = s.bg({"--permission-mode", "bypassPermissions", "background sleep 331\nsay it runs"});
  CAF_CHECK(until(s, [&] {
    auto r = s.row(id);
    return r["activeWork"].size() == 1 && r["sentence"] == "it runs" && r["state"] == "working";
  }));
  CAF_CHECK_EQUAL(s.field(id, "process"), "alive");
  CAF_CHECK(s.stop().empty());
}

// CLI-7
CAF_TEST(wait gives up after its time) {
  sandbox s;
  auto id = s.bg({"--exec", "read x"});
  CAF_CHECK_EQUAL(s.troupe({"wait", id, "--timeout", "0.1"}).status, 124);
  s.troupe({"stop", id});
  CAF_CHECK_EQUAL(s.troupe({"wait", id}).status, 4);
  CAF_CHECK(s.stop().empty());
}

// STATE-2, BEYOND-1, F-08
CAF_TEST(why tells the chain back to the dispatch) {
  sandbox s;
  auto id = s.bg({"--exec", "exit 5"});
  s.troupe({"wait", id});
  auto text = s.troupe({"why", id}).out;
  std::size_t at = 0;
  for (const char* word : {"failed", "exit status 5", "harness was started", "holds the assignment", "claimed worker",
                           "dispatched from shell"}) {
    auto next = text.find(word, at);
    CAF_CHECK(next != std::string::npos);
    at = next == std::string::npos ? at : next;
  }
  CAF_CHECK(s.stop().empty());
}

// SUP-11
CAF_TEST(a dispatch that is repeated with its key counts once) {
  sandbox s;
  s.troupe({"agents"});
  auto socket = s.connect();
  auto line =
      R"({"jsonrpc":"2.0","id":1,"method":"session/dispatch","params":{"key":"key-00001","kind":"exec","command":["/bin/true"],"prompt":"true","cwd":")" +
      s.work() + R"(","env":[]}})";
  auto first = json::parse(troupe::test::ask(socket.get(), line)),
       second = json::parse(troupe::test::ask(socket.get(), line));
  CAF_CHECK_EQUAL(first["result"]["id"], second["result"]["id"]);
  CAF_CHECK_EQUAL(second["result"]["repeated"], true);
  auto other = line;
  other.replace(other.find("/bin/true"), 9, "/bin/fals");
  auto refused = json::parse(troupe::test::ask(socket.get(), other));
  CAF_CHECK_EQUAL(refused["error"]["data"]["code"], "key_reused");
  CAF_CHECK_EQUAL(s.rows().size(), 1u);
  CAF_CHECK(s.stop().empty());
}

// STATE-4, CLI: rename, pin, respawn, rm
CAF_TEST(a session is renamed and pinned and run again and removed) {
  sandbox s;
  auto id = s.bg({"--exec", "echo again; exit 1"});
  s.troupe({"wait", id});
  CAF_CHECK_EQUAL(s.troupe({"rename", id, "other"}).status, 0);
  CAF_CHECK_EQUAL(s.troupe({"pin", "other"}).status, 0);
  CAF_CHECK_EQUAL(s.field(id, "pinned"), true);
  CAF_CHECK_EQUAL(s.troupe({"respawn", "other"}).status, 0);
  CAF_CHECK(until(s, [&] {
    return s.troupe({"logs", id}).out == "again\nagain\n" && s.field(id, "process") == "exited";
  }));
  CAF_CHECK_EQUAL(s.troupe({"rm", "other"}).status, 0);
  CAF_CHECK(s.rows().empty());
  CAF_CHECK(s.stop().empty());
}
