// SEC-1: what a session's own processes may ask of the supervisor: declare work, read their session, and dispatch with
// no higher a mode than their own. Processes of one user are no boundary; this keeps an agent from answering its own
// questions by mistake or by persuasion.
#include <algorithm>
#include <set>

#include "runtime/config/settings_layers.hpp"
#include "runtime/control/front_desk.hpp"
#include "runtime/io/process.hpp"
#include "runtime/io/process_table.hpp"

namespace troupe {

namespace {

const std::set<std::string>& about_oneself() {
  static const std::set<std::string> all{"session/work", "session/get", "session/logs", "session/why", "session/wait"};
  return all;
}

const std::set<std::string>& harmless() {
  static const std::set<std::string> all{
      "hello",      "session/list", "session/dispatch", "supervisor/status", "auth/status",
      "trust/look", "trust/list",   "settings/show",    "environment/show",  "catalog/list"};
  return all;
}

/// By the mark in its environment, which a program may take off; and by its ancestors, which it cannot: a worker is the
/// subreaper of its session.
session_id session_of(std::int32_t process, const roster_view& rows, const std::string& sessions) {
  auto [id, directory] = owner_of(process);
  if (!id.empty() && directory == sessions + "/" + id && rows.find({id}))
    return {id};
  return rows.hosted_by(process_table::ancestors_of(process));
}

} // namespace

const session_id& front_desk_state::insider(const front_call& call) {
  static const session_id nobody;
  if (call.process == 0)
    return nobody;
  auto known = inside.find(call.from);
  if (known == inside.end())
    known = inside.emplace(call.from, session_of(call.process, rows, setup.sessions)).first;
  return known->second;
}

bool front_desk_state::may(const front_call& call) {
  if (call.method == "hello")
    return true;
  const auto& self_id = insider(call);
  if (self_id.empty() || harmless().count(call.method) != 0)
    return true;
  auto deny = [&](const std::string& what) {
    refuse(call, {errc::not_allowed, what + "\nask it from outside: a terminal that is no session's"});
    return false;
  };
  if (about_oneself().count(call.method) == 0)
    return deny("a session may not ask that: " + call.method);
  auto own = [&](const json& named) {
    failure error;
    return rows.resolve(bytes_from_json(named), true, error) == self_id;
  };
  if (call.method == "session/wait") {
    const auto& ids = call.params.contains("ids") ? call.params["ids"] : json::array();
    if (!ids.is_array() || !std::all_of(ids.begin(), ids.end(), own))
      return deny("a session may ask about itself alone");
  } else if (call.params.contains("id") && !own(call.params["id"])) {
    return deny("a session may ask about itself alone");
  }
  return true;
}

} // namespace troupe
