// Setups and servers.
#include "runtime/agent/mcp_servers.hpp"

#include <algorithm>

#include "runtime/config/environment_policy.hpp"

namespace troupe::agent {
namespace {

bool is_credential(const std::string& name) {
  static const environment_policy built_in;
  const auto rule = built_in.rule_for(name);
  return rule == environment_rule::credential || name == "ANTHROPIC_AUTH_TOKEN" || name == "ANTHROPIC_CUSTOM_HEADERS";
}

bool is_secret(const std::string& name) {
  if (is_credential(name) || name.starts_with("AWS_") || name.starts_with("AZURE_") ||
      name == "GOOGLE_APPLICATION_CREDENTIALS")
    return true;
  for (const std::string_view part : {"TOKEN", "SECRET", "PASSWORD", "PASSWD", "CREDENTIAL", "PRIVATE_KEY", "API_KEY"})
    if (name.find(part) != std::string::npos)
      return true;
  return false;
}

environment without(const environment& env, bool (*dropped)(const std::string&)) {
  environment out;
  for (const auto& pair : env)
    if (!dropped(pair.first))
      out.push_back(pair);
  return out;
}

/// ${NAME} and ${NAME:-otherwise}.
std::string expanded(const std::string& text, const environment& env) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.compare(at, 2, "${") == 0 ? text.find('}', at) : std::string::npos;
    if (end == std::string::npos) {
      out.push_back(text[at++]);
      continue;
    }
    const auto inner = text.substr(at + 2, end - at - 2);
    const auto dash = inner.find(":-");
    const auto value = value_of(env, inner.substr(0, dash));
    out += !value.empty() ? value : dash == std::string::npos ? "" : inner.substr(dash + 2);
    at = end + 1;
  }
  return out;
}

bool is_server_name(const std::string& name) {
  return !name.empty() && name.size() <= 64 && std::all_of(name.begin(), name.end(), [](unsigned char c) {
    return c == '-' || c == '_' || (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
}

class setup_reader {
public:
  setup_reader(const environment& env, const std::string& cwd, std::vector<std::string>& problems)
      : env_(without_secrets(env)), cwd_(cwd), problems_(problems) {}

  void take(std::string name, const json& server, bool ours) {
    const auto command = text_field(server, "command").value_or("");
    const auto type = text_field(server, "type").value_or("stdio");
    if (std::any_of(all_.begin(), all_.end(), [&](const auto& s) { return s.name == name; }))
      return;
    if (!is_server_name(name))
      return complain(name, "its name has other characters than letters, digits, - and _");
    if (type != "stdio" || (command.empty() && field(server, "url") != nullptr))
      return complain(name, "only servers on stdio are taken");
    if (command.empty() || command.find('\0') != std::string::npos)
      return complain(name, "it has no command");
    mcp_setup made{std::move(name), ours ? expanded(command, env_) : command, {}, env_, cwd_};
    if (const auto* list = field(server, "args"); list != nullptr && list->is_array())
      for (const auto& each : *list)
        if (each.is_string())
          made.arguments.push_back(ours ? expanded(each.get<std::string>(), env_) : each.get<std::string>());
    add_variables(server, made, ours);
    all_.push_back(std::move(made));
  }
  std::vector<mcp_setup> all() { return std::move(all_); }

private:
  void complain(const std::string& name, const std::string& why) {
    problems_.push_back("the MCP server '" + name.substr(0, 100) + "' is passed over: " + why);
  }
  void add_variables(const json& server, mcp_setup& made, bool ours) {
    const auto* env = field(server, "env");
    if (env != nullptr && env->is_object())
      for (const auto& [name, value] : env->items())
        if (value.is_string() && !name.empty() && name.find('=') == std::string::npos)
          made.env.emplace_back(name, ours ? expanded(value.get<std::string>(), env_) : value.get<std::string>());
    if (env != nullptr && env->is_array()) // ACP's form
      for (const auto& each : *env)
        if (const auto name = text_field(each, "name").value_or("");
            !name.empty() && name.find('=') == std::string::npos)
          made.env.emplace_back(name, text_field(each, "value").value_or(""));
  }
  environment env_;
  const std::string& cwd_;
  std::vector<std::string>& problems_;
  std::vector<mcp_setup> all_;
};

} // namespace

environment without_credentials(const environment& env) {
  return without(env, is_credential);
}

environment without_secrets(const environment& env) {
  return without(env, is_secret);
}

std::vector<mcp_setup> mcp_setups(const json& given, const json& settings, const environment& env,
                                  const std::string& cwd, std::vector<std::string>& problems) {
  setup_reader reader(env, cwd, problems);
  if (given.is_array())
    for (const auto& each : given)
      reader.take(text_field(each, "name").value_or(""), each, false);
  if (settings.is_object())
    for (const auto& [name, server] : settings.items())
      reader.take(name, server, true);
  return reader.all();
}

mcp_servers::mcp_servers(event_loop& events, toolbox& box, const std::string& session, const tool_limits& limits,
                         std::function<void(const std::string&)> note)
    : events_(events), box_(box), session_(session), limits_(limits), note_(std::move(note)) {}

void mcp_servers::start(std::vector<mcp_setup> setups) {
  unsettled_ = setups.size();
  for (auto& setup : setups) {
    const auto name = setup.name;
    mcp_server::callbacks told{[this, name](std::vector<tool> tools) { box_.replace(name, std::move(tools)); },
                               [this] {
                                 if (--unsettled_ == 0)
                                   for (auto& next : std::exchange(waiting_, {}))
                                     events_.defer(std::move(next));
                               },
                               note_};
    servers_.push_back(
        std::make_unique<mcp_server>(events_, std::move(setup), session_ + "/mcp-" + name, limits_, std::move(told)));
  }
  for (auto& each : servers_)
    each->start();
}

void mcp_servers::when_settled(event_loop::task next) {
  if (unsettled_ == 0)
    return events_.defer(std::move(next));
  waiting_.push_back(std::move(next));
}

json mcp_servers::running() const {
  auto list = json::array();
  for (const auto& each : servers_)
    if (each->pid() > 0)
      list.push_back({{"id", "mcp-" + each->name()}, {"pid", each->pid()}});
  return list;
}

void mcp_servers::end_all(event_loop::task done) {
  auto left = std::make_shared<std::size_t>(servers_.size() + 1);
  const auto one_less = [left, done = std::move(done)] {
    if (--*left == 0)
      done();
  };
  for (auto& each : servers_)
    each->end(one_less);
  events_.defer(one_less);
}

} // namespace troupe::agent
