// troupe-agent: the built-in agent on stdio. Started by a worker, or by any editor that speaks ACP.
#include <cstdio>
#include <cstring>

#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include "runtime/agent/agent.hpp"

namespace {

constexpr const char* usage = R"(usage: troupe-agent [--provider NAME] [--model NAME] [--version | --help]

An agent that speaks the Agent Client Protocol (version 1) on standard input and output, one message a line.
Sessions are kept in $XDG_STATE_HOME/troupe/agent, else ~/.local/state/troupe/agent.

  --provider NAME   anthropic, openai, bedrock, vertex, or offline (plays scripts, needs no network); unless given, the
                    environment tells: CLAUDE_CODE_USE_BEDROCK, CLAUDE_CODE_USE_VERTEX, ANTHROPIC_API_KEY, OPENAI_API_KEY, ...
  --model NAME      the model of sessions that name none; offline is the provider of that name

example: ANTHROPIC_API_KEY=... troupe-agent --model sonnet
)";

/// Reads the arguments; false where one is unknown or lacks its value.
bool read_arguments(int argc, char** argv, troupe::agent::agent_defaults& into) {
  for (int i = 1; i < argc; i += 2) {
    const bool provider = std::strcmp(argv[i], "--provider") == 0;
    if ((!provider && std::strcmp(argv[i], "--model") != 0) || i + 1 == argc) {
      std::fprintf(
          stderr,
          "troupe-agent: unknown argument '%s', or its value is missing\n  see what it takes:  troupe-agent --help\n",
          argv[i]);
      return false;
    }
    (provider ? into.provider : into.model) = argv[i + 1];
  }
  if (troupe::agent::is_provider(into.provider))
    return true;
  std::fprintf(
      stderr,
      "troupe-agent: the provider '%s' is not built in\n  use one of offline, anthropic, openai, bedrock, vertex\n",
      into.provider.c_str());
  return false;
}

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
  troupe::agent::agent_defaults chosen{own_environment(), {}, {}};
  if (!read_arguments(argc, argv, chosen))
    return 2;
  ::prctl(PR_SET_DUMPABLE, 0); // SEC-5
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  troupe::agent::event_loop events;
  troupe::agent::acp_agent agent(events, STDIN_FILENO, STDOUT_FILENO, std::move(chosen));
  agent.start();
  events.run();
  agent.finish();
  return 0;
}
