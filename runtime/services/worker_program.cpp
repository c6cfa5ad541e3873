// Command lines of workers.
#include "runtime/services/worker_program.hpp"

#include <algorithm>
#include <string_view>

#include <unistd.h>

#include "runtime/io/process_table.hpp"

namespace troupe {

namespace {

/// What an agent reads at its start, over what every spare has; where Troupe's files are is ours to say.
environment agent_environment(const environment& spare, const environment& wanted) {
  auto out = spare;
  for (const auto& [name, value] : wanted) {
    auto at = std::find_if(out.begin(), out.end(), [&](const auto& pair) { return pair.first == name; });
    if (at == out.end())
      out.emplace_back(name, value);
    else if (!name.starts_with("TROUPE_"))
      at->second = value;
  }
  return out;
}

} // namespace

spawn_request worker_command(const launch_worker& x, const bench_setup& setup) {
  spawn_request r;
  r.program = setup.worker_program;
  r.arguments = {
      "troupe-worker", "--worker",       std::to_string(x.worker.value), "--parent", std::to_string(::getpid()),
      "--instance",    setup.where.state}; // for who looks at a list of processes
  r.env = setup.spare_env;
  r.cwd = "/";
  r.new_session = true;
  if (x.spare && x.wanted.command.empty()) {
    r.arguments.insert(r.arguments.end(), {"--warm", setup.agent_program});
    if (setup.models)
      r.env.emplace_back("TROUPE_AHEAD", "models");
  } else if (x.spare) {
    if (auto driver = setup.drivers.find(x.wanted.harness); driver != setup.drivers.end())
      r.arguments.insert(r.arguments.end(), {"--driver", driver->second});
    r.arguments.emplace_back("--agent");
    r.arguments.insert(r.arguments.end(), x.wanted.command.begin(), x.wanted.command.end());
    r.env = agent_environment(setup.spare_env, x.wanted.env);
  }
  return r;
}

bool runs_worker(std::int32_t pid) {
  constexpr std::string_view words("troupe-worker\0--worker\0", 23);
  return process_table::slurp("/proc/" + std::to_string(pid) + "/cmdline", words.size()).starts_with(words);
}

} // namespace troupe
