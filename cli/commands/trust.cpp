// troupe trust [DIR] | --list | --revoke [DIR]: the user's decision about a directory's own settings (TRUST-1,
// TRUST-2).
#include <climits>
#include <cstdlib>

#include <unistd.h>

#include "cli/trust_question.hpp"

namespace troupe {

namespace {

std::string real_directory(const std::string& path, failure& error) {
  char out[PATH_MAX];
  if (::realpath(path.empty() ? "." : path.c_str(), out))
    return out;
  error = {errc::directory, "directory does not exist: " + path + "\nname another: troupe trust DIR"};
  return {};
}

int list(client& c, bool as_json) {
  auto got = ask_or_say(c, "trust/list", json::object());
  if (!got)
    return exit_failure;
  if (as_json) {
    print(to_line(*got) + "\n");
    return exit_ok;
  }
  for (const auto& e : *got)
    print(visible(text_of(e, "directory")) + "  since " + local_time(optional_number(e, "at", 0)) + "\n");
  if (got->empty())
    print("no directory is trusted\n");
  return exit_ok;
}

} // namespace

std::string fetch_trust(client& c, const std::string& cwd, json& seen) {
  auto got = ask_or_say(c, "trust/look", {{"cwd", bytes_to_json(cwd)}});
  if (!got)
    return {};
  seen = std::move(*got);
  return text_of(seen, "state");
}

void show_trust(const json& seen) {
  print_error(visible(text_of(seen, "directory")) + " would be allowed:\n");
  for (const auto& sentence : seen["allows"])
    print_error("  " + visible(bytes_from_json(sentence)) + "\n");
}

bool grant_trust(client& c, const std::string& cwd, const json& seen, const json& sends) {
  json params{{"cwd", bytes_to_json(cwd)}, {"hash", seen["hash"]}};
  if (!sends.empty())
    params["sends"] = sends;
  return ask_or_say(c, "trust/grant", params).has_value();
}

std::string ask_terminal(const std::string& question) {
  print_error(question);
  std::string line;
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
    line += byte;
  return line;
}

bool at_terminal() {
  return ::isatty(STDIN_FILENO) == 1 && ::isatty(STDERR_FILENO) == 1;
}

int run_trust(const arguments& args) {
  bool yes = false, listing = false, revoke = false, as_json = false;
  std::string dir;
  std::vector<std::string> send;
  int code = exit_ok;
  argument_parser app{"Decides whether a directory's own settings count.", "troupe trust"};
  app.add_flag("--yes,-y", yes, "trust it without a question");
  app.add_flag("--list", listing, "list what is trusted");
  app.add_flag("--revoke", revoke, "trust it no longer");
  app.add_flag("--json", as_json, "for programs");
  app.add_option("--send", send, "HOST=VARIABLE: a stored credential may go to this endpoint of the directory's")
      .one_value();
  app.add_option("DIR", dir, "the directory (here)");
  if (!read_arguments(app, args, "troupe trust ~/src/project", code))
    return code;
  client c("troupe trust");
  if (!reach(c, true))
    return exit_failure;
  if (listing)
    return list(c, as_json);
  failure error;
  auto cwd = real_directory(dir, error);
  if (cwd.empty() && !revoke)
    return fail(error);
  if (revoke) {
    auto got = ask_or_say(c, "trust/revoke", {{"cwd", bytes_to_json(cwd.empty() ? dir : cwd)}});
    if (got)
      print(((*got)["revoked"] == true ? "no longer trusted: " : "was not trusted: ") +
            visible(text_of(*got, "directory")) + "\n");
    return got ? exit_ok : exit_failure;
  }
  json seen, sends = json::array();
  for (const auto& pair : send) {
    auto split = pair.rfind('=');
    if (split == std::string::npos || split == 0)
      return fail_usage("--send needs HOST=VARIABLE", "for example: --send gateway.example.com=ANTHROPIC_API_KEY");
    sends.push_back({pair.substr(0, split), pair.substr(split + 1)});
  }
  auto state = fetch_trust(c, cwd, seen);
  if (state.empty())
    return exit_failure;
  if (as_json) {
    print(to_line(seen) + "\n");
    if (!yes)
      return exit_ok;
  } else if (state == "nothing") {
    print("nothing to trust: " + visible(text_of(seen, "directory")) + "\n");
    return exit_ok;
  } else {
    show_trust(seen);
    for (const auto& w : seen["warnings"])
      print_error("  ! " + visible(bytes_from_json(w)) + "\n");
    if (state == "trusted" && sends.empty()) {
      print("trusted: " + visible(text_of(seen, "directory")) + "\n");
      return exit_ok;
    }
    if (!yes && !at_terminal())
      return fail({errc::not_trusted, "not trusted: " + visible(text_of(seen, "directory")) +
                                          "\ndecide at a terminal, or: troupe trust --yes " + cwd});
    if (!yes && ask_terminal("trust it? [y/N] ") != "y")
      return exit_failure;
  }
  if (!grant_trust(c, cwd, seen, sends))
    return exit_failure;
  if (!as_json)
    print("trusted: " + visible(text_of(seen, "directory")) + "\n");
  return exit_ok;
}

} // namespace troupe
