// A full-screen program's loop: its terminal, signals, frames (at most thirty a second, none while nothing has changed)
// and ticks. What is drawn, and what events mean, is the caller's.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/signal_set.hpp>
#include <asio/steady_timer.hpp>
#include <asio/streambuf.hpp>

#include "cli/view/child_programs.hpp"
#include "cli/view/terminal_screen.hpp"

namespace troupe {

/// Milliseconds since 1970.
wall_ms wall_now();

class stage {
public:
  struct callbacks {
    std::function<void(view::event)> event;
    std::function<void()> ask_screen; ///< answered by `show` or `nothing_to_show`
  };
  stage(asio::io_context& loop, callbacks cb);
  bool open(terminal_options options, failure& error);
  /// Instead of a screen, lines: what is spoken is printed, and a line typed is pasted text and Enter.
  void open_spoken();
  void speak(const std::string& text);
  /// The screen may have changed.
  void dirty(bool whole = false);
  /// The next frame need not wait for the last one's time to pass.
  void hurry();
  void show(const view::screen& now, std::int64_t changes_in_ms);
  void nothing_to_show() { asking_ = false; }
  void notify(const std::string& text, bool bell, bool osc9);
  /// Runs the program on the terminal, which is given back to it and taken again afterwards.
  void run(const std::vector<std::string>& command, std::function<void(exit_status, const std::string& said)> done);
  void edit(const std::string& text, std::function<void(bool good, const std::string& text)> done);
  /// Ctrl+Z: the terminal is the shell's until this goes on.
  void stop_for_a_while();
  /// Gives the terminal back and ends the loop.
  void leave(int code);
  [[nodiscard]] int code() const { return code_; }
  [[nodiscard]] bool left() const { return left_; }
  /// Gives the terminal back.
  void close() { screen_.reset(); }

private:
  using clock = std::chrono::steady_clock;
  void consider_frame();
  void watch_signals();
  void hear();
  bool come_back();
  asio::io_context& loop_;
  callbacks cb_;
  child_programs children_;
  asio::signal_set signals_;
  asio::steady_timer frame_, tick_;
  std::optional<terminal_screen> screen_;
  clock::time_point drawn_{};
  std::optional<asio::posix::stream_descriptor> ear_; ///< standard input, where there is no screen
  asio::streambuf heard_;
  std::string spoken_;
  bool dirty_ = false, asking_ = false, whole_ = true, frame_armed_ = false, left_ = false;
  int code_ = 0;
};

} // namespace troupe
