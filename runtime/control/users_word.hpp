// The control socket's methods about what the user has written for agents and accepted at a terminal.
#pragma once

#include "runtime/control/front_desk.hpp"

namespace troupe {

/// `catalog/list {cwd}`: agent definitions, commands and skills that hold there.
void do_catalog_list(front_desk_state& s, const front_call& call);
/// `consent/give {name}`: the user has accepted it at a terminal.
void do_consent_give(front_desk_state& s, const front_call& call);
/// Why a dispatch must wait for the user's word; errc::ok where it need not (NAT-2).
failure missing_consent(const front_desk_state& s, const dispatch_spec& spec);

} // namespace troupe
