// The control protocol's JSON as the public header's structs. Unknown fields are ignored, missing ones stay empty.
#pragma once

#include "messages/json.hpp"
#include "runtime/troupe.hpp"

namespace troupe {

embed::session session_of(const json& row);
embed::event event_of(event e);
embed::outcome outcome_of(const json& x);
embed::status status_of(const json& x);
json dispatch_params(const embed::dispatch& what, const environment& shell);

} // namespace troupe
