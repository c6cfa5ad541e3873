// Whether work has arrived elsewhere by its content: merged as it is, cherry-picked, rebased, or squashed (F-19).
#pragma once

#include <string>
#include <vector>

namespace troupe {

/// The branches that work is merged into, as this repository knows them: what origin's HEAD names, `main` and `master`
/// of origin and here, and what is checked out here. Full names of refs; `but`: not that one.
std::vector<std::string> merge_targets(const std::string& repository, const std::string& but);

/// Whether all that `commit` adds over its base is in one of the targets. Reads objects; changes none that is named by
/// anything.
bool has_landed(const std::string& repository, const std::string& commit, const std::vector<std::string>& targets);

} // namespace troupe
