// troupe why ID: how a session came to its state, the newest first (BEYOND-1).
#include "cli/command.hpp"

namespace troupe {

int run_why(const arguments& args) {
  std::string id;
  bool as_json = false;
  int code = exit_ok;
  argument_parser app{"Tells how a session came to its state, back to the first cause.", "troupe why"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
  app.add_flag("--json", as_json, "as JSON");
  if (!read_arguments(app, args, "troupe why fix-auth", code))
    return code;
  client c("troupe why");
  auto got = reach(c, true) ? ask_or_say(c, "session/why", {{"id", bytes_to_json(id)}}) : std::nullopt;
  if (!got)
    return exit_failure;
  if (as_json) {
    print(to_line(*got) + "\n");
    return exit_ok;
  }
  for (const auto& line : *got)
    print(local_time(line.value("t", std::int64_t{0})) +
          (line.contains("n") ? "  #" + std::to_string(line.value("n", 0)) : "  now") +
          (line.contains("cause") ? " ← #" + std::to_string(line.value("cause", 0)) : "") + "  " +
          visible(text_of(line, "text")) + "\n");
  return exit_ok;
}

} // namespace troupe
