// The methods of the control socket (messages/PROTOCOL.md).
#pragma once

#include <map>
#include <string>

#include "runtime/control/front_desk.hpp"

namespace troupe {

/// Runs one request, in the desk's context; it answers the call, at once or later. Throws field_error for a field that
/// is missing or wrong.
using front_method = void (*)(front_desk_state&, const front_call&);

/// All of them, by name.
const std::map<std::string, front_method>& front_methods();

} // namespace troupe
