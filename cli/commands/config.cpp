// troupe config [DIR]: every setting that is in force for a directory, with value and source (ENV-1).
#include <climits>
#include <cstdlib>

#include "cli/command.hpp"

namespace troupe {

int run_config(const arguments& args) {
  bool as_json = false;
  std::string dir, settings;
  int code = exit_ok;
  argument_parser app{"Shows the settings in force for a directory.", "troupe config"};
  app.add_flag("--json", as_json, "for programs");
  app.add_option("--settings", settings, "as with --bg: a file, or JSON");
  app.add_option("DIR", dir, "the directory (here)");
  if (!read_arguments(app, args, "troupe config ~/src/project", code))
    return code;
  char real[PATH_MAX];
  if (!::realpath(dir.empty() ? "." : dir.c_str(), real))
    return fail({errc::directory, "directory does not exist: " + dir + "\nname another: troupe config DIR"});
  client c("troupe config");
  json params{{"cwd", bytes_to_json(real)}};
  if (!settings.empty())
    params["settings"] = bytes_to_json(settings_argument(settings));
  auto got = reach(c, true) ? ask_or_say(c, "settings/show", params) : std::nullopt;
  if (!got)
    return exit_failure;
  if (as_json) {
    print(to_line(*got) + "\n");
    return exit_ok;
  }
  for (const auto& row : (*got)["values"]) {
    auto path = text_of(row, "path");
    print(visible(text_of(row, "key")) + " = " + visible(to_line(row["value"])) + "  from " +
          visible(text_of(row, "source")) + (path.empty() ? "" : " (" + visible(path) + ")") + "\n");
  }
  for (const auto& w : (*got)["warnings"])
    print_error("  ! " + visible(bytes_from_json(w)) + "\n");
  auto state = text_of(*got, "state");
  if (state == "unknown" || state == "changed")
    print_error("  ! not trusted" + std::string(state == "changed" ? " as it is now" : "") + ": " +
                visible(text_of(*got, "directory")) + "; its own settings do not count\n");
  if ((*got)["values"].empty())
    print("no settings: the defaults are in force\n");
  return exit_ok;
}

} // namespace troupe
