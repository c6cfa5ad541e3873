// What a session was meant to run with, against what its worker says that it has.
#define CAF_SUITE launch_check
#include <algorithm>

#include "caf/test/unit_test.hpp"
#include "messages/digest.hpp"
#include "tests/machines/session_steps.hpp"

using namespace troupe;
using namespace troupe::test;

namespace {

assignment job() {
  assignment j;
  j.session = {"s"};
  j.run = 1;
  j.spec.kind = "exec";
  j.spec.command = {"/bin/sh", "-c", "make"};
  j.spec.cwd = "/work";
  j.spec.permission_mode = "plan";
  j.env = {{"PATH", "/bin"}, {"SECRET_WORD", "hush"}};
  j.credentials = {7, 0, {{"K_API_KEY", "sk-hush"}}};
  j.directory = "/sessions/s";
  j.control_socket = "/sock";
  return j;
}

/// A worker that has all as it was meant.
receipt honest() {
  return {{"s"},
          1,
          "/work",
          "plan",
          0,
          {"/bin/sh", "-c", "make"},
          {{"PATH", "/bin"},
           {"SECRET_WORD", "hush"},
           {"TERM", "xterm-256color"},
           {"TROUPE_SESSION_ID", "s"},
           {"TROUPE_SESSION_DIR", "/sessions/s"},
           {"TROUPE_SOCKET", "/sock"}},
          0,
          7,
          {"K_API_KEY"}};
}

launch_check check(const receipt& got) {
  return compare(intent_of(job()), got);
}

struct claimed : session {
  claimed() : session("exec") {
    m.known.spec.permission_mode = "plan";
    on(sm::begin{});
    on(sm::granted{fresh(), true});
  }
  std::vector<sm::effect> gets(receipt r) {
    auto c = check(r);
    r.env.clear();
    return on(sm::held{std::move(r), c});
  }
};

const ledger_entry& line(const std::vector<sm::effect>& xs, const std::string& what) {
  for (const auto& x : xs)
    if (const auto* r = std::get_if<sm::record>(&x); r && r->entry.what == what)
      return r->entry;
  throw std::runtime_error("no line " + what);
}

} // namespace

// BEYOND-5
CAF_TEST(a launch as it was meant is the same in all its parts) {
  auto c = check(honest());
  CAF_CHECK_EQUAL(c.parts.size(), 5u);
  for (const auto& [part, word] : c.parts)
    CAF_CHECK_EQUAL(part + " " + word, part + " same");
  claimed s;
  auto e = s.gets(honest());
  CAF_CHECK_EQUAL(line(e, "assigned").facts.at("directory"), "same");
  CAF_CHECK(sm::look(s.m).problems.empty());
}

// BEYOND-5
CAF_TEST(each part that differs is named alone) {
  auto differing = [](auto change) {
    auto r = honest();
    change(r);
    std::string out;
    for (const auto& [part, word] : check(r).parts)
      if (word == "different")
        out += part;
    return out;
  };
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.cwd = "/"; }), "directory");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.permission_mode = "bypassPermissions"; }), "permission_mode");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.arguments.pop_back(); }), "arguments");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.account_epoch = 6; }), "account");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.accounts = {}; }), "account");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.env[0].second = "/usr/bin"; }), "variables");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.env.pop_back(); }), "variables");
  CAF_CHECK_EQUAL(differing([](receipt& r) { r.env.emplace_back("LEFT", "over"); }), "variables");
}

// BEYOND-5: nobody has to read variables that are as they were meant
CAF_TEST(the digest of the variables that were meant says that all are the same) {
  auto r = honest();
  std::reverse(r.env.begin(), r.env.end());
  r.variables = digest_of(r.env);
  r.env.clear();
  auto same = check(r); // the check takes its operands by reference
  CAF_CHECK_EQUAL(same.parts.at("variables"), "same");
  r = honest();
  r.env[1].second = "changed";
  r.variables = digest_of(r.env);
  CAF_CHECK_EQUAL(check(r).variables, std::vector<std::string>{"SECRET_WORD"});
}

// BEYOND-5: an older worker's receipt is no drift
CAF_TEST(what a worker does not tell is neither the same nor different) {
  auto r = honest();
  r.env.clear();
  r.arguments.clear();
  auto c = check(r);
  CAF_CHECK_EQUAL(c.parts.at("variables"), "not told");
  CAF_CHECK_EQUAL(c.parts.at("directory"), "same");
  claimed s;
  s.gets(r);
  CAF_CHECK(sm::look(s.m).problems.empty());
  r.cwd = "/elsewhere";
  CAF_CHECK(check(r).differs("directory"));
}

// BEYOND-5, F-13: names, and neither value nor hash
CAF_TEST(drift in variables is shown by name and the session runs) {
  claimed s;
  auto r = honest();
  r.env[1].second = "changed";
  r.env.emplace_back("LEFT", "over");
  auto e = s.gets(r);
  const auto& named = line(e, "assigned").facts;
  CAF_CHECK_EQUAL(named.at("variables"), "different");
  CAF_CHECK_EQUAL(named.at("differing"), "LEFT, SECRET_WORD");
  for (const auto& [name, value] : named)
    for (const char* secret : {"hush", "changed", "over", "/bin"})
      CAF_CHECK(value.find(secret) == std::string::npos);
  CAF_CHECK_EQUAL(count<sm::ask_permit>(e), 1u);
  CAF_CHECK_EQUAL(sm::look(s.m).problems,
                  std::vector<std::string>{"runs with other variables LEFT, SECRET_WORD than was meant"});
}

// BEYOND-5, F-15
CAF_TEST(another directory or permission mode is refused before anything starts) {
  for (const std::string part : {"directory", "permission mode"}) {
    claimed s;
    auto r = honest();
    (part == "directory" ? r.cwd : r.permission_mode) = "other";
    auto e = s.gets(r);
    CAF_CHECK_EQUAL(line(e, "refused").facts.at(part == "directory" ? part : "permission_mode"), "different");
    CAF_CHECK(count<sm::start>(e) == 0 && count<sm::ask_permit>(e) == 0);
    CAF_CHECK_EQUAL(count<sm::kill>(e), 1u);
    CAF_CHECK(wrote(e, "kill")); // F-08
    CAF_CHECK_EQUAL(s.state(), "failed");
    CAF_CHECK(sm::look(s.m).sentence.find(part) != std::string::npos);
    CAF_CHECK_EQUAL(count<sm::claim>(s.on(sm::gone{s.worker(), "killed by signal 9"})), 0u);
    CAF_CHECK_EQUAL(s.state(), "failed");
  }
}
