// troupe logs ID [-f] [--lines N] [--raw] [--json]: what a session has said (LOG-1). Reads the session's files itself;
// following goes to its worker's socket.
#include <algorithm>
#include <deque>
#include <memory>

#include <unistd.h>

#include "cli/command.hpp"
#include "runtime/files/line_file.hpp"
#include "runtime/io/frames.hpp"
#include "runtime/worker/terminal/output_ring.hpp"
#include "runtime/worker/terminal/plain_lines.hpp"

namespace troupe {

namespace {

struct logs_options {
  std::string id;
  bool follow = false, raw = false, as_json = false;
  std::size_t lines = 0;
};

std::string event_text(const event& e) {
  auto line = [&](const std::string& who, const std::string& text) {
    return local_time(e.t) + "  " + who + "  " + visible(text) + "\n";
  };
  std::string out;
  if (e.what == "taken")
    return line("you  ", e.text);
  if (e.what == "text" && e.detail != "user")
    for (std::size_t at = 0; at < e.text.size();) {
      auto end = std::min(e.text.find('\n', at), e.text.size());
      out += line(e.detail == "thought" ? "think" : "agent", e.text.substr(at, end - at));
      at = end + 1;
    }
  if (e.what == "tool")
    return line("tool ", e.text + (e.detail.empty() ? "" : " · " + e.detail));
  if (e.what == "question") {
    out = line("asks ", e.text);
    for (const auto& o : e.options)
      out += line("     ", std::to_string(o.n) + " " + o.name);
    return out;
  }
  if (e.what == "answered")
    return line("said ", e.text + (e.detail.empty() ? "" : " · by " + e.detail));
  if (e.what == "turn_ended")
    return line("turn ", e.detail + (e.text.empty() ? "" : ": " + e.text));
  if (e.what == "ended")
    return line("ended",
                e.detail + (e.value != 0 ? " " + std::to_string(e.value) : "") + (e.text.empty() ? "" : ": " + e.text));
  if (e.what == "note")
    return line("note ", e.text);
  return out;
}

/// Keeps the last lines only, where --lines asks for it.
class tail {
public:
  explicit tail(std::size_t most) : most_(most) {}
  void add(const std::string& text) {
    if (most_ == 0) {
      print(text);
      return;
    }
    for (std::size_t at = 0; at < text.size();) {
      auto end = std::min(text.find('\n', at), text.size() - 1);
      kept_.push_back(text.substr(at, end + 1 - at));
      at = end + 1;
      if (kept_.size() > most_)
        kept_.pop_front();
    }
  }
  void flush() {
    for (const auto& l : kept_)
      print(l);
    kept_.clear();
    most_ = 0;
  }

private:
  std::size_t most_;
  std::deque<std::string> kept_;
};

/// What a session has said: files that stay, and frames of the worker that goes on.
class source {
public:
  virtual ~source() = default;
  /// Prints what the files hold beyond what was printed.
  virtual failure catch_up() = 0;
  /// From where the worker is to go on.
  [[nodiscard]] virtual std::uint64_t at() const = 0;
  virtual void take(char type, const std::string& payload) = 0;
  virtual void finish() = 0;
};

class output_source final : public source {
public:
  output_source(const logs_options& o, tail& out, std::string path) : o_(o), out_(out), path_(std::move(path)) {}
  failure catch_up() override {
    failure error;
    auto ring = output_ring::open(path_, error);
    if (!ring.valid())
      return ::access(path_.c_str(), F_OK) == 0 ? error : failure{};
    for (at_ = std::max(at_, ring.begin()); at_ < ring.end();) {
      auto piece = ring.read(at_);
      print_bytes({piece.data(), piece.size()});
    }
    return {};
  }
  [[nodiscard]] std::uint64_t at() const override { return at_; }
  void take(char type, const std::string& payload) override {
    if (type == 'o')
      print_bytes(payload);
    else if (type == 'g' && payload.size() == 8) // what came before is lost
      for (at_ = 0; auto c : std::string(payload.rbegin(), payload.rend()))
        at_ = at_ << 8 | static_cast<unsigned char>(c);
  }
  void finish() override {
    if (!o_.raw)
      out_.add(safe(lines_.finish()));
  }

private:
  void print_bytes(std::string_view bytes) {
    at_ += bytes.size();
    out_.add(o_.raw ? std::string(bytes) : safe(lines_.feed(bytes)));
  }
  static std::string safe(const std::string& text) {
    std::string shown;
    for (std::size_t at = 0; at < text.size();) {
      auto end = std::min(text.find('\n', at), text.size());
      shown += visible(text.substr(at, end - at)) + "\n";
      at = end + 1;
    }
    return shown;
  }
  const logs_options& o_;
  tail& out_;
  std::string path_;
  plain_lines lines_;
  std::uint64_t at_ = 0;
};

class events_source final : public source {
public:
  events_source(const logs_options& o, tail& out, std::string path) : o_(o), out_(out), path_(std::move(path)) {}
  failure catch_up() override {
    auto report = read_lines(
        path_, 0, [&](const json& line) { show(event_from_json(line)); }, false);
    if (!report.torn && !std::exchange(told_, true))
      for (const auto& p : report.problems)
        print_error("troupe: " + visible(p) + "\n");
    return {};
  }
  [[nodiscard]] std::uint64_t at() const override { return last_; }
  void take(char type, const std::string& payload) override {
    auto parsed = json::parse(payload, nullptr, false);
    if (type == 'e' && parsed.is_object())
      show(event_from_json(parsed));
  }
  void finish() override {}

private:
  void show(const event& e) {
    if (e.n <= last_)
      return;
    last_ = e.n;
    if (o_.as_json)
      out_.add(to_line(to_json(e)) + "\n");
    else if (auto text = event_text(e); !text.empty())
      out_.add(text);
  }
  const logs_options& o_;
  tail& out_;
  std::string path_;
  std::uint64_t last_ = 0;
  bool told_ = false;
};

/// Prints what the worker says until it ends; true when it has told the session's end.
bool stream(source& from, const std::string& socket) {
  frame_stream worker;
  failure error;
  if (!worker.open(socket, {{"mode", "follow"}, {"from", from.at()}}, error))
    return false;
  char type = 0;
  std::string payload;
  do
    while (worker.next(type, payload)) {
      if (type == 'x')
        return true;
      from.take(type, payload);
    }
  while (worker.fill());
  return false;
}

/// Whether another worker may come: the session has a process, or is due to get one again.
bool goes_on(const json& place) {
  auto state = text_of(place, "state");
  return text_of(place, "process") != "exited" || state == "working" || state == "blocked" || state == "unknown";
}

/// The session's place once it is another than `before`, or the session has ended; none: `error` says why.
std::optional<json> next_place(source& from, const json& asked, const json& before, failure& error) {
  client c("troupe logs"); // of its own: changes that nobody reads while the worker is followed would fill it
  if (!c.connect(true, error) || !c.ask("session/subscribe", {{"all", true}}, error))
    return {};
  for (;;) {
    auto now = c.ask("session/logs", asked, error);
    if (!now)
      return {};
    from.catch_up(); // what ended between a look at the place and a connection to it is in the files
    json note;
    if (!goes_on(*now) || *now != before)
      return now;
    if (!c.next_change(note, -1)) {
      error = {errc::worker_gone, "the connection to the background service was lost\ngo on with: troupe logs -f"};
      return {};
    }
  }
}

/// Follows to the session's end, over restarts of its worker.
int follow(source& from, const json& asked, json place) {
  failure error;
  for (;;) {
    if (place.contains("socket") && stream(from, text_of(place, "socket")))
      return exit_ok;
    auto now = next_place(from, asked, place, error);
    if (!now)
      return error.code == errc::no_such_session ? exit_ok : fail(error);
    if (!goes_on(*now))
      return exit_ok;
    place = std::move(*now);
  }
}

/// Why a session has failed may be no event of it: its process never came (CLI-6).
void tell_failure(const json& asked) {
  client c("troupe logs");
  failure ignored;
  if (!c.connect(false, ignored))
    return;
  auto chain = c.ask("session/why", asked, ignored);
  if (!chain || !chain->is_array())
    return;
  for (const auto& line : *chain)
    if (const auto what = text_of(line, "what"); what == "settled") {
      if (const auto text = text_of(line, "text"); text.starts_with("failed: "))
        print_error(visible(text.substr(0, text.find('\n'))) + "\n");
      return;
    } else if (what == "started" || what == "claimed" || what == "start") {
      return; // it runs again
    }
}

int show(const logs_options& o, const json& asked, const json& place) {
  tail out(o.lines);
  auto folder = text_of(place, "directory");
  std::unique_ptr<source> from;
  if (text_of(place, "kind") == "pty" && !o.as_json)
    from = std::make_unique<output_source>(o, out, folder + "/output");
  else
    from = std::make_unique<events_source>(o, out, folder + "/transcript.jsonl");
  if (auto error = from->catch_up(); error.code != errc::ok)
    return fail(error);
  int code = exit_ok;
  if (o.follow) {
    out.flush();
    code = follow(*from, asked, place);
  }
  from->finish();
  out.flush();
  tell_failure(asked);
  return code;
}

} // namespace

int run_logs(const arguments& args) {
  logs_options o;
  int code = exit_ok;
  argument_parser app{"Prints what a session has said: a conversation dated, a shell job's lines without escapes.",
                      "troupe logs"};
  app.add_option("ID", o.id, "id, name, or the beginning of an id").required();
  app.add_flag("-f,--follow", o.follow, "go on until the session ends");
  app.add_option("--lines", o.lines, "the last N lines only");
  app.add_flag("--raw", o.raw, "a shell job's bytes as they are");
  app.add_flag("--json", o.as_json, "the session's events");
  if (!read_arguments(app, args, "troupe logs -f fix-auth", code))
    return code;
  client c("troupe logs");
  json asked{{"id", bytes_to_json(o.id)}};
  auto place = reach(c, true) ? ask_or_say(c, "session/logs", asked) : std::nullopt;
  return place ? show(o, asked, *place) : exit_failure;
}

} // namespace troupe
