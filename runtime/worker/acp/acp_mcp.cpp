// MCP servers for an agent, from what a dispatch names.
#include <fstream>
#include <iterator>

#include "runtime/worker/acp/acp_wire.hpp"

namespace troupe {
namespace {

constexpr std::size_t most_servers = 64;

std::string value_in(const environment& env, const std::string& name, const std::string& otherwise) {
  for (const auto& [known, value] : env)
    if (known == name)
      return value;
  return otherwise;
}

/// `${NAME}` and `${NAME:-otherwise}` from the environment.
std::string expanded(const std::string& text, const environment& env) {
  std::string out;
  for (std::size_t from = 0;;) {
    const auto at = text.find("${", from);
    const auto end = at == std::string::npos ? at : text.find('}', at);
    if (end == std::string::npos)
      return out + text.substr(from);
    const auto inner = text.substr(at + 2, end - at - 2);
    const auto split = inner.find(":-");
    out += text.substr(from, at - from) +
           value_in(env, inner.substr(0, split), split == std::string::npos ? "" : inner.substr(split + 2));
    from = end + 1;
  }
}

/// An object of names and values as ACP's list of them.
json pairs(const json& row, const char* name, const environment& env) {
  auto out = json::array();
  if (const auto* object = field_of(row, name); object != nullptr && object->is_object())
    for (const auto& [key, value] : object->items())
      if (value.is_string())
        out.push_back({{"name", key}, {"value", expanded(value.get<std::string>(), env)}});
  return out;
}

json server_of(const std::string& name, const json& row, const environment& env) {
  const auto url = expanded(text_of(row, "url"), env);
  if (!url.empty()) {
    const auto type = text_of(row, "type");
    return {{"type", type == "sse" ? "sse" : "http"},
            {"name", name},
            {"url", url},
            {"headers", pairs(row, "headers", env)}};
  }
  auto command = expanded(text_of(row, "command"), env);
  if (command.empty())
    return {};
  if (auto found = find_program(command, value_in(env, "PATH", "")); !found.empty())
    command = std::move(found); // ACP wants an absolute path
  auto args = json::array();
  if (const auto* given = field_of(row, "args"); given != nullptr && given->is_array())
    for (const auto& each : *given)
      if (each.is_string())
        args.push_back(expanded(each.get<std::string>(), env));
  return {{"name", name}, {"command", command}, {"args", args}, {"env", pairs(row, "env", env)}};
}

} // namespace

json read_mcp_servers(const std::string& config, const environment& env, std::vector<std::string>& problems) {
  auto text = config;
  if (config.starts_with("/")) {
    std::ifstream in(config, std::ios::binary);
    text.assign(std::istreambuf_iterator<char>(in), {});
    if (!in.is_open()) {
      problems.push_back("the MCP servers' file cannot be read: " + config);
      return json::array();
    }
  }
  auto root = json::parse(text, nullptr, false);
  const auto* all = field_of(root, "mcpServers");
  if (all == nullptr)
    all = &root;
  auto out = json::array();
  if (!all->is_object()) {
    problems.push_back("the MCP servers are not understood: a JSON object with mcpServers is needed");
    return out;
  }
  for (const auto& [name, row] : all->items())
    if (auto server = server_of(name, row, env); server.is_null() || out.size() == most_servers)
      problems.push_back("the MCP server " + clipped(name, 100) + " has neither a command nor a url: it is left out");
    else
      out.push_back(std::move(server));
  return out;
}

} // namespace troupe
