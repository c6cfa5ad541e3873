// What a harness is started with, in one place: the harness gets it from here, and the receipt tells it (BEYOND-5).
#pragma once

#include "messages/session.hpp"

namespace troupe {

/// The environment of a shell job: the session's, with Troupe's own variables and the emulator's TERM (ENV-2, ENV-7).
environment terminal_environment(const assignment& job);

/// What the worker really has, now that it is in the directory: `last` is the transcript's last number. The environment
/// is as the kernel will hand it to the harness, without the snapshot's secrets.
receipt receipt_of(const assignment& job, std::uint64_t last);

} // namespace troupe
