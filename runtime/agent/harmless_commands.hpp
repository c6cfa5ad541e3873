// Commands that only look, for plan mode: a list of names, and what must not stand behind them.
#pragma once

#include <string>

namespace troupe::agent {

/// Whether every command in the line is known to change nothing. False where that is not sure.
bool only_looks(const std::string& line);

} // namespace troupe::agent
