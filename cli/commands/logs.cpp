// troupe logs ID [-f] [--lines N] [--raw] [--json]: what a session has said (LOG-1). Reads the session's files itself;
// following goes to its worker's socket.
#include <algorithm>
#include <deque>

#include <unistd.h>

#include "cli/command.hpp"
#include "cli/frames.hpp"
#include "runtime/files/line_file.hpp"
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

/// What of the output is shown, given raw bytes.
struct output_printer {
  const logs_options& o;
  tail& out;
  plain_lines lines;
  void take(std::string_view bytes) { out.add(o.raw ? std::string(bytes) : safe(lines.feed(bytes))); }
  void finish() {
    if (!o.raw)
      out.add(safe(lines.finish()));
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
};

int show_output(const logs_options& o, const json& place) {
  tail out(o.lines);
  output_printer printer{o, out, {}};
  failure error;
  std::uint64_t at = 0;
  auto path = text_of(place, "directory") + "/output";
  if (auto ring = output_ring::open(path, error); ring.valid()) {
    for (at = ring.begin(); at < ring.end();) {
      auto piece = ring.read(at);
      printer.take({piece.data(), piece.size()});
      at += piece.size();
    }
  } else if (::access(path.c_str(), F_OK) == 0) {
    return fail(error);
  }
  frame_stream worker;
  if (o.follow && place.contains("socket") &&
      worker.open(text_of(place, "socket"), {{"mode", "follow"}, {"from", at}}, error)) {
    out.flush();
    char type = 0;
    std::string payload;
    do {
      while (worker.next(type, payload)) {
        if (type == 'o')
          printer.take(payload);
        else if (type == 'x') {
          printer.finish();
          return exit_ok;
        }
      }
    } while (worker.fill());
  }
  printer.finish();
  out.flush();
  return exit_ok;
}

void show_event(const logs_options& o, tail& out, const event& e) {
  if (o.as_json)
    out.add(to_line(to_json(e)) + "\n");
  else if (auto text = event_text(e); !text.empty())
    out.add(text);
}

int show_events(const logs_options& o, const json& place) {
  tail out(o.lines);
  std::uint64_t last = 0;
  auto report = read_lines(
      text_of(place, "directory") + "/transcript.jsonl", 0,
      [&](const json& line) {
        auto e = event_from_json(line);
        last = e.n;
        show_event(o, out, e);
      },
      false);
  frame_stream worker;
  failure error;
  if (o.follow && place.contains("socket") &&
      worker.open(text_of(place, "socket"), {{"mode", "follow"}, {"from", last}}, error)) {
    out.flush();
    char type = 0;
    std::string payload;
    do {
      while (worker.next(type, payload)) {
        if (type == 'x')
          return exit_ok;
        auto parsed = json::parse(payload, nullptr, false);
        if (type == 'e' && parsed.is_object())
          show_event(o, out, event_from_json(parsed));
      }
    } while (worker.fill());
  }
  out.flush();
  for (const auto& p : report.problems)
    if (!report.torn)
      print_error("troupe: " + visible(p) + "\n");
  return exit_ok;
}

} // namespace

int run_logs(const arguments& args) {
  logs_options o;
  int code = exit_ok;
  CLI::App app{"Prints what a session has said: a conversation dated, a shell job's lines without escapes.",
               "troupe logs"};
  app.add_option("ID", o.id, "id, name, or the beginning of an id")->required();
  app.add_flag("-f,--follow", o.follow, "go on until the session ends");
  app.add_option("--lines", o.lines, "the last N lines only");
  app.add_flag("--raw", o.raw, "a shell job's bytes as they are");
  app.add_flag("--json", o.as_json, "the session's events");
  if (!read_arguments(app, args, "troupe logs -f fix-auth", code))
    return code;
  client c("troupe logs");
  auto place = reach(c, true) ? ask_or_say(c, "session/logs", {{"id", bytes_to_json(o.id)}}) : std::nullopt;
  if (!place)
    return exit_failure;
  return text_of(*place, "kind") == "pty" && !o.as_json ? show_output(o, *place) : show_events(o, *place);
}

} // namespace troupe
