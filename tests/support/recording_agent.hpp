// A sign-in of a test's own, and an agent in the place of the built-in one that writes down what credentials it is
// told.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/sandbox.hpp"
#include "tests/support/token_server.hpp"

namespace troupe::test {

/// Settings with a sign-in `test` at that server, whose token is CLAUDE_CODE_OAUTH_TOKEN; kept in a file.
json settings_with(const token_server& server, int spares = 0);
/// Puts the N-th pair of tokens into credentials.json, as another process would.
void store_login(const sandbox& s, int n, std::int64_t lasts_ms);

/// Puts a program in the place of the built-in agent that writes down all it is told, and fails prompts as long as the
/// file `refusing` is there; gives the file that it writes to. Before the first command.
std::string own_agent(sandbox& s);
/// The snapshots that such an agent was told of by that method, the last one last; each as text.
std::vector<std::string> told_snapshots(const std::string& log, const std::string& method);
std::string last_snapshot(const std::string& log, const std::string& method);

} // namespace troupe::test
