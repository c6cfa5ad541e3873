// What a session of the agent is made from, as session/new and session/load tell it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "runtime/agent/fields.hpp"

namespace troupe::agent {

struct session_setup {
  std::string id;
  std::string folder;        ///< absolute: where its files are
  std::string cwd;           ///< absolute
  environment env;           ///< the full environment of its tools
  bool isolated = false;     ///< in a worktree of its own (PR-2)
  bool placed = true;        ///< `cwd` is there; else the client tells when it is (ISO-1)
  std::string branch;        ///< of that worktree
  std::string repository;    ///< that the worktree belongs to: its instructions hold until the worktree is there
  bool keeps_shells = false; ///< whoever hosts it sees to the background shells when its input ends without a word
  std::string provider;      ///< of its models; empty: chosen anew for each step, by the credentials there are
  std::string model;         ///< a model's name or alias; empty: the provider's own choice
  /// Credentials: variables and secrets. Read anew for each step, since they change while the session lives. No tool
  /// gets them. Empty for a session of an editor, whose environment has them.
  environment snapshot;
  std::uint64_t snapshot_epoch = 0;
  /// Asks for others than those of that epoch, which were turned down. `done` comes once they are here, or none are to
  /// be had; perhaps never. Empty: there is nobody to ask.
  std::function<void(std::uint64_t epoch, std::function<void()> done)> replace_credentials;
  json settings = json::object();   ///< the directory's, an object (ENV-1)
  json definition;                  ///< the agent definition {name, description, prompt, tools, catalog}; null for none
  json servers;                     ///< MCP servers, as ACP lists them
  std::vector<std::string> folders; ///< that it may work in beside its own
};

} // namespace troupe::agent
