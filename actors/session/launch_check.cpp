// The comparison of launches.
#include "actors/session/launch_check.hpp"

#include <algorithm>
#include <set>

#include "messages/digest.hpp"

namespace troupe {

namespace {

void put(environment& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const auto& pair) { return pair.first == name; });
  env.emplace_back(name, value);
}

/// As a program reads its environment: of two variables of one name the first counts.
std::map<std::string, std::string> by_name(const environment& env) {
  return {env.begin(), env.end()};
}

std::vector<std::string> different(const environment& meant, const environment& got) {
  auto a = by_name(meant), b = by_name(got);
  std::set<std::string> names;
  for (const auto& [name, value] : a)
    if (auto at = b.find(name); at == b.end() || at->second != value)
      names.insert(name);
  for (const auto& [name, value] : b)
    if (a.count(name) == 0)
      names.insert(name);
  return {names.begin(), names.end()};
}

const char* word(bool same) {
  return same ? "same" : "different";
}

} // namespace

launch_intent intent_of(const assignment& job, bool ahead) {
  launch_intent out{job.spec.cwd, job.spec.permission_mode, job.spec.command, job.env, 0, job.credentials.epoch, {}};
  put(out.env, "TROUPE_SESSION_ID", job.session.value); // ENV-7
  put(out.env, "TROUPE_SESSION_DIR", job.directory);
  put(out.env, "TROUPE_SOCKET", job.control_socket);
  if (job.spec.kind == "exec")
    put(out.env, "TERM", "xterm-256color"); // ENV-2: the emulator's
  else
    put(out.env, "TMPDIR", job.directory + "/tmp");
  if (ahead) // it ran before there was a session, and reads no variable anew
    out.unheard = {"TROUPE_SESSION_ID", "TROUPE_SESSION_DIR", "TROUPE_SOCKET", "TMPDIR", "PWD", "OLDPWD", "SHLVL", "_"};
  for (const auto& c : job.credentials.credentials) {
    std::erase_if(out.env, [&](const auto& pair) { return pair.first == c.variable; });
    out.accounts.push_back(c.variable);
  }
  out.variables = digest_of(out.env);
  return out;
}

/// A digest that is the one meant says all; else both sides are laid beside each other by name.
bool told_variables(const launch_intent& meant, const receipt& got, launch_check& out) {
  if (got.variables != meant.variables || got.variables == 0) {
    if (got.env.empty()) // there is always Troupe's own
      return false;
    out.variables = different(meant.env, got.env);
    std::erase_if(out.variables, [&](const std::string& name) { return meant.unheard.count(name) != 0; });
  }
  out.parts["variables"] = word(out.variables.empty());
  return true;
}

launch_check compare(const launch_intent& meant, const receipt& got) {
  launch_check out;
  out.parts = {{"account", "not told"},
               {"arguments", "not told"},
               {"directory", word(meant.cwd == got.cwd)},
               {"permission_mode", word(meant.permission_mode == got.permission_mode)},
               {"variables", "not told"}};
  if (!told_variables(meant, got, out))
    return out;
  out.parts["account"] = word(meant.epoch == got.account_epoch && meant.accounts == got.accounts);
  out.parts["arguments"] = word(meant.arguments == got.arguments);
  return out;
}

} // namespace troupe
