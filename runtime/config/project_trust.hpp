// What a directory would be allowed if it were trusted: read from its files, told in sentences, and as the text whose
// hash the user's decision covers (TRUST-2, TRUST-3). Pure.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "messages/json.hpp"

namespace troupe {

/// A project's own files as they are on the disk.
struct project_files {
  json settings = json::object(); ///< .troupe/settings.json; where there is none, the part of .claude/settings.json
  json local = json::object();    ///< settings.local.json beside it
  std::vector<std::pair<std::string, std::string>> definitions; ///< path and content: agents, commands, skills
  std::vector<std::pair<std::string, std::string>> foreign; ///< path and content: what other agents read by themselves
};

/// What they say.
struct project_word {
  bool speaks = false;             ///< there is anything that Troupe would read
  bool speaks_to_others = false;   ///< there is anything that another agent would read
  std::vector<std::string> allows; ///< a sentence each: "command of hook Stop: make", "variable CI", "endpoint ..."
  std::string executes;            ///< what the hash is made of: all that executes or redirects, and allow rules
  std::string executes_others;     ///< the same of the other agents' files
};
project_word word_of(const project_files& files);

/// Files that agents of other makers read in a directory, and that can make them run or talk to something.
const std::vector<std::string>& foreign_names();
/// Folders of definitions, of Troupe's and of those it reads of others.
const std::vector<std::string>& definition_folders();
/// Whether a variable names where a model provider is reached (ENV-3).
bool is_endpoint(const std::string& variable);
/// The host and port of a URL, lower case; empty where it is none. `secure`: https, or on this machine (CRED-8).
std::string host_of(const std::string& url, bool* secure = nullptr);

} // namespace troupe
