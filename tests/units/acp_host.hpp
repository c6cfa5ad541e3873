// A harness on a loop of its own, for tests: keeps what it tells, and waits for it.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>

#include "runtime/worker/acp/acp_harness.hpp"

namespace troupe::test {

/// One harness, its session's directory, and what it has told. Every wait has a deadline of 30 seconds and throws after
/// it.
class acp_host {
public:
  acp_host();
  ~acp_host(); ///< kills the agent and removes the directory
  acp_host(const acp_host&) = delete;
  acp_host& operator=(const acp_host&) = delete;

  /// The built troupe-agent; the job then asks for a mode in which it runs all.
  acp_options native();
  /// An agent in a few lines of shell; `say` writes a line, `$1` is the session's directory.
  acp_options script(const std::string& lines) const;
  /// Makes the harness; an earlier one goes away, what was told is forgotten.
  acp_harness& make(acp_options options);
  /// make, start, and wait until prompts are taken.
  acp_harness& open(acp_options options);

  void await(const std::function<bool()>& done);
  const event& await_event(const std::string& what, std::size_t which = 1); ///< the which-th of its kind, from 1
  void await_end() {
    await([this] { return ended.has_value(); });
  }
  /// All events, each as "what id detail text", but `text`, what the agent tells of itself, and those of `left_out`.
  [[nodiscard]] std::vector<std::string> told(const std::vector<std::string>& left_out = {}) const;
  [[nodiscard]] std::string said(const std::string& who = "agent") const; ///< all text of it
  [[nodiscard]] std::size_t count(const std::string& what) const;

  struct end {
    exit_status status;
    std::string evidence;
  };
  assignment job;
  std::string folder;
  std::vector<event> events;
  std::optional<end> ended;
  std::optional<std::string> warmed;
  std::unique_ptr<acp_harness> harness;

private:
  asio::io_context loop_;
  reaper children_{loop_};
};

std::string content_of(const std::string& path);
/// Whether a process runs and is no zombie.
bool runs(std::int32_t pid);

} // namespace troupe::test
