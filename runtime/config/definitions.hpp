// What a project and its user have written for agents: agent definitions, commands and skills, Markdown files with YAML
// front matter. A bad file is told with its line and leaves the others.
#pragma once

#include <string>
#include <vector>

#include "messages/json.hpp"

namespace troupe {

/// One agent definition.
struct agent_definition {
  std::string name, description, model, permission_mode, isolation;
  std::vector<std::string> tools; ///< empty: all
  std::string prompt;             ///< the text behind the front matter
  std::string path;               ///< bytes, absolute
  bool project = false;           ///< from the directory, not from the user (TRUST-4)
};

/// One command, or a skill (a folder with a SKILL.md).
struct command_definition {
  std::string name, description, argument_hint;
  std::string path;
  bool skill = false;
  bool project = false;
};

/// All that hold in one directory: of two of one name, the nearer one.
struct catalog {
  std::vector<agent_definition> agents;
  std::vector<command_definition> commands; ///< and skills
  std::vector<std::string> problems;        ///< "FILE:LINE: what", one each
};

/// Where they are looked for.
struct catalog_places {
  std::string config; ///< the user's config directory: agents/, commands/, skills/
  std::string home;   ///< for ~/.claude; empty: none
};

/// Reads the files for a session in `cwd`: `.troupe` and `.claude` of it and of the directories above it up to the top
/// of its git repository, then the user's. `with_project` false: the user's alone (TRUST-1). Never throws.
catalog read_catalog(const catalog_places& places, const std::string& cwd, bool with_project);

/// The definition of that name, or null.
const agent_definition* find_agent(const catalog& all, const std::string& name);

/// The catalog as front ends and the built-in agent are told of it: agents, commands, skills, each {name, description,
/// source, path, argumentHint?}, an agent with tools too.
json to_json(const catalog& all);

/// Reads one definition's text; `path` names it. What is wrong with it is added to `problems`; false where it is of no
/// use at all. For tests, and for texts that come from elsewhere.
bool read_agent(const std::string& text, const std::string& path, agent_definition& into,
                std::vector<std::string>& problems);

} // namespace troupe
