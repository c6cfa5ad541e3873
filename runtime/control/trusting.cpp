// Trust and the settings of a directory, asked over the control socket.
#include "runtime/control/trusting.hpp"

#include <climits>
#include <cstdlib>

namespace troupe {

namespace {

/// The directory that is meant, as a real path; else the call is refused.
std::string directory_of(front_desk_state& s, const front_call& call) {
  auto path = required_text(call.params, "cwd");
  char real[PATH_MAX];
  if (!path.empty() && path.front() == '/' && path.find('\0') == std::string::npos && ::realpath(path.c_str(), real))
    return real;
  s.refuse(call, {errc::directory, "directory does not exist: " + path + "\nname another"});
  return {};
}

std::string hash_of_word(const project_word& word) {
  return hash_of(hash_of(word.executes) + hash_of(word.executes_others));
}

const char* word_of_state(trust_state state) {
  switch (state) {
  case trust_state::nothing:
    return "nothing";
  case trust_state::trusted:
    return "trusted";
  case trust_state::changed:
    return "changed";
  case trust_state::unknown:
    break;
  }
  return "unknown";
}

json seen(const directory_view& view) {
  auto allows = json::array(), warnings = json::array();
  for (const auto& sentence : view.word.allows)
    allows.push_back(bytes_to_json(sentence));
  for (const auto& sentence : view.warnings)
    warnings.push_back(bytes_to_json(sentence));
  return {{"directory", bytes_to_json(view.project)},
          {"state", word_of_state(view.trust)},
          {"allows", allows},
          {"warnings", warnings},
          {"hash", hash_of_word(view.word)}};
}

} // namespace

json trust_question(const front_desk_state& s, const dispatch_spec& spec) {
  return {{"trust", seen(s.setup.directories->look(spec.cwd, {}, false, true))}};
}

void do_trust_look(front_desk_state& s, const front_call& call) {
  if (auto cwd = directory_of(s, call); !cwd.empty())
    s.respond(call, seen(s.setup.directories->look(cwd, {}, false, true)));
}

void do_trust_grant(front_desk_state& s, const front_call& call) {
  auto shown = required_text(call.params, "hash");
  auto cwd = directory_of(s, call);
  if (cwd.empty())
    return;
  auto view = s.setup.directories->look(cwd, {}, false, true);
  failure error;
  if (shown != hash_of_word(view.word)) {
    s.refuse(call, {errc::not_trusted, "its settings have changed since they were shown: " + view.project +
                                           "\nlook again: troupe trust " + view.project});
    return;
  }
  environment sends;
  if (call.params.contains("sends"))
    sends = environment_from_json(call.params["sends"]);
  if (!s.setup.directories->book().grant(view.project, view.word, sends, s.setup.now(), error)) {
    s.refuse(call, error);
    return;
  }
  s.respond(call, seen(s.setup.directories->look(cwd, {}, false, true)));
}

void do_trust_revoke(front_desk_state& s, const front_call& call) {
  auto cwd = required_text(call.params, "cwd"); // it may be gone by now
  char real[PATH_MAX];
  auto project = ::realpath(cwd.c_str(), real) ? project_of(chain_of(real)) : cwd;
  failure error;
  bool was = s.setup.directories->book().revoke(project, error);
  if (error.code != errc::ok)
    s.refuse(call, error);
  else
    s.respond(call, {{"directory", bytes_to_json(project)}, {"revoked", was}});
}

void do_trust_list(front_desk_state& s, const front_call& call) {
  auto out = json::array();
  for (const auto& e : s.setup.directories->book().all()) {
    auto sends = json::array();
    for (const auto& [host, variable] : e.sends)
      sends.push_back({host, variable});
    out.push_back({{"directory", bytes_to_json(e.path)}, {"at", e.at}, {"sends", sends}});
  }
  s.respond(call, out);
}

void do_settings_show(front_desk_state& s, const front_call& call) {
  auto cwd = directory_of(s, call);
  if (cwd.empty())
    return;
  auto view = s.setup.directories->look(cwd, optional_text(call.params, "settings"), false, false);
  if (view.fault.code != errc::ok) {
    s.refuse(call, view.fault);
    return;
  }
  auto out = seen(view);
  out["values"] = sourced(view.layers);
  s.respond(call, out);
}

void do_environment_show(front_desk_state& s, const front_call& call) {
  auto cwd = directory_of(s, call);
  if (cwd.empty())
    return;
  auto shell = call.params.contains("env") ? environment_from_json(call.params["env"]) : environment{};
  s.respond(call, s.setup.directories->explain(cwd, shell, optional_text(call.params, "settings")));
}

} // namespace troupe
