// troupe-credentials: whatever changes the credential store, or spends a refresh token, in a process of its own.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include "runtime/credentials/oauth.hpp"
#include "runtime/credentials/secret_service.hpp"

extern char** environ;

namespace troupe {

namespace {

constexpr wall_ms refresh_ahead_ms = 300'000;
constexpr unsigned lock_seconds = 25;

wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

int complain(const failure& error) {
  auto split = error.text.find('\n');
  std::fprintf(stderr, "%s\n", error.text.substr(0, split).c_str());
  if (split != std::string::npos)
    std::fprintf(stderr, "  %s\n", error.text.substr(split + 1).c_str());
  return 1;
}

/// The store, held: nobody else reads, spends or writes until this object is gone (CRED-3).
struct held_store {
  paths where;
  unique_fd lock;
  stored_credentials now;

  static std::optional<held_store> take(failure& error) {
    auto found = find_paths(error);
    if (!found || !make_private_folder(found->config, error))
      return {};
    held_store out{*found, lock_file(credentials_lock(*found), lock_seconds, error), {}};
    if (!out.lock) {
      if (error.code == errc::ok)
        error = {errc::timed_out, "another process has been changing the credentials for too long\ntry again; who: "
                                  "fuser " +
                                      credentials_lock(*found)};
      return {};
    }
    out.now = read_stored(credentials_path(out.where), error);
    if (error.code != errc::ok)
      return {};
    if (out.now.elsewhere) {
      auto text = secret_service::read(out.where.config, error);
      if (error.code != errc::ok)
        return {};
      try {
        out.now = text ? stored_from(*text) : stored_credentials{};
      } catch (const std::exception&) {
        error = {errc::no_credentials, "what the secret service keeps is not Troupe's\nsign in again: troupe login"};
        return {};
      }
      out.now.elsewhere = true;
    }
    return out;
  }

  bool write(failure& error) const {
    auto path = credentials_path(where);
    if (!now.elsewhere)
      return write_stored(path, now, error);
    auto whole = now;
    whole.elsewhere = false;
    if (now.empty() ? !secret_service::clear(where.config, error)
                    : !secret_service::write(where.config, stored_text(whole), error))
      return false;
    auto index = now; // who has signed in, and where; the stamp tells the service that something changed
    for (auto& [name, key] : index.keys)
      key.clear();
    for (auto& l : index.logins)
      l.access = l.refresh = "";
    index.elsewhere = !now.empty();
    return write_stored(path, index, error);
  }
};

json user_settings(const paths& where) {
  failure ignored;
  auto parsed = json::parse(read_file(where.config + "/settings.json", ignored).value_or("{}"), nullptr, false);
  return parsed.is_object() ? parsed : json::object();
}

/// Where a first sign-in is kept: auth.store is "auto" (the desktop's service where one runs), "file" or
/// "secret-service".
bool keep_elsewhere(const json& settings) {
  static const json::json_pointer at("/auth/store");
  auto word = settings.contains(at) && settings.at(at).is_string() ? settings.at(at).get<std::string>() : "auto";
  return word != "file" && secret_service::runs();
}

/// `refused`: an endpoint has turned down what is stored: it is refreshed though it has not expired.
int run_refresh(bool refused) {
  failure error;
  auto store = held_store::take(error);
  if (!store)
    return complain(error);
  std::vector<std::string> problems;
  auto rows = sign_ins(user_settings(store->where), problems);
  for (auto& login : store->now.logins) {
    bool due = login.expires - wall_now() < refresh_ahead_ms;
    if (login.expires == 0 || (!due && !(refused && !login.refresh.empty())))
      continue; // another process has done it: its refresh token is spent
    const auto* row = find_sign_in(rows, login.provider);
    if (!row)
      return complain({errc::no_credentials, "there is no sign-in '" + login.provider +
                                                 "' any more\nname it in settings.json: auth.oauth." + login.provider});
    if (login.refresh.empty())
      return complain(
          {errc::no_credentials,
           "the login of " + login.provider + " cannot be refreshed\nsign in again: troupe login " + login.provider});
    if ((!store->now.elsewhere && !can_store(credentials_path(store->where), error)) ||
        !refresh(*row, login, wall_now(), error) || !store->write(error))
      return complain(error);
  }
  return 0;
}

int run_clear() {
  failure error;
  auto where = find_paths(error);
  if (!where)
    return complain(error);
  auto store = held_store::take(error);
  if (!store) { // what cannot be understood is deleted all the same: signed out is signed out
    auto lock = lock_file(credentials_lock(*where), lock_seconds, error);
    error = {};
    if (!lock || !write_stored(credentials_path(*where), {}, error))
      return complain(error);
    std::puts("0");
    return 0;
  }
  auto count = store->now.keys.size() + store->now.logins.size();
  store->now.keys.clear();
  store->now.hosts.clear();
  store->now.logins.clear();
  if (!store->write(error))
    return complain(error);
  std::printf("%zu\n", count);
  return 0;
}

/// For the background service alone: what the secret service keeps, into its pipe.
int run_show() {
  struct stat st {};
  if (::fstat(STDOUT_FILENO, &st) != 0 || !S_ISFIFO(st.st_mode))
    return complain({errc::refused, "secrets are not printed\nsee what is stored: troupe auth status"});
  failure error;
  auto store = held_store::take(error);
  if (!store)
    return complain(error);
  store->now.elsewhere = false;
  std::fputs(stored_text(store->now).c_str(), stdout);
  return 0;
}

std::string read_line() {
  std::string out;
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) == 1 && byte != '\n')
    out += byte;
  while (!out.empty() && (out.back() == '\r' || out.back() == ' '))
    out.pop_back();
  return out;
}

/// From standard input; at a terminal without echo. Never from argv.
std::string read_secret(const std::string& question) {
  termios before{};
  bool terminal = ::isatty(STDIN_FILENO) == 1 && ::tcgetattr(STDIN_FILENO, &before) == 0;
  if (terminal) {
    auto quiet = before;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &quiet);
    std::fputs(question.c_str(), stderr);
  }
  auto out = read_line();
  if (terminal) {
    ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before);
    std::fputs("\n", stderr);
  }
  return out;
}

void open_browser(const std::string& url) {
  if (!std::getenv("DISPLAY") && !std::getenv("WAYLAND_DISPLAY"))
    return;
  std::string program = "xdg-open", address = url;
  char* arguments[] = {program.data(), address.data(), nullptr};
  pid_t ignored = 0;
  ::posix_spawnp(&ignored, "xdg-open", nullptr, nullptr, arguments, environ);
}

struct login_words {
  std::string provider = "anthropic", variable, host;
  bool key = false, paste = false, device = false;
};

std::string host_for(const std::string& variable) {
  return variable.starts_with("ANTHROPIC_") ? "api.anthropic.com"
         : variable.starts_with("OPENAI_")  ? "api.openai.com"
         : variable.starts_with("GEMINI_")  ? "generativelanguage.googleapis.com"
                                            : "";
}

int store_key(const login_words& w) {
  auto variable = w.variable.empty() ? std::string("ANTHROPIC_API_KEY") : w.variable;
  auto key = read_secret(variable + ": ");
  if (key.empty() || key.find('\0') != std::string::npos)
    return complain({errc::bad_request, "there is no key on standard input\ntype it at the prompt, or: troupe login "
                                        "--api-key < FILE"});
  failure error;
  auto store = held_store::take(error);
  if (!store)
    return complain(error);
  if (store->now.empty())
    store->now.elsewhere = keep_elsewhere(user_settings(store->where));
  store->now.keys[variable] = key;
  store->now.hosts[variable] = w.host.empty() ? host_for(variable) : w.host;
  if (!store->write(error))
    return complain(error);
  std::printf("stored: %s\n", variable.c_str());
  return 0;
}

int sign_in_to(const login_words& w) {
  failure error;
  auto where = find_paths(error);
  if (!where)
    return complain(error);
  std::vector<std::string> problems;
  auto rows = sign_ins(user_settings(*where), problems);
  for (const auto& p : problems)
    std::fprintf(stderr, "%s\n", p.c_str());
  const auto* row = find_sign_in(rows, w.provider);
  if (!row) {
    std::string known;
    for (const auto& r : rows)
      known += (known.empty() ? "" : ", ") + r.name;
    return complain({errc::bad_request, "there is no sign-in '" + w.provider + "'\nknown are: " + known +
                                            "; others are named in settings.json: auth.oauth.NAME"});
  }
  person who{[](const std::string& text) {
               std::puts(text.c_str());
               std::fflush(stdout);
             },
             [](const std::string& question) { return read_secret(question); }, open_browser};
  auto got = w.device ? sign_in_by_device(*row, who, wall_now, error)
                      : sign_in_by_browser(*row, w.paste, who, wall_now(), error);
  if (!got)
    return complain(error);
  auto store = held_store::take(error); // only now: a person takes as long as they like
  if (!store)
    return complain(error);
  if (store->now.empty())
    store->now.elsewhere = keep_elsewhere(user_settings(store->where));
  std::erase_if(store->now.logins, [&](const auto& l) { return l.provider == got->provider; });
  store->now.logins.push_back(*got);
  if (!store->write(error))
    return complain(error);
  std::printf("signed in: %s%s\n", got->provider.c_str(), got->account.empty() ? "" : (" as " + got->account).c_str());
  return 0;
}

int run_login(int argc, char** argv) {
  login_words w;
  for (int i = 2; i < argc; ++i) {
    std::string word = argv[i];
    if (word == "--api-key")
      w.key = true;
    else if (word == "--paste")
      w.paste = true;
    else if (word == "--device")
      w.device = true;
    else if ((word == "--variable" || word == "--host") && i + 1 < argc)
      (word == "--host" ? w.host : w.variable) = argv[++i];
    else
      w.provider = word;
  }
  return w.key ? store_key(w) : sign_in_to(w);
}

int run(int argc, char** argv) {
  std::string word = argc > 1 ? argv[1] : "";
  if (word == "refresh")
    return run_refresh(argc > 2 && std::string_view(argv[2]) == "--refused");
  if (word == "clear")
    return run_clear();
  if (word == "show")
    return run_show();
  if (word == "login")
    return run_login(argc, argv);
  if (word == "--version") {
    std::puts("troupe-credentials " TROUPE_VERSION);
    return 0;
  }
  std::fputs("troupe-credentials: started by troupe only\n  to sign in: troupe login\n", stderr);
  return 2;
}

} // namespace

} // namespace troupe

int main(int argc, char** argv) {
  ::prctl(PR_SET_DUMPABLE, 0); // SEC-5: nobody reads its memory, no core holds a token
  rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  ::umask(077);
  return troupe::run(argc, argv);
}
