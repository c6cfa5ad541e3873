// troupe stop|kill, rm, respawn, rename, pin: one request a session, each told on a line of its own.
#include "cli/command.hpp"

namespace troupe {

namespace {

/// Runs one method for each id; a failure of one does not keep the others from their turn.
int each(const std::string& name, const std::string& summary, const std::string& method, const std::string& done,
         const arguments& args) {
  std::vector<std::string> ids;
  int code = exit_ok;
  CLI::App app{summary, "troupe " + name};
  app.add_option("ID", ids, "id, name, or the beginning of an id")->required();
  if (!read_arguments(app, args, "troupe " + name + " fix-auth", code))
    return code;
  client c("troupe " + name);
  if (!reach(c, true))
    return exit_failure;
  for (const auto& id : ids) {
    auto got = ask_or_say(c, method, {{"id", bytes_to_json(id)}});
    if (got)
      print(done + " · " + text_of(*got, "id") + "\n");
    else
      code = exit_failure;
  }
  return code;
}

} // namespace

int run_stop(const arguments& args) {
  return each("stop", "Stops sessions; their whole process trees end.", "session/stop", "stopped", args);
}

int run_rm(const arguments& args) {
  return each("rm", "Removes sessions; a running one is stopped first. Transcripts are kept.", "session/remove",
              "removed", args);
}

int run_respawn(const arguments& args) {
  std::vector<std::string> ids;
  bool all = false;
  int code = exit_ok;
  CLI::App app{"Runs sessions again: a shell job from its start, a conversation from where it was.", "troupe respawn"};
  app.add_option("ID", ids, "id, name, or the beginning of an id");
  app.add_flag("--all", all, "all that have failed or were stopped");
  if (!read_arguments(app, args, "troupe respawn fix-auth", code))
    return code;
  if (ids.empty() != all)
    return fail_usage("troupe respawn: name sessions, or --all", "for example: troupe respawn fix-auth");
  client c("troupe respawn");
  if (!reach(c, true))
    return exit_failure;
  if (all) {
    auto rows = ask_or_say(c, "session/list", {{"all", true}});
    if (!rows)
      return exit_failure;
    for (const auto& r : *rows)
      if (auto state = text_of(r, "state"); state == "failed" || state == "stopped")
        ids.push_back(text_of(r, "id"));
  }
  for (const auto& id : ids) {
    auto got = ask_or_say(c, "session/respawn", {{"id", bytes_to_json(id)}, {"env", environment_json()}});
    if (got)
      print("respawned · " + text_of(*got, "id") + "\n");
    else
      code = exit_failure;
  }
  return code;
}

int run_rename(const arguments& args) {
  std::string id, name;
  int code = exit_ok;
  CLI::App app{"Gives a session a name.", "troupe rename"};
  app.add_option("ID", id, "id, name, or the beginning of an id")->required();
  app.add_option("NAME", name, "the new name")->required();
  if (!read_arguments(app, args, "troupe rename 7k fix-auth", code))
    return code;
  client c("troupe rename");
  auto got = reach(c, true)
                 ? ask_or_say(c, "session/rename", {{"id", bytes_to_json(id)}, {"name", bytes_to_json(name)}})
                 : std::nullopt;
  if (!got)
    return exit_failure;
  print("renamed · " + text_of(*got, "id") + " · " + visible(name) + "\n");
  return exit_ok;
}

int run_pin(const arguments& args) {
  std::string id;
  bool off = false;
  int code = exit_ok;
  CLI::App app{"Keeps a session's process however long it rests.", "troupe pin"};
  app.add_option("ID", id, "id, name, or the beginning of an id")->required();
  app.add_flag("--off", off, "no longer");
  if (!read_arguments(app, args, "troupe pin fix-auth", code))
    return code;
  client c("troupe pin");
  auto got =
      reach(c, true) ? ask_or_say(c, "session/pin", {{"id", bytes_to_json(id)}, {"pinned", !off}}) : std::nullopt;
  if (!got)
    return exit_failure;
  print((off ? "unpinned · " : "pinned · ") + text_of(*got, "id") + "\n");
  return exit_ok;
}

} // namespace troupe
