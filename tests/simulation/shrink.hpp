// Makes a failing tape short: pieces are cut out and steps calmed for as long as the same property breaks.
#pragma once

#include "tests/simulation/run.hpp"

namespace troupe::simulation {

/// The shortest tape found within `tries` runs that still breaks `rule`.
tape shrink(tape t, const std::string& rule, const run_options& options, std::size_t tries);

} // namespace troupe::simulation
