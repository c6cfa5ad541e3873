// The agent view put together: events to the actor, screens to the terminal.
#include "cli/view/view_program.hpp"

#include <asio/post.hpp>

#include "caf/send.hpp"

#include "cli/output.hpp"
#include "cli/view/view_port.hpp"

namespace troupe {

namespace {

std::string kept_file(const paths& where) {
  return where.state + "/view.json";
}

} // namespace

view_program::view_program(view_setup setup)
    : setup_(std::move(setup)), system_(config_),
      stage_(loop_, {[this](view::event e) { event(std::move(e)); }, [this] { ask_screen(); }}) {
  static_cast<loop_scheduler&>(system_.scheduler()).enter(loop_);
  ask_screen = [this] { // until the port runs
    stage_.nothing_to_show();
    asio::post(loop_, [this] { stage_.dirty(); });
  };
  failure ignored;
  agent_view_setup view;
  view.config = setup_.config;
  view.remembered = read_file(kept_file(setup_.where), ignored).value_or("");
  port_ = system_.spawn(make_view_port, this, std::function<agent_view_actor()>([this] { return view_; }));
  view.port = port_;
  view.now = wall_now;
  view_ = system_.spawn(make_agent_view, std::move(view));
}

view_program::~view_program() {
  stage_.close();
  link_.reset();
  ask_screen = {};
  caf::anon_send_exit(view_, caf::exit_reason::kill);
  caf::anon_send_exit(port_, caf::exit_reason::kill);
  view_ = agent_view_actor();
  port_ = view_port_actor();
  static_cast<loop_scheduler&>(system_.scheduler()).leave();
  system_.await_all_actors_done();
}

int view_program::run() {
  auto until_left = asio::make_work_guard(loop_);
  setup_.settings.terminal.guard = setup_.client;
  failure error;
  if (setup_.settings.screen_reader)
    stage_.open_spoken();
  else if (!stage_.open(setup_.settings.terminal, error))
    return fail(error);
  link_.emplace(loop_, setup_.where, "troupe agents",
                supervisor_link::callbacks{[this](view::event e) {
                                             if (setup_.settings.screen_reader)
                                               speak_of(e);
                                             event(std::move(e));
                                           },
                                           [this] { supervisor_is_there(); }});
  link_->open();
  loop_.run();
  return stage_.code();
}

/// What comes in one turn of the loop goes to the actor at once.
void view_program::event(view::event e) {
  roster_came_ = roster_came_ || std::holds_alternative<view::connected>(e);
  if (events_.empty())
    asio::post(loop_, [this] { caf::anon_send(view_, view_events{std::exchange(events_, {})}); });
  events_.push_back(std::move(e));
}

/// For those who hear it: each change in a line.
void view_program::speak_of(const view::event& e) {
  if (const auto* all = std::get_if<view::connected>(&e)) {
    stage_.speak(std::to_string(all->sessions.size()) +
                 " sessions. A line is a task, or ! COMMAND, or /help. /down and /up move; /peek opens one: a "
                 "number answers it, a line replies.");
    for (const auto& s : all->sessions)
      if (s.now.state == "blocked" || s.now.state == "working")
        stage_.speak(view::spoken(s));
  } else if (const auto* one = std::get_if<view::changed>(&e)) {
    auto text = view::spoken(one->now);
    if (std::exchange(spoken_[one->now.now.id.value], text) != text)
      stage_.speak(text);
  } else if (const auto* gone = std::get_if<view::removed>(&e)) {
    spoken_.erase(gone->id);
  } else if (std::holds_alternative<view::disconnected>(e)) {
    stage_.speak("The background service is away; it is tried again.");
  }
}

void view_program::take(view_wants wants) {
  if (std::exchange(roster_came_, false))
    stage_.hurry(); // what was drawn before was empty
  for (const auto& w : wants.intents)
    carry_out(w);
  stage_.dirty();
}

void view_program::show(const screen_told& told) {
  stage_.show(*told.now, told.changes_in);
}

} // namespace troupe
