// What a session was meant to run with, against what its worker says that it really has (BEYOND-5). Pure; values are
// compared here and go nowhere else.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

/// The parts of a launch, each `same` or `different`; `not told` by a worker of a version that tells no more than where
/// it is and in which mode.
struct launch_check {
  std::map<std::string, std::string> parts; ///< "account", "arguments", "directory", "permission_mode", "variables"
  std::vector<std::string> variables;       ///< the names of those that differ, in order
  std::vector<std::string> notes{}; ///< what somebody should know of the settings it was launched with (TRUST-4, ENV-5)
  [[nodiscard]] bool differs(const std::string& part) const {
    auto at = parts.find(part);
    return at != parts.end() && at->second == "different";
  }
  bool operator==(const launch_check&) const = default;
};

/// What is kept of a job while its worker is asked: no secret.
struct launch_intent {
  std::string cwd, permission_mode;
  std::vector<std::string> arguments;
  environment env;             ///< with what Troupe itself adds, without credentials
  std::uint64_t variables = 0; ///< its digest
  std::uint64_t epoch = 0;
  std::vector<std::string> accounts;
  std::set<std::string> unheard{}; ///< variables that it cannot have as they are meant
};
/// `ahead`: its agent was started before the session was known and reads no variable anew (POOL-9); what ENV-7 promises
/// and what is other in each shell is not expected of it.
launch_intent intent_of(const assignment& job, bool ahead = false);

/// Compares the two, part by part.
launch_check compare(const launch_intent& meant, const receipt& got);

} // namespace troupe
