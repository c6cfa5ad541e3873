// The desktop's secret service, by libsecret loaded at run time: servers have neither (CRED-1).
#pragma once

#include <optional>
#include <string>

#include "messages/errors.hpp"

namespace troupe {

class secret_service {
public:
  /// Whether libsecret is there and a service answers on the session's bus.
  static bool runs();
  /// What is kept for the instance whose config directory is `home`; none: nothing, or `error` says why.
  static std::optional<std::string> read(const std::string& home, failure& error);
  static bool write(const std::string& home, const std::string& text, failure& error);
  static bool clear(const std::string& home, failure& error);
};

} // namespace troupe
