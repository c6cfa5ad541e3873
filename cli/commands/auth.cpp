// troupe auth status: which credentials are there and where they came from; never a secret (CRED-1).
#include "cli/command.hpp"

namespace troupe {

int run_auth(const arguments& args) {
  if (args.size() != 1 || args[0] != "status")
    return fail_usage("troupe auth: " + std::string(args.empty() ? "a word is missing" : "unknown word: " + args[0]),
                      "troupe auth status");
  client c("troupe auth status");
  auto got = reach(c, true) ? ask_or_say(c, "auth/status", json::object()) : std::nullopt;
  if (!got)
    return exit_failure;
  for (const auto& a : (*got)["accounts"])
    print(visible(text_of(a, "variable")) + "  from " + visible(text_of(a, "source")) + "\n");
  if ((*got)["accounts"].empty())
    print("no credentials are stored\n");
  return exit_ok;
}

} // namespace troupe
