// troupe login, logout, auth status: the credential store (CRED-1, CRED-6). A secret is read from standard input or a
// prompt without echo, never from an argument.
#include <cerrno>
#include <cstring>

#include <unistd.h>

#include "cli/command.hpp"

namespace troupe {

namespace {

/// Goes on as troupe-credentials, which speaks to the person and writes the store.
int become_credentials(std::vector<std::string> words) {
  auto program = own_program("troupe-credentials");
  words.insert(words.begin(), "troupe-credentials");
  std::vector<char*> argv;
  for (auto& w : words)
    argv.push_back(w.data());
  argv.push_back(nullptr);
  ::execv(program.c_str(), argv.data());
  return fail({errc::disk, "troupe-credentials cannot be started: " + program + ": " + std::strerror(errno) +
                               "\ninstall all programs together: ./bootstrap install"});
}

std::string one_account(const json& a) {
  auto line = visible(text_of(a, "variable")) + "  from " + visible(text_of(a, "source"));
  if (auto name = text_of(a, "account"); !name.empty())
    line += "  as " + visible(name);
  if (auto host = text_of(a, "host"); !host.empty())
    line += "  for " + visible(host);
  if (auto expires = optional_number(a, "expires", 0); expires != 0)
    line += "  until " + local_time(expires);
  return line + "\n";
}

int show_status(bool as_json) {
  client c("troupe auth status");
  auto got = reach(c, true) ? ask_or_say(c, "auth/status", json::object()) : std::nullopt;
  if (!got)
    return exit_failure;
  if (as_json) {
    print(to_line(*got) + "\n");
    return exit_ok;
  }
  for (const auto& a : (*got)["accounts"])
    print(one_account(a));
  if ((*got)["accounts"].empty())
    print("no credentials are stored\n");
  if (auto problem = text_of(*got, "problem"); !problem.empty())
    return fail(
        {errc::no_credentials,
         visible(problem.substr(0, problem.find('\n'))) +
             (problem.find('\n') == std::string::npos ? "" : "\n" + visible(problem.substr(problem.find('\n') + 1)))});
  return exit_ok;
}

} // namespace

int run_auth(const arguments& args) {
  bool as_json = false;
  std::string word;
  int code = exit_ok;
  argument_parser app{"Shows which credentials are stored, and where they came from; never a secret.", "troupe auth"};
  app.add_flag("--json", as_json, "for programs");
  app.add_option("WORD", word, "status");
  if (!read_arguments(app, args, "troupe auth status", code))
    return code;
  if (word != "status")
    return fail_usage("troupe auth: " + std::string(word.empty() ? "a word is missing" : "unknown word: " + word),
                      "troupe auth status");
  return show_status(as_json);
}

int run_login(const arguments& args) {
  bool key = false, paste = false, device = false;
  std::string provider, variable, host;
  int code = exit_ok;
  argument_parser app{"Signs in, or stores an API key.", "troupe login"};
  app.add_flag("--api-key", key, "store an API key, read from standard input or a prompt");
  app.add_option("--variable", variable, "the key's variable (ANTHROPIC_API_KEY)");
  app.add_option("--host", host, "the host that the key is for");
  app.add_flag("--paste", paste, "sign in with a code that is copied from a browser elsewhere");
  app.add_flag("--device", device, "sign in on another device");
  app.add_option("PROVIDER", provider, "anthropic, google, or one of auth.oauth in settings.json");
  if (!read_arguments(app, args, "troupe login --api-key < key-file", code))
    return code;
  if (key && !provider.empty())
    return fail_usage("troupe login: a key is never given as an argument",
                      "pipe it, or type it at the prompt: troupe login --api-key");
  std::vector<std::string> words{"login"};
  if (key)
    words.emplace_back("--api-key");
  if (paste)
    words.emplace_back("--paste");
  if (device)
    words.emplace_back("--device");
  if (!variable.empty())
    words.insert(words.end(), {"--variable", variable});
  if (!host.empty())
    words.insert(words.end(), {"--host", host});
  if (!provider.empty())
    words.push_back(provider);
  return become_credentials(std::move(words));
}

int run_logout(const arguments& args) {
  int code = exit_ok;
  argument_parser app{"Forgets all credentials.", "troupe logout"};
  if (!read_arguments(app, args, "troupe logout", code))
    return code;
  client c("troupe logout");
  failure error;
  if (!c.connect(false, error)) {
    if (!c.absent())
      return fail(error);
    return become_credentials({"clear"});
  }
  auto got = ask_or_say(c, "auth/logout", json::object());
  if (got)
    print("signed out\n");
  return got ? exit_ok : exit_failure;
}

} // namespace troupe
