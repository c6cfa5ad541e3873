// Background shells of the built-in agent outlive whatever is killed above them, and nothing else does.
#define CAF_SUITE background_shells
#include <algorithm>

#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <unistd.h>

#include "caf/test/unit_test.hpp"
#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::gone_soon;
using troupe::test::kill_and_wait;
using troupe::test::sandbox;
using troupe::test::slurp;
using troupe::test::until;

namespace {

/// A session whose turn has left a shell that waits for `gate`.
struct with_shell {
  sandbox s;
  std::string id, gate;
  process_identity shell;
  std::int32_t worker = 0;

  explicit with_shell(const std::string& before = {}) {
    gate = s.work() + "/gate";
    ::mkfifo(gate.c_str(), 0600);
    id = s.bg({"--permission-mode", "bypassPermissions",
               before + "background echo one; cat " + gate + "; echo two\nsay it runs"});
    CAF_REQUIRE(until(s, [&] {
      return s.field(id, "sentence") == "it runs" && slurp(transcript()).find("turn_ended") != std::string::npos;
    }));
    auto record = json::parse(slurp(s.home() + "/sessions/" + id + "/shells/sh-1.json"));
    shell = *identify(record["pid"].get<std::int32_t>());
    worker = s.field(id, "pid").get<std::int32_t>();
  }
  std::string transcript() const { return s.home() + "/sessions/" + id + "/transcript.jsonl"; }
  std::int32_t agent() const {
    for (const auto& p : descendants(worker))
      if (slurp("/proc/" + std::to_string(p.pid) + "/cmdline").find("troupe-agent") != std::string::npos)
        return p.pid;
    return 0;
  }
  /// It runs on, under another worker that counts it as work.
  void check_picked_up() {
    auto picked_up = until(s, [&] {
      auto row = s.row(id);
      return row["process"] == "alive" && row["pid"] != worker && row["activeWork"].size() == 1 &&
             row["state"] == "working" && row["activeWork"][0]["id"] == "sh-1";
    });
    if (!picked_up)
      CAF_ERROR("not picked up: " << s.row(id).dump() << "\n" << s.troupe({"why", id}).out << slurp(transcript()));
    CAF_CHECK(alive(shell));
  }
  void check_ends_with_output() {
    check_output_after([&] { troupe::test::spill(gate, "through the gate\n"); });
  }
  template <class F>
  void check_output_after(F open) {
    open();
    CAF_CHECK(until(s, [&] { return s.field(id, "state") == "done"; }));
    CAF_CHECK_EQUAL(s.row(id)["activeWork"].size(), 0u);
    CAF_CHECK_EQUAL(s.troupe({"reply", id, "output sh-1"}).status, 0);
    CAF_CHECK(until(s, [&] {
      return slurp(s.home() + "/sessions/" + id + "/conversation.jsonl")
                 .find("[exited 0]\\none\\nthrough the gate\\ntwo") != std::string::npos;
    }));
  }
};

bool runs(const sandbox& s, const std::string& text) {
  auto all = s.processes();
  return std::any_of(all.begin(), all.end(), [&](const auto& p) {
    auto command = slurp("/proc/" + std::to_string(p.pid) + "/cmdline");
    std::replace(command.begin(), command.end(), '\0', ' ');
    return command.starts_with(text);
  });
}

} // namespace

// REST-7, REST-1
CAF_TEST(a background shell outlives its worker and is picked up with its output) {
  with_shell w;
  kill_and_wait(w.worker);
  w.check_picked_up();
  w.check_ends_with_output();
  CAF_CHECK(w.s.stop().empty());
}

// REST-7
CAF_TEST(a background shell outlives its agent and is picked up with its output) {
  with_shell w;
  kill_and_wait(w.agent());
  w.check_picked_up();
  w.check_ends_with_output();
  CAF_CHECK(w.s.stop().empty());
}

// REST-7, SUP-5
CAF_TEST(a background shell that ends while nobody is there is known with its output) {
  with_shell w;
  kill_and_wait(w.s.supervisor_pid());
  kill_and_wait(w.worker);
  w.check_output_after([&] {
    troupe::test::spill(w.gate, "through the gate\n");
    CAF_CHECK(gone_soon(w.shell));
    w.s.troupe({"agents"}); // starts the next supervisor
  });
  CAF_CHECK(w.s.stop().empty());
}

// REST-7, KEEP-8, F-32
CAF_TEST(whatever else a dead worker has left is ended) {
  // It has left the tool's process group by the time that the tool ends.
  with_shell w("bash mkfifo left; setsid sh -c 'echo > left; exec sleep 371' >/dev/null 2>&1 & cat left\n");
  CAF_REQUIRE(until(w.s, [&] { return runs(w.s, "sleep 371"); }));
  kill_and_wait(w.worker);
  w.check_picked_up();
  CAF_CHECK(!runs(w.s, "sleep 371"));
  auto other = w.s.bg({"--exec", "sleep 372"}); // the end of another worker spares it too
  CAF_REQUIRE(until(w.s, [&] { return runs(w.s, "sleep 372"); }));
  kill_and_wait(w.s.field(other, "pid"));
  CAF_CHECK(until(w.s, [&] { return w.s.field(other, "process") == "exited"; }));
  CAF_CHECK(!runs(w.s, "sleep 372"));
  CAF_CHECK(alive(w.shell));
  CAF_CHECK(w.s.stop().empty()); // KEEP-8
}

// REST-7, KEEP-8
CAF_TEST(a stop and a removal end a shell that was picked up) {
  for (const char* how : {"stop", "rm"}) {
    with_shell w;
    kill_and_wait(w.worker);
    w.check_picked_up();
    CAF_CHECK_EQUAL(w.s.troupe({how, w.id}).status, 0);
    CAF_CHECK(!alive(w.shell));
    CAF_CHECK(w.s.stop().empty());
  }
}

// REST-7, REST-2
CAF_TEST(a shell whose session was stopped while nobody was there ends with the next supervisor) {
  with_shell w;
  ::kill(w.worker, SIGSTOP); // it starts no supervisor of its own (SUP-12) that reads the ledger too early
  kill_and_wait(w.s.supervisor_pid());
  auto ledger = w.s.home() + "/ledger.jsonl";
  auto text = slurp(ledger);
  auto last = json::parse(text.substr(text.rfind('\n', text.size() - 2) + 1));
  json stop{{"n", last["n"].get<std::uint64_t>() + 1},
            {"t", last["t"]},
            {"what", "stop"},
            {"session", w.id},
            {"run", 1},
            {"facts", {{"by", "test"}}}};
  troupe::test::spill(ledger, text + stop.dump() + "\n");
  kill_and_wait(w.worker);
  CAF_CHECK_EQUAL(w.s.field(w.id, "state"), "stopped");
  CAF_CHECK(gone_soon(w.shell));
  CAF_CHECK_EQUAL(w.s.field(w.id, "process"), "exited");
  CAF_CHECK(w.s.stop().empty());
}
