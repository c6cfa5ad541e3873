// A shell command line taken apart, so that each command in it can be judged by itself: what stands between `;`, `&&`,
// `|` and newlines, in subshells and in substitutions. Reads the grammar of POSIX shells and the common parts of bash;
// what it does not understand it says so, and whoever asks must then assume the worst.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::agent {

/// One word: quotes removed; expansions stand as they were written.
struct shell_word {
  std::string text;
  bool expands = false; ///< holds a variable or a substitution outside single quotes, or a glob: its value is not known
};

/// One command with its arguments.
struct simple_command {
  std::vector<std::string> assignments; ///< NAME=VALUE ahead of it
  std::vector<shell_word> words;
  bool writes = false; ///< redirects output to a file other than /dev/null
  /// Its words with one space between them, assignments first.
  [[nodiscard]] std::string text() const;
};

/// All commands in `line`, the nested ones too, in the order of their ends. None where the line is not understood: an
/// open quote, `case`, a function, or more than 256 commands or 16 levels.
std::optional<std::vector<simple_command>> commands_in(std::string_view line);

/// The command that `outer` runs for another: behind env, timeout, nice, nohup, sudo, xargs, command, exec, time and
/// the like. None where it runs none.
std::optional<simple_command> wrapped_in(const simple_command& outer);
/// Whether that wrapper changes neither rights nor environment nor arguments: timeout, nice, nohup, time, stdbuf.
bool wraps_plainly(const simple_command& outer);
/// The command line that `outer` gives to another shell: the argument of `sh -c`, or of `eval`. None where there is
/// none.
std::optional<std::string> line_given_by(const simple_command& outer);
/// `commands` with those that they wrap and those in the lines that they give to other shells. None as with
/// `commands_in`.
std::optional<std::vector<simple_command>> unwrapped(const std::vector<simple_command>& commands);

} // namespace troupe::agent
