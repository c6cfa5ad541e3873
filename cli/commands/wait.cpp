// troupe wait ID... [--timeout S]: until sessions are done; its exit status tells how (CLI-7).
#include "cli/command.hpp"

namespace troupe {

namespace {

int status_of(const std::string& state) {
  return state == "done"      ? exit_ok
         : state == "stopped" ? exit_stopped
         : state == "blocked" ? exit_needs_input
                              : exit_failure;
}

} // namespace

int run_wait(const arguments& args) {
  std::vector<std::string> ids;
  double seconds = -1;
  int code = exit_ok;
  argument_parser app{
      "Waits until each session is done, failed, stopped or needs input.\n"
      "Exit status: 0 done, 1 failed, 3 needs input, 4 stopped, 124 time-out; for one shell job its own.",
      "troupe wait"};
  app.add_option("ID", ids, "id, name, or the beginning of an id").required();
  app.add_option("--timeout", seconds, "give up after so many seconds");
  if (!read_arguments(app, args, "troupe wait fix-auth --timeout 60", code))
    return code;
  client c("troupe wait");
  if (!reach(c, true))
    return exit_failure;
  json params{{"ids", json::array()}};
  for (const auto& id : ids)
    params["ids"].push_back(bytes_to_json(id));
  if (seconds >= 0)
    params["timeoutMs"] = static_cast<std::int64_t>(seconds * 1000);
  failure error;
  auto got = c.ask_surely("session/wait", params, error, -1);
  if (!got)
    return fail(error, error.code == errc::timed_out ? exit_timeout : exit_failure);
  for (const auto& s : *got) {
    print(text_of(s, "id") + " · " + text_of(s, "state") + "\n");
    if (auto one = status_of(text_of(s, "state")); one != exit_ok && code == exit_ok)
      code = one;
  }
  const auto& first = got->front();
  if (got->size() == 1 && text_of(first, "kind") == "exec" && text_of(first, "state") != "stopped" &&
      first.contains("exitStatus"))
    return first["exitStatus"].get<int>();
  return code;
}

} // namespace troupe
