// Files are read at each question: they are few, and a user edits them while the service runs.
#include "runtime/services/agent_catalog.hpp"

namespace troupe {

namespace {

json told(const agent_definition& d) {
  return {{"name", d.name},           {"description", d.description},
          {"model", d.model},         {"permissionMode", d.permission_mode},
          {"isolation", d.isolation}, {"source", d.project ? "project" : "user"}};
}

} // namespace

json agent_catalog::list(const std::string& cwd) const {
  const auto all = read_catalog(places_, cwd, trusts_project && trusts_project(cwd));
  auto out = to_json(all);
  out["problems"] = json::array();
  for (const auto& p : all.problems)
    out["problems"].push_back(bytes_to_json(p));
  return out;
}

json agent_catalog::for_agent(const std::string& name, const std::string& cwd, bool with_project,
                              failure& error) const {
  const auto all = read_catalog(places_, cwd, with_project);
  json out{{"catalog", to_json(all)}};
  if (name.empty())
    return out;
  const auto* found = find_agent(all, name);
  if (!found) {
    std::string names;
    for (const auto& d : all.agents)
      names += (names.empty() ? "" : ", ") + d.name;
    error = {errc::no_definition,
             "--agent '" + name + "' not found\n" +
                 (names.empty() ? "write one: .troupe/agents/" + name + ".md, with front matter and a prompt"
                                : "there are: " + names)};
    return out;
  }
  out.update(told(*found));
  out["prompt"] = found->prompt;
  out["tools"] = found->tools;
  return out;
}

} // namespace troupe
