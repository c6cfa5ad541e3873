// A sandbox for one foreign agent: a HOME of its own, a model server on loopback, the agent's programs in PATH.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/model_stub.hpp"
#include "tests/support/sandbox.hpp"

namespace troupe::test {

/// Why the agents are not there; empty: they are. Prints the word that lets CTest skip the suite.
std::string agents_missing();
/// A file of the installed packages.
std::string agent_file(const std::string& path);

/// What differs from agent to agent.
struct foreign_agent {
  std::string name;
  json driver;                              ///< its row in `harnesses`; PORT in it is the model server's
  std::map<std::string, std::string> files; ///< in HOME, likewise
  std::map<std::string, std::string> shell; ///< variables of the dispatching shell
  json run, write;                          ///< a tool call that runs `echo made > made.txt`, one that writes wrote.txt
};

/// gemini-cli, with an API key that it gets late.
foreign_agent gemini();

/// One running sandbox. The test process's own HOME and variables are put back at the end.
class foreign {
public:
  explicit foreign(foreign_agent about, bool warm = false);
  ~foreign();
  foreign(const foreign&) = delete;
  foreign& operator=(const foreign&) = delete;

  /// Dispatches, and gives the id.
  std::string dispatch(const std::string& prompt);
  /// Waits until `holds`, at most 30 s, and takes what the model is asked meanwhile into `asked`.
  bool sees(const std::function<bool()>& holds);
  /// Waits until the session is in that state.
  bool reaches(const std::string& id, const std::string& state);
  [[nodiscard]] std::vector<json> events(const std::string& id) const;
  /// What was said and done, without numbers, times, ids and the order of pieces: the same for the same script.
  [[nodiscard]] std::vector<std::string> story(const std::string& id) const;
  [[nodiscard]] std::size_t count(const std::string& id, const std::string& what) const;
  [[nodiscard]] std::string said(const std::string& id) const; ///< all text of the agent
  [[nodiscard]] std::string content(const std::string& name) const { return slurp(box.work() + "/" + name); }

  foreign_agent about;
  sandbox box;
  std::unique_ptr<model_stub> model;
  std::string asked; ///< the bodies of all requests that were taken so far

private:
  std::map<std::string, std::string> before_;
};

/// Text, a shell command with its permission, a file with its permission, a denial, a cancel.
void go_through_a_day(const foreign_agent& about);
/// The same script with a spare and without one.
void compare_warm_and_cold(const foreign_agent& about);

} // namespace troupe::test
