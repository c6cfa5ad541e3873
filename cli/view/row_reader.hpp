// Rows as the control socket tells them (JSON-1), for the view. A field of the wrong type is left out.
#pragma once

#include "actors/agent_view/roster.hpp"
#include "messages/json.hpp"

namespace troupe {

view::session session_from_json(const json& x);

} // namespace troupe
