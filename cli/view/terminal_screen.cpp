// The terminal in full-screen mode.
#include "cli/view/terminal_screen.hpp"

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <map>

#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <asio/buffer.hpp>
#include <asio/write.hpp>
#include <termpaint.h>

#include "cli/view/screen_painter.hpp"

namespace troupe {

namespace {

constexpr auto resync_ms = std::chrono::milliseconds(60);  ///< an Escape that nothing follows is the key itself
constexpr auto detect_ms = std::chrono::milliseconds(400); ///< then the terminal is taken for a plain one
constexpr unsigned most_pasted = 8u << 20;

std::string modified(std::string name, int modifier, bool with_shift) {
  std::string out;
  if (modifier & TERMPAINT_MOD_CTRL)
    out += "ctrl+";
  if (modifier & TERMPAINT_MOD_ALT)
    out += "alt+";
  if (with_shift && (modifier & TERMPAINT_MOD_SHIFT))
    out += "shift+";
  return out + name;
}

const char* key_name(const char* atom) {
  static const std::map<const char*, const char*> all{{termpaint_input_enter(), "enter"},
                                                      {termpaint_input_numpad_enter(), "enter"},
                                                      {termpaint_input_space(), "space"},
                                                      {termpaint_input_tab(), "tab"},
                                                      {termpaint_input_backspace(), "backspace"},
                                                      {termpaint_input_delete(), "delete"},
                                                      {termpaint_input_home(), "home"},
                                                      {termpaint_input_end(), "end"},
                                                      {termpaint_input_page_up(), "page_up"},
                                                      {termpaint_input_page_down(), "page_down"},
                                                      {termpaint_input_arrow_up(), "up"},
                                                      {termpaint_input_arrow_down(), "down"},
                                                      {termpaint_input_arrow_left(), "left"},
                                                      {termpaint_input_arrow_right(), "right"},
                                                      {termpaint_input_escape(), "escape"},
                                                      {termpaint_input_insert(), "insert"},
                                                      {termpaint_input_f1(), "f1"},
                                                      {termpaint_input_f2(), "f2"},
                                                      {termpaint_input_f3(), "f3"},
                                                      {termpaint_input_f4(), "f4"},
                                                      {termpaint_input_f5(), "f5"},
                                                      {termpaint_input_f6(), "f6"},
                                                      {termpaint_input_f7(), "f7"},
                                                      {termpaint_input_f8(), "f8"},
                                                      {termpaint_input_f9(), "f9"},
                                                      {termpaint_input_f10(), "f10"},
                                                      {termpaint_input_f11(), "f11"},
                                                      {termpaint_input_f12(), "f12"}};
  auto at = all.find(atom);
  return at == all.end() ? nullptr : at->second;
}

std::string character_name(const termpaint_event& e) {
  std::string text(e.c.string, e.c.length);
  if ((e.c.modifier & (TERMPAINT_MOD_CTRL | TERMPAINT_MOD_ALT)) == 0)
    return text;
  if (text.size() == 1 && text[0] >= 'A' && text[0] <= 'Z' && (e.c.modifier & TERMPAINT_MOD_CTRL))
    text[0] = static_cast<char>(text[0] + 32);
  return modified(text, e.c.modifier, false);
}

} // namespace

struct terminal_screen::inner {
  struct integration {
    termpaint_integration base{};
    inner* owner = nullptr;
  };

  inner(asio::io_context& l, terminal_options o, callbacks c)
      : loop(l), options(std::move(o)), cb(std::move(c)), tty(l), resync(l), detect(l),
        painter({options.ascii, options.links}), light(options.theme == terminal_options::light) {
    hooks.owner = this;
    termpaint_integration_init(
        &hooks.base, [](termpaint_integration*) {},
        [](termpaint_integration* i, const char* data, int size) {
          self(i).out.append(data, static_cast<std::size_t>(size));
        },
        [](termpaint_integration* i) { self(i).flush(); });
    termpaint_integration_set_request_callback(&hooks.base, [](termpaint_integration* i) { self(i).ask_resync(); });
    termpaint_integration_set_restore_sequence_updated(
        &hooks.base, [](termpaint_integration* i, const char* data, int size) {
          self(i).raw.guard_with(std::string(data, static_cast<std::size_t>(size)));
        });
  }

  ~inner() {
    if (terminal != nullptr) {
      if (up && !paused) // else it was restored, and is somebody else's
        termpaint_terminal_free_with_restore(terminal);
      else
        termpaint_terminal_free(terminal);
      flush_now();
    }
    raw.leave();
    termpaint_integration_deinit(&hooks.base);
  }

  static inner& self(termpaint_integration* i) { return *reinterpret_cast<integration*>(i)->owner; }

  /// A description of its own, so that not blocking is nobody else's matter.
  bool open_tty(failure& error) {
    const char* name = ::ttyname(STDIN_FILENO);
    int fd = name == nullptr ? -1 : ::open(name, O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
      error = {errc::bad_request, "the view needs a terminal\nfor a list: troupe agents | cat"};
      return false;
    }
    tty.assign(fd);
    return true;
  }

  void ask_resync() {
    resync.expires_after(resync_ms);
    resync.async_wait([this](const asio::error_code& e) {
      if (!e && terminal != nullptr)
        termpaint_terminal_callback(terminal);
    });
  }

  void read() {
    tty.async_read_some(asio::buffer(block), [this](const asio::error_code& e, std::size_t n) {
      if (e == asio::error::operation_aborted)
        return;
      if (e) {
        cb.gone();
        return;
      }
      termpaint_terminal_add_input_data(terminal, block, static_cast<unsigned>(n));
      if (tty.is_open())
        read();
    });
  }

  void flush() {
    if (writing || out.empty() || !tty.is_open())
      return;
    writing = true;
    in_flight.swap(out);
    asio::async_write(tty, asio::buffer(in_flight), [this](const asio::error_code& e, std::size_t) {
      writing = false;
      in_flight.clear();
      if (e == asio::error::operation_aborted)
        return;
      if (e)
        cb.gone();
      else if (!out.empty())
        flush();
      else
        cb.drained();
    });
  }

  /// What is left goes out now: the terminal is about to be somebody else's.
  void flush_now() {
    auto rest = std::exchange(in_flight, {}) + std::exchange(out, {});
    if (writing) // how much of it the kernel has taken is not known: a screen given back is cleared anyway
      writing = false;
    std::string_view left = rest;
    while (!left.empty()) {
      auto n = ::write(STDOUT_FILENO, left.data(), left.size());
      if (n <= 0 && errno != EINTR)
        return;
      left.remove_prefix(static_cast<std::size_t>(std::max<ssize_t>(n, 0)));
    }
  }

  std::pair<int, int> size() const {
    winsize w{};
    if (::ioctl(STDOUT_FILENO, TIOCGWINSZ, &w) != 0 || w.ws_row == 0 || w.ws_col == 0)
      return {24, 80};
    return {w.ws_row, w.ws_col};
  }

  void set_up() {
    if (up)
      return;
    up = true;
    detect.cancel();
    auto [rows, columns] = size();
    termpaint_terminal_setup_fullscreen(terminal, columns, rows, "");
    if (options.mouse)
      termpaint_terminal_set_mouse_mode(terminal, TERMPAINT_MOUSE_MODE_CLICKS);
    termpaint_terminal_request_tagged_paste(terminal, true);
    painter.resize(rows, columns);
    choose_colours();
    cb.event(view::resized{rows, columns});
    cb.ready();
  }

  void take(const termpaint_event& e) {
    switch (e.type) {
    case TERMPAINT_EV_AUTO_DETECT_FINISHED:
      return set_up();
    case TERMPAINT_EV_CHAR:
      return cb.event(view::key_pressed{character_name(e)});
    case TERMPAINT_EV_KEY:
      if (const char* name = key_name(e.key.atom))
        cb.event(view::key_pressed{modified(name, e.key.modifier, true)});
      return;
    case TERMPAINT_EV_PASTE:
      if (pasted.size() + e.paste.length <= most_pasted)
        pasted.append(e.paste.string, e.paste.length);
      if (e.paste.final)
        cb.event(view::pasted{std::exchange(pasted, {})});
      return;
    case TERMPAINT_EV_MOUSE:
      return take_mouse(e);
    case TERMPAINT_EV_COLOR_SLOT_REPORT:
      if (e.color_slot_report.slot == 11)
        background(e.color_slot_report.color, e.color_slot_report.length);
      return;
    case TERMPAINT_EV_REPAINT_REQUESTED:
      return cb.redraw();
    default:
      return;
    }
  }

  void take_mouse(const termpaint_event& e) {
    if (e.mouse.action != TERMPAINT_MOUSE_PRESS)
      return;
    bool wheel = (e.mouse.raw_btn_and_flags & 64) != 0;
    if (!wheel && e.mouse.button != 0)
      return;
    auto kind = !wheel                                 ? view::mouse_used::press
                : (e.mouse.raw_btn_and_flags & 1) != 0 ? view::mouse_used::wheel_down
                                                       : view::mouse_used::wheel_up;
    cb.event(view::mouse_used{kind, e.mouse.y, e.mouse.x});
  }

  void background(const char* text, unsigned length) {
    bool now = is_light(text, length);
    if (options.theme != terminal_options::by_terminal || now == std::exchange(light, now))
      return;
    if (up) {
      choose_colours();
      cb.redraw();
    }
  }

  void choose_colours() {
    const char* told = std::getenv("COLORTERM");
    bool full = (told != nullptr && (std::strcmp(told, "truecolor") == 0 || std::strcmp(told, "24bit") == 0)) ||
                termpaint_terminal_should_use_truecolor(terminal);
    painter.set_palette({!options.colour   ? colour_depth::none
                         : options.sixteen ? colour_depth::sixteen
                         : full            ? colour_depth::rgb
                                           : colour_depth::indexed,
                         light});
  }

  asio::io_context& loop;
  terminal_options options;
  callbacks cb;
  integration hooks;
  raw_terminal raw;
  asio::posix::stream_descriptor tty;
  asio::steady_timer resync, detect;
  termpaint_terminal* terminal = nullptr;
  std::string out, in_flight, pasted;
  char block[4096]{};
  screen_painter painter;
  std::string title;
  bool up = false, writing = false, paused = false, light;
};

terminal_screen::terminal_screen(asio::io_context& loop, terminal_options options, callbacks cb)
    : in_(std::make_unique<inner>(loop, std::move(options), std::move(cb))) {}

terminal_screen::~terminal_screen() = default;

bool terminal_screen::open(failure& error) {
  auto& in = *in_;
  if (!raw_terminal::enter(in.raw, error, in.options.guard) || !in.open_tty(error))
    return false;
  in.terminal = termpaint_terminal_new(&in.hooks.base);
  termpaint_terminal_set_event_cb(
      in.terminal, [](void* user, termpaint_event* e) { static_cast<inner*>(user)->take(*e); }, &in);
  termpaint_terminal_set_raw_input_filter_cb(
      in.terminal,
      [](void* user, const char* data, unsigned size, _Bool) -> _Bool { // answered while the kind is being found out
        std::string_view text(data, size);
        if (!text.starts_with("\x1b]11;"))
          return false;
        text.remove_prefix(5);
        static_cast<inner*>(user)->background(text.data(), static_cast<unsigned>(text.find_first_of("\x1b\x07")));
        return true;
      },
      &in);
  if (in.options.theme == terminal_options::by_terminal && in.options.colour && !in.options.ascii)
    in.out += "\x1b]11;?\x1b\\";
  termpaint_terminal_auto_detect(in.terminal);
  in.flush();
  in.detect.expires_after(detect_ms);
  in.detect.async_wait([&in](const asio::error_code& e) {
    if (!e)
      in.set_up();
  });
  in.read();
  return true;
}

void terminal_screen::suspend() {
  auto& in = *in_;
  if (in.paused || in.terminal == nullptr)
    return;
  in.paused = true;
  in.resync.cancel();
  in.tty.cancel();
  in.flush_now();
  if (in.up)
    termpaint_terminal_pause(in.terminal);
  in.flush_now();
  in.tty.close();
  in.raw.leave();
}

bool terminal_screen::resume(failure& error) {
  auto& in = *in_;
  if (!in.paused)
    return true;
  if (!raw_terminal::enter(in.raw, error, in.options.guard) || !in.open_tty(error))
    return false;
  in.paused = false;
  in.raw.guard_with(termpaint_terminal_restore_sequence(in.terminal));
  termpaint_terminal_unpause(in.terminal);
  in.painter.forget();
  in.title.clear();
  in.flush();
  in.read();
  resized();
  in.cb.redraw();
  return true;
}

bool terminal_screen::draw(const view::screen& now, bool whole) {
  auto& in = *in_;
  if (!active())
    return false;
  if (whole)
    in.painter.forget();
  if (now.title != in.title) {
    in.title = now.title;
    termpaint_terminal_set_title(in.terminal, now.title.c_str(), TERMPAINT_TITLE_MODE_PREFER_RESTORE);
  }
  auto before = in.out.size();
  in.out += in.painter.paint(now);
  bool wrote = in.out.size() > before;
  in.flush();
  return wrote;
}

bool terminal_screen::busy() const {
  return in_->writing;
}

bool terminal_screen::active() const {
  return in_->up && !in_->paused;
}

void terminal_screen::notify(const std::string& text, bool bell, bool osc9) {
  auto& in = *in_;
  if (!active())
    return;
  if (osc9)
    in.out += "\x1b]9;" + text + "\x1b\\";
  if (bell)
    in.out += "\a";
  in.flush();
}

void terminal_screen::resized() {
  auto& in = *in_;
  if (!active())
    return;
  auto [rows, columns] = in.size();
  in.painter.resize(rows, columns);
  in.cb.event(view::resized{rows, columns});
}

} // namespace troupe
