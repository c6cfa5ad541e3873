// A real terminal with `troupe` in it, for a test that types into it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include <termios.h>

#include "tests/support/sandbox.hpp"

namespace troupe::test {

class terminal {
public:
  /// Starts `troupe ARGS...` in it. `cwd`: empty for the test's own.
  terminal(const sandbox& s, const std::vector<std::string>& args, std::uint16_t rows = 24, std::uint16_t cols = 80,
           const std::string& cwd = {});
  ~terminal(); ///< kills what is left
  terminal(const terminal&) = delete;
  terminal& operator=(const terminal&) = delete;

  void type(const std::string& text);
  void resize(std::uint16_t rows, std::uint16_t cols);
  /// Reads until `text` was shown; false after ten seconds, or when the program has ended without it.
  bool shows(const std::string& text);
  void forget() { seen_.clear(); }
  [[nodiscard]] const std::string& seen() const { return seen_; }
  int end(); ///< waits; the exit status
  /// Whether the line settings are as before; waits for a guard to have put them back.
  [[nodiscard]] bool restored() const;
  [[nodiscard]] int pid() const { return pid_; }

private:
  unique_fd master_, slave_;
  termios before_{};
  std::string seen_;
  int pid_ = 0;
};

} // namespace troupe::test
