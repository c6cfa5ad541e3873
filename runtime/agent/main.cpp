// troupe-agent: the built-in agent on stdio. Started by a worker, or by any editor that speaks ACP.
#include <cstdio>
#include <cstring>

#include <unistd.h>

#include "runtime/agent/agent.hpp"

namespace {

constexpr const char* usage = R"(usage: troupe-agent [--version | --help]

An agent that speaks the Agent Client Protocol (version 1) on standard input and output, one message a line.
Sessions are kept in $XDG_STATE_HOME/troupe/agent, else ~/.local/state/troupe/agent.
)";

troupe::agent::environment own_environment() {
  troupe::agent::environment env;
  for (char** each = environ; each != nullptr && *each != nullptr; ++each)
    if (const char* sign = std::strchr(*each, '='); sign != nullptr && sign != *each)
      env.emplace_back(std::string(*each, static_cast<std::size_t>(sign - *each)), sign + 1);
  return env;
}

} // namespace

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--version") == 0)
    return std::puts("troupe-agent " TROUPE_VERSION) < 0;
  if (argc == 2 && std::strcmp(argv[1], "--help") == 0)
    return std::fputs(usage, stdout) < 0;
  if (argc > 1) {
    std::fprintf(stderr, "troupe-agent: unknown argument '%s'\n  see what it takes:  troupe-agent --help\n", argv[1]);
    return 2;
  }
  troupe::agent::event_loop events;
  troupe::agent::acp_agent agent(events, STDIN_FILENO, STDOUT_FILENO, own_environment());
  agent.start();
  events.run();
  agent.finish();
  return 0;
}
