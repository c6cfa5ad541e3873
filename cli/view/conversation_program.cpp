// A terminal attached to a conversation, put together.
#include "cli/view/conversation_program.hpp"

#include "cli/client.hpp"
#include "cli/output.hpp"
#include "runtime/files/line_file.hpp"

namespace troupe {

namespace {
constexpr auto retry_time = std::chrono::milliseconds(300);
constexpr std::size_t recent = 20;
} // namespace

conversation_program::conversation_program(conversation_setup setup)
    : setup_(std::move(setup)), stage_(loop_, {[this](view::event e) { terminal_event(std::move(e)); },
                                               [this] {
                                                 machine_.now = wall_now();
                                                 stage_.show(view::show(machine_), view::next_change(machine_));
                                               }}),
      again_(loop_) {
  machine_.set = setup_.config;
}

int conversation_program::run() {
  auto until_left = asio::make_work_guard(loop_);
  failure error;
  setup_.settings.terminal.guard = setup_.client;
  if (setup_.settings.screen_reader)
    stage_.open_spoken();
  else if (!stage_.open(setup_.settings.terminal, error))
    return fail(error);
  link_.emplace(loop_, setup_.where, "troupe attach",
                supervisor_link::callbacks{[this](view::event e) { supervisor_event(std::move(e)); },
                                           [this] { seek(!std::exchange(woken_, true)); }});
  link_->open();
  loop_.run();
  stage_.close();
  link_.reset();
  if (worker_)
    worker_->close();
  if (setup_.config.foreground && !backgrounded_)
    end_foreground();
  if (!last_words_.empty())
    print(last_words_);
  return stage_.code();
}

void conversation_program::take(const view::conversation_event& e) {
  std::vector<view::conversation_intent> wants;
  view::next(machine_, e, wall_now(), wants);
  if (setup_.settings.screen_reader)
    speak_of(e);
  for (const auto& w : wants)
    carry_out(w);
  stage_.dirty();
}

/// For those who hear it, and for terminals that show lines only: what is said, and what the footer would tell.
void conversation_program::speak_of(const view::conversation_event& e) {
  if (const auto* lines = std::get_if<view::happened>(&e)) {
    std::vector<std::string> all;
    for (const auto& x : lines->lines)
      for (auto& said : speech_.take(x))
        all.push_back(std::move(said));
    auto skip = std::exchange(heard_before_, true) || all.size() <= recent ? 0 : all.size() - recent;
    for (auto i = skip; i < all.size(); ++i) // of what was said before, the end
      stage_.speak(all[i]);
  }
  if (machine_.gone && !std::exchange(told_gone_, true))
    stage_.speak("The session was removed.");
  const auto& notice = machine_.notice.text;
  if (std::exchange(noticed_, notice) != notice && !notice.empty())
    stage_.speak(notice);
}

void conversation_program::terminal_event(view::event e) {
  std::visit(
      [this](auto& x) {
        if constexpr (std::is_constructible_v<view::conversation_event, decltype(x)>)
          take(x);
      },
      e);
}

void conversation_program::about_session(const view::session& now) {
  if (now.now.id.value != setup_.config.id)
    return;
  take(view::row_told{now});
  if (!worker_ && now.now.process != "exited")
    seek(false);
}

void conversation_program::supervisor_event(view::event e) {
  if (auto* all = std::get_if<view::connected>(&e)) {
    take(view::link_told{true});
    bool there = false;
    for (const auto& s : all->sessions)
      if (s.now.id.value == setup_.config.id) {
        about_session(s);
        there = true;
      }
    if (!there)
      take(view::session_gone{});
  } else if (std::holds_alternative<view::disconnected>(e)) {
    take(view::link_told{false});
  } else if (auto* one = std::get_if<view::changed>(&e)) {
    about_session(one->now);
  } else if (auto* gone = std::get_if<view::removed>(&e); gone != nullptr && gone->id == setup_.config.id) {
    take(view::session_gone{});
  }
}

/// Finds the session's worker, and what was said before (ATT-4). `wake`: starts one where there is none.
void conversation_program::seek(bool wake) {
  if (seeking_ || worker_)
    return;
  seeking_ = true;
  link_->ask("session/attach", {{"id", bytes_to_json(setup_.config.id)}, {"wake", wake}, {"env", environment_json()}},
             [this](const json* result, const failure&) {
               seeking_ = false;
               if (result != nullptr)
                 found(*result);
             });
}

void conversation_program::found(const json& place) {
  read_transcript(text_of(place, "directory"));
  auto socket = text_of(place, "socket");
  if (socket.empty() || worker_)
    return;
  worker_link::callbacks on;
  on.events = [this](std::vector<event> lines) {
    if (!machine_.live)
      take(view::worker_reached{true});
    take(view::happened{std::move(lines)});
  };
  on.lost = [this] { worker_lost(); };
  worker_ = worker_link::open(loop_, socket, setup_.config.read_only, machine_.said.last(), std::move(on));
  if (worker_)
    take(view::worker_reached{true});
  else
    worker_lost();
}

void conversation_program::read_transcript(const std::string& directory) {
  view::happened lines;
  read_lines(
      directory + "/transcript.jsonl", 0,
      [&](const json& line) {
        auto e = event_from_json(line);
        if (e.n > machine_.said.last())
          lines.lines.push_back(std::move(e));
      },
      false);
  if (!lines.lines.empty())
    take(lines);
}

/// A next worker may come: the row tells of it, or this look finds it.
void conversation_program::worker_lost() {
  worker_.reset();
  take(view::worker_reached{false});
  again_.expires_after(retry_time);
  again_.async_wait([this](const asio::error_code& e) {
    if (!e && machine_.about.now.process != "exited")
      seek(false);
  });
}

void conversation_program::ask(const view::conversation_intent& w, const std::string& method, json params,
                               const char* told) {
  params["id"] = bytes_to_json(setup_.config.id);
  auto done = [this, told, token = w.token](const json* result, const failure& error) {
    take(view::done_told{token, result != nullptr, result ? text_of(*result, told) : error.text});
  };
  if (params.contains("key"))
    link_->ask_keyed(method, std::move(params), done);
  else
    link_->ask(method, std::move(params), done);
}

void conversation_program::carry_out(const view::conversation_intent& w) {
  using intent = view::conversation_intent;
  switch (w.kind) {
  case intent::reply:
    return ask(w, "session/reply",
               {{"text", bytes_to_json(w.text)}, {"key", fresh_key()}, {"env", environment_json()}});
  case intent::answer:
    return ask(w, "session/answer",
               {{"choice", bytes_to_json(w.text)}, {"question", w.question}, {"key", fresh_key()}, {"by", "terminal"}});
  case intent::cancel:
    return ask(w, "session/cancel", json::object());
  case intent::stop:
    return ask(w, "session/stop", {{"by", "terminal"}});
  case intent::rename:
    return ask(w, "session/rename", {{"name", bytes_to_json(w.text)}});
  case intent::fork: {
    json params{{"key", fresh_key()}, {"env", environment_json()}};
    if (!w.text.empty())
      params["prompt"] = bytes_to_json(w.text);
    return ask(w, "session/fork", std::move(params), "id");
  }
  case intent::mode:
    return ask(w, "session/set_mode", {{"mode", bytes_to_json(w.text)}, {"by", "terminal"}}, "value");
  case intent::model:
    return ask(w, "session/set_model", {{"model", bytes_to_json(w.text)}, {"by", "terminal"}}, "value");
  case intent::edit:
    return stage_.edit(w.text, [this, token = w.token](bool good, const std::string& text) {
      take(view::done_told{token, good, text});
    });
  case intent::background:
    backgrounded_ = true;
    if (!w.text.empty()) {
      link_->ask("session/reply",
                 {{"id", bytes_to_json(setup_.config.id)},
                  {"text", bytes_to_json(w.text)},
                  {"key", fresh_key()},
                  {"env", environment_json()}},
                 [this](const json*, const failure&) { leave("backgrounded"); });
      return;
    }
    return leave("backgrounded");
  case intent::view:
    to_view_ = true;
    backgrounded_ = true;
    return stage_.leave(exit_ok);
  case intent::leave:
    return setup_.config.foreground ? stage_.leave(exit_ok) : leave("detached");
  case intent::suspend:
    return stage_.stop_for_a_while();
  case intent::redraw:
    return stage_.dirty(true);
  }
}

void conversation_program::leave(const std::string& word) {
  auto name = visible_line(machine_.about.now.name);
  last_words_ = word + " · " + setup_.config.id + (name.empty() ? "" : " · " + name) +
                "\n  come back with: troupe attach " + setup_.config.id + "\n";
  stage_.leave(exit_ok);
}

/// BG-3: with the terminal closed, what works goes on in the background, and what rests ends.
void conversation_program::end_foreground() {
  bool busy = view::turn_runs(machine_) || !machine_.about.now.work.empty() || machine_.about.now.state == "working";
  if (busy) {
    last_words_ = "backgrounded · " + setup_.config.id + "\n  it is still at work; come back with: troupe attach " +
                  setup_.config.id + "\n";
    return;
  }
  client c("troupe");
  c.be_quiet();
  failure ignored;
  if (c.connect(false, ignored))
    c.ask("session/stop", {{"id", bytes_to_json(setup_.config.id)}, {"by", "terminal"}}, ignored);
}

} // namespace troupe
