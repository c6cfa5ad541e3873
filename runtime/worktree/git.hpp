// Running git for what it prints.
#pragma once

#include <string>
#include <vector>

#include "messages/session.hpp"
#include "runtime/io/run_program.hpp"

namespace troupe {

/// Runs git in `dir` with what a repository could make it execute turned off (SEC-4): no file system monitor, no hooks,
/// no repository found inside another. GIT_* variables of this process do not count; `more` do. Waits for its end.
program_output git(const std::string& dir, std::vector<std::string> arguments, const std::string& input = {},
                   const environment& more = {});
/// Parts of `text` between zero bytes or newlines; an empty last one is left out.
std::vector<std::string> split(const std::string& text, char at);
/// Without the newline at its end.
std::string trimmed(std::string text);

} // namespace troupe
