// The settings that are in force for a directory.
#include "runtime/services/directory_settings.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <set>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

namespace troupe {

namespace {

constexpr off_t longest_file = 1 << 20;

/// A small file of a directory that nobody vouches for: a pipe, a device or a giant is no settings file.
std::optional<std::string> read_plain(const std::string& path) {
  struct stat st {};
  unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!fd || ::fstat(fd.get(), &st) != 0 || !S_ISREG(st.st_mode) || st.st_size > longest_file)
    return {};
  std::string out(static_cast<std::size_t>(st.st_size), '\0');
  auto n = ::pread(fd.get(), out.data(), out.size(), 0);
  if (n < 0)
    return {};
  out.resize(static_cast<std::size_t>(n));
  return out;
}

bool is_folder(const std::string& path) {
  struct stat st {};
  return ::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode);
}

bool exists(const std::string& path) {
  struct stat st {};
  return ::lstat(path.c_str(), &st) == 0;
}

/// Files below a folder, by name; links to folders are not followed.
void read_folder(const std::string& base, const std::string& below, int depth,
                 std::vector<std::pair<std::string, std::string>>& out) {
  constexpr std::size_t most = 1000;
  auto* folder = ::opendir((base + "/" + below).c_str());
  if (!folder)
    return;
  std::set<std::string> names;
  while (const auto* e = ::readdir(folder))
    if (e->d_name[0] != '.')
      names.insert(e->d_name);
  ::closedir(folder);
  for (const auto& name : names) {
    auto path = below + "/" + name;
    struct stat st {};
    if (out.size() >= most || ::lstat((base + "/" + path).c_str(), &st) != 0)
      continue;
    if (S_ISDIR(st.st_mode) && depth > 0)
      read_folder(base, path, depth - 1, out);
    else if (auto text = read_plain(base + "/" + path))
      out.emplace_back(base + "/" + path, std::move(*text));
  }
}

json read_object(const std::string& path, failure& error) {
  auto text = read_plain(path);
  if (!text)
    return json::object();
  auto parsed = json::parse(*text, nullptr, false);
  if (parsed.is_object())
    return parsed;
  error = {errc::bad_request, path + " is not a JSON object\nmend it, or move it away"};
  return json::object();
}

bool has_settings(const std::string& dir) {
  for (const char* name : {"/.troupe/settings.json", "/.troupe/settings.local.json", "/.claude/settings.json",
                           "/.claude/settings.local.json"})
    if (exists(dir + name))
      return true;
  return false;
}

bool has_definitions(const std::string& dir) {
  return std::any_of(definition_folders().begin(), definition_folders().end(),
                     [&](const auto& folder) { return is_folder(dir + "/" + folder); });
}

std::string parent_of(const std::string& path) {
  auto at = path.rfind('/');
  return at == 0 || at == std::string::npos ? "/" : path.substr(0, at);
}

std::string words(trust_state state, const std::string& dir) {
  return "not trusted: " + dir + (state == trust_state::changed ? " (its settings have changed)" : "");
}

failure untrusted(trust_state state, const std::string& dir) {
  return {errc::not_trusted, words(state, dir) + "\nlook at what it would be allowed, and decide: troupe trust " + dir};
}

json setting_of_harness(const json& user, const std::string& harness, const char* name) {
  if (!user.is_object() || !user.contains("harnesses") || !user["harnesses"].is_object())
    return {};
  auto row = user["harnesses"].find(harness);
  return row != user["harnesses"].end() && row->is_object() && row->contains(name) ? (*row)[name] : json();
}

/// The environment variable, as far as the harness's models are Anthropic's (ENV-10).
bool takes_anthropic_model(const dispatch_spec& spec) {
  return spec.harness == "native" || spec.harness.starts_with("claude");
}

/// The credentials that belong to an endpoint variable.
std::vector<std::string> paired_with(const std::string& endpoint) {
  if (endpoint.starts_with("ANTHROPIC_"))
    return {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN"};
  if (endpoint.starts_with("GOOGLE_GEMINI_") || endpoint.starts_with("GEMINI_"))
    return {"GEMINI_API_KEY", "GOOGLE_API_KEY"};
  auto cut = endpoint.rfind("_BASE_URL");
  if (cut == std::string::npos)
    cut = endpoint.rfind("_API_BASE");
  return {endpoint.substr(0, cut) + "_API_KEY"};
}

bool credential_variable(const std::string& name) {
  return name.ends_with("_API_KEY") || name == "CLAUDE_CODE_OAUTH_TOKEN" || name == "ANTHROPIC_AUTH_TOKEN";
}

/// What settings say about a variable in the end, and whether it is the project that says so.
struct said_variable {
  std::string value;
  bool of_project = false;
};
std::map<std::string, said_variable> said_variables(const directory_view& view) {
  std::map<std::string, said_variable> out;
  std::vector<std::string> ignored;
  for (const auto& layer : view.layers)
    for (auto& [name, value] : variables_of(layer.content, "", ignored))
      out[name] = {value, layer.of_project};
  return out;
}

void urls_in(const json& value, std::set<std::string>& out) {
  if (value.is_string() && value.get_ref<const std::string&>().find("://") != std::string::npos)
    out.insert(value.get<std::string>());
  if (value.is_structured())
    for (const auto& below : value)
      urls_in(below, out);
}

} // namespace

std::vector<std::string> chain_of(const std::string& cwd) {
  static const std::string mark = "/.troupe/worktrees/";
  if (auto at = cwd.find(mark); at != std::string::npos && at > 0)
    return chain_of(cwd.substr(0, at));
  std::vector<std::string> out;
  for (auto dir = cwd;; dir = parent_of(dir)) {
    out.push_back(dir);
    if (exists(dir + "/.git"))
      return out;
    if (dir == "/")
      return {cwd}; // outside a repository what lies above is somebody else's
  }
}

std::string project_of(const std::vector<std::string>& chain) {
  for (const auto& dir : chain)
    if (has_settings(dir))
      return dir;
  for (const auto& dir : chain)
    if (has_definitions(dir))
      return dir;
  return chain.back();
}

project_files read_project(const std::string& project, const std::vector<std::string>& chain, failure& error) {
  project_files out;
  bool own = exists(project + "/.troupe/settings.json");
  auto read = [&](const char* name) {
    return own ? read_object(project + "/.troupe/" + name, error)
               : foreign_part(read_object(project + "/.claude/" + name, error));
  };
  out.settings = read("settings.json");
  out.local = read("settings.local.json");
  if (!own && exists(project + "/.troupe/settings.local.json"))
    out.local = read_object(project + "/.troupe/settings.local.json", error);
  for (const auto& dir : chain) {
    for (const auto& folder : definition_folders())
      read_folder(dir, folder, 4, out.definitions);
    for (const auto& name : foreign_names())
      if (auto text = read_plain(dir + "/" + name))
        out.foreign.emplace_back(dir + "/" + name, std::move(*text));
  }
  return out;
}

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
  auto user = user_settings();
  return environment_policy(user.contains("environment") ? user["environment"] : json::object());
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

environment directory_settings::handed_on(const environment& shell, bool at_home) const {
  return forwarded(shell, policy(), service_, at_home);
}

failure directory_settings::complete(dispatch_spec& spec, const environment& shell, const launch_choice& mode,
                                     const launch_choice& model) const {
  bool others = spec.kind != "exec" && reads_projects(spec.harness);
  auto view = look(spec.cwd, spec.settings, spec.without_project, others);
  if (spec.settings.starts_with("{"))
    if (auto at = secret_in(json::parse(spec.settings, nullptr, false)); !at.empty())
      return {errc::bad_request, "--settings holds a secret at " + at + ", where everybody can read it\n" +
                                     "put it into a file that is yours alone, and name that: --settings FILE"};
  if (view.fault.code != errc::ok)
    return view.fault;
  spec.choices = kept_choices(shell, policy());
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

/// CRED-7, CRED-8: which stored credentials stay where they are.
void directory_settings::keep_back(const directory_view& view, const dispatch_spec& spec, launch_settings& out) const {
  auto user = view.layers.front().content;
  if (reads_projects(spec.harness)) {
    auto allowed = setting_of_harness(user, spec.harness, "credentials");
    out.hands_all = allowed == true;
    if (allowed.is_array())
      for (const auto& name : allowed)
        if (name.is_string())
          out.hands.insert(name.get<std::string>());
  }
  auto known = book_.find(view.project);
  auto consented = [&](const std::string& host, const std::string& variable) {
    return known &&
           std::find(known->sends.begin(), known->sends.end(), std::pair(host, variable)) != known->sends.end();
  };
  auto hold = [&](const std::string& url, const std::string& variable) {
    bool secure = false;
    auto host = host_of(url, &secure);
    if (!secure || !consented(host, variable))
      out.keeps_back[variable] = host.empty() ? url : host;
  };
  auto said = said_variables(view);
  for (const auto& [name, last] : said)
    if (!last.value.empty() && credential_variable(name))
      out.keeps_back[name] = {}; // what settings supply themselves goes instead of what is stored
  for (const auto& [name, last] : said)
    if (last.of_project && is_endpoint(name))
      for (const auto& variable : paired_with(name))
        hold(last.value, variable);
  for (const auto& layer : view.layers) {
    std::set<std::string> urls;
    for (const char* key : {"provider", "native"})
      if (layer.of_project && layer.content.contains(key))
        urls_in(layer.content[key], urls);
    for (const auto& url : urls)
      for (const char* variable : {"ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "CLAUDE_CODE_OAUTH_TOKEN",
                                   "OPENAI_API_KEY", "GEMINI_API_KEY", "GOOGLE_API_KEY"})
        hold(url, variable);
  }
  for (const auto& [variable, host] : out.keeps_back) // nor what the user's settings or shell supply
    if (auto at = said.find(variable); !host.empty() && (at == said.end() || !at->second.of_project))
      std::erase_if(out.env, [&, v = &variable](const auto& pair) { return pair.first == *v; });
}

launch_settings directory_settings::settle(const session_id& id, const dispatch_spec& spec,
                                           const environment& env) const {
  launch_settings out;
  bool others = spec.kind != "exec" && reads_projects(spec.harness);
  auto view = look(spec.cwd, spec.settings, spec.without_project, others);
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
  auto settings = merged(view.layers);
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
  auto rules = policy();
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
  keep_back(view, spec, out);
  for (const auto& [variable, host] : out.keeps_back)
    if (!host.empty())
      out.notes.push_back("the stored " + variable + " is not sent to " + host +
                          ": allow it with troupe trust --send " + host + "=" + variable);
  if (spec.effort.empty() && settings.contains("effort") && settings["effort"].is_string())
    out.effort = settings["effort"].get<std::string>(); // ENV-8: read again at each start
  out.settings = to_line(agent_part(settings));
  if (definition)
    if (auto named = definition(spec.agent, spec.cwd, view.trusted() && !spec.without_project); named.is_object())
      out.definition = to_line(named);
  return out;
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
