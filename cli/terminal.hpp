// The user's terminal while a session is attached: raw, and left as it was found, also when this process is killed
// (ATT-5). A guard process holds the terminal's settings and a pipe: when the pipe closes without a word, it puts
// everything back.
#pragma once

#include <string>

#include <termios.h>

#include "messages/errors.hpp"
#include "runtime/io/unique_fd.hpp"

namespace troupe {

/// Ends whatever a session may have switched on: colours, mouse, paste brackets, alternate screen, keypad, scroll
/// region.
extern const char* const terminal_reset;

class raw_terminal {
public:
  /// Starts the guard, then makes the terminal raw, flow control off. Fails where standard input or output is no
  /// terminal.
  /// `guard`: the program that is started as the guard, with the word `attach-guard`.
  static bool enter(raw_terminal& out, failure& error, const std::string& guard = "/proc/self/exe");
  raw_terminal() = default;
  raw_terminal(const raw_terminal&) = delete;
  raw_terminal& operator=(const raw_terminal&) = delete;
  ~raw_terminal() { leave(); }
  /// What the guard is to write ahead of the reset, in place of what it was told before: a full-screen program's own.
  void guard_with(const std::string& restore);
  /// Puts everything back and dismisses the guard. May be called twice.
  void leave();

private:
  bool raw_ = false;
  termios before_{};
  unique_fd guard_; ///< a byte in it dismisses the guard; its closing calls it up
  int guard_pid_ = 0;
};

/// The guard's own life: reads the settings to restore, then waits for a word or the end.
int guard_terminal();

} // namespace troupe
