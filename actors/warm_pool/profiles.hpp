// Which spare fits which dispatch (POOL-4, POOL-9, BEYOND-4). Pure.
#pragma once

#include <string>

#include "messages/session.hpp"

namespace troupe {

/// The harness of a profile that any worker serves: a shell job, or an agent that is never started ahead. The agent in
/// the spare is closed for it (POOL-8).
constexpr const char* any_harness = "any";

/// What a dispatch wants of its worker. `warmed`: an agent of its harness may run in a spare, and then reads `env` at
/// its start; what changes with the directory and the shell's depth is no part of that.
profile wanted_profile(const dispatch_spec& spec, const environment& env, const std::string& version, bool warmed);

/// Whether a spare of profile `spare` may serve it: the same profile, or any of the same version for `any_harness`.
bool fits(const profile& spare, const profile& wanted);

/// The parts in which they differ, for people: "harness native instead of gemini"; of the environment the names only.
std::string difference(const profile& spare, const profile& wanted);

} // namespace troupe
