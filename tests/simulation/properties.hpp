// What must hold when the world has been left in peace for a while.
#pragma once

namespace troupe::simulation {

class day;

/// Checks that all is in order: every dispatch ended in one way, every process has an owner, every reply arrived, no
/// wait is left, and what the live actors know is what the disk says. What is not goes into the day's story.
void check_order(day& d);

} // namespace troupe::simulation
