// What a harness is started with.
#include "runtime/worker/launch.hpp"

#include <algorithm>

#include <limits.h>
#include <unistd.h>

#include "messages/digest.hpp"
#include "runtime/worker/acp/acp_wire.hpp"

namespace troupe {

namespace {

void set(environment& env, const std::string& name, const std::string& value) {
  std::erase_if(env, [&](const auto& pair) { return pair.first == name; });
  env.emplace_back(name, value);
}

std::string here() {
  char path[PATH_MAX];
  return ::getcwd(path, sizeof path) ? path : "";
}

/// A program gets its words and variables as C strings: what is behind a zero byte is not there, and a variable's name
/// ends at the first `=`.
std::string cut(const std::string& text) {
  return text.c_str();
}

environment as_passed(const environment& env) {
  environment out;
  for (const auto& [name, value] : env) {
    auto pair = cut(name + "=" + value);
    auto split = std::min(pair.find('='), pair.size());
    out.emplace_back(pair.substr(0, split), split < pair.size() ? pair.substr(split + 1) : std::string());
  }
  return out;
}

} // namespace

environment terminal_environment(const assignment& job) {
  auto env = job.env;
  set(env, "TERM", "xterm-256color");
  set(env, "TROUPE_SESSION_ID", job.session.value);
  set(env, "TROUPE_SESSION_DIR", job.directory);
  set(env, "TROUPE_SOCKET", job.control_socket);
  return env;
}

receipt receipt_of(const assignment& job, std::uint64_t last) {
  receipt out{job.session, job.run, here(), job.spec.permission_mode, last, {}, {}, 0, job.credentials.epoch, {}, 0};
  for (const auto& word : job.spec.command)
    out.arguments.push_back(cut(word));
  out.env = as_passed(job.spec.kind == "exec" ? terminal_environment(job) : session_environment(job, false));
  for (const auto& c : job.credentials.credentials) {
    std::erase_if(out.env, [&](const auto& pair) { return pair.first == c.variable; });
    out.accounts.push_back(c.variable);
  }
  out.variables = digest_of(out.env);
  return out;
}

} // namespace troupe
