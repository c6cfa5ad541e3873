// What a directory says of its own, read from files that nobody vouches for.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/errors.hpp"
#include "runtime/config/project_trust.hpp"

namespace troupe {

/// Whether a directory is there, or a link to one.
bool is_folder(const std::string& path);
/// Whether anything is there, be it a link that leads nowhere.
bool exists(const std::string& path);
/// A small plain file; none: it is not there, cannot be read, or is a pipe, a device or a giant.
std::optional<std::string> read_plain(const std::string& path);

/// The directories that have a say about `cwd` (a real path), the nearest first: up to the root of its repository, and
/// itself alone outside of one. For a worktree that Troupe made those of the repository.
std::vector<std::string> chain_of(const std::string& cwd);
/// The one of them whose settings count: the nearest that has any, else the nearest with definitions, else the last.
std::string project_of(const std::vector<std::string>& chain);
/// Reads what they say: the settings of `project` with the servers of its .mcp.json, definitions and other agents'
/// files of all. `error`: a file of settings that is no JSON object.
project_files read_project(const std::string& project, const std::vector<std::string>& chain, failure& error);

} // namespace troupe
