// Agent definitions, commands and skills as a dispatch, a launch and the front ends need them (CLI-3, ENV-9, ENV-10).
#pragma once

#include <functional>
#include <string>

#include "messages/json.hpp"
#include "runtime/config/definitions.hpp"

namespace troupe {

class agent_catalog {
public:
  /// `config`: the user's config directory; `home`: where `.claude` is looked for.
  agent_catalog(std::string config, std::string home) : places_{std::move(config), std::move(home)} {}

  /// Whether the user lets the directory's own definitions count (TRUST-1). Until it is set: no.
  std::function<bool(const std::string& cwd)> trusts_project;

  [[nodiscard]] bool with_project(const std::string& cwd) const { return trusts_project && trusts_project(cwd); }
  /// For front ends: agents, commands, skills, and what is wrong with files (`catalog/list`).
  [[nodiscard]] json list(const std::string& cwd) const;
  /// For a dispatch, a launch and the agent: {name, description, model, permissionMode, isolation, source ("user",
  /// "project"), prompt, tools} of that definition, where one is named, and `catalog`. A definition that is not there
  /// is refused: `--agent 'NAME' not found` (CLI-3).
  [[nodiscard]] json for_agent(const std::string& name, const std::string& cwd, bool with_project,
                               failure& error) const;

private:
  catalog_places places_;
};

} // namespace troupe
