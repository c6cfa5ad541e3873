// Who is in a folder: processes whose working directory it is, or lies below it.
#pragma once

#include <string>
#include <vector>

namespace troupe {

/// Each as `process 17 (vim)`; at most eight. Those of other users, and those that do not let themselves be looked at,
/// are not seen.
std::vector<std::string> occupants_of(const std::string& folder);

} // namespace troupe
