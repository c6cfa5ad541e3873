// Names what a traced process is about to do, or has just done, that the world outside of it can see. Those are the
// boundaries between which a crash makes no difference: what is left behind is decided by the effects that have
// happened.
#pragma once

#include <cstdint>
#include <string>

#include <sys/types.h>

namespace troupe::crash {

/// One system call of a stopped thread.
struct system_call {
  std::uint64_t number = 0;
  std::uint64_t arguments[6] = {};
  std::int64_t result = 0;
  bool done = false; ///< stopped behind it, `result` is known; false: stopped in front of it
};

/// The boundary's name, such as "send worker/assign" or "ledger claimed"; empty when nobody outside can tell that the
/// call was made. What is given away counts in front of the call, what is taken in (a message, a connection, a child's
/// end) behind it. `process`: the stopped thread's process, whose memory is read. Linux on x86-64 only.
std::string name_boundary(pid_t process, const system_call& call);

} // namespace troupe::crash
