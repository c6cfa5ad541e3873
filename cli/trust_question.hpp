// The question whether a directory is trusted, at a terminal (TRUST-2).
#pragma once

#include "cli/command.hpp"

namespace troupe {

/// Asks the supervisor what the directory would be allowed; gives the state, empty after an error that was printed.
std::string fetch_trust(client& c, const std::string& cwd, json& seen);
/// Prints what it would be allowed, on standard error.
void show_trust(const json& seen);
/// Trusts it as it was seen. `sends`: [[host, variable]...].
bool grant_trust(client& c, const std::string& cwd, const json& seen, const json& sends = json::array());
/// Prints a question and reads a line.
std::string ask_terminal(const std::string& question);
/// Whether there is somebody to ask.
bool at_terminal();

} // namespace troupe
