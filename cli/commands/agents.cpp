// troupe agents: the agent view, where there is a terminal; [--json [--all] [--cwd P] [--watch]]: sessions for programs
// (JSON-1); else a list for people.
#include <algorithm>
#include <climits>
#include <cstdlib>
#include <ctime>

#include <unistd.h>

#include "cli/command.hpp"

namespace troupe {

namespace {

int print_json(client& c, const json& params) {
  failure error;
  auto text = c.ask_text("session/list", params, error);
  if (!text)
    return fail(error);
  auto rows = list_spans(*text);
  std::string out = "[";
  out.reserve(text->size() + 2 * rows.size() + 2);
  for (auto row : rows) {
    out += out.size() > 1 ? ",\n " : "";
    out += row;
  }
  print(out += "]\n");
  return exit_ok;
}

/// CLI-7: one numbered change a line, the rows of now first.
int watch(client& c, bool all) {
  auto now = ask_or_say(c, "session/subscribe", {{"all", all}});
  if (!now)
    return exit_failure;
  for (const auto& row : (*now)["sessions"])
    print(to_line({{"seq", (*now)["seq"]}, {"session", row}}) + "\n");
  json note;
  while (c.next_change(note, -1))
    print(to_line(note["params"]) + "\n");
  return exit_ok;
}

/// A frozen process shows as frozen, whatever its task has come to: the word beside the sign tells that.
const char* sign(const std::string& state, const std::string& process) {
  return process == "frozen"  ? "❄"
         : state == "blocked" ? "?"
         : state == "done"    ? "✓"
         : state == "failed"  ? "✗"
         : state == "stopped" ? "■"
         : state == "working" ? "✻"
                              : "∙";
}

/// What keeps the session at work, by name (KEEP-2).
std::string running(const json& row) {
  std::string names;
  if (row.contains("activeWork"))
    for (const auto& each : row["activeWork"])
      names += (names.empty() ? "" : ", ") + visible(text_of(each, "title"));
  return names.empty() ? names : " [running: " + names + "]";
}

int print_list(client& c, json params) {
  params["all"] = true;
  auto rows = ask_or_say(c, "session/list", params);
  if (!rows)
    return exit_failure;
  if (rows->empty()) {
    print("no sessions\n");
    print_error("  start one: troupe --bg --exec 'make test'\n");
    return exit_ok;
  }
  auto now = static_cast<std::int64_t>(std::time(nullptr)) * 1000;
  std::size_t widest = 0;
  for (const auto& r : *rows)
    widest = std::max(widest, visible(text_of(r, "name")).size());
  for (const auto& r : *rows) {
    auto state = text_of(r, "state"), name = visible(text_of(r, "name")), note = visible(text_of(r, "note"));
    auto old = age(now - r.value("startedAt", now));
    name.resize(std::max(widest, name.size()), ' ');
    print(std::string(sign(state, text_of(r, "process"))) + " " + text_of(r, "id") + "  " + state +
          std::string(8 - std::min<std::size_t>(state.size(), 8), ' ') +
          std::string(4 - std::min<std::size_t>(old.size(), 4), ' ') + old + (widest > 0 ? "  " + name : "") + "  " +
          said_line(text_of(r, "sentence"), text_of(r, "output")) + running(r) +
          (note.empty() ? "" : " [" + note + "]") + "\n");
    for (const auto& problem : r.value("problems", json::array()))
      if (auto text = problem.is_string() ? problem.get<std::string>() : ""; text != text_of(r, "sentence"))
        print("    ! " + visible(text) + "\n");
  }
  return exit_ok;
}

} // namespace

bool view_wanted() {
  auto set = [](const char* name) {
    const char* value = std::getenv(name);
    return value && *value && std::string(value) != "0";
  };
  const char* term = std::getenv("TERM");
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0 || set("TROUPE_DISABLE_AGENT_VIEW") || !term ||
      !*term || std::string(term) == "dumb")
    return false;
  failure ignored;
  auto where = find_paths(ignored);
  auto text = where ? read_file(where->config + "/settings.json", ignored) : std::nullopt;
  auto settings = text ? json::parse(*text, nullptr, false) : json();
  return !settings.is_object() || settings.value("disableAgentView", json()) != true;
}

namespace {

struct agents_options {
  bool as_json = false, all = false, follow = false, plain = false;
  std::string under, model, effort, mode, agent, harness, settings, mcp;
  std::vector<std::string> add_dirs;
};

void declare(argument_parser& app, agents_options& o) {
  app.add_flag("--json", o.as_json, "a JSON array: what lives, works or waits");
  app.add_flag("--all", o.all, "the others too");
  app.add_flag("--watch", o.follow, "with --json: then one change a line");
  app.add_flag("--list", o.plain, "a list instead of the view");
  app.add_option("--cwd", o.under, "only those started below this directory");
  app.add_option("--model", o.model, "the model of what the view dispatches");
  app.add_option("--effort", o.effort, "how hard it thinks");
  app.add_option("--permission-mode", o.mode, "default, acceptEdits, plan or bypassPermissions");
  app.add_option("--agent", o.agent, "an agent definition");
  app.add_option("--harness", o.harness, "the agent program");
  app.add_option("--settings", o.settings, "settings for what it dispatches");
  app.add_option("--add-dir", o.add_dirs, "a further directory");
  app.add_option("--mcp-config", o.mcp, "MCP servers for what it dispatches");
}

} // namespace

int run_agents(const arguments& args) {
  agents_options o;
  int code = exit_ok;
  argument_parser app{"Shows all sessions: as a view on a terminal, else as a list.", "troupe agents"};
  declare(app, o);
  if (!read_arguments(app, args, "troupe agents --json --all", code))
    return code;
  if (o.follow && !o.as_json)
    return fail_usage("troupe agents: --watch goes with --json", "for example: troupe agents --json --watch");
  if (!o.as_json && !o.plain && view_wanted())
    return become_view(args);
  json params{{"all", o.all}};
  if (!o.under.empty()) {
    char real[PATH_MAX];
    params["cwd"] = bytes_to_json(::realpath(o.under.c_str(), real) ? real : o.under);
  }
  client c("troupe agents");
  if (!reach(c, true))
    return exit_failure;
  return o.follow ? watch(c, o.all) : o.as_json ? print_json(c, params) : print_list(c, params);
}

} // namespace troupe
