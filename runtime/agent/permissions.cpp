// The table of permission modes.
#include "runtime/agent/permissions.hpp"

namespace troupe::agent {

std::optional<mode> mode_of(std::string_view id) {
  for (const auto& row : modes)
    if (id == row.id)
      return row.is;
  return std::nullopt;
}

const char* id_of(mode m) {
  for (const auto& row : modes)
    if (row.is == m)
      return row.id;
  return "default";
}

verdict decide(mode m, reach tool, bool granted) {
  if (tool == reach::harmless)
    return verdict::allow;
  if (m == mode::plan && tool == reach::edits)
    return verdict::refuse;
  if (m == mode::bypass || granted || (m == mode::accept_edits && tool == reach::edits))
    return verdict::allow;
  return verdict::ask;
}

} // namespace troupe::agent
