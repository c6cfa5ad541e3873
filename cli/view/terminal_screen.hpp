// The terminal in full-screen mode: bytes in become the view's events, screens become the bytes that change it. Through
// termpaint (keys, modes, what the terminal can do) and screen_painter; raw mode and its guard through cli/terminal. On
// the loop's thread.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include <asio/io_context.hpp>
#include <asio/posix/stream_descriptor.hpp>
#include <asio/steady_timer.hpp>

#include "actors/agent_view/machine.hpp"
#include "cli/terminal.hpp"

struct termpaint_event_;

namespace troupe {

struct terminal_options {
  enum theme_ { by_terminal, dark, light } theme = by_terminal; ///< view.theme
  bool colour = true;                                           ///< no NO_COLOR
  bool sixteen = false;                                         ///< view.colors is 16, or TERM is linux
  bool ascii = false;                                           ///< the locale is not UTF-8, or TERM is linux
  bool mouse = true;                                            ///< mouse
  bool links = true;                                            ///< OSC 8
  std::string guard;                                            ///< the program that guards the terminal: troupe
};

class terminal_screen {
public:
  struct callbacks {
    std::function<void(view::event)> event;
    std::function<void()> ready;   ///< the terminal is known, and may be drawn on
    std::function<void()> redraw;  ///< what it shows must be drawn again
    std::function<void()> drained; ///< all bytes are out
    std::function<void()> gone;    ///< the terminal has closed
  };
  terminal_screen(asio::io_context& loop, terminal_options options, callbacks cb);
  ~terminal_screen();
  terminal_screen(const terminal_screen&) = delete;
  terminal_screen& operator=(const terminal_screen&) = delete;

  /// Takes the terminal over, and finds out what it is; `ready` follows.
  bool open(failure& error);
  /// Gives it back, as it was; for good, or until `resume`.
  void suspend();
  bool resume(failure& error);
  /// Draws what differs from the last screen; all of it when `whole`. Whether anything was written.
  bool draw(const view::screen& now, bool whole);
  /// Bytes of the last frame are still on their way.
  [[nodiscard]] bool busy() const;
  [[nodiscard]] bool active() const;
  /// For the outside: a notification (OSC 9) and the bell.
  void notify(const std::string& text, bool bell, bool osc9);
  /// Looks at the size again (SIGWINCH).
  void resized();

private:
  struct inner;
  std::unique_ptr<inner> in_;
};

} // namespace troupe
