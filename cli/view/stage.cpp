// A full-screen program's loop.
#include "cli/view/stage.hpp"

#include <csignal>

#include <istream>

#include <unistd.h>

#include <asio/read_until.hpp>

#include "cli/output.hpp"

namespace troupe {

namespace {
constexpr auto frame_time = std::chrono::milliseconds(33);
} // namespace

wall_ms wall_now() {
  return std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

stage::stage(asio::io_context& loop, callbacks cb)
    : loop_(loop), cb_(std::move(cb)), children_(loop), signals_(loop, SIGTERM, SIGHUP, SIGINT), frame_(loop),
      tick_(loop) {}

bool stage::open(terminal_options options, failure& error) {
  terminal_screen::callbacks on;
  on.event = cb_.event;
  on.ready = on.redraw = [this] { dirty(true); };
  on.drained = [this] { consider_frame(); };
  on.gone = [this] { leave(exit_failure); };
  screen_.emplace(loop_, std::move(options), std::move(on));
  if (!screen_->open(error)) {
    screen_.reset();
    return false;
  }
  ::signal(SIGPIPE, SIG_IGN);
  signals_.add(SIGWINCH);
  signals_.add(SIGTSTP);
  watch_signals();
  return true;
}

void stage::open_spoken() {
  ear_.emplace(loop_, ::dup(STDIN_FILENO));
  cb_.event(view::resized{40, 120});
  watch_signals();
  hear();
  dirty(true);
}

void stage::hear() {
  asio::async_read_until(*ear_, heard_, '\n', [this](const asio::error_code& e, std::size_t) {
    if (e)
      return leave(exit_ok);
    std::istream in(&heard_);
    std::string line;
    std::getline(in, line);
    bool key = line.size() == 1 && line[0] >= '0' && line[0] <= '9'; // an answer's number
    if (key)
      cb_.event(view::key_pressed{line});
    else if (!line.empty())
      cb_.event(view::pasted{line});
    if (!key)
      cb_.event(view::key_pressed{"enter"});
    hear();
  });
}

void stage::speak(const std::string& text) {
  if (ear_)
    print(text + "\n");
}

void stage::notify(const std::string& text, bool bell, bool osc9) {
  if (screen_)
    screen_->notify(text, bell, osc9);
}

void stage::dirty(bool whole) {
  dirty_ = true;
  whole_ = whole_ || whole;
  consider_frame();
}

void stage::hurry() {
  drawn_ = {};
  frame_.cancel();
}

/// A frame at once where the last one is long ago, else when its time has come; none while the last one is on its way.
void stage::consider_frame() {
  bool able = ear_ || (screen_ && screen_->active() && !screen_->busy());
  if (!dirty_ || asking_ || frame_armed_ || !able)
    return;
  if (auto due = drawn_ + frame_time; clock::now() < due) {
    frame_armed_ = true;
    frame_.expires_at(due);
    frame_.async_wait([this](const asio::error_code&) { // passed, or cut short
      frame_armed_ = false;
      consider_frame();
    });
    return;
  }
  asking_ = true;
  dirty_ = false;
  cb_.ask_screen();
}

void stage::show(const view::screen& now, std::int64_t changes_in_ms) {
  asking_ = false;
  if (ear_ && !now.spoken.empty() && std::exchange(spoken_, now.spoken) != now.spoken)
    speak(now.spoken);
  if (screen_ && screen_->active() && screen_->draw(now, std::exchange(whole_, false)))
    drawn_ = clock::now();
  if (changes_in_ms > 0) {
    tick_.expires_after(std::chrono::milliseconds(changes_in_ms));
    tick_.async_wait([this](const asio::error_code& e) {
      if (!e && screen_ && screen_->active())
        cb_.event(view::ticked{});
    });
  }
  consider_frame();
}

void stage::watch_signals() {
  signals_.async_wait([this](const asio::error_code& e, int which) {
    if (e)
      return;
    if (which == SIGWINCH && screen_)
      screen_->resized();
    else if (which == SIGTSTP)
      stop_for_a_while();
    else if (which != SIGINT || ear_ || screen_->active()) // Ctrl+C while a child has the terminal is the child's
      return leave(128 + which);
    watch_signals();
  });
}

void stage::stop_for_a_while() {
  if (!screen_ || !screen_->active())
    return;
  screen_->suspend();
  signals_.remove(SIGTSTP);
  ::kill(0, SIGTSTP); // stops here
  signals_.add(SIGTSTP);
  come_back();
}

/// The terminal is ours again.
bool stage::come_back() {
  failure error;
  if (!screen_ || screen_->resume(error))
    return true;
  leave(fail(error));
  return false;
}

void stage::run(const std::vector<std::string>& command, std::function<void(exit_status, const std::string&)> done) {
  if (screen_)
    screen_->suspend();
  bool started = children_.run_telling(command, [this, done](exit_status how, const std::string& said) {
    if (come_back())
      done(how, said);
  });
  if (!started && come_back())
    done({}, "cannot be started: " + command[0]);
}

void stage::edit(const std::string& text, std::function<void(bool, const std::string&)> done) {
  if (screen_)
    screen_->suspend();
  bool started = children_.edit(text, [this, done](bool good, const std::string& left) {
    if (come_back())
      done(good, good ? left : "the editor failed\nset $VISUAL or $EDITOR to one that is there");
  });
  if (!started && come_back())
    done(false, "the editor cannot be started\nset $VISUAL or $EDITOR");
}

void stage::leave(int code) {
  code_ = code;
  left_ = true;
  if (screen_)
    screen_->suspend();
  loop_.stop();
}

} // namespace troupe
