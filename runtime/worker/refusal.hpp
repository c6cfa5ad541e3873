// Thrown where the worker refuses what the supervisor asks; becomes a JSON-RPC error.
#pragma once

#include "messages/errors.hpp"

namespace troupe {

struct refusal : failure {
  refusal(errc c, std::string t) : failure{c, std::move(t)} {}
};

} // namespace troupe
