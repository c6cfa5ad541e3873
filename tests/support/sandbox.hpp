// A Troupe of its own for a test with real processes: a fresh TROUPE_HOME, commands run as a user would, and at the end
// proof that not one process of it is left, counted by identity.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "messages/ids.hpp"
#include "messages/json.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe::test {

struct run_result {
  int status = -1;
  std::string out, err;
};

class sandbox {
public:
  /// `settings`: content of settings.json, as `configure` takes it.
  explicit sandbox(const std::string& settings = {});
  /// Stops everything, and removes the folder.
  ~sandbox();
  sandbox(const sandbox&) = delete;
  sandbox& operator=(const sandbox&) = delete;

  /// Writes settings.json. Unless it names a provider, agents are offline: no test meets a key of whoever runs it.
  /// Unless it says otherwise a row's sentence changes at once.
  void configure(const std::string& settings) const;
  /// Gives it programs of its own, which may be replaced; before the first command.
  void own_programs();
  [[nodiscard]] const std::string& programs() const { return programs_; }
  /// Runs `troupe ARGS...` to its end.
  run_result troupe(const std::vector<std::string>& args, const std::string& input = {}) const;
  /// Starts it; the process is the caller's to wait for. Output goes to `out`/`err` files in the home's parent.
  int start(const std::vector<std::string>& args, const std::string& log) const;
  /// The id of a dispatched session; fails the test's expectation by throwing.
  std::string bg(const std::vector<std::string>& args) const;
  /// Rows by `agents --json --all`.
  json rows() const;
  json row(const std::string& id) const;
  json field(const std::string& id, const std::string& name) const; ///< of the row; null when it is not there
  json status() const;
  std::int32_t supervisor_pid() const;
  /// Live processes that carry this sandbox's home in their environment or arguments, and what is below them.
  std::vector<process_identity> processes() const;
  /// `daemon stop --any`, then whoever is left: must be nobody (KEEP-8).
  std::vector<process_identity> stop() const;
  /// The same where terminals may be attached: they and their guards end by themselves, soon.
  bool stop_with_terminals() const;
  /// A connected control socket that has read the greeting.
  unique_fd connect() const;

  [[nodiscard]] const std::string& home() const { return home_; }
  [[nodiscard]] const std::string& root() const { return root_; }
  [[nodiscard]] std::string work() const { return root_ + "/work"; }

private:
  std::string root_, home_, programs_;
};

/// Waits for a process that we started; 128 + signal where one ended it.
int wait_for(int pid);
/// Kills that process and waits until it is gone, whoever its parent is.
void kill_and_wait(std::int32_t pid);
/// Waits until the process is gone; false after so many milliseconds.
bool gone_soon(const process_identity& p, int ms = 10'000);
/// One request on a raw control socket; the answer's line.
std::string ask(int socket, const std::string& line);
std::string read_line(int socket, int ms = 10'000);
bool write_bytes(int socket, std::string_view bytes);
bool write_all(int fd, std::string_view bytes);
/// Whether a process has that word anywhere: in its arguments, its environment or, where we may look, its memory.
bool process_has(std::int32_t pid, const std::string& word);
std::string slurp(const std::string& path);
void spill(const std::string& path, const std::string& text);
/// Looks again at each change of the roster (agents --json --watch) until `holds`; false after `seconds`.
bool until(const sandbox& s, const std::function<bool()>& holds, int seconds = 20);

} // namespace troupe::test
