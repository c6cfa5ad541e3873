// What `troupe doctor` finds: one finding a check, with its remedy, and how it is mended where Troupe can.
//
// A further part of the doctor is a function that gives findings or prints a report of its own, and a line in
// cli/commands/doctor.cpp.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "messages/json.hpp"
#include "runtime/config/harnesses.hpp"
#include "runtime/files/paths.hpp"

namespace troupe::doctor {

enum class grade { fine, note, fault };

struct finding {
  std::string check; ///< which check it is of, e.g. "programs"
  grade how = grade::fine;
  std::string text;             ///< what was found
  std::string remedy{};         ///< what a person can do; of a fault, never empty
  std::function<bool()> mend{}; ///< `--repair` calls it; gives whether it is mended
};
using findings = std::vector<finding>;

/// Worktrees that Troupe made and whose session is gone, in the repositories of its sessions and in the one that the
/// current directory is in. Those with nothing in them that would be missed can be mended: they are removed.
void check_worktrees(findings& out, const paths& where);

/// How one agent answered.
struct agent_report {
  std::string name;
  std::string state; ///< "ready", "sign-in missing", "does not start", "not installed"
  std::string version{};
  std::string text{}, remedy{};
  int ms = 0; ///< until `initialize` was answered
};

/// Starts each agent that is installed, as the user has it, asks `initialize` and for a session in an empty scratch
/// directory, and ends it. All at the same time, each at most `patience_ms` long. Those without program come first in
/// no time.
std::vector<agent_report> examine_agents(const std::vector<harness_driver>& rows, int patience_ms);

} // namespace troupe::doctor
