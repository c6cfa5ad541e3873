// troupe stop|kill, rm, respawn, rename, pin: one request a session, each told on a line of its own.
#include "cli/command.hpp"

namespace troupe {

namespace {

/// BEYOND-9: what an end takes with it, ahead of it.
void tell_losses(client& c, const std::string& id, bool removal) {
  failure ignored; // whoever is asked next says what is wrong
  auto lost = c.ask("session/losses", {{"id", bytes_to_json(id)}}, ignored);
  if (!lost)
    return;
  auto list = [&](const char* name, const std::string& words) {
    for (const auto& each : optional_texts(*lost, name))
      print_error("  " + words + visible(each) + "\n");
  };
  list("running", "ends: ");
  if (removal) {
    list("ignored", "git ignores it, kept for 30 days if its worktree goes: ");
    list("products", "git ignores it, goes with its worktree: ");
  }
  list("replies", removal ? "lost: the undelivered message " : "kept for its next run: the message ");
}

/// Runs one method for each id; a failure of one does not keep the others from their turn.
int each(const std::string& name, const std::string& summary, const std::string& method, const std::string& done,
         const arguments& args) {
  std::vector<std::string> ids;
  int code = exit_ok;
  argument_parser app{summary, "troupe " + name};
  app.add_option("ID", ids, "id, name, or the beginning of an id").required();
  if (!read_arguments(app, args, "troupe " + name + " fix-auth", code))
    return code;
  client c("troupe " + name);
  if (!reach(c, true))
    return exit_failure;
  for (const auto& id : ids) {
    tell_losses(c, id, false);
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
  std::vector<std::string> ids;
  bool force = false;
  int code = exit_ok;
  argument_parser app{
      "Removes sessions, and the worktrees that Troupe made for them; a running one is stopped first. Transcripts "
      "are kept (troupe resume), and so is a worktree with uncommitted changes, with its session.",
      "troupe rm"};
  app.add_option("ID", ids, "id, name, or the beginning of an id").required();
  app.add_flag("--force", force, "uncommitted changes too; a snapshot of them is kept for 30 days");
  if (!read_arguments(app, args, "troupe rm fix-auth", code))
    return code;
  client c("troupe rm");
  if (!reach(c, true))
    return exit_failure;
  for (const auto& id : ids) {
    tell_losses(c, id, true);
    auto got = ask_or_say(c, "session/remove", {{"id", bytes_to_json(id)}, {"force", force}});
    if (got)
      print("removed · " + text_of(*got, "id") + "\n");
    else
      code = exit_failure;
    if (got && got->contains("note"))
      print_error(visible(text_of(*got, "note")) + "\n");
  }
  return code;
}

int run_resume(const arguments& args) {
  std::vector<std::string> ids;
  bool as_json = false;
  int code = exit_ok;
  argument_parser app{"Brings removed sessions back from their transcripts; without ID lists those that can be.",
                      "troupe resume"};
  app.add_option("ID", ids, "id, name, or the beginning of an id");
  app.add_flag("--json", as_json, "the list, for programs");
  if (!read_arguments(app, args, "troupe resume fix-auth", code))
    return code;
  client c("troupe resume");
  if (!reach(c, true))
    return exit_failure;
  for (const auto& id : ids) {
    auto got = ask_or_say(c, "session/resume", {{"id", bytes_to_json(id)}, {"env", environment_json()}});
    if (got)
      print("resumed · " + text_of(*got, "id") + "\n");
    else
      code = exit_failure;
  }
  if (!ids.empty()) {
    if (code == exit_ok)
      print_error("  go on with it: troupe reply " + ids.front() + " \"...\", or troupe attach " + ids.front() + "\n");
    return code;
  }
  auto all = ask_or_say(c, "session/removed", json::object());
  if (!all)
    return exit_failure;
  if (as_json) {
    print(to_line(*all) + "\n");
    return exit_ok;
  }
  for (const auto& x : *all)
    print(text_of(x, "id") + "  " + visible(text_of(x, "name")) + "  " + visible(text_of(x, "sentence")) + "\n");
  if (all->empty())
    print_error("no removed session can be brought back\n");
  return exit_ok;
}

int run_respawn(const arguments& args) {
  std::vector<std::string> ids;
  bool all = false;
  int code = exit_ok;
  argument_parser app{"Runs sessions again: a shell job from its start, a conversation from where it was.",
                      "troupe respawn"};
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
    if (!all)
      tell_losses(c, id, false);
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
  argument_parser app{"Gives a session a name.", "troupe rename"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
  app.add_option("NAME", name, "the new name").required();
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
  argument_parser app{"Keeps a session's process however long it rests.", "troupe pin"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
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
