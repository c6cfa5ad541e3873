// Running a program for what it prints, and waiting for its end: for programs that have nothing else to do meanwhile.
#pragma once

#include <string>
#include <vector>

#include "messages/session.hpp"

namespace troupe {

struct program_output {
  int status = -1; ///< exit status; 128 + signal; 127: it could not be started
  std::string out, err;
  [[nodiscard]] bool good() const { return status == 0; }
  /// The first line of `err`, without git's `fatal: `.
  [[nodiscard]] std::string why() const;
};

/// A program, found in PATH where it has no slash, in `dir`. All that it prints is read; waits for its end. `asker`: a
/// pipe's end; when nobody is at the other one any more, the program is killed with all below it.
program_output run_program(std::vector<std::string> words, const std::string& dir, const std::string& input,
                           const environment& env, int asker = -1);

} // namespace troupe
