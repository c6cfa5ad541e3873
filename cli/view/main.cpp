// troupe-view: the agent view. Started by `troupe` and `troupe agents` where there is a terminal.
#include <climits>
#include <cstdlib>

#include <sys/stat.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include "cli/output.hpp"
#include "cli/view/conversation_program.hpp"
#include "cli/view/view_program.hpp"

namespace troupe {

namespace {

std::string real_path(const std::string& path) {
  char out[PATH_MAX];
  return ::realpath(path.c_str(), out) != nullptr ? out : path;
}

/// The root of the repository, or of the worktree, that a directory is in; or empty.
std::string repository_of(std::string path) {
  for (struct stat st{}; path.size() > 1; path.resize(std::max<std::size_t>(path.rfind('/'), 1)))
    if (::stat((path + "/.git").c_str(), &st) == 0)
      return path;
  return {};
}

/// Another program than the view: a terminal on one conversation.
struct attach_options {
  std::string id;
  bool read_only = false, foreground = false, from_view = false;
};

void declare_attach(CLI::App& app, attach_options& a) {
  app.add_option("--attach", a.id, "show this conversation")->group("");
  app.add_flag("--read-only", a.read_only, "")->group("");
  app.add_flag("--foreground", a.foreground, "")->group("");
  app.add_flag("--from-view", a.from_view, "")->group("");
}

void declare(CLI::App& app, view::config& c, std::string& client) {
  app.add_option("--cwd", c.under, "only sessions started below this directory");
  app.add_option("--model", c.model, "the model of what is dispatched");
  app.add_option("--effort", c.effort, "how hard it thinks");
  app.add_option("--permission-mode", c.permission_mode, "default, acceptEdits, plan or bypassPermissions");
  app.add_option("--agent", c.agent, "an agent definition");
  app.add_option("--harness", c.harness, "the agent program");
  app.add_option("--settings", c.settings, "settings for what is dispatched");
  app.add_option("--add-dir", c.add_dirs, "a further directory");
  app.add_option("--mcp-config", c.mcp_config, "MCP servers for what is dispatched");
  app.add_option("--client", client, "the program troupe")->group("");
}

int run(int argc, char** argv) {
  view_setup setup;
  CLI::App app{"Shows all sessions; usually started by: troupe", "troupe-view"};
  attach_options attach;
  declare(app, setup.config, setup.client);
  declare_attach(app, attach);
  app.footer("example: troupe agents --model opus");
  CLI11_PARSE(app, argc, argv);
  failure error;
  auto where = find_paths(error);
  if (!where || !make_folders(*where, error))
    return fail(error);
  setup.where = *where;
  if (setup.client.empty())
    setup.client = own_program("troupe");
  auto& c = setup.config;
  if (!c.under.empty())
    c.under = real_path(c.under);
  c.cwd = real_path(c.under.empty() ? "." : c.under);
  c.here = real_path(".");
  c.repository = repository_of(c.cwd);
  const char* home = std::getenv("HOME");
  c.home = home != nullptr ? home : "";
  auto text = read_file(setup.where.config + "/settings.json", error).value_or("");
  setup.settings = read_view_settings(text, c.keys);
  c.motion = setup.settings.motion;
  c.numbers = setup.settings.numbers;
  c.usual = setup.settings.model;
  c.offline = setup.settings.offline;
  for (const auto& p : setup.settings.problems)
    print_error("troupe: " + visible(p) + "\n");
  const char* term = std::getenv("TERM");
  const bool prints_only = term == nullptr || *term == '\0' || std::string_view(term) == "dumb";
  setup.settings.screen_reader = setup.settings.screen_reader || prints_only;
  if (!attach.id.empty()) {
    view::conversation_config about{attach.id,        c.home,           c.motion, setup.settings.left_detaches,
                                    attach.read_only, attach.foreground};
    conversation_program talk({setup.where, about, setup.settings, setup.client});
    auto code = talk.run();
    if (code != exit_ok || !talk.to_view() || attach.from_view || prints_only)
      return code;
  }
  return view_program(std::move(setup)).run();
}

} // namespace

} // namespace troupe

int main(int argc, char** argv) {
  return troupe::run(argc, argv);
}
