// troupe doctor --env [DIR]: each variable of a session that would be dispatched now, where it comes from, and which
// row of the table decides; never a value (ENV-6, SEC-6).
#include <climits>
#include <cstdlib>

#include "cli/command.hpp"

namespace troupe {

int show_environment(const std::string& dir, bool as_json) {
  char real[PATH_MAX];
  if (!::realpath(dir.empty() ? "." : dir.c_str(), real))
    return fail({errc::directory, "directory does not exist: " + dir + "\nname another: troupe doctor --env DIR"});
  client c("troupe doctor --env");
  auto got = reach(c, true)
                 ? ask_or_say(c, "environment/show", {{"cwd", bytes_to_json(real)}, {"env", environment_json()}})
                 : std::nullopt;
  if (!got)
    return exit_failure;
  if (as_json) {
    print(to_line(*got) + "\n");
    return exit_ok;
  }
  for (const auto& v : (*got)["variables"])
    print(std::string(v["reaches"] == true ? "  " : "- ") + visible(text_of(v, "name")) + "=***  from " +
          visible(text_of(v, "origin")) + "  by " + visible(text_of(v, "rule")) + "\n");
  for (const auto& n : (*got)["notes"])
    print_error("  ! " + visible(bytes_from_json(n)) + "\n");
  return exit_ok;
}

} // namespace troupe
