// Comparing profiles.
#include "actors/warm_pool/profiles.hpp"

#include <algorithm>
#include <map>
#include <set>

namespace troupe {

namespace {

const std::set<std::string> passing{"PWD", "OLDPWD", "SHLVL", "_"}; ///< other in each directory and shell

std::string differing_names(const environment& a, const environment& b) {
  std::map<std::string, std::string> one(a.begin(), a.end()), other(b.begin(), b.end());
  std::set<std::string> names;
  for (const auto& [name, value] : one)
    if (auto at = other.find(name); at == other.end() || at->second != value)
      names.insert(name);
  for (const auto& [name, value] : other)
    if (one.count(name) == 0)
      names.insert(name);
  std::string out;
  for (const auto& name : names)
    out += (out.empty() ? "" : ", ") + name;
  return out;
}

} // namespace

profile wanted_profile(const dispatch_spec& spec, const environment& env, const std::string& version, bool warmed) {
  if (spec.kind == "exec")
    return {any_harness, version};
  if (spec.harness == "native")
    return {spec.harness, version};
  if (spec.command.empty()) // an object of the program that embeds the supervisor
    return {"host/" + spec.harness, version};
  if (!warmed)
    return {any_harness, version};
  profile out{spec.harness, version, spec.command};
  std::copy_if(env.begin(), env.end(), std::back_inserter(out.env),
               [](const auto& pair) { return passing.count(pair.first) == 0; });
  std::sort(out.env.begin(), out.env.end());
  return out;
}

bool fits(const profile& spare, const profile& wanted) {
  return wanted.harness == any_harness ? spare.version == wanted.version : spare == wanted;
}

std::string difference(const profile& spare, const profile& wanted) {
  std::string out;
  auto add = [&](const std::string& part) { out += (out.empty() ? "" : "; ") + part; };
  if (spare.version != wanted.version)
    add("version " + spare.version + " instead of " + wanted.version);
  if (wanted.harness == any_harness)
    return out;
  if (spare.harness != wanted.harness)
    add("harness " + spare.harness + " instead of " + wanted.harness);
  else if (spare.command != wanted.command)
    add("command line");
  else if (spare.env != wanted.env)
    add("environment: " + differing_names(spare.env, wanted.env));
  return out;
}

} // namespace troupe
