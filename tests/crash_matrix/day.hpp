// One scripted day of a user, by the command line: dispatch, work, question, reply, answer, reap, wake, stop, remove,
// and the end of it all. The first supervisor is started under the tracer; whoever is needed after it is started by the
// next command or by a worker, as in life.
#pragma once

#include <atomic>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/crash_matrix/traced_program.hpp"
#include "tests/support/sandbox.hpp"

namespace troupe::crash {

/// What went wrong in a day, a sentence each; the fields are the columns of the table.
struct faults {
  std::vector<std::string>
      lost; ///< sessions that are not listed, are in a wrong state, or lack a part of what they did
  std::vector<std::string> orphans;    ///< processes that belong to nothing that lives
  std::vector<std::string> doubled;    ///< prompts, replies and commands that were carried out twice
  std::vector<std::string> undone;     ///< stops and removals that did not last
  std::vector<std::string> unanswered; ///< commands that got no answer, or a wrong one
  [[nodiscard]] bool none() const {
    return lost.empty() && orphans.empty() && doubled.empty() && undone.empty() && unanswered.empty();
  }
};

struct day_result {
  faults found;
  std::vector<boundary> reached; ///< by the supervisor that was killed last, else by the first one
  std::size_t kills = 0;
  std::int64_t ms = 0;
  std::string kept; ///< the folder of a day that went wrong, when it was asked to be kept
};

/// Plays the day. `kill_at`: the boundary at which the first supervisor dies, 0: it lives through the day; a second
/// number: the same for the supervisor that follows it. `keep`: leave a bad day's files for the curious. Blocking; days
/// may be played at the same time from several threads.
day_result play_day(const std::vector<std::uint64_t>& kill_at, bool keep);

} // namespace troupe::crash
