// troupe daemon run | status | logs [-f] | stop [--any] [--keep-workers]: the background service (SUP-4, SUP-9,
// SUP-10).
#include <algorithm>
#include <cerrno>
#include <cstring>
#include <filesystem>

#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/command.hpp"
#include "runtime/io/sockets.hpp"

namespace troupe {

namespace {

int run_here() {
  client c("troupe daemon run");
  failure error;
  if (!c.find_home(error) || !make_folders(c.where(), error))
    return fail(error);
  auto lock = lock_start(c.where(), error);
  if (!lock)
    return fail(error);
  int fd = ::fcntl(lock.get(), F_DUPFD, 3); // without close-on-exec: the supervisor closes it when its socket accepts
  auto program = own_program("troupe-supervisor"), number = std::to_string(fd);
  ::execl(program.c_str(), "troupe-supervisor", "--foreground", "--started-by", "troupe daemon run", "--start-lock-fd",
          number.c_str(), nullptr);
  return fail(
      {errc::not_started, "the background service cannot be started: " + program + ": " + std::strerror(errno)});
}

int status(bool as_json) {
  client c("troupe daemon status");
  failure error;
  if (!c.connect(false, error)) {
    if (!c.absent())
      return fail(error);
    print(as_json ? "{\"state\":\"not running\"}\n" : "not running\n");
    return exit_failure;
  }
  auto s = ask_or_say(c, "supervisor/status", json::object());
  if (!s)
    return exit_failure;
  if (as_json) {
    print(to_line(*s) + "\n");
    return exit_ok;
  }
  std::string spares, holds;
  for (const auto& [phase, n] : (*s)["spares"].items())
    spares += (spares.empty() ? "" : ", ") + n.dump() + " " + phase;
  for (const auto& h : (*s)["holds"])
    holds += (holds.empty() ? "" : ", ") + h.get<std::string>();
  print("state    " + text_of(*s, "state") + "\npid      " + std::to_string(s->value("pid", 0)) + "\nversion  " +
        text_of(*s, "version") + "\nuptime   " + age(s->value("uptimeMs", std::int64_t{0})) + "\norigin   " +
        visible(text_of(*s, "origin")) + "\nsocket   " + visible(text_of(*s, "socket")) + "\nworkers  " +
        std::to_string(s->value("workers", 0)) + "\nsessions " + std::to_string(s->value("sessions", 0)) +
        "\nspares   " + (spares.empty() ? "none" : spares) + "\npool     " + text_of(*s, "pool") + "\nheld by  " +
        (holds.empty() ? "nothing" : visible(holds)) + "\nlog      " + visible(text_of(*s, "log")) + "\n");
  for (const auto& p : (*s)["problems"])
    print_error("troupe: " + visible(p.get<std::string>()) + "\n");
  if (text_of(*s, "version") != TROUPE_VERSION)
    print_error("troupe: the background service is version " + text_of(*s, "version") +
                ", this command " TROUPE_VERSION
                "\n  replace it, sessions go on: troupe daemon stop --any --keep-workers\n");
  return exit_ok;
}

/// Prints the log; with `follow` what is added to it, by inotify, over rotations too.
int logs(bool follow) {
  client c("troupe daemon logs");
  failure error;
  if (!c.find_home(error))
    return fail(error);
  auto path = c.where().log();
  unique_fd watch(::inotify_init1(IN_CLOEXEC));
  ::inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY);
  ::inotify_add_watch(watch.get(), c.where().state.c_str(), IN_CREATE | IN_MOVED_TO);
  unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file && !follow)
    return fail({errc::not_running, "there is no log yet: " + path +
                                        "\nany command that needs the background service starts it: troupe agents"});
  char block[65536];
  for (;;) {
    for (ssize_t n; file && (n = ::read(file.get(), block, sizeof block)) > 0;)
      print({block, static_cast<std::size_t>(n)});
    if (!follow)
      return exit_ok;
    if (::read(watch.get(), block, sizeof block) <= 0)
      return exit_failure;
    unique_fd now(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    struct stat a {
    }, b{};
    if (now && (!file || (::fstat(now.get(), &a) == 0 && ::fstat(file.get(), &b) == 0 && a.st_ino != b.st_ino))) {
      file = std::move(now);
      ::inotify_add_watch(watch.get(), path.c_str(), IN_MODIFY);
    }
  }
}

/// Whether workers go on although no supervisor runs: it was killed, and none of them has started the next one yet.
bool workers_live(const paths& where) {
  std::error_code ignored;
  for (const auto& entry : std::filesystem::directory_iterator(where.sockets + "/workers", ignored))
    if (unique_fd(connect_to(entry.path().string())))
      return true;
  return false;
}

int stop(bool any, bool keep) {
  client c("troupe daemon stop");
  failure error;
  std::optional<json> got;
  for (int tries = 0; !got && tries < 3; ++tries) { // again when it was killed instead of answering
    if (!c.connect(false, error)) {
      if (!c.absent())
        return fail(error);
      if (keep || !workers_live(c.where())) {
        print("not running\n");
        return exit_ok;
      }
      if (!c.connect(true, error)) // the sessions have to be stopped, and only a supervisor can
        return fail(error);
    }
    got = c.ask_surely("supervisor/stop", {{"any", any}, {"keepWorkers", keep}}, error);
    if (!got && error.code != errc::not_running)
      break;
  }
  if (!got)
    return fail(error, error.code == errc::needs_any ? exit_usage : exit_failure);
  c.wait_closed(10'000);
  print("stopped · " + std::to_string(got->value("stopped", 0)) + " ended · " + std::to_string(got->value("kept", 0)) +
        " kept\n");
  return exit_ok;
}

} // namespace

int run_daemon(const arguments& args) {
  bool any = false, keep = false, follow = false, as_json = false;
  int code = exit_ok;
  argument_parser app{"The background service.", "troupe daemon"};
  auto& run = app.add_subcommand("run", "run it here, until it is stopped");
  auto& show = app.add_subcommand("status", "what it is and what holds it open");
  show.add_flag("--json", as_json, "as JSON");
  auto& log = app.add_subcommand("logs", "its log, one line an event");
  log.add_flag("-f,--follow", follow, "go on");
  auto& end = app.add_subcommand("stop", "stop it and all its sessions");
  end.add_flag("--any", any, "also one that would start again on demand");
  end.add_flag("--keep-workers", keep, "let the sessions run on; the next one takes them over");
  std::vector<std::string> words{"run", "status", "logs", "stop"};
  if (!args.empty() && !args[0].starts_with("-") && std::find(words.begin(), words.end(), args[0]) == words.end()) {
    auto near = nearest_word(args[0], words);
    return fail_usage("troupe daemon: unknown word: " + args[0],
                      near.empty() ? "one of: run, status, logs, stop" : "did you mean '" + near + "'?");
  }
  if (!read_arguments(app, args, "troupe daemon status", code))
    return code;
  return run.parsed() ? run_here() : show.parsed() ? status(as_json) : log.parsed() ? logs(follow) : stop(any, keep);
}

} // namespace troupe
