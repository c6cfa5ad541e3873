// troupe: the thin client. Finds the command and runs it; builds the options of that one only, so that it starts in
// half a millisecond.
#include <algorithm>

#include "cli/command.hpp"
#include "cli/terminal.hpp"

namespace troupe {

const std::vector<command>& commands() {
  static const std::vector<command> all{
      {"agents", "list sessions (--json for programs)", run_agents},
      {"attach", "show a shell job's terminal here", run_attach},
      {"logs", "print what a session has said (-f follows)", run_logs},
      {"reply", "send a session a message", run_reply},
      {"answer", "answer a session's question", run_answer},
      {"fork", "copy a conversation into a new background session", run_fork},
      {"cancel", "cancel the turn that runs", run_cancel},
      {"set", "change a running conversation's mode, model or options", run_set},
      {"work", "work start, work end: what a program inside a session does", run_work},
      {"wait", "wait until sessions are done", run_wait},
      {"why", "tell how a session came to its state", run_why},
      {"stop", "stop sessions", run_stop},
      {"kill", "the same as stop", run_stop},
      {"rm", "remove sessions, with the worktrees made for them", run_rm},
      {"resume", "bring a removed session back", run_resume},
      {"respawn", "run a session again", run_respawn},
      {"rename", "give a session a name", run_rename},
      {"pin", "keep a session's process however long it rests", run_pin},
      {"login", "sign in, or store an API key", run_login},
      {"logout", "forget all credentials", run_logout},
      {"auth", "auth status: which credentials are there", run_auth},
      {"trust", "trust a directory's own settings (--list, --revoke)", run_trust},
      {"config", "show the settings in force for a directory", run_config},
      {"doctor", "check the installation and the agents (--repair mends; --env, --redact)", run_doctor},
      {"daemon", "the background service: run, status, logs, stop", run_daemon},
      {"completion", "print a shell's completion of this program", run_completion},
      {"uninstall", "remove what the installation put there (--purge: your data too)", run_uninstall},
      {"demo", "show all of it, without network or account", run_demo},
  };
  return all;
}

namespace {

std::string help() {
  std::string out = "Troupe runs background agent sessions and shell jobs, and keeps them.\n\n"
                    "usage: troupe                         all sessions, on one screen\n"
                    "       troupe \"PROMPT\"                talk with an agent here\n"
                    "       troupe --bg PROMPT             dispatch an agent and get the prompt back\n"
                    "       troupe --bg --exec 'CMD'       dispatch a shell job\n"
                    "       troupe COMMAND [--help]\n\ncommands:\n";
  for (const auto& c : commands())
    out += "  " + std::string(c.name) + std::string(12 - std::min<std::size_t>(11, std::string(c.name).size()), ' ') +
           c.summary + "\n";
  return out + "\nexample: troupe --bg --exec 'make test' && troupe agents\n";
}

int unknown_word(const std::string& word) {
  std::vector<std::string> words;
  for (const auto& c : commands())
    words.emplace_back(c.name);
  auto near = nearest_word(word, words);
  return fail_usage("there is no command '" + word + "'",
                    near.empty() ? "see: troupe --help" : "did you mean '" + near + "'?");
}

int unknown_option(const std::string& word) {
  auto near = nearest_word(word, {"--bg", "--background", "--version", "--help"});
  return fail_usage("unknown option: " + word, near.empty() ? "see: troupe --help" : "did you mean " + near + "?");
}

int run(const arguments& args) {
  if (args.empty())
    return run_agents({});
  auto stop = std::find(args.begin(), args.end(), "--");
  if (std::any_of(args.begin(), stop, [](const auto& a) { return a == "--bg" || a == "--background"; }))
    return run_bg(args);
  const auto& word = args.front();
  if (word == "--version") {
    print("troupe " TROUPE_VERSION "\n");
    return exit_ok;
  }
  if (word == "--help" || word == "-h" || word == "help") {
    print(help());
    return exit_ok;
  }
  arguments rest(args.begin() + 1, args.end());
  if (word == "attach-guard")
    return guard_terminal();
  if (word == "completion-ids")
    return print_ids();
  for (const auto& c : commands())
    if (word == c.name)
      return c.run(rest);
  static const char* const ours[] = {"--name",    "--agent", "--model",    "--effort",  "--permission-mode",
                                     "--harness", "--cwd",   "--settings", "--add-dir", "--mcp-config"};
  bool option = std::any_of(std::begin(ours), std::end(ours), [&](const char* o) { return word.starts_with(o); });
  if (word != "--" && word.starts_with("-") && !option)
    return unknown_option(word);
  if (word != "--" && args.size() == 1 && word.find_first_of(" \t\n") == std::string::npos)
    return unknown_word(word); // CLI-2: one word is a mistyped command, never a prompt
  return run_foreground(args);
}

} // namespace

} // namespace troupe

int main(int argc, char** argv) {
  return troupe::run(troupe::arguments(argv + 1, argv + argc));
}
