// The tools of one conversation: the built-in ones that its agent definition leaves it, and those of MCP servers.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "runtime/agent/tools.hpp"

namespace troupe::agent {

class toolbox {
public:
  /// `only`: names as a definition lists them, in any case, rules too ("Bash", "Read", "Bash(git:*)", "mcp__server");
  /// empty: all. Those of `without` are not among them.
  explicit toolbox(std::vector<std::string> only = {}, std::vector<std::string> without = {});
  /// Takes the place of all tools of that source.
  void replace(const std::string& source, std::vector<tool> tools);
  /// Null for one that is not here. Good until the next `replace`.
  [[nodiscard]] const tool* find(const std::string& name) const;
  /// Those that a model is told of, in an order that does not change by itself.
  [[nodiscard]] std::vector<const tool*> offered() const;
  /// The same tools, but for those that only the conversation around it has, and narrowed once more.
  [[nodiscard]] toolbox narrowed(const std::vector<std::string>& only, const std::vector<std::string>& without) const;

private:
  [[nodiscard]] bool allowed(const std::string& name) const;
  std::vector<std::vector<std::string>> only_; ///< each list that is not empty must name it
  std::vector<std::string> without_;
  std::map<std::string, std::vector<tool>> more_; ///< by source
};

} // namespace troupe::agent
