// Running git, and other programs, for what they print.
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

/// Runs git in `dir` with what a repository could make it execute turned off (SEC-4): no file system monitor, no hooks,
/// no repository found inside another. GIT_* variables of this process do not count; `more` do. Waits for its end.
program_output git(const std::string& dir, std::vector<std::string> arguments, const std::string& input = {},
                   const environment& more = {});
/// Any program, found in PATH, in `dir`. `asker`: a pipe's end; when nobody is at the other one any more, the program is
/// killed with all below it.
program_output run_program(std::vector<std::string> words, const std::string& dir, const std::string& input,
                           const environment& env, int asker = -1);

/// Parts of `text` between zero bytes or newlines; an empty last one is left out.
std::vector<std::string> split(const std::string& text, char at);
/// Without the newline at its end.
std::string trimmed(std::string text);

} // namespace troupe
