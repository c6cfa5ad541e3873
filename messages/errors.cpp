// The names of the error codes.
#include "messages/errors.hpp"

#include <array>

namespace troupe {

namespace {
constexpr std::array<std::string_view, 23> names{"ok",
                                                 "bad_request",
                                                 "no_such_session",
                                                 "ambiguous",
                                                 "key_reused",
                                                 "draining",
                                                 "not_running",
                                                 "wrong_state",
                                                 "answered",
                                                 "refused",
                                                 "not_started",
                                                 "worker_gone",
                                                 "timed_out",
                                                 "no_credentials",
                                                 "disk",
                                                 "needs_any",
                                                 "directory",
                                                 "overloaded",
                                                 "not_trusted",
                                                 "not_allowed",
                                                 "no_consent",
                                                 "no_definition",
                                                 "kept"};
} // namespace

std::string_view name_of(errc code) {
  return names[static_cast<std::size_t>(code)];
}

errc errc_of(std::string_view name) {
  for (std::size_t i = 0; i < names.size(); ++i)
    if (names[i] == name)
      return static_cast<errc>(i);
  return errc::bad_request;
}

} // namespace troupe
