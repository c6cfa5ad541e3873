// The settings that are in force for a directory.
#include "runtime/services/directory_settings.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <set>

#include <sys/stat.h>
#include <unistd.h>

#include "runtime/config/harnesses.hpp"
#include "runtime/services/credential_share.hpp"

namespace troupe {

namespace {

constexpr std::chrono::milliseconds judgement_lasts{20};

std::string words(trust_state state, const std::string& dir) {
  return "not trusted: " + dir + (state == trust_state::changed ? " (its settings have changed)" : "");
}

failure untrusted(trust_state state, const std::string& dir) {
  return {errc::not_trusted, words(state, dir) + "\nlook at what it would be allowed, and decide: troupe trust " + dir};
}

environment_policy policy_of(const json& user) {
  return environment_policy(user.contains("environment") ? user["environment"] : json::object());
}

/// The environment variable, as far as the harness's models are Anthropic's (ENV-10).
bool takes_anthropic_model(const dispatch_spec& spec) {
  return spec.harness == "native" || spec.harness.starts_with("claude");
}

/// --mcp-config: a file, which each run of the session reads anew, or JSON without values that may be secret (SEC-6).
failure servers_fault(const std::string& given) {
  if (given.empty())
    return {};
  const bool text = given.starts_with("{");
  auto content = text ? std::optional<std::string>(given) : read_plain(given);
  auto parsed = content ? json::parse(*content, nullptr, false) : json();
  if (!parsed.is_object())
    return {errc::bad_request, "--mcp-config " + (text ? std::string("JSON") : given) +
                                   " holds no servers\ngive a file, or JSON like {\"mcpServers\": {\"NAME\": "
                                   "{\"command\": \"PROGRAM\"}}}"};
  auto at = text ? secret_in_servers(parsed) : std::string();
  return at.empty() ? failure{} : failure{errc::bad_request, secret_server_fault(at)};
}

std::string text_within(const json& settings, const char* group, const char* name) {
  json::json_pointer at(std::string("/") + group + "/" + name);
  return settings.contains(at) && settings.at(at).is_string() ? settings.at(at).get<std::string>() : std::string();
}

bool asks_pulls(const json& settings) {
  static const json::json_pointer at("/worktree/askPullRequests");
  return !(settings.contains(at) && settings.at(at) == false);
}

/// How a session's worktree is made (ISO-1); empty: it gets none. `wanted`: what its agent definition says.
std::string isolation_from(const json& settings, const std::string& wanted) {
  if (wanted == "none" || (wanted.empty() && text_within(settings, "worktree", "bgIsolation") == "none"))
    return {};
  return to_line({{"createHook", text_within(settings, "worktree", "createHook")}, {"askPulls", asks_pulls(settings)}});
}

} // namespace

std::string laid_over(const std::string& text, const std::string& over) {
  auto file = json::parse(text, nullptr, false), patch = json::parse(over, nullptr, false);
  if (over.empty() || !patch.is_object())
    return text;
  if (!file.is_object())
    return over;
  file.merge_patch(patch);
  return to_line(file);
}

directory_settings::directory_settings(paths where, std::string over, environment service)
    : where_(std::move(where)), laid_over_(std::move(over)), service_(std::move(service)),
      book_(where_.config + "/trust.json") {
  reads_projects = [](const std::string& harness) { return harness != "native" && harness != "exec"; };
  leaves_projects_alone = [this](const std::string& harness) {
    return setting_of_harness(user_settings(), harness, "leavesProjectAlone") == true;
  };
}

json directory_settings::user_settings() const {
  failure ignored; // told in the log when the service starts
  auto parsed = json::parse(laid_over(read_file(where_.config + "/settings.json", ignored).value_or("{}"), laid_over_),
                            nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

environment_policy directory_settings::policy() const {
  return policy_of(user_settings());
}

directory_view directory_settings::look(const std::string& cwd, const std::string& settings, bool without,
                                        bool for_others) const {
  directory_view out;
  auto user = user_settings();
  if (user.contains("permissions") && user["permissions"].is_object() && user["permissions"].contains("defaultMode") &&
      user["permissions"]["defaultMode"].is_string())
    out.user.mode = user["permissions"]["defaultMode"].get<std::string>();
  if (user.contains("trust") && user["trust"].is_object() && user["trust"].contains("allow") &&
      user["trust"]["allow"].is_array())
    for (const auto& name : user["trust"]["allow"])
      if (name.is_string())
        out.user.allows.push_back(name.get<std::string>());
  out.layers.push_back({"user settings", where_.config + "/settings.json", user, false});
  auto chain = chain_of(cwd);
  out.project = project_of(chain);
  auto files = read_project(out.project, chain, out.fault);
  out.word = word_of(files);
  out.trust = book_.state(out.project, out.word, for_others);
  if (without || !out.trusted()) {
    if (!out.trusted() || without)
      out.fault = {}; // it is not read as a setting
  } else {
    auto add = [&](const char* source, const char* name, const json& content) {
      if (!content.empty())
        out.layers.push_back({source, out.project + "/" + name,
                              admitted(content, out.user, std::string("project file ") + name, out.warnings), true});
    };
    add("project settings", ".troupe/settings.json", files.settings);
    add("project's local settings", ".troupe/settings.local.json", files.local);
  }
  if (!settings.empty()) {
    bool text = settings.front() == '{';
    failure ignored;
    auto content = text ? std::optional<std::string>(settings) : read_plain(settings);
    auto parsed = content ? json::parse(*content, nullptr, false) : json();
    if (parsed.is_object())
      out.layers.push_back({"--settings", text ? "" : settings, parsed, false});
    else
      out.fault = {errc::bad_request, std::string("--settings ") +
                                          (text      ? "is not a JSON object"
                                           : content ? settings + " is not a JSON object"
                                                     : settings + " cannot be read") +
                                          "\ngive a file, or JSON like {\"model\": \"NAME\"}"};
  }
  return out;
}

/// A dispatch that finds a spare is launched with the very files that it was judged by, read once.
directory_view directory_settings::take_judged(const dispatch_spec& spec, bool others) const {
  auto last = std::exchange(judged_, std::nullopt);
  if (last && last->cwd == spec.cwd && last->settings == spec.settings && last->without == spec.without_project &&
      last->others == others && std::chrono::steady_clock::now() < last->until)
    return std::move(last->view);
  return look(spec.cwd, spec.settings, spec.without_project, others);
}

environment directory_settings::handed_on(const environment& shell, bool at_home) const {
  return forwarded(shell, policy(), service_, at_home);
}

failure directory_settings::complete(dispatch_spec& spec, const environment& shell, const launch_choice& mode,
                                     const launch_choice& model) const {
  bool others = spec.kind != "exec" && reads_projects(spec.harness);
  auto view = look(spec.cwd, spec.settings, spec.without_project, others);
  judged_ = judged{spec.cwd, spec.settings, spec.without_project,
                   others,   view,          std::chrono::steady_clock::now() + judgement_lasts};
  if (spec.settings.starts_with("{"))
    if (auto at = secret_in(json::parse(spec.settings, nullptr, false)); !at.empty())
      return {errc::bad_request, "--settings holds a secret at " + at + ", where everybody can read it\n" +
                                     "put it into a file that is yours alone, and name that: --settings FILE"};
  if (auto fault = servers_fault(spec.mcp_config); fault.code != errc::ok)
    return fault;
  if (view.fault.code != errc::ok)
    return view.fault;
  spec.choices = kept_choices(shell, policy_of(view.layers.front().content));
  if (spec.kind == "exec")
    return {};
  if (!view.trusted() && !spec.without_project)
    return untrusted(view.trust, view.project);
  if (!view.trusted() && others && !leaves_projects_alone(spec.harness))
    return {errc::not_trusted, words(view.trust, view.project) + ", and the agent '" + spec.harness +
                                   "' cannot be told to leave its settings alone\ndecide about it: troupe trust " +
                                   view.project};
  auto settings = merged(view.layers);
  auto said_mode = mode, said_model = model;
  if (!spec.agent.empty() && definition) {
    auto named = definition(spec.agent, spec.cwd, view.trusted() && !spec.without_project);
    if (named.is_object()) {
      auto word = [&](const char* name) { return optional_text(named, name); };
      bool of_project = optional_text(named, "source") == "project";
      if (auto wanted = word("permissionMode");
          !of_project || height_of_mode(wanted) <= height_of_mode(view.user.mode.empty() ? "default" : view.user.mode))
        said_mode.definition = wanted;
      if (auto wanted = word("model"); wanted != "inherit")
        said_model.definition = wanted;
    }
  }
  std::vector<std::string> ignored;
  environment env = takes_anthropic_model(spec) ? shell : environment();
  for (const auto& [name, value] : variables_of(settings, "", ignored))
    put_variable(env, name, value);
  spec.permission_mode = choose_mode(said_mode, settings);
  spec.model = choose_model(said_model, takes_anthropic_model(spec) ? env : environment(), settings);
  if (spec.permission_mode == "default" && mode.flag.empty())
    spec.permission_mode.clear(); // what every harness begins with
  return {};
}

std::string directory_settings::link_of(const session_id& id) const {
  return where_.state + "/sessions/" + id.value + "/ssh-agent";
}

void directory_settings::refresh_link(const session_id& id, const environment& shell) const {
  const auto* agent = find_variable(shell, "SSH_AUTH_SOCK");
  if (!agent || agent->empty() || !is_folder(where_.state + "/sessions/" + id.value))
    return;
  auto target = *agent;
  char behind[4096];
  if (target.starts_with(where_.state + "/sessions/")) // from inside another session: what that one's link points to
    if (auto n = ::readlink(target.c_str(), behind, sizeof behind); n > 0)
      target.assign(behind, static_cast<std::size_t>(n));
  auto link = link_of(id), fresh = link + ".new";
  if (target == link)
    return;
  ::unlink(fresh.c_str());
  if (::symlink(target.c_str(), fresh.c_str()) == 0 && ::rename(fresh.c_str(), link.c_str()) != 0)
    ::unlink(fresh.c_str());
}

launch_settings directory_settings::settle(const session_id& id, const dispatch_spec& spec,
                                           const environment& env) const {
  launch_settings out;
  bool others = spec.kind != "exec" && reads_projects(spec.harness);
  auto view = take_judged(spec, others);
  auto settings = merged(view.layers);
  out.asks_pulls = asks_pulls(settings);
  if (spec.kind != "exec") {
    if (!view.trusted() && (!spec.without_project || (others && !leaves_projects_alone(spec.harness)))) {
      out.refused = untrusted(view.trust, view.project);
      return out;
    }
    if (view.fault.code != errc::ok) {
      out.refused = view.fault;
      return out;
    }
  }
  out.notes = view.warnings;
  out.env = env;
  if (env.empty()) {
    static const std::set<std::string_view> few{"HOME", "USER", "SHELL", "PATH", "LANG"};
    for (const auto& pair : service_)
      if (few.count(pair.first) != 0)
        out.env.push_back(pair);
    out.notes.emplace_back("no shell woke it: HOME, USER, SHELL, PATH and LANG are the background service's");
  }
  for (const auto& [name, value] : spec.choices)
    put_variable(out.env, name, value);
  auto variables = variables_of(settings, "settings", out.notes);
  auto rules = policy_of(view.layers.front().content);
  auto is_gateway = [&](const auto& pair) { return rules.rule_for(pair.first) == environment_rule::gateway; };
  if (std::any_of(variables.begin(), variables.end(), is_gateway))
    std::erase_if(out.env, is_gateway); // ENV-3: never one environment's credential with another's endpoint
  for (const auto& [name, value] : variables)
    put_variable(out.env, name, value);
  bool ahead = setting_of_harness(view.layers.front().content, spec.harness, "warm") == true;
  if (const auto* agent = find_variable(out.env, "SSH_AUTH_SOCK"); agent && !ahead && *agent != link_of(id)) {
    refresh_link(id, {{"SSH_AUTH_SOCK", *agent}});
    if (exists(link_of(id)))
      put_variable(out.env, "SSH_AUTH_SOCK", link_of(id));
  }
  if (spec.kind == "exec")
    return out;
  auto known = book_.find(view.project);
  share_credentials(view.layers, others ? spec.harness : std::string(), known ? known->sends : environment(), out);
  for (const auto& [variable, host] : out.keeps_back)
    if (!host.empty())
      out.notes.push_back("the stored " + variable + " is not sent to " + host +
                          ": allow it with troupe trust --send " + host + "=" + variable);
  if (spec.effort.empty() && settings.contains("effort") && settings["effort"].is_string())
    out.effort = settings["effort"].get<std::string>(); // ENV-8: read again at each start
  out.settings = to_line(agent_part(settings));
  std::string wanted; // by the agent definition
  if (definition)
    if (auto named = definition(spec.agent, spec.cwd, view.trusted() && !spec.without_project); named.is_object()) {
      out.definition = to_line(named);
      wanted = optional_text(named, "isolation");
    }
  out.isolation = isolation_from(settings, wanted);
  return out;
}

std::string directory_settings::remove_hook(const std::string& directory) const {
  auto view = look(directory, {}, false, false);
  return view.fault.code == errc::ok ? text_within(merged(view.layers), "worktree", "removeHook") : std::string();
}

json directory_settings::explain(const std::string& cwd, const environment& shell, const std::string& settings) const {
  auto view = look(cwd, settings, false, false);
  auto rules = policy();
  auto passed = handed_on(shell, true);
  auto rows = std::map<std::string, json>();
  auto own = [&](const char* name, const char* why) {
    rows[name] = {{"name", name}, {"origin", "Troupe"}, {"rule", why}, {"reaches", true}};
  };
  for (const auto& [name, value] : shell) {
    const auto& row = rules.row_for(name);
    auto rule = std::string(name_of(row.rule)) + " " + row.pattern + (row.of_user ? " (settings)" : "");
    rows[name] = {{"name", bytes_to_json(name)},
                  {"origin", "dispatching shell"},
                  {"rule", rule},
                  {"reaches", find_variable(passed, name) != nullptr}};
  }
  for (const auto& layer : view.layers) {
    std::vector<std::string> ignored;
    for (const auto& [name, value] : variables_of(layer.content, "", ignored))
      rows[name] = {
          {"name", bytes_to_json(name)}, {"origin", layer.source}, {"rule", "env of settings"}, {"reaches", true}};
  }
  for (const char* name : {"TROUPE_SESSION_ID", "TROUPE_SESSION_DIR", "TROUPE_SOCKET"})
    own(name, "own TROUPE_*");
  own("TERM", "own TERM");
  auto list = json::array();
  for (auto& [name, row] : rows)
    list.push_back(std::move(row));
  auto notes = json::array();
  for (const auto& w : view.warnings)
    notes.push_back(w);
  if (!view.trusted())
    notes.push_back(words(view.trust, view.project) + ": its variables do not count");
  return {{"directory", bytes_to_json(cwd)},
          {"project", bytes_to_json(view.project)},
          {"variables", list},
          {"notes", notes}};
}

} // namespace troupe
