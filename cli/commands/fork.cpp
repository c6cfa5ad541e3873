// troupe fork ID [PROMPT]: copies a conversation into a new background session (BG-2).
#include "cli/command.hpp"

namespace troupe {

int run_fork(const arguments& args) {
  std::string id, name;
  std::vector<std::string> words;
  bool quiet = false;
  int code = exit_ok;
  argument_parser app{"Copies a conversation into a new background session; both go on independently.", "troupe fork"};
  app.add_option("ID", id, "id, name, or the beginning of an id").required();
  app.add_option("PROMPT", words, "what the copy is told first; - reads it from standard input");
  app.add_option("--name", name, "a name for the copy");
  app.add_flag("-q,--quiet", quiet, "print the id alone");
  if (!read_arguments(app, args, "troupe fork fix-auth \"now try it without the cache\"", code))
    return code;
  std::string prompt;
  for (const auto& w : words)
    prompt += (prompt.empty() ? "" : " ") + w;
  if (words == std::vector<std::string>{"-"})
    prompt = read_input();
  json params{{"id", bytes_to_json(id)}, {"key", fresh_key()}, {"env", environment_json()}};
  if (!prompt.empty())
    params["prompt"] = bytes_to_json(prompt);
  if (!name.empty())
    params["name"] = bytes_to_json(name);
  client c("troupe fork");
  auto got = reach(c, true) ? ask_or_say(c, "session/fork", params, true) : std::nullopt;
  if (!got)
    return exit_failure;
  auto copy = text_of(*got, "id"), called = text_of(*got, "name");
  if (quiet) {
    print(copy + "\n");
    return exit_ok;
  }
  print("forked · " + copy + (called.empty() ? "" : " · " + visible(called)) + "\n");
  print_error("  troupe attach " + copy + "\n  troupe logs -f " + copy + "\n  troupe stop " + copy + "\n");
  return exit_ok;
}

} // namespace troupe
