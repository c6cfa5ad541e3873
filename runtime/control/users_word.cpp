// Definitions and consents.
#include "runtime/control/users_word.hpp"

#include <climits>
#include <cstdlib>

namespace troupe {

void do_catalog_list(front_desk_state& s, const front_call& call) {
  const auto path = required_text(call.params, "cwd");
  char real[PATH_MAX];
  if (path.empty() || path.front() != '/' || path.find('\0') != std::string::npos || !::realpath(path.c_str(), real))
    s.refuse(call, {errc::directory, "directory does not exist: " + path + "\nname another"});
  else
    s.respond(call, s.setup.catalog->list(real));
}

void do_consent_give(front_desk_state& s, const front_call& call) {
  const auto name = required_text(call.params, "name");
  failure error;
  if (name != "bypassPermissions")
    throw field_error("field 'name' must be bypassPermissions");
  if (s.setup.given->give(name, s.setup.now(), error))
    s.respond(call, {{"name", name}});
  else
    s.refuse(call, error);
}

failure missing_consent(const front_desk_state& s, const dispatch_spec& spec) {
  const bool unwatched = spec.kind == "agent" && spec.permission_mode == "bypassPermissions";
  if (!unwatched || s.setup.chosen.hosted.count(spec.harness) != 0 || s.setup.chosen.bypass_accepted ||
      s.setup.given->given("bypassPermissions"))
    return {};
  return {errc::no_consent,
          "the permission mode bypassPermissions lets an agent do anything unasked, and was never accepted\n"
          "accept it once at a terminal: troupe --bg --permission-mode bypassPermissions \"PROMPT\""};
}

} // namespace troupe
