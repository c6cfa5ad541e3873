// troupe attach ID [-r] [--detach-key ^X]: shows a shell job's terminal here (ATT-2 to ATT-5). Bytes go between this
// process and the worker alone.
#include <chrono>
#include <csignal>
#include <cstring>

#include <poll.h>
#include <sys/ioctl.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "cli/clipboard_guard.hpp"
#include "cli/command.hpp"
#include "cli/terminal.hpp"
#include "runtime/io/frames.hpp"

namespace troupe {

namespace {

constexpr auto patience = std::chrono::seconds(60); ///< ATT-4
constexpr int history_lines = 2000;                 ///< ATT-1
constexpr std::int64_t long_away_ms = 60'000;

struct attach_options {
  std::string id, key = "^\\";
  bool read_only = false, from_view = false;
};

struct outcome {
  enum { detached, ended, lost } how = lost;
  json end;
};

/// "^X" as the byte that a terminal sends for it; 0 for none.
char key_byte(const std::string& text) {
  return text.size() == 2 && text[0] == '^' ? static_cast<char>(text[1] & 0x1f) : '\0';
}

std::string size_payload() {
  winsize size{};
  if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row == 0 || size.ws_col == 0)
    size = {24, 80, 0, 0};
  return {static_cast<char>(size.ws_row & 0xff), static_cast<char>(size.ws_row >> 8),
          static_cast<char>(size.ws_col & 0xff), static_cast<char>(size.ws_col >> 8)};
}

/// What a shell job put out while no terminal showed it, from the worker's answer; empty where that is not worth a
/// word.
std::string recap(const json& answer) {
  auto away = answer.value("away", json::object());
  auto ms = optional_number(away, "ms", 0), lines = optional_number(away, "lines", 0);
  bool silent = optional_number(away, "bytes", 0) == 0;
  if (silent && ms < long_away_ms)
    return {};
  auto what = silent       ? "no output"
              : lines == 0 ? "output"
                           : (away.value("more", false) ? "more than " : "") + std::to_string(lines) +
                                 (lines == 1 ? " line" : " lines");
  return "meanwhile, in " + age(ms) + ": " + what;
}

class attachment {
public:
  attachment(frame_stream& worker, const attach_options& o, bool writes_clipboard)
      : worker_(worker), guard_(writes_clipboard), key_(key_byte(o.key)), read_only_(o.read_only) {}

  outcome run() {
    sigset_t set;
    ::sigemptyset(&set);
    for (int s : {SIGWINCH, SIGTERM, SIGHUP, SIGINT})
      ::sigaddset(&set, s);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    unique_fd signals(::signalfd(-1, &set, SFD_CLOEXEC));
    show_frames(); // the first ones may have come with the answer
    while (!over_) {
      pollfd ready[] = {{STDIN_FILENO, POLLIN, 0}, {worker_.fd(), POLLIN, 0}, {signals.get(), POLLIN, 0}};
      if (::poll(ready, 3, key_pending_ ? 500 : -1) == 0 && key_pending_)
        finish(outcome::detached); // the key was pressed once
      if (ready[2].revents != 0)
        take_signal(signals.get());
      if (ready[1].revents != 0)
        take_output();
      if (ready[0].revents != 0 && !over_)
        take_input();
    }
    return out_;
  }

private:
  void finish(decltype(outcome::how) how) {
    out_.how = how;
    over_ = true;
  }

  void take_signal(int fd) {
    signalfd_siginfo s{};
    if (::read(fd, &s, sizeof s) != sizeof s)
      return;
    if (s.ssi_signo == SIGWINCH)
      worker_.send('r', size_payload());
    else
      finish(outcome::detached);
  }

  void take_output() {
    bool more = worker_.fill();
    show_frames();
    if (!more && !over_)
      finish(outcome::lost);
  }

  void show_frames() {
    char type = 0;
    std::string payload;
    while (worker_.next(type, payload)) {
      if (type == 'h') {
        print((std::exchange(shown_, true) ? "" : "\r") + payload);
      } else if (type == 'o') {
        if (!std::exchange(begun_, true))
          begin();
        print(guard_.pass(payload));
      } else if (type == 'x') {
        out_.end = json::parse(payload, nullptr, false);
        finish(outcome::ended);
        return;
      }
    }
  }

  /// ATT-1: what stands on the terminal, the session's last lines at its end, goes up into its scrollback, and the
  /// session's screen comes below. Of what happened meanwhile a line is between the two.
  void begin() {
    auto size = size_payload();
    auto rows =
        static_cast<std::size_t>(static_cast<unsigned char>(size[0]) | static_cast<unsigned char>(size[1]) << 8);
    auto said = recap(worker_.answer());
    print("\r" + (said.empty() ? "" : "\x1b[2m[" + said + "]\x1b[0m\r\n") + std::string(rows - 1, '\n'));
  }

  void take_input() {
    char block[4096];
    auto n = ::read(STDIN_FILENO, block, sizeof block);
    if (n <= 0) {
      finish(outcome::detached);
      return;
    }
    std::string typed;
    for (char c : std::string_view(block, static_cast<std::size_t>(n))) {
      if (c == key_ && key_ != '\0' && !key_pending_) {
        key_pending_ = true;
        continue;
      }
      if (key_pending_ && c != key_) { // pressed once, then something else: the key was meant
        finish(outcome::detached);
        return;
      }
      key_pending_ = false; // pressed twice: sent once (ATT-2)
      typed += c;
    }
    if (!typed.empty() && !read_only_)
      worker_.send('i', typed);
  }

  frame_stream& worker_;
  clipboard_guard guard_;
  char key_;
  bool read_only_, key_pending_ = false, over_ = false, shown_ = false, begun_ = false;
  outcome out_;
};

/// How and when a shell job ended, from its row.
std::string ending(const json& row) {
  auto state = text_of(row, "state");
  auto status = optional_number(row, "exitStatus", -1);
  auto now = std::chrono::system_clock::now().time_since_epoch();
  auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(now).count() - optional_number(row, "changedAt", 0);
  return (state == "done"      ? "completed"
          : state == "stopped" ? "was stopped"
                               : "has " + state) +
         (status > 0 ? " with exit status " + std::to_string(status) : "") + ", " + age(ms) + " ago";
}

/// ATT-4: waits until the session has a worker that can be attached to; the tail of its output is shown meanwhile.
std::optional<json> find_worker(client& c, const attach_options& o, int& code) {
  auto end = std::chrono::steady_clock::now() + patience;
  bool said = false;
  json params{{"id", bytes_to_json(o.id)}, {"env", environment_json()}};
  if (!ask_or_say(c, "session/subscribe", {{"all", true}}))
    return {};
  for (;;) {
    auto place = ask_or_say(c, "session/attach", params, true);
    if (!place)
      return {};
    if (place->contains("socket") && text_of(*place, "process") == "alive")
      return place;
    if (text_of(*place, "process") == "exited" && text_of(*place, "kind") == "pty") {
      run_logs({o.id, "--lines", "20"});
      if (auto row = ask_or_say(c, "session/get", {{"id", bytes_to_json(o.id)}}))
        code = fail({errc::not_running, "the shell job " + ending(*row) + "\nrun it again: troupe respawn " + o.id});
      return {};
    }
    if (!std::exchange(said, true)) {
      run_logs({o.id, "--lines", "20"});
      print_error("Session is starting\n");
    }
    auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - std::chrono::steady_clock::now()).count();
    json note;
    if (left <= 0 || !c.next_change(note, static_cast<int>(left))) {
      code = fail({errc::timed_out, "the session did not start within a minute\nsee why: troupe why " + o.id});
      return {};
    }
  }
}

void say_end(const outcome& out, const std::string& id) {
  if (out.how == outcome::detached)
    print("\n[detached · come back with: troupe attach " + id + "]\n");
  else if (out.how == outcome::ended)
    print("\n[session ended: " + visible(text_of(out.end, "detail")) + " " +
          std::to_string(out.end.value("status", 0)) + "]\n");
  else
    print("\n[the session's process has gone · see: troupe why " + id + "]\n");
}

/// SEC-2: `attach.clipboard` is "write": what is shown may fill the terminal's clipboard.
bool writes_clipboard(const paths& where) {
  failure ignored;
  auto settings = json::parse(read_file(where.config + "/settings.json", ignored).value_or(""), nullptr, false);
  auto at = settings.is_object() ? settings.find("attach") : settings.end();
  return settings.is_object() && at != settings.end() && at->is_object() &&
         at->value("clipboard", json()) == json("write");
}

/// A conversation is shown by troupe-view, which this becomes. Returns where that cannot be.
int become_conversation(const attach_options& o, const std::string& id) {
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return fail({errc::bad_request, "attach needs a terminal\nto read a conversation: troupe logs " + id});
  std::vector<std::string> words{"--attach", id};
  if (o.read_only)
    words.emplace_back("--read-only");
  if (o.from_view)
    words.emplace_back("--from-view");
  return become_view(words);
}

} // namespace

int run_attach(const arguments& args) {
  attach_options o;
  int code = exit_failure;
  argument_parser app{"Shows a shell job's terminal here. Detach with Ctrl+\\ (press it twice to send it).",
                      "troupe attach"};
  app.add_option("ID", o.id, "id, name, or the beginning of an id").required();
  app.add_flag("-r,--read-only", o.read_only, "type nothing");
  app.add_flag("--from-view", o.from_view, "").hidden();
  app.add_option("--detach-key", o.key, "another key, as ^X");
  if (!read_arguments(app, args, "troupe attach fix-auth", code))
    return code;
  if (key_byte(o.key) == '\0')
    return fail_usage("troupe attach: --detach-key takes ^ and one character",
                      "for example: troupe attach --detach-key ^] " + o.id);
  client c("troupe attach");
  if (!reach(c, true))
    return exit_failure;
  json asked{{"id", bytes_to_json(o.id)}};
  auto row = ask_or_say(c, "session/get", asked);
  auto kind = row ? ask_or_say(c, "session/logs", asked) : std::nullopt;
  if (!kind)
    return exit_failure;
  if (text_of(*kind, "kind") == "conversation")
    return become_conversation(o, text_of(*row, "id"));
  code = exit_failure;
  auto place = find_worker(c, o, code);
  if (!place)
    return code;
  auto size = size_payload();
  json params{{"mode", o.read_only ? "read" : "terminal"},
              {"rows", static_cast<unsigned char>(size[0]) | static_cast<unsigned char>(size[1]) << 8},
              {"cols", static_cast<unsigned char>(size[2]) | static_cast<unsigned char>(size[3]) << 8},
              {"history", history_lines}};
  failure error;
  raw_terminal terminal;
  frame_stream worker;
  if (::isatty(STDIN_FILENO) == 0 || ::isatty(STDOUT_FILENO) == 0)
    return fail({errc::bad_request, "attach needs a terminal\nto read a session's output: troupe logs " + o.id});
  if (!worker.open(text_of(*place, "socket"), params, error) || !raw_terminal::enter(terminal, error))
    return fail(error);
  auto out = attachment(worker, o, writes_clipboard(c.where())).run();
  terminal.leave();
  say_end(out, o.id);
  return out.how == outcome::lost ? exit_failure : exit_ok;
}

} // namespace troupe
