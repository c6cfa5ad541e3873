// Bad input on the control socket: an error or a closed connection, a bounded buffer, and everyone else served
// meanwhile.
#define CAF_SUITE hostile
#include <fstream>

#include <poll.h>
#include <sys/socket.h>

#include "caf/test/unit_test.hpp"
#include "tests/support/large_roster.hpp"
#include "tests/support/sandbox.hpp"

using namespace troupe;
using troupe::test::ask;
using troupe::test::read_line;
using troupe::test::sandbox;
using troupe::test::write_bytes;

namespace {

int code_of(const std::string& line) {
  auto x = json::parse(line, nullptr, false);
  return x.is_object() && x.contains("error") ? x["error"]["code"].get<int>() : 0;
}

std::size_t resident_kb(std::int32_t pid) {
  std::ifstream in("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(in, line);)
    if (line.starts_with("VmRSS:"))
      return std::stoul(line.substr(6));
  return 0;
}

} // namespace

// SUP-7: errors are answers, and the connection lives on
CAF_TEST(what is no request gets an error and the connection goes on) {
  sandbox s;
  s.troupe({"agents"});
  auto c = s.connect();
  CAF_CHECK_EQUAL(code_of(ask(c.get(), "hello there")), -32700);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), "[1,2,3]")), -32600);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), R"({"jsonrpc":"1.0","id":1,"method":"session/list"})")), -32600);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), R"({"jsonrpc":"2.0","id":{},"method":"session/list"})")), -32600);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/list","params":[1]})")), -32602);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/list","params":{"all":"yes"}})")),
                  -32602);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/dispatch","params":{}})")), -32602);
  CAF_CHECK_EQUAL(code_of(ask(c.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/stop","params":{"id":7}})")),
                  -32602);
  auto unknown = ask(c.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/lst"})");
  CAF_CHECK_EQUAL(code_of(unknown), -32601);
  CAF_CHECK(unknown.find("session/list") != std::string::npos);
  CAF_CHECK(ask(c.get(), R"({"jsonrpc":"2.0","id":9,"method":"session/list"})").find("\"result\":[]") !=
            std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// FILES-3
CAF_TEST(a line of a hundred megabytes costs its connection only) {
  sandbox s;
  s.troupe({"agents"});
  auto pid = s.supervisor_pid();
  auto c = s.connect();
  std::string block(1 << 20, 'x');
  for (int i = 0; i < 100 && write_bytes(c.get(), block); ++i) {
  }
  CAF_CHECK_EQUAL(s.troupe({"agents", "--json"}).out, "[]\n");
  CAF_CHECK(resident_kb(pid) < 100'000);
  auto error = read_line(c.get());
  CAF_CHECK(error.empty() || code_of(error) == -32600);
  CAF_CHECK_EQUAL(s.supervisor_pid(), pid);
  CAF_CHECK(s.stop().empty());
}

// FILES-3
CAF_TEST(half a line and a closed connection harm nobody) {
  sandbox s;
  s.troupe({"agents"});
  for (int i = 0; i < 50; ++i)
    write_bytes(s.connect().get(), R"({"jsonrpc":"2.0","id":1,"meth)");
  CAF_CHECK_EQUAL(s.troupe({"agents", "--json"}).out, "[]\n");
  CAF_CHECK(s.stop().empty());
}

// SUP-7
CAF_TEST(a thousand connections are served) {
  sandbox s;
  s.troupe({"agents"});
  std::vector<unique_fd> all;
  for (int i = 0; i < 1000; ++i)
    all.push_back(s.connect());
  CAF_CHECK(ask(all.back().get(), R"({"jsonrpc":"2.0","id":9,"method":"session/list"})").find("\"result\":[]") !=
            std::string::npos);
  CAF_CHECK_EQUAL(s.troupe({"agents", "--json"}).out, "[]\n");
  all.clear();
  CAF_CHECK(s.stop().empty());
}

// BEYOND-10: bounded queues
CAF_TEST(a client that never reads is closed and others are served) {
  sandbox s;
  s.troupe({"agents"});
  auto pid = s.supervisor_pid();
  auto c = s.connect();
  int small = 4096;
  ::setsockopt(c.get(), SOL_SOCKET, SO_RCVBUF, &small, sizeof small);
  timeval patience{2, 0};
  ::setsockopt(c.get(), SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
  auto line = std::string(R"({"jsonrpc":"2.0","id":1,"method":"session/)") + std::string(4000, 'q') + "\"}\n";
  for (int i = 0; i < 20'000 && write_bytes(c.get(), line); ++i) {
  }
  CAF_CHECK_EQUAL(s.troupe({"agents", "--json"}).out, "[]\n");
  CAF_CHECK(resident_kb(pid) < 100'000);
  CAF_CHECK(s.stop().empty());
}

// BEYOND-10: what the service answers is as long as it has to be
CAF_TEST(ten thousand sessions are listed and subscribed to over one socket) {
  sandbox s;
  auto last = troupe::test::spill_roster(s, 10'000);
  CAF_CHECK_EQUAL(s.rows().size(), 10'000u);
  auto c = s.connect();
  write_bytes(c.get(), R"({"jsonrpc":"2.0","id":1,"method":"session/subscribe","params":{"all":true}})"
                       "\n");
  s.troupe({"rename", last, "while-it-is-read"}); // a change behind an answer that nobody has taken in yet
  std::string all, block(1 << 16, '\0');
  pollfd ready{c.get(), POLLIN, 0};
  while (all.find("while-it-is-read") == std::string::npos && ::poll(&ready, 1, 20'000) == 1) {
    auto n = ::read(c.get(), block.data(), block.size());
    CAF_REQUIRE(n > 0);
    all.append(block.data(), static_cast<std::size_t>(n));
  }
  auto end = all.find('\n');
  CAF_REQUIRE(end > std::size_t{5} << 20);
  CAF_CHECK_EQUAL(json::parse(all.substr(0, end))["result"]["sessions"].size(), 10'000u);
  CAF_CHECK(all.find("session/changed", end) != std::string::npos);
  CAF_CHECK(s.stop().empty());
}

// CLI-2
CAF_TEST(the command line names the fault and the nearest right word) {
  sandbox s;
  auto is = [&](const std::vector<std::string>& args, const std::string& err) {
    auto r = s.troupe(args);
    CAF_CHECK_EQUAL(r.status, 2);
    CAF_CHECK_EQUAL(r.out, "");
    CAF_CHECK_EQUAL(r.err, err);
  };
  is({"agnets"}, "troupe: there is no command 'agnets'\n  did you mean 'agents'?\n");
  is({"--bgg", "do it"}, "troupe: unknown option: --bgg\n  did you mean --bg?\n");
  is({"--bg", "abc"}, "troupe: Too short\n  tell the agent what to do: troupe --bg \"fix the failing test\"\n");
  is({"--bg", "äöü"}, "troupe: Too short\n  tell the agent what to do: troupe --bg \"fix the failing test\"\n");
  is({"--bg", "-p", "say hello"},
     "troupe: --bg and --print exclude each other\n  leave one out: a background session prints nothing here\n");
  is({"agents", "--jsn"}, "troupe: troupe agents: unknown option: --jsn\n  did you mean --json?\n");
  is({"daemon", "stat"}, "troupe: troupe daemon: unknown word: stat\n  did you mean 'status'?\n");
  CAF_CHECK(s.processes().empty()); // nothing was started for any of them
}

// CLI-5, SEC-2
CAF_TEST(outside text is shown without control characters) {
  sandbox s;
  auto id = s.bg({"--name", "a\x1b[31mb\u202e", "--exec", "exit 1"});
  s.troupe({"wait", id});
  auto r = s.troupe({"agents"});
  CAF_CHECK(r.out.find("a^[[31mb<U+202E>") != std::string::npos);
  CAF_CHECK(r.out.find('\x1b') == std::string::npos);
  CAF_CHECK(s.stop().empty());
}
