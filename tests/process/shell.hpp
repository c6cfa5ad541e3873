// Running any program as a user would, and what the `troupe` program tells of its own commands.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include <fcntl.h>

#include "runtime/io/process.hpp"
#include "tests/support/sandbox.hpp"

namespace troupe::test {

/// Runs any program to its end, with the sandbox's home unless `more` names another.
inline run_result run(const sandbox& s, std::vector<std::string> words, environment more = {}) {
  auto log = s.root() + "/run.out";
  unique_fd out(::open(log.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  spawn_request r;
  r.program = words.front();
  r.arguments = std::move(words);
  r.env = own_environment();
  more.insert(more.begin(), {"TROUPE_HOME", s.home()});
  for (const auto& [name, value] : more) {
    std::erase_if(r.env, [&](const auto& x) { return x.first == name; });
    r.env.emplace_back(name, value);
  }
  r.fds = {{out.get(), 1}, {out.get(), 2}};
  auto pid = spawn(r);
  run_result got;
  got.status = wait_for(pid);
  got.out = slurp(log);
  return got;
}

/// Each command with its description, those below another as "daemon stop".
inline std::vector<std::pair<std::string, json>> all_commands(const sandbox& s) {
  std::vector<std::pair<std::string, json>> out;
  for (const auto& c : json::parse(s.troupe({"completion", "json"}).out)) {
    auto name = c["name"].get<std::string>();
    out.emplace_back(name, c);
    for (const auto& b : c["below"])
      out.emplace_back(name + " " + b["name"].get<std::string>(), b);
  }
  return out;
}

} // namespace troupe::test
