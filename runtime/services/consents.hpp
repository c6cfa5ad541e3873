// What the user has accepted once at a terminal, kept in the config directory: `consents.json`, {NAME: when}.
#pragma once

#include <string>

#include "messages/json.hpp"

namespace troupe {

class consents {
public:
  /// `config`: the user's config directory.
  explicit consents(const std::string& config) : file_(config + "/consents.json") {}
  /// Whether it was given, by that name ("bypassPermissions"). Read anew each time.
  [[nodiscard]] bool given(const std::string& name) const;
  /// Keeps it, for good. False with `error` set where it cannot be written.
  bool give(const std::string& name, wall_ms now, failure& error) const;

private:
  [[nodiscard]] json read() const;
  std::string file_;
};

} // namespace troupe
