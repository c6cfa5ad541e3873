// Starting and killing an agent.
#include "runtime/worker/acp/agent_process.hpp"

#include <cerrno>
#include <csignal>

#include <fcntl.h>
#include <unistd.h>

namespace troupe {
namespace {

struct pipe_ends {
  unique_fd read, write;
};

bool make_pipe(pipe_ends& ends, bool we_read) {
  int fds[2];
  if (pipe2(fds, O_CLOEXEC) != 0)
    return false;
  ends = {unique_fd(fds[0]), unique_fd(fds[1])};
  const int ours = we_read ? fds[0] : fds[1];
  return fcntl(ours, F_SETFL, fcntl(ours, F_GETFL) | O_NONBLOCK) == 0;
}

} // namespace

agent_process start_agent(const std::string& program, std::vector<std::string> arguments, const environment& env,
                          const std::string& cwd) {
  pipe_ends in, out, errors;
  agent_process agent;
  if (!make_pipe(in, false) || !make_pipe(out, true) || !make_pipe(errors, true)) {
    agent.pid = -errno;
    return agent;
  }
  spawn_request request;
  request.program = program;
  request.arguments = std::move(arguments);
  request.env = env;
  request.cwd = cwd;
  request.new_session = true;
  request.fds = {{in.read.get(), 0}, {out.write.get(), 1}, {errors.write.get(), 2}};
  agent.pid = spawn(request);
  agent.to_agent = std::move(in.write);
  agent.from_agent = std::move(out.read);
  agent.errors = std::move(errors.read);
  return agent;
}

void kill_agent(std::int32_t pid) {
  constexpr int rounds =
      10; // what forks faster than it is killed is left to the worker, which ends all that is below it
  kill(pid, SIGSTOP);
  for (int i = 0; i < rounds; ++i) {
    const auto below = descendants(pid);
    if (below.empty())
      break;
    for (const auto& each : below)
      signal_process(each, SIGKILL);
  }
  kill(pid, SIGKILL);
}

} // namespace troupe
