// The worlds that are searched.
#pragma once

#include <vector>

#include "tests/search/world.hpp"

namespace troupe::search {

/// Every one is exhausted. `deep`: the larger ones too.
std::vector<setting> worlds(bool deep);
/// One for each planted bug; a search of it must end with a violation.
std::vector<setting> planted_worlds();

} // namespace troupe::search
