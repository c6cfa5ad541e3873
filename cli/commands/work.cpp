// troupe work start [--id ID] TITLE, troupe work end ID: a program inside a session declares what it does, so that the
// session counts as at work until it is done (KEEP-2).
#include <cstdlib>

#include <poll.h>

#include "cli/command.hpp"

namespace troupe {

namespace {

struct work_options {
  std::string session, id;
  std::vector<std::string> title;
};

/// Inside a session its socket is known, whatever else the environment says.
void use_session_socket() {
  const std::string name = "/supervisor.sock";
  const char* value = std::getenv("TROUPE_SOCKET");
  std::string path = value ? value : "";
  if (path.starts_with("/") && path.ends_with(name) && path.size() > name.size())
    ::setenv("TROUPE_SOCKET_DIR", path.substr(0, path.size() - name.size()).c_str(), 1);
}

/// A supervisor that is missing is started by the session's worker within seconds (SUP-12); one that is started from in
/// here would end with the session.
std::optional<json> ask_patiently(client& c, const json& params, failure& error) {
  constexpr int tries = 100, pause_ms = 100;
  for (int i = 0;; ++i) {
    std::optional<json> got;
    if (c.connect(false, error))
      got = c.ask("session/work", params, error);
    bool again = c.absent() || error.code == errc::worker_gone || error.code == errc::draining;
    if (got || !again || i == tries)
      return got;
    ::poll(nullptr, 0, pause_ms);
  }
}

int declare(const work_options& o, bool begins) {
  const char* own = std::getenv("TROUPE_SESSION_ID");
  auto session = !o.session.empty() ? o.session : std::string(own ? own : "");
  if (session.empty())
    return fail({errc::wrong_state, "work is declared by a program inside a session, and this is outside of one\nname "
                                    "the session: troupe work --session ID start TITLE"});
  if (o.session.empty())
    use_session_socket();
  std::string title;
  for (const auto& word : o.title)
    title += (title.empty() ? "" : " ") + word;
  client c("troupe work");
  failure error;
  auto got = ask_patiently(c,
                           {{"id", bytes_to_json(session)},
                            {"action", begins ? "start" : "end"},
                            {"work", bytes_to_json(o.id.empty() ? fresh_key().substr(0, 8) : o.id)},
                            {"title", bytes_to_json(title)}},
                           error);
  if (!got)
    return fail(error);
  print(begins ? visible(text_of(*got, "work")) + "\n" : "ended · " + visible(text_of(*got, "work")) + "\n");
  return exit_ok;
}

} // namespace

int run_work(const arguments& args) {
  work_options o;
  int code = exit_ok;
  argument_parser app{"Declares work of a program inside a session: the session is at work until it ends.",
                      "troupe work"};
  app.add_option("--session", o.session, "another session than the one this runs in: id, name, or beginning of an id");
  auto& start = app.add_subcommand("start", "work begins; prints its id");
  start.add_option("--id", o.id, "name it yourself; a second start with the same id changes the title");
  start.add_option("TITLE", o.title, "what is done, as the session's row shows it").required();
  auto& end = app.add_subcommand("end", "work is done");
  end.add_option("ID", o.id, "as start has printed it").required();
  for (auto* each : {&start, &end})
    each->fallthrough();
  if (!args.empty() && !args[0].starts_with("-") && args[0] != "start" && args[0] != "end")
    return fail_usage("troupe work: unknown word: " + args[0], "one of: start, end");
  if (!read_arguments(app, args, "troupe work start --id deploy \"watch the rollout\"", code))
    return code;
  return declare(o, start.parsed());
}

} // namespace troupe
