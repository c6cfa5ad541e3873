// Thousands of sessions without running one: a ledger that tells of them, for the next supervisor to read.
#pragma once

#include <string>

#include "tests/support/sandbox.hpp"

namespace troupe::test {

/// Writes the ledger of a sandbox in which nothing has run yet: `count` shell jobs that have failed, each of some 600
/// bytes as a row. Gives the id of the last one.
inline std::string spill_roster(const sandbox& s, int count) {
  std::string out, id;
  std::uint64_t n = 0;
  const std::string words(140, 'w'), cwd = s.work() + "/" + std::string(100, 'd');
  for (int i = 0; i < count; ++i) {
    id = std::to_string(10'000'000 + i);
    auto t = 1'700'000'000'000 + i;
    out += to_line({{"n", ++n},
                    {"t", t},
                    {"what", "dispatched"},
                    {"session", id},
                    {"facts", {{"key", "key-" + id}, {"digest", "1"}, {"origin", "shell"}}},
                    {"spec",
                     {{"kind", "exec"},
                      {"harness", "exec"},
                      {"cwd", cwd},
                      {"command", {"/bin/sh", "-c", words}},
                      {"prompt", words},
                      {"name", "job-" + std::to_string(i)},
                      {"rows", 24},
                      {"cols", 80}}}}) +
           "\n";
    out += to_line({{"n", ++n},
                    {"t", t},
                    {"what", "settled"},
                    {"session", id},
                    {"cause", n - 1},
                    {"facts", {{"state", "failed"}, {"why", words}}}}) +
           "\n";
  }
  spill(s.home() + "/ledger.jsonl", out);
  return id;
}

} // namespace troupe::test
