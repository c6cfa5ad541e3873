// How the client speaks to people: plain lines, errors with their remedy, outside text made safe (CLI-2, CLI-5, SEC-2).
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "messages/errors.hpp"
#include "messages/json.hpp"
#include "messages/wording.hpp"

namespace troupe {

/// Exit statuses (CLI-2, CLI-7).
enum exit_code {
  exit_ok = 0,
  exit_failure = 1,
  exit_usage = 2,
  exit_needs_input = 3,
  exit_stopped = 4,
  exit_timeout = 124
};

/// Writes to standard output and standard error, whole; a closed pipe ends the program quietly.
void print(std::string_view text);
void print_error(std::string_view text);
/// `troupe: TEXT`, and the remedy indented on the next line. Gives `code`.
int fail(const failure& error, int code = exit_failure);
int fail_usage(const std::string& fault, const std::string& remedy);
/// A time for people: local.
std::string local_time(std::int64_t ms);
/// The text of a field that may hold bytes; empty when it is not there.
std::string text_of(const json& object, const char* name);

} // namespace troupe
