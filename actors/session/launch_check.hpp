// What a session was meant to run with, against what its worker says that it really has (BEYOND-5). Pure; values are
// compared here and go nowhere else.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

/// The parts of a launch, each `same` or `different`; `not told` by a worker of a version that tells no more than where
/// it is and in which mode.
struct launch_check {
  std::map<std::string, std::string> parts; ///< "account", "arguments", "directory", "permission_mode", "variables"
  std::vector<std::string> variables;       ///< the names of those that differ, in order
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
};
launch_intent intent_of(const assignment& job);

/// Compares the two, part by part.
launch_check compare(const launch_intent& meant, const receipt& got);

} // namespace troupe
