// troupe --bg PROMPT | --bg --exec 'CMD' | --bg --exec -- CMD ARG...: dispatches and gives the prompt back (CLI-1,
// CLI-2, SUP-11).
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <optional>

#include <sys/ioctl.h>
#include <unistd.h>

#include "cli/trust_question.hpp"
#include "runtime/config/settings_layers.hpp"
#include "runtime/files/folder_access.hpp"

namespace troupe {

namespace {

struct bg_options {
  bool bg = false, exec = false, print = false, quiet = false, as_json = false;
  std::string name, agent, model, effort, mode, harness, cwd, settings, mcp;
  std::vector<std::string> add_dirs, words;
};

std::size_t code_points(const std::string& s) {
  return static_cast<std::size_t>(
      std::count_if(s.begin(), s.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

void declare(argument_parser& app, bg_options& o) {
  app.add_flag("--bg,--background", o.bg, "run in the background");
  app.add_flag("--exec", o.exec, "run a shell job instead of an agent");
  app.add_flag("-p,--print", o.print, "").hidden();
  app.add_flag("-q,--quiet", o.quiet, "print the id alone");
  app.add_flag("--json", o.as_json, "print one JSON object");
  app.add_option("--name", o.name, "a name for the session");
  app.add_option("--agent", o.agent, "an agent definition");
  app.add_option("--model", o.model, "the model");
  app.add_option("--effort", o.effort, "how hard it thinks");
  app.add_option("--permission-mode", o.mode, "default, acceptEdits, plan or bypassPermissions");
  app.add_option("--harness", o.harness, "the agent program: native, or one of settings.json");
  app.add_option("--cwd", o.cwd, "the directory it works in (here)");
  app.add_option("--settings", o.settings, "settings for this session");
  app.add_option("--add-dir", o.add_dirs, "a further directory; may be repeated").one_value();
  app.add_option("--mcp-config", o.mcp, "MCP servers for this session");
  app.add_option("PROMPT", o.words, "the task; - reads it from standard input");
}

std::string absolute(const std::string& path, failure& error) {
  char out[PATH_MAX];
  if (::realpath(path.c_str(), out))
    return out;
  const int why = errno;
  if (path.starts_with("/"))
    error = folder_fault(path); // CLI-6
  if (error.code == errc::ok)
    error = {errc::directory, "directory " + std::string(why == ENOENT ? "does not exist" : std::strerror(why)) + ": " +
                                  path + "\nname another: --cwd DIR"};
  return {};
}

bool fill_task(const bg_options& o, json& params, int& code) {
  if (o.words.empty() || (o.words.size() == 1 && o.words[0].empty())) {
    code = o.exec ? fail_usage("--exec needs a command", "for example: troupe --bg --exec 'make test'")
                  : fail_usage("--bg needs a prompt", "for example: troupe --bg \"fix the failing test\"");
    return false;
  }
  std::string prompt;
  for (const auto& w : o.words)
    prompt += (prompt.empty() ? "" : " ") + w;
  if (o.exec) {
    const char* shell = std::getenv("SHELL");
    params["kind"] = "exec";
    auto command =
        o.words.size() > 1 ? o.words : std::vector<std::string>{shell && *shell ? shell : "/bin/sh", "-c", o.words[0]};
    for (const auto& w : command)
      params["command"].push_back(bytes_to_json(w));
  } else {
    params["kind"] = "agent";
    if (o.words == std::vector<std::string>{"-"})
      prompt = read_input();
    if (code_points(prompt) < 4) {
      code = fail_usage("Too short", "tell the agent what to do: troupe --bg \"fix the failing test\"");
      return false;
    }
  }
  params["prompt"] = bytes_to_json(prompt);
  return true;
}

/// MCP servers: a file, which each run of the session reads, or JSON without values that may be secret.
bool fill_servers(const std::string& given, json& params, int& code) {
  if (!given.starts_with("{")) {
    char path[PATH_MAX];
    if (!::realpath(given.c_str(), path)) {
      code = fail_usage("--mcp-config: no such file: " + given, "give a file, or JSON: '{\"mcpServers\": {...}}'");
      return false;
    }
    params["mcpConfig"] = bytes_to_json(path);
    return true;
  }
  auto servers = json::parse(given, nullptr, false);
  if (servers.is_discarded()) {
    code = fail_usage("--mcp-config is no JSON", "give a file, or JSON: '{\"mcpServers\": {...}}'");
    return false;
  }
  if (auto name = secret_in_servers(servers); !name.empty()) { // SEC-6: the ledger keeps it, too
    auto fault = secret_server_fault(name);
    code = fail_usage(fault.substr(0, fault.find('\n')), fault.substr(fault.find('\n') + 1));
    return false;
  }
  params["mcpConfig"] = given;
  return true;
}

void put(json& params, const char* name, const std::string& value) {
  if (!value.empty())
    params[name] = bytes_to_json(value);
}

int report(const bg_options& o, const json& got) {
  auto id = text_of(got, "id"), name = text_of(got, "name");
  if (o.as_json) {
    print(to_line(got) + "\n");
  } else if (o.quiet) {
    print(id + "\n");
  } else {
    print("backgrounded · " + id + (name.empty() ? "" : " · " + visible(name)) + "\n");
    if (!o.exec && o.harness.empty())
      print_error("  runs " + visible(text_of(got, "harness")) +
                  ", the first that is ready (--harness names another)\n");
    print_error("  troupe " + std::string(o.exec ? "attach " : "logs -f ") + id + "\n  troupe stop " + id +
                "\n  troupe agents\n");
  }
  return exit_ok;
}

/// TRUST-2: the user decides about a directory that nobody has decided about. False: no, or an error that was printed.
bool decide(client& c, const std::string& cwd, json& params) {
  json seen;
  auto state = fetch_trust(c, cwd, seen);
  if (state.empty())
    return false;
  show_trust(seen);
  auto answer = ask_terminal(std::string(state == "changed" ? "its settings have changed. " : "") +
                             "trust it, run without its settings, or no? [t/w/N] ");
  if (answer == "w") {
    params["withoutProject"] = true;
    params["key"] = fresh_key();
    return true;
  }
  return answer == "t" && grant_trust(c, cwd, seen);
}

/// NAT-2: once at a terminal, for good. False: no, or an error that was printed.
bool consents(client& c) {
  auto answer = ask_terminal(
      "An agent in the mode bypassPermissions runs any command and edits any file without asking, with your rights "
      "and while nobody watches.\nAccept that from now on? [y/N] ");
  return (answer == "y" || answer == "yes") && ask_or_say(c, "consent/give", {{"name", "bypassPermissions"}});
}

/// Reads the arguments and dispatches; none: `code` is the exit status.
std::optional<json> dispatch_from(const arguments& args, bg_options& o, bool foreground, int& code) {
  auto stop = std::find(args.begin(), args.end(), "--");
  arguments ours(args.begin(), stop);
  argument_parser app{"Dispatches a task and gives the prompt back.", "troupe"};
  declare(app, o);
  if (!read_arguments(app, ours, "troupe --bg --exec 'make test'", code))
    return {};
  if (stop != args.end())
    o.words.insert(o.words.end(), stop + 1, args.end());
  if (o.print) {
    code = fail_usage("--bg and --print exclude each other", "leave one out: a background session prints nothing here");
    return {};
  }
  if (foreground && o.exec) {
    code = fail_usage("--exec goes with --bg", "for example: troupe --bg --exec 'make test'");
    return {};
  }
  json params{{"key", fresh_key()}, {"origin", "shell"}};
  failure error;
  auto cwd = absolute(o.cwd.empty() ? "." : o.cwd, error);
  if (cwd.empty()) {
    code = fail(error);
    return {};
  }
  params["cwd"] = bytes_to_json(cwd);
  if (!fill_task(o, params, code))
    return {};
  if (foreground)
    params["backgrounded"] = true; // a conversation that somebody had, wherever it goes on (REST-3)
  if (o.exec && stop != args.end() && params["command"].size() == 3 && o.words.size() == 1)
    params["command"] = json::array({bytes_to_json(o.words[0])}); // behind `--`: run as given
  put(params, "name", o.name);
  put(params, "agent", o.agent);
  put(params, "model", o.model);
  put(params, "effort", o.effort);
  put(params, "permissionMode", o.mode);
  put(params, "harness", o.harness);
  if (!o.settings.empty())
    params["settings"] = bytes_to_json(settings_argument(o.settings));
  if (auto here = absolute(".", error); !here.empty())
    params["from"] = bytes_to_json(here); // ENV-3
  if (!o.mcp.empty() && !fill_servers(o.mcp, params, code))
    return {};
  for (const auto& d : o.add_dirs) {
    auto path = absolute(d, error);
    if (path.empty()) {
      code = fail(error);
      return {};
    }
    params["addDirs"].push_back(bytes_to_json(path));
  }
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 && size.ws_col > 0) {
    params["rows"] = size.ws_row;
    params["cols"] = size.ws_col;
  }
  params["env"] = environment_json();
  client c(foreground ? "troupe" : "troupe --bg");
  code = exit_failure;
  if (!reach(c, true))
    return {};
  auto got = c.ask_surely("session/dispatch", params, error);
  if (!got && error.code == errc::not_trusted && at_terminal()) {
    if (!decide(c, cwd, params))
      return {};
    got = c.ask_surely("session/dispatch", params, error);
  }
  if (!got && error.code == errc::no_consent && at_terminal() && consents(c))
    got = c.ask_surely("session/dispatch", params, error);
  if (!got && error.code == errc::no_definition)
    print_error("troupe: warning: no agent named " + visible(o.agent) + "\n"); // CLI-3
  if (!got)
    fail(error);
  return got;
}

} // namespace

int run_bg(const arguments& args) {
  bg_options o;
  int code = exit_ok;
  auto got = dispatch_from(args, o, false, code);
  return got ? report(o, *got) : code;
}

/// BG-1: a session that this terminal is attached to at once.
int run_foreground(const arguments& args) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return fail_usage("a session in the foreground needs a terminal",
                      "run it in the background: troupe --bg \"PROMPT\"");
  bg_options o;
  int code = exit_ok;
  auto got = dispatch_from(args, o, true, code);
  return got ? become_view({"--attach", text_of(*got, "id"), "--foreground"}) : code;
}

} // namespace troupe
