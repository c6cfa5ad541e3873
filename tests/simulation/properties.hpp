// What must hold when the world has been left in peace for a while.
#pragma once

namespace troupe::simulation {

class day;

/// Checks that all is in order: every dispatch ended in one way, every process has an owner, every reply arrived, no
/// wait is left, and what the live actors know is what the disk says. What is not goes into the day's story.
void check_order(day& d);
/// Checks that all rows show of each pull request what was told of it last (PR-1); after as long as it takes to ask
/// again where that has failed.
void check_pulls(day& d);

} // namespace troupe::simulation
