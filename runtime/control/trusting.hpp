// The control socket's methods about trust and the settings of a directory (TRUST, ENV-1, ENV-6).
#pragma once

#include "runtime/control/front_desk.hpp"

namespace troupe {

/// What a user is to decide about, for a front end that asks: `directory`, `allows`, `hash`, `changed`.
json trust_question(const front_desk_state& s, const dispatch_spec& spec);

/// `trust/look {cwd}`: what the directory would be allowed, and what was decided.
void do_trust_look(front_desk_state& s, const front_call& call);
/// `trust/grant {cwd, hash, sends?}`: trusts it, if it still says what the hash was shown for.
void do_trust_grant(front_desk_state& s, const front_call& call);
/// `trust/revoke {cwd}`, `trust/list`.
void do_trust_revoke(front_desk_state& s, const front_call& call);
void do_trust_list(front_desk_state& s, const front_call& call);
/// `settings/show {cwd, settings?}`: each value with its source.
void do_settings_show(front_desk_state& s, const front_call& call);
/// `environment/show {cwd, env, settings?}`: each variable with origin and rule.
void do_environment_show(front_desk_state& s, const front_call& call);

} // namespace troupe
