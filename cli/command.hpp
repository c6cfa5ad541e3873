// What all commands share: how they are found, and how their arguments are read.
#pragma once

#include <string>
#include <vector>

#include "cli/argument_parser.hpp"
#include "cli/client.hpp"
#include "cli/output.hpp"

namespace troupe {

struct command {
  const char* name;
  const char* summary;
  int (*run)(const arguments&);
};

/// All commands, in the order of the help.
const std::vector<command>& commands();

/// All commands that the help lists, and `troupe` itself first.
std::vector<described_command> describe_commands();

/// Connects, or prints why not.
bool reach(client& c, bool start);

/// Asks, and prints the error; the result is empty then.
std::optional<json> ask_or_say(client& c, const std::string& method, const json& params, bool surely = false);

/// Prints each variable of a session that would be dispatched in `dir` (empty: here) now (ENV-6); gives the exit
/// status.
int show_environment(const std::string& dir, bool as_json);

/// Prints the ledger (or FILE, one of its form) without what people and programs have written (SEC-6).
int print_redacted(const std::string& file);

/// What --settings was given: JSON as it is, a file by its absolute path.
std::string settings_argument(const std::string& given);

/// All of standard input.
std::string read_input();

/// Whether there is a terminal that can show the agent view, and it is not turned off (VIEW-10).
bool view_wanted();
/// Becomes troupe-view with these arguments; comes back, with the exit status of a failure, only where that fails.
int become_view(const arguments& args);

int run_bg(const arguments& args);
int run_foreground(const arguments& args);
int run_fork(const arguments& args);
int run_agents(const arguments& args);
int run_attach(const arguments& args);
int run_logs(const arguments& args);
int run_stop(const arguments& args);
int run_rm(const arguments& args);
int run_resume(const arguments& args);
int run_respawn(const arguments& args);
int run_rename(const arguments& args);
int run_pin(const arguments& args);
int run_reply(const arguments& args);
int run_answer(const arguments& args);
int run_cancel(const arguments& args);
int run_set(const arguments& args);
int run_doctor(const arguments& args);
int run_work(const arguments& args);
int run_wait(const arguments& args);
int run_why(const arguments& args);
int run_auth(const arguments& args);
int run_login(const arguments& args);
int run_logout(const arguments& args);
int run_trust(const arguments& args);
int run_config(const arguments& args);
int run_daemon(const arguments& args);
int run_demo(const arguments& args);
int run_uninstall(const arguments& args);
/// `troupe completion SHELL`, and what such a script asks while one types: `troupe completion-ids`.
int run_completion(const arguments& args);
int print_ids();

} // namespace troupe
