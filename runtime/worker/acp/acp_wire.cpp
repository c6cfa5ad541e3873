// ACP's messages.
#include "runtime/worker/acp/acp_wire.hpp"

#include <algorithm>
#include <set>

namespace troupe {
namespace {

constexpr std::size_t name_limit = 1024;
constexpr std::size_t list_limit = 64;

void put(environment& env, const std::string& name, const std::string& value, bool replace) {
  const auto known = std::find_if(env.begin(), env.end(), [&](const auto& each) { return each.first == name; });
  if (known == env.end())
    env.emplace_back(name, value);
  else if (replace)
    known->second = value;
}

bool flag(const json* object, std::string_view name) {
  const auto* value = object != nullptr ? field_of(*object, name) : nullptr;
  return value != nullptr && value->is_boolean() && value->get<bool>();
}

/// A capability that is there as an object or as true.
bool offered(const json* object, std::string_view name) {
  const auto* value = object != nullptr ? field_of(*object, name) : nullptr;
  return value != nullptr && (value->is_object() || (value->is_boolean() && value->get<bool>()));
}

const json& items_of(const json& object, std::string_view name) {
  static const json none = json::array();
  const auto* list = field_of(object, name);
  return list != nullptr && list->is_array() ? *list : none;
}

json troupe_meta(const assignment& job) {
  auto secrets = json::array();
  for (const auto& each : job.credentials.credentials)
    secrets.push_back(json::array({each.variable, bytes_to_json(each.secret)}));
  auto folders = json::array();
  for (const auto& each : job.spec.add_dirs)
    folders.push_back(bytes_to_json(each));
  auto settings = json::parse(job.settings, nullptr, false);
  if (!settings.is_object())
    settings = json::object();
  auto definition = json::parse(job.definition, nullptr, false);
  json meta{{"env", to_json(session_environment(job, false))},
            {"sessionDir", bytes_to_json(job.directory)},
            {"keepShells", true}, // REST-7: this worker and its supervisor see to them
            {"snapshot", std::move(secrets)},
            {"snapshotEpoch", job.credentials.epoch},
            {"model", job.spec.model},
            {"permissionMode", job.spec.permission_mode},
            {"addDirs", std::move(folders)},
            {"provider", text_of(settings, "provider")},
            {"settings", std::move(settings)}};
  if (!job.spec.add_dirs.empty()) {
    meta["addDirs"] = json::array();
    for (const auto& each : job.spec.add_dirs)
      meta["addDirs"].push_back(bytes_to_json(each));
  }
  if (definition.is_object())
    meta["definition"] = std::move(definition);
  if (!job.tree.path.empty()) // ISO-1
    meta["worktree"] = {{"path", bytes_to_json(job.tree.path)},
                        {"branch", bytes_to_json(job.tree.branch)},
                        {"repository", bytes_to_json(job.tree.repository)},
                        {"ready", job.tree.inode != 0}};
  if (!job.spec.fork_of.empty())
    meta["forkDir"] = bytes_to_json(forked_directory(job));
  return meta;
}

void put_credentials(json& meta, const harness_driver& driver, const assignment& job,
                     std::vector<std::string>& problems) {
  try {
    for (const auto& each : job.credentials.credentials)
      meta[json::json_pointer(driver.session_meta)][each.variable] = each.secret;
  } catch (const json::exception&) { // its `meta` has something else at that place
    problems.push_back("the agent gets no credentials: its driver's sessionMeta does not fit its meta");
  }
}

} // namespace

const json* field_of(const json& object, std::string_view name) {
  if (!object.is_object())
    return nullptr;
  const auto at = object.find(name);
  return at == object.end() ? nullptr : &*at;
}

std::string text_of(const json& object, std::string_view name) {
  const auto* value = field_of(object, name);
  return value != nullptr && value->is_string() ? value->get<std::string>() : std::string();
}

json initialize_params(const harness_driver& driver) {
  return {{"protocolVersion", 1},
          {"clientCapabilities",
           {{"fs", {{"readTextFile", driver.fs}, {"writeTextFile", driver.fs}}},
            {"terminal", driver.terminal},
            {"session",
             {{"notices", json::object()},
              {"compaction", json::object()},
              {"configOptions", {{"boolean", json::object()}}}}},
            {"elicitation", {{"form", json::object()}, {"url", json::object()}}}}},
          {"clientInfo", {{"name", "troupe"}, {"title", "Troupe"}, {"version", TROUPE_VERSION}}}};
}

acp_agent_facts read_agent_facts(const json& result) {
  acp_agent_facts facts;
  const auto* version = field_of(result, "protocolVersion");
  if (version != nullptr && version->is_number_integer())
    facts.version = version->get<std::int64_t>();
  const auto* can = field_of(result, "agentCapabilities");
  facts.load = flag(can, "loadSession");
  const auto* sessions = can != nullptr ? field_of(*can, "sessionCapabilities") : nullptr;
  facts.resume = offered(sessions, "resume");
  facts.close = offered(sessions, "close");
  facts.copies = offered(sessions, "fork");
  facts.more_directories = offered(sessions, "additionalDirectories");
  const auto* mcp = can != nullptr ? field_of(*can, "mcpCapabilities") : nullptr;
  facts.mcp_http = flag(mcp, "http");
  facts.mcp_sse = flag(mcp, "sse");
  for (const auto& way : items_of(result, "authMethods")) {
    facts.sign_in = text_of(way, "name");
    if (const auto more = text_of(way, "description"); !more.empty())
      facts.sign_in += (facts.sign_in.empty() ? "" : ": ") + more;
    facts.sign_in = clipped(facts.sign_in, name_limit);
    break;
  }
  return facts;
}

std::string forked_directory(const assignment& job) {
  return job.directory.substr(0, job.directory.rfind('/') + 1) + job.spec.fork_of;
}

environment session_environment(const assignment& job, bool with_credentials) {
  auto env = job.env;
  put(env, "TROUPE_SESSION_ID", job.session.value, true);
  put(env, "TROUPE_SESSION_DIR", job.directory, true);
  if (!job.control_socket.empty())
    put(env, "TROUPE_SOCKET", job.control_socket, true);
  put(env, "TMPDIR", job.directory + "/tmp", true);
  if (with_credentials)
    for (const auto& each : job.credentials.credentials)
      put(env, each.variable, each.secret, true);
  return env;
}

namespace {

/// Those of the dispatch, and those of the settings, which the native agent gets with all others; of two of one name
/// the first counts.
json mcp_servers_for(const assignment& job, const acp_agent_facts& agent, bool native,
                     std::vector<std::string>& problems) {
  const auto env = session_environment(job, false);
  auto out = json::array();
  std::set<std::string> names;
  const auto add = [&](const std::string& config) {
    for (auto& server : read_mcp_servers(config, env, problems)) {
      const auto name = text_of(server, "name"), type = text_of(server, "type");
      if (!names.insert(name).second)
        continue;
      if ((type == "http" && !agent.mcp_http) || (type == "sse" && !agent.mcp_sse))
        problems.push_back("the agent connects to no MCP server over " + type + ": " + name + " is left out");
      else
        out.push_back(std::move(server));
    }
  };
  if (!job.spec.mcp_config.empty())
    add(job.spec.mcp_config);
  const auto settings = native ? json() : json::parse(job.settings, nullptr, false);
  if (const auto* more = field_of(settings, "mcpServers"))
    add(more->dump());
  return out;
}

} // namespace

json session_params(const assignment& job, const harness_driver& driver, const acp_agent_facts& agent, bool native,
                    const std::string& session, std::vector<std::string>& problems) {
  json params{{"cwd", job.spec.cwd}, {"mcpServers", json::array()}};
  if (!session.empty())
    params["sessionId"] = session;
  if (!job.spec.add_dirs.empty() && (agent.more_directories || native))
    params["additionalDirectories"] = job.spec.add_dirs;
  else if (!job.spec.add_dirs.empty())
    problems.push_back("the agent takes no further directories: it works in " + job.spec.cwd + " only");
  params["mcpServers"] = mcp_servers_for(job, agent, native, problems);
  auto meta = driver.meta;
  if (native)
    meta["troupe"] = troupe_meta(job);
  if (!native && driver.by == credential_way::session)
    put_credentials(meta, driver, job, problems);
  if (!meta.empty())
    params["_meta"] = std::move(meta);
  return params;
}

std::string text_of_content(const json& content) {
  const auto type = text_of(content, "type");
  if (type == "text")
    return text_of(content, "text");
  if (type == "resource_link")
    return text_of(content, "uri");
  return type.empty() ? "" : "[" + clipped(type, 32) + "]";
}

acp_tool_update read_tool_update(const json& update, bool announced) {
  return {text_of(update, "toolCallId"), text_of(update, "title"), text_of(update, "status"), text_of(update, "kind"),
          announced};
}

std::vector<option> read_options(const json& params) {
  std::vector<option> options;
  for (const auto& each : items_of(params, "options")) {
    const auto* id = field_of(each, "optionId");
    if (id == nullptr || !id->is_string() || options.size() == list_limit)
      continue;
    option o;
    o.n = static_cast<std::uint32_t>(options.size() + 1);
    o.id = id->get<std::string>();
    o.name = clipped(text_of(each, "name"), name_limit);
    o.kind = clipped(text_of(each, "kind"), 32);
    if (o.name.empty())
      o.name = !o.kind.empty() ? o.kind : clipped(o.id, name_limit);
    options.push_back(std::move(o));
  }
  return options;
}

std::vector<work_item> read_background(const json& params, std::vector<std::int32_t>& pids) {
  std::vector<work_item> work;
  for (const auto& each : items_of(params, "running")) {
    const auto id = text_of(each, "id");
    if (id.empty() || work.size() == list_limit)
      continue;
    const auto kind = text_of(each, "kind");
    work.push_back(
        {clipped(id, 256), kind.empty() ? "shell" : clipped(kind, 32), clipped(text_of(each, "title"), name_limit)});
    if (const auto* pid = field_of(each, "pid"); pid != nullptr && pid->is_number_integer())
      pids.push_back(static_cast<std::int32_t>(pid->get<std::int64_t>()));
  }
  return work;
}

} // namespace troupe
