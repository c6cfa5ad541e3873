// Running a program for what it prints: a helper command, a refresh of credentials. On the loop's thread.
#pragma once

#include <chrono>
#include <functional>
#include <string>

#include <asio/io_context.hpp>

#include "runtime/io/process.hpp"

namespace troupe {

struct program_answer {
  exit_status status;
  std::string out, err; ///< at most 64 KiB each
  bool late = false;    ///< it was killed, with all below it, at the deadline
  std::string fault;    ///< it could not be started
};

/// Starts it with `input` on its standard input, and calls `done` once, when it has ended and said all. `request.fds`
/// must be empty.
void ask_program(asio::io_context& loop, reaper& children, spawn_request request, const std::string& input,
                 std::chrono::milliseconds patience, std::function<void(program_answer)> done);

} // namespace troupe
