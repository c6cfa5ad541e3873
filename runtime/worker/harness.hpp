// The two kinds of harness a worker hosts, behind one interface: a command in a PTY, and an ACP agent over stdio.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>

#include "messages/errors.hpp"
#include "messages/session.hpp"
#include "runtime/io/process.hpp"

namespace troupe {

/// What a harness tells its worker. `emit` fills n, t, run and seen, writes the event to the transcript and sends it to
/// the supervisor before it returns its number.
struct harness_callbacks {
  std::function<std::uint64_t(event)> emit;
  /// The harness's main process has ended (the worker then ends what is left of the tree and writes `ended`).
  std::function<void(exit_status status, std::string evidence)> ended;
  /// A spare's agent has answered `initialize`, or could not be started (text not empty).
  std::function<void(std::string failure)> warmed;
};

/// What came of a change that was asked for: an error, or how it was taken.
using steered_answer = std::function<void(const failure& error, const std::string& value)>;

/// One harness. All members on the loop's thread; none blocks.
class harness {
public:
  virtual ~harness() = default;
  /// Starts the session's work in `job.spec.cwd` with `job.env`. A failure to start is told by `ended`.
  virtual void start(const assignment& job) = 0;
  /// A prompt that the worker has written as `taken`; the harness emits `sent` when it passes it on (REST-5), which may
  /// be later when a turn runs. For a PTY: the text and a carriage return are typed, `sent` at once.
  virtual void deliver(const std::string& key, const std::string& text) = 0;
  /// Newer credentials, or none any more: from the next request on they are the session's (CRED-5, CRED-6). What an
  /// agent was given in its environment it keeps.
  virtual void renew(const snapshot&) {}
  /// Answers the open question (`question` empty: the oldest). The first answer counts; a later one gives
  /// errc::answered and says who was first; none open gives errc::wrong_state (BEYOND-7). `resolved` and `choice` tell
  /// what was chosen.
  virtual failure answer(const std::string& question, const std::string& choice, const std::string& by,
                         std::string& resolved, std::string& chosen) = 0;
  /// Lets the conversation go on otherwise: `cancel` (the turn), `mode`, `model`, `option` (of that `name`). `done` is
  /// called once, perhaps from within.
  virtual void steer(const std::string& action, const std::string& name, const std::string& value,
                     const std::string& by, const steered_answer& done) = 0;
  /// Asks it to end in its own way (ACP: session/cancel, close, end of input; PTY: nothing) before the tree gets
  /// SIGTERM after `grace()` milliseconds or as soon as the main process is gone.
  virtual void begin_end() = 0;
  [[nodiscard]] virtual int grace() const = 0;
};

} // namespace troupe
