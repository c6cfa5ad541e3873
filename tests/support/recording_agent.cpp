// The agent is a shell script: it answers as little of ACP as a worker needs.
#include "tests/support/recording_agent.hpp"

#include <chrono>
#include <cstdio>
#include <sstream>

#include <sys/stat.h>

namespace troupe::test {

json settings_with(const token_server& server, int spares) {
  return {{"warmPool", {{"size", spares}}},
          {"auth",
           {{"store", "file"},
            {"oauth",
             {{"test",
               {{"authorizeUrl", server.url() + "/authorize"},
                {"deviceUrl", server.url() + "/device"},
                {"tokenUrl", server.url() + "/token"},
                {"clientId", "client"},
                {"scopes", {"one", "two"}},
                {"variable", "CLAUDE_CODE_OAUTH_TOKEN"},
                {"host", "127.0.0.1"}}}}}}}};
}

void store_login(const sandbox& s, int n, std::int64_t lasts_ms) {
  auto word = std::to_string(n);
  auto now = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
                 .count();
  const auto file = s.home() + "/credentials.json";
  spill(file + ".test", json{{"keys", json::object()},
                             {"logins",
                              {{{"provider", "test"},
                                {"variable", "CLAUDE_CODE_OAUTH_TOKEN"},
                                {"access", "access-" + word + "-secret"},
                                {"refresh", "refresh-" + word + "-secret"},
                                {"expires", now + lasts_ms}}}}}
                            .dump());
  ::chmod((file + ".test").c_str(), 0600);
  ::rename((file + ".test").c_str(), file.c_str());
}

std::string own_agent(sandbox& s) {
  s.own_programs();
  auto log = s.root() + "/told";
  spill(log, "");
  spill(s.programs() + "/troupe-agent", R"(#!/bin/sh
say() { printf '%s\n' "$1"; }
while read -r line; do
  printf '%s\n' "$line" >> )" + log + R"(
  id=$(printf '%s' "$line" | sed -n 's/^{"id":\([0-9]*\),.*/\1/p')
  case "$line" in
    *'"method":"initialize"'*) say '{"jsonrpc":"2.0","id":'$id',"result":{"protocolVersion":1}}' ;;
    *'"method":"session/new"'*) say '{"jsonrpc":"2.0","id":'$id',"result":{"sessionId":"s"}}' ;;
    *'"method":"session/prompt"'*)
      if [ -e )" + s.root() + R"(/refusing ]; then
        say '{"jsonrpc":"2.0","id":'$id',"error":{"code":-32603,"message":"Could not resolve authentication method"}}'
      else
        say '{"jsonrpc":"2.0","id":'$id',"result":{"stopReason":"end_turn"}}'
      fi ;;
    *) [ -z "$id" ] || say '{"jsonrpc":"2.0","id":'$id',"result":{}}' ;;
  esac
done
)");
  ::chmod((s.programs() + "/troupe-agent").c_str(), 0700);
  return log;
}

std::vector<std::string> told_snapshots(const std::string& log, const std::string& method) {
  std::istringstream in(slurp(log));
  std::vector<std::string> out;
  for (std::string line; std::getline(in, line);) {
    auto m = json::parse(line, nullptr, false);
    if (m.is_object() && m.value("method", "") == method)
      out.push_back((method == "session/new" ? m["params"]["_meta"]["troupe"] : m["params"])["snapshot"].dump());
  }
  return out;
}

std::string last_snapshot(const std::string& log, const std::string& method) {
  auto all = told_snapshots(log, method);
  return all.empty() ? std::string() : all.back();
}

} // namespace troupe::test
